"""`make bench-rewriting`: CPU seconds that pass rewrite takes for each document, beside a server that answers at once.

Real code of the sample shards goes the way of the pass itself: prompt, client, cache, gates. The server is the tests'
scripted one, in a process of its own, whose time does not count: it gives each file back with a comment more. Counted
is all else: the unit's process, the gatekeeper's and the linter's. One request a document (mode style), then all three
modes; with and without linters; then the same again, when every answer is in the cache.
"""

import argparse
import cProfile
import ctypes
import json
import os
import pstats
import re
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/support"))

from inputs import Inputs, find_inputs, write_recipe
from scripted_answers import good
from scripted_model import Asked, Reply, scripted_model

from filters.grammars import has_grammar
from manifests.document import Document
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.rewriting_unit import prepare_rewriting, rewritten_all
from pipeline.shards import shard_source
from stages.model_client import Counts
from stages.readers import read_documents
from stages.rewriting import Rewritten, Subject

_MODEL = "scripted"
_PR_SET_CHILD_SUBREAPER = 36
_LANGUAGE = re.compile(r"^Language: (.+?)\. ", re.MULTILINE)
_CASES = (
    ("one mode, no linter", ["style"], False),
    ("one mode, linters", ["style"], True),
    ("three modes, no linter", ["repair", "modernize", "style"], False),
    ("three modes, linters", ["repair", "modernize", "style"], True),
)


class Watcher:
    """Sees what was asked and what was accepted."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.refused: dict[str, int] = {}
        self.accepted = 0

    def beat(self) -> None:
        """Nobody waits."""

    @asynccontextmanager
    async def watching(self, counts: Counts) -> AsyncIterator[None]:
        """Remember the counts."""
        self.counts = counts
        yield

    def finished(self, subject: Subject, result: Rewritten) -> None:
        """Count a document."""
        del subject
        self.accepted += result.text is not None
        for attempt in result.attempts:
            if attempt.refusal:
                self.refused[attempt.refusal.gate] = self.refused.get(attempt.refusal.gate, 0) + 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1500, help="how many, spread over the shards")
    parser.add_argument("--case", type=int, choices=range(len(_CASES)), help="one of the cases alone")
    parser.add_argument("--profile", action="store_true", help="the functions that the first case spends its time in")
    parser.add_argument("--json", type=Path, default=Path("bench/latest-rewriting.json"), help="where the figures go")
    arguments = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    _adopt()
    with tempfile.TemporaryDirectory(prefix="corpusmill-bench-") as name:
        folder = Path(name)
        inputs = find_inputs(folder)
        subjects = _subjects(inputs, folder, arguments.documents)
        size = sum(len(subject.text.encode()) for subject in subjects)
        print(f"{len(subjects):,} documents, {size / 1e6:.1f} MB, load {os.getloadavg()[0]:.1f}")
        with scripted_model(_answer, folder=folder, name=_MODEL) as model:
            for case, modes, linter in _CASES if arguments.case is None else [_CASES[arguments.case]]:
                recipe = load_recipe(
                    write_recipe(inputs, folder, rewriting=_section(folder, model.address, modes, linter))
                )
                prepare_rewriting(recipe)
                if arguments.profile:
                    _profiled(recipe, subjects)
                    return
                for again in ("", ", again"):
                    figures[case + again] = _measured(lambda recipe=recipe: rewrite(recipe, subjects))
                    _print(case + again, figures[case + again], len(subjects))
    arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def rewrite(recipe: Recipe, subjects: Sequence[Subject]) -> dict[str, float]:
    """Rewrite all of them; how many were accepted and asked for, and which gates refused."""
    watcher = Watcher()
    before = time.process_time()
    rewritten_all(recipe, subjects, watcher)
    own = round(time.process_time() - before, 2)  # of all threads; the gatekeeper's process is another
    counts = {
        "own_cpu_seconds": own,
        "accepted": watcher.accepted,
        "requests": watcher.counts.requests,
        "paid": watcher.counts.paid,
    }
    return {**counts, **{f"refused by {gate}": number for gate, number in sorted(watcher.refused.items())}}


def _print(case: str, figures: dict[str, float], documents: int) -> None:
    speed = documents / figures["cpu_seconds"]
    print(
        f"{case:<32}{speed:>8.0f} documents/CPU s  {1000 * figures['cpu_seconds'] / documents:>6.2f} CPU ms, "
        f"{1000 * figures['own_cpu_seconds'] / documents:.2f} of the unit's process  "
        f"{documents / figures['seconds']:>6.0f} documents/s  "
        + ", ".join(f"{name} {value:,.0f}" for name, value in figures.items() if "seconds" not in name)
    )


def _measured(work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What a function returns, computed in a forked child, with the CPU and wall seconds of it and its children."""
    reader, writer = os.pipe()
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if child == 0:
        try:
            with os.fdopen(writer, "w") as out:
                json.dump(work(), out)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    seconds = time.monotonic() - started
    _reap()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures: dict[str, float] = json.loads(told)
    return {"cpu_seconds": round(cpu, 2), "seconds": round(seconds, 2), **figures}


def _adopt() -> None:
    """Have processes whose parents have ended become children of this one, as the gatekeeper's worker does."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _reap() -> None:
    """Wait for those that have ended, so that their time counts; the server goes on."""
    for _ in range(50):
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)


def _profiled(recipe: Recipe, subjects: Sequence[Subject]) -> None:
    profile = cProfile.Profile()
    profile.runcall(rewrite, recipe, subjects)
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)


def _answer(asked: Asked) -> Reply:
    """The file with a comment more."""
    language = _LANGUAGE.search(asked.messages[-1]["content"])
    comment = "#" if language and language[1] in ("Python", "Ruby") else "//"
    return good(f"{asked.code}{comment} looked at\n", label="")


def _section(folder: Path, address: str, modes: list[str], linter: bool) -> dict[str, object]:
    """The recipe's section."""
    return {
        "engine": "endpoint",
        "endpoint": address,
        "model": {"name": _MODEL, "revision": "1", "licence": "Apache-2.0", "context": 100_000},
        "modes": modes,
        "gates": {"linter": linter},
        "cache": str(folder / f"answers-{'-'.join(modes)}-{linter}"),
    }


def _subjects(inputs: Inputs, folder: Path, count: int) -> list[Subject]:
    """Documents of code such as a recipe selects by default, so many, spread over the shards."""
    recipe = load_recipe(write_recipe(inputs, folder))
    [source] = [source for source in recipe.sources if source.kind == "code"]
    found: list[Document] = []
    for path in source.paths:
        with Path(path).open("rb") as file:
            rows = read_documents(file, shard=Path(path).name, source=shard_source(source))
            found += [row for row in rows if isinstance(row, Document) and _selected(row)]
    chosen = found[:: max(1, len(found) // count)][:count]
    return [Subject(one.id, one.text, one.language, num_errors=1, findings=1) for one in chosen]


def _selected(document: Document) -> bool:
    return has_grammar(document.language) and 200 <= len(document.text.encode()) <= 100_000


if __name__ == "__main__":
    main()

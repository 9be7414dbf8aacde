"""`make bench`: MB of input text per CPU second, for each stage and for the whole run, as a table and as JSON.

Stages run in a forked child each, over documents held in memory, after a warm-up of kernels and patterns; the figure is
the median of `--repeat` runs. The whole run is the real command with one worker: CPU seconds of all its units, and
beside it those of every process it started, start-up included. MB = 10^6 bytes of UTF-8 text as read.

Input: the sample shards where CORPUSMILL_SHARED (default ../shared) has them, else the demo's.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import tokenizers
from child import cpu_seconds, in_child
from inputs import find_inputs, multiplied, write_recipe

from filters.licence_evidence import Evidence, header_evidence, metadata_evidence
from filters.natural_languages import has_prose, natural_language
from filters.profiles import PROFILES
from filters.programming_languages import programming_language
from filters.rules import Limits
from filters.signals import Signal, resolve
from manifests.document import Document
from pipeline.licence_gathering import Gathering
from pipeline.passes import STEPS
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.runner import reopen_mill
from pipeline.shards import shard_source
from pipeline.tokenizer_file import load_tokenizer, tokenizer_bytes
from stages.licence_detection import detect, load
from stages.readers import read_documents
from stages.redaction import redact
from stages.shingles import content_hash_utf8, shingle_hashes_utf8
from stages.signatures import band_keys, permutations, signature

_SAMPLE_BYTES = 40_000_000
_SAMPLE_TEXTS = 500
_PROFILES = {"starcoder2-code": "code", "opencoder-code": "code", "gopher-text": "text", "fineweb-text": "text"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each stage; the median counts")
    parser.add_argument("--json", type=Path, default=Path("bench/latest.json"), help="where the figures go")
    parser.add_argument("--times", type=int, default=1, help="for the whole run: the shards so many times over")
    parser.add_argument("--run-only", action="store_true", help="leave the stages out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="corpusmill-bench-") as folder:
        inputs = find_inputs(Path(folder))
        figures: dict[str, float | int] = {}
        if not arguments.run_only:
            figures |= _stages(load_recipe(write_recipe(inputs, Path(folder))), arguments.repeat)
        if arguments.times > 1:
            inputs = multiplied(inputs, arguments.times, Path(folder, "shards-copied"))
        figures |= _whole_run(write_recipe(inputs, Path(folder)), Path(folder))
    arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    for name, value in figures.items():
        print(f"{name:<56}{value:>12,.1f}" if isinstance(value, float) else f"{name:<56}{value!s:>12}")


def _stages(recipe: Recipe, repeat: int) -> Iterator[tuple[str, float]]:
    everything, read_rate = _read(recipe)
    documents = _thinned(everything)
    yield "read, MB/CPU s", read_rate
    a, b = permutations(256, 1)
    tokenizer = load_tokenizer(recipe)
    policy = recipe.redaction.policy

    def sign(document: Document) -> object:
        encoded = document.text.encode()
        hashes = shingle_hashes_utf8(encoded)
        return content_hash_utf8(encoded), band_keys(signature(hashes, a, b)) if len(hashes) else None

    work: dict[str, Callable[[Document], object]] = {
        "content hash and signature, MB/CPU s": sign,
        "redaction, MB/CPU s": lambda document: redact(document.text, policy=policy),
        f"tokenize ({tokenizer.engine}), MB/CPU s": lambda document: tokenizer.encode(document.text),
    }
    reference = tokenizers.Tokenizer.from_str(tokenizer_bytes(recipe).decode())
    yield from _licences(recipe, everything, documents, repeat)
    for name, function in work.items():
        yield name, _speed(function, documents, repeat)
    few = documents[:: len(documents) // 200 or 1]
    yield "tokenize (tokenizers), MB/CPU s", _speed(lambda document: reference.encode(document.text), few, 1)
    for name, kind in _PROFILES.items():
        measured = _measured(name)
        of_kind = _thinned([document for document in everything if document.kind == kind])
        yield f"profile {name}, MB/CPU s", _speed(measured, of_kind, repeat)
    texts = [document for document in documents if document.kind == "text"]
    yield "datatrove's two Gopher filters, MB/CPU s", _speed(_datatrove_gopher(), texts[:: len(texts) // 200 or 1], 1)
    prose = [document for document in documents if has_prose(document.kind, document.language)]
    yield "natural language of prose, MB/CPU s", _speed(lambda document: natural_language(document.text), prose, repeat)
    code = [document for document in documents if document.path]
    yield (
        "programming language by name, files/CPU s",
        _speed(lambda document: programming_language(document.path, document.text), code, repeat, size=lambda _: 1e6),
    )


def _licences(
    recipe: Recipe, everything: list[Document], documents: list[Document], repeat: int
) -> Iterator[tuple[str, float]]:
    """What ingest gathers, what the detector costs where nothing is cached, and the decision."""
    notices_of = Gathering({}, unit=0, num_slices=1).notices_of

    def gather(document: Document) -> object:
        return header_evidence(document.text), notices_of(document)

    yield "licence evidence at ingest, MB/CPU s", _speed(gather, documents, repeat)
    # All documents, since a decision is kept for the next one with the same evidence.
    said = {document.id: _said(document) for document in everything}
    policy = recipe.licences.policy
    yield (
        "licence decision, documents/CPU s",
        _speed(lambda document: policy.decide(said[document.id]), everything, repeat, size=lambda _: 1e6),
    )
    texts = sorted({notice.text for document in everything for notice in notices_of(document).found})
    loading, detecting = _cold_detection(texts[:: max(1, len(texts) // _SAMPLE_TEXTS)])
    yield "licence detector, its index, CPU s", loading
    yield "cold licence detection, CPU s per 1,000 distinct texts", detecting


def _said(document: Document) -> list[Evidence]:
    """The evidence that a row brings with it."""
    row = json.loads(document.metadata)
    found = header_evidence(document.text), metadata_evidence(row.get("detected_licenses") or [], None)
    return [piece for piece in found if piece is not None]


def _cold_detection(texts: list[str]) -> tuple[float, float]:
    """CPU seconds of loading the index and of detecting 1,000 such texts, in a process of their own."""

    def measure() -> Iterator[float]:
        started = time.process_time()
        load()
        loaded = time.process_time()
        for text in texts:
            detect(text, seconds=60)
        yield from (loaded - started, (time.process_time() - loaded) * 1_000 / max(1, len(texts)))

    loading, detecting = in_child(measure)
    return loading, detecting


def _measured(profile: str) -> Callable[[Document], object]:
    """What ingest does for a profile: every signal that has a limit for the document's language."""

    @cache
    def wanted(language: str) -> list[Signal]:
        return [resolve(name) for name, rule in PROFILES[profile].items() if rule.limits(language) != Limits()]

    return lambda document: [signal(document) for signal in wanted(document.language)]


def _datatrove_gopher() -> Callable[[Document], object]:
    """What `gopher-text` asks, asked of datatrove; its filters share the words of the last text, as ours do."""
    from datatrove.data import Document as Theirs
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter

    filters = [GopherQualityFilter(), GopherRepetitionFilter()]
    return lambda document: [judge.filter(Theirs(text=document.text, id="")) for judge in filters]


def _speed(
    function: Callable[[Document], object],
    documents: list[Document],
    repeat: int,
    *,
    size: Callable[[Document], float] = lambda document: len(document.text.encode()),
) -> float:
    total = sum(map(size, documents))
    return total / 1e6 / statistics.median(cpu_seconds(function, documents, copy=_fresh) for _ in range(repeat))


def _read(recipe: Recipe) -> tuple[list[Document], float]:
    """Documents of all sources, and the speed of reading them."""
    documents: list[Document] = []
    started = time.process_time()
    for source in recipe.sources:
        layout = shard_source(source)
        for path in source.paths:
            with Path(path).open("rb") as file:
                rows = read_documents(file, shard=Path(path).name, source=layout)
                documents.extend(row for row in rows if isinstance(row, Document))
    seconds = time.process_time() - started
    total = sum(len(document.text.encode()) for document in documents)
    return documents, total / 1e6 / seconds


def _thinned(documents: list[Document]) -> list[Document]:
    """Every so-many-th document, so that they have the size of a sample."""
    total = sum(len(document.text.encode()) for document in documents)
    return documents[:: max(1, total // _SAMPLE_BYTES)]


def _fresh(document: Document) -> Document:
    text = document.text.encode().decode()
    return replace(document, text=text)


def _whole_run(recipe: Path, folder: Path) -> dict[str, float | int]:
    command = [str(Path(sys.executable).with_name("corpusmill")), "run", str(recipe), "--workers", "1"]
    warming = [*command, "--until", "decide", "--work", str(folder / "warming")]  # the licence cache
    subprocess.run(warming, check=True, stdout=subprocess.DEVNULL)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    everything = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    mill = reopen_mill(str(folder / "work"))
    figures: dict[str, float | int] = {}
    units = 0.0
    read_bytes = tokenized_bytes = 0
    private = 0.0
    for step in STEPS:
        records = [record for record in mill.records(step) if record is not None]
        seconds = sum(record.measured["cpu_seconds"] for record in records)
        figures[f"run: {step.name}, CPU s"] = round(seconds, 3)
        units += seconds
        private = max(private, *(record.measured["peak_private_bytes"] for record in records))
        if step.name in ("ingest", "tokenize"):
            num_bytes = sum(record.ledger["read"][1] for record in records if record.ledger)  # type: ignore[index]
            read_bytes, tokenized_bytes = (num_bytes, 0) if step.name == "ingest" else (read_bytes, num_bytes)
    figures["run: input text, MB"] = read_bytes / 1e6
    packing = sum(float(figures[f"run: {name}, CPU s"]) for name in ("tokenize", "settle", "pack"))
    figures["run: tokenize and pack, MB/CPU s"] = tokenized_bytes / 1e6 / packing
    figures["run: all units, MB/CPU s"] = read_bytes / 1e6 / units
    figures["run: with every start-up, MB/CPU s"] = read_bytes / 1e6 / everything
    figures["run: largest private memory of a unit, MB"] = private / 1e6
    return figures


if __name__ == "__main__":
    main()

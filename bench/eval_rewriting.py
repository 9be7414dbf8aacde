"""`make eval-rewriting`: which good rewrites of real files the gates accept, and which mistakes they refuse.

Files of the sample shards in eleven languages; what a model could have answered is made from them by code
(`rewriting/good.py`, `rewriting/bad.py`), the same every time, and nothing of it is stored. The gates run as they do in
the mill, in their process, with every default, redaction and linter included; benchmarks are not looked for.

A file is in one of two halves by the sha1 of its text. The gates were tuned on the files of the first; of the second
nobody saw a result before the end. It fails where fewer than 95 % of the good are accepted, or fewer than 97 % of one
mistake are refused, both halves together.

`--write` puts the table into docs/rewriting-gates.md, `--check` fails where the page has another one; `--half tuned`
leaves the others alone; `--wrong N` shows answers that the gates got wrong; `--speed` tells what the gates cost.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import zstandard
from rewriting.bad import BAD, Case, Said, answered
from rewriting.good import GOOD, broken
from rewriting.syntax import LANGUAGES, compiles, is_no_worse, num_errors

from filters.redaction_policy import RedactionPolicy
from filters.rewrite_gates import GATES, GateBounds
from stages.gatekeeper import Checked, Gatekeeper
from stages.linting import Linter
from stages.model_requests import Answer
from stages.scanning import find_spans

PAGE = Path(__file__).parents[1] / "docs/rewriting-gates.md"
BEGIN, END = "<!-- eval-rewriting begins -->\n", "<!-- eval-rewriting ends -->\n"
HALVES = ("tuned", "held out")
FILES_PER_LANGUAGE = 40  # in each half
MINIMUM_ACCEPTED, MINIMUM_REFUSED = 0.95, 0.97
SHORTEST, LONGEST = 400, 12_000  # characters
MAXIMUM_ERRORS = 3  # of a file
_HEADS = 12  # files with a licence header more, as most have none
_UNDER_WAY = 64
_TIMES = 4  # over the same files, as a unit has thousands: what is compiled in the beginning counts for little


class Trial(NamedTuple):
    """One answer and what should become of it."""

    group: str
    half: str
    language: str
    original: str
    said: Said
    is_good: bool


class Outcome(NamedTuple):
    """A trial and what became of it."""

    trial: Trial
    checked: Checked

    @property
    def is_right(self) -> bool:
        """Whether good was accepted or bad refused."""
        return (self.checked.text is not None) == self.trial.is_good


def main() -> None:
    """Judge all, print the table, and leave with 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=HALVES, help="judge this half alone")
    parser.add_argument(
        "--wrong", type=int, default=0, help="show so many answers of each kind that were judged wrongly"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/rewriting-gates.md")
    parser.add_argument("--check", action="store_true", help="fail where docs/rewriting-gates.md has another table")
    parser.add_argument("--speed", action="store_true", help="only tell how many answers a CPU second suffices for")
    arguments = parser.parse_args()
    if arguments.speed:
        speed()
        return
    outcomes = judged([half for half in HALVES if arguments.half in (None, half)])
    for line in wrong(outcomes, arguments.wrong):
        print(line)
    table, failed = report(outcomes)
    print(table, end="")
    page = PAGE.read_text(encoding="utf-8")
    head, found, rest = page.partition(BEGIN)
    wanted = head + BEGIN + table + END + rest.partition(END)[2]
    if arguments.write:
        PAGE.write_text(wanted, encoding="utf-8")
    if arguments.check and (not found or page != wanted):
        sys.exit("error: docs/rewriting-gates.md has another table\nhint: make eval-rewriting")
    if failed:
        sys.exit(f"error: below the limits: {', '.join(failed)}\nhint: --wrong 5 shows answers")


def judged(halves: Iterable[str]) -> list[Outcome]:
    """What becomes of every trial."""
    trials = [trial for half in halves for trial in trials_of(sample(half), half)]
    gatekeeper = Gatekeeper(GateBounds(), redact=_num_findings, match=lambda _: None, linter=Linter())
    _num_findings("", "")  # loads the scanner, so that the gatekeeper's process has it
    with gatekeeper:
        checked = asyncio.run(_checked(gatekeeper, trials))
    return [Outcome(trial, item) for trial, item in zip(trials, checked, strict=True)]


def speed() -> None:
    """Print how many good answers the gates judge in a CPU second, with the linter and without."""
    every = trials_of(sample(HALVES[0]), HALVES[0])
    trials = [*{trial.original: trial for trial in every if trial.is_good}.values()]
    mean = sum(len(trial.original.encode()) for trial in trials) / len(trials)
    print(f"{len(trials)} answers about files of {mean:,.0f} bytes in the mean")
    _num_findings("", "")
    trials *= _TIMES
    for linter in (None, Linter()):
        for _ in range(3):
            started = _cpu_seconds()
            with Gatekeeper(GateBounds(), redact=_num_findings, match=lambda _: None, linter=linter) as gatekeeper:
                asyncio.run(_checked(gatekeeper, trials))
            rate = len(trials) / (_cpu_seconds() - started)
            print(f"{'with' if linter else 'without'} linter: {rate:.0f} answers a CPU second")


def sample(half: str) -> dict[str, list[str]]:
    """Texts by language, in the order of their sha1: files that parse, of a sane size, each once."""
    shards = Path(os.environ.get("CORPUSMILL_SHARED", "../shared"), "data/stack_v2")
    if not list(shards.glob("part-*.jsonl.zst")):
        sys.exit(f"error: no sample shards in {shards}\nhint: CORPUSMILL_SHARED names the folder that has them")
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in _rows(shards):
        text, language = row["content"], row["language"]
        if (
            language in LANGUAGES
            and SHORTEST <= len(text) <= LONGEST
            and "\r" not in text
            and "\t\t\t\t\t\t" not in text
        ):
            digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
            if HALVES[int(digest[0], 16) % 2] == half:
                found[language][digest] = text
    return {language: list(_chosen(found[language], language)) for language in LANGUAGES}


def trials_of(texts: dict[str, list[str]], half: str) -> Iterator[Trial]:
    """Good answers and bad ones of all files."""
    others = [(text, language) for language, own in texts.items() for text in own]
    for language, own in texts.items():
        for number, text in enumerate(own):
            draw = random.Random(f"{half}/{language}/{number}")  # noqa: S311 - the same every time
            yield from _good_trials(text, language, half, number, draw)
            case = Case(text, _some_rewrite(text, language, draw), language, others)
            for name in [*BAD][number % 3 :: 3]:
                said = BAD[name](case, draw)
                if said is not None:
                    yield Trial(name, half, language, text, said, is_good=False)
            if "licence header removed" not in [*BAD][number % 3 :: 3] and (
                said := BAD["licence header removed"](case, draw)
            ):
                yield Trial("licence header removed", half, language, text, said, is_good=False)


def report(outcomes: list[Outcome]) -> tuple[str, list[str]]:
    """The tables in Markdown, and the groups below their limits."""
    lines: list[str] = []
    failed: list[str] = []
    for is_good, names, limit in ((True, GOOD, MINIMUM_ACCEPTED), (False, BAD, MINIMUM_REFUSED)):
        word = "accepted" if is_good else "refused"
        kind = "good rewrite" if is_good else "mistake"
        lines += ["", f"| {kind} | answers | languages | {word} | tuned on | held out | refused by |"]
        lines.append("|---|--:|--:|--:|--:|--:|---|")
        own = [item for item in outcomes if item.trial.is_good == is_good]
        for name in [*names, "all"]:
            group = [item for item in own if name in (item.trial.group, "all")]
            lines.append(_row(name, group))
            share = _share(group)
            if share < limit and (name == "all" or not is_good):
                failed.append(f"{name} {share:.3f}")
    lines += ["", "| language | good | accepted | mistakes | refused |", "|---|--:|--:|--:|--:|"]
    for language in LANGUAGES:
        good, bad = (
            [item for item in outcomes if item.trial.language == language and item.trial.is_good == is_good]
            for is_good in (True, False)
        )
        lines.append(f"| {language} | {len(good)} | {_share(good):.1%} | {len(bad)} | {_share(bad):.1%} |")
    return "\n".join(lines[1:]) + "\n", failed


def wrong(outcomes: list[Outcome], maximum: int) -> Iterator[str]:
    """Answers that were judged wrongly: the gate's word, and for a bad one that was accepted how it differs."""
    shown: Counter[str] = Counter()
    for item in outcomes:
        if not item.is_right and shown[item.trial.group] < maximum:
            shown[item.trial.group] += 1
            refused = item.checked.refusal
            word = f"{refused.gate}: {refused.detail}" if refused else "accepted"
            yield f"--- {item.trial.group} / {item.trial.language}: {word}"
            if refused is None or maximum > 100:
                yield from _difference(item.trial)


def _difference(trial: Trial) -> Iterator[str]:
    import difflib

    before, after = trial.original.splitlines(), trial.said.text.splitlines()
    yield from list(difflib.unified_diff(before, after, lineterm="", n=1))[:40]


def _row(name: str, group: list[Outcome]) -> str:
    gates = Counter(item.checked.refusal.gate for item in group if item.checked.refusal)
    by = ", ".join(f"{gate} {gates[gate]}" for gate in GATES if gates[gate])
    halves = [_share([item for item in group if item.trial.half == half]) for half in HALVES]
    num_languages = len({item.trial.language for item in group})
    return (
        f"| {name} | {len(group)} | {num_languages} | {_share(group):.1%} | {halves[0]:.1%} | {halves[1]:.1%} | {by} |"
    )


def _share(group: list[Outcome]) -> float:
    return sum(item.is_right for item in group) / max(1, len(group))


def _good_trials(text: str, language: str, half: str, number: int, draw: random.Random) -> Iterator[Trial]:
    for name in [*GOOD][number % 3 :: 3]:
        rewrite = GOOD[name](text, language, draw)
        original = broken(text, language, draw) if name == "syntax error repaired" else text
        if rewrite is not None and original is not None and is_no_worse(rewrite, text, language):
            yield Trial(name, half, language, original, Said(answered(rewrite, language, draw)), is_good=True)


def _some_rewrite(text: str, language: str, draw: random.Random) -> str:
    """A good rewrite to make a mistake in."""
    names = ["style: all of these", "locals renamed", "comments and docstrings added", "modernized", "reformatted"]
    draw.shuffle(names)
    for name in names:
        rewrite = GOOD[name](text, language, draw)
        if rewrite is not None and is_no_worse(rewrite, text, language):
            return rewrite
    return text


def _chosen(texts: dict[str, str], language: str) -> Iterator[str]:
    """The first ones that parse, and then some of those with a licence at their head."""
    chosen, headed = 0, 0
    for digest in sorted(texts):
        text = texts[digest]
        has_head = any(word in text[:600] for word in ("opyright", "SPDX-"))
        is_wanted = chosen < FILES_PER_LANGUAGE or (has_head and headed < _HEADS)
        if is_wanted and _is_fit(text, language):
            headed += chosen >= FILES_PER_LANGUAGE
            chosen += 1
            yield text


def _is_fit(text: str, language: str) -> bool:
    """Whether a grammar, and CPython, read it but for a place or two, as macros of C and C++ leave them."""
    return num_errors(text, language) <= MAXIMUM_ERRORS and (language != "Python" or compiles(text))


def _rows(shards: Path) -> Iterator[dict[str, str]]:
    for path in sorted(shards.glob("part-*.jsonl.zst")):
        with zstandard.open(path, "rt", encoding="utf-8", newline="\n") as file:
            yield from map(json.loads, file)


async def _checked(gatekeeper: Gatekeeper, trials: list[Trial]) -> list[Checked]:
    slots = asyncio.Semaphore(_UNDER_WAY)

    async def one(trial: Trial) -> Checked:
        async with slots:
            answer = Answer(trial.said.text, trial.said.finish_reason, 0, 0)
            return await gatekeeper.check(trial.original, answer, trial.language, whole=True)

    return list(await asyncio.gather(*map(one, trials)))


def _cpu_seconds() -> float:
    """Of this process and of those that have ended."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def _num_findings(text: str, _language: str) -> int:
    return len(find_spans(text.encode(), policy=RedactionPolicy()))


if __name__ == "__main__":
    main()

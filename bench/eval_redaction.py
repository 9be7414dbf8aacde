"""`make eval-redaction`: recall and precision of redaction on our own labelled cases, by kind.

The cases, `redaction_cases/*.yaml`, are texts as they stand in code, configuration, logs and prose, with what must be
found marked in them; their values are made at run time (`filters.example_values`). They were written before the rules
and beside them, not from them. A third are texts in which nothing must be found.

A label is found where at least nine tenths of its bytes are covered, by findings of whatever kind: what is taken out
is out. A finding is right where at least half of it lies in labels. Recall is counted by the label's kind, precision by
the finding's. It fails below the limits of `MINIMUM`.

`--write` puts the table into docs/redaction.md, `--check` fails where the page says something else; `--missed` names
the cases that are not as they should be.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from filters.example_values import Example, example
from filters.redaction_policy import KINDS, RedactionPolicy
from filters.spans import Span
from stages.scanning import find_spans

CASES = Path(__file__).with_name("redaction_cases")
PAGE = Path(__file__).parents[1] / "docs/redaction.md"
BEGIN, END = "<!-- eval-redaction begins -->\n", "<!-- eval-redaction ends -->\n"

MINIMUM = dict.fromkeys(KINDS, (0.95, 0.9))
COVERED = 0.9
IN_LABELS = 0.5


class Case(NamedTuple):
    """One labelled text."""

    name: str
    example: Example


class Score(NamedTuple):
    """What came of one case: labels and whether each was found, findings and whether each is right."""

    case: Case
    labels: list[tuple[str, bool]]
    findings: list[tuple[Span, bool]]


def main() -> None:
    """Score all cases, print the table, and leave with 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--level", default="balanced", help="of every kind")
    parser.add_argument("--missed", action="store_true", help="name the cases that are not as they should be")
    parser.add_argument("--write", action="store_true", help="put the table into docs/redaction.md")
    parser.add_argument("--check", action="store_true", help="fail where docs/redaction.md has another table")
    arguments = parser.parse_args()
    policy = RedactionPolicy(tuple(arguments.level for _ in KINDS))
    scores = [score(case, policy) for case in cases()]
    if arguments.missed:
        for line in complaints(scores):
            print(line)
    table, failed = report(scores)
    print(table, end="")
    page = PAGE.read_text(encoding="utf-8")
    head, found, rest = page.partition(BEGIN)
    wanted = head + BEGIN + table + END + rest.partition(END)[2]
    if arguments.write:
        PAGE.write_text(wanted, encoding="utf-8")
    if arguments.check and (not found or page != wanted):
        sys.exit("error: docs/redaction.md has another table\nhint: make eval-redaction")
    if failed:
        sys.exit(f"error: below the limits: {', '.join(failed)}\nhint: --missed names the cases")


def cases() -> Iterator[Case]:
    """All cases, in the order of the files' names."""
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader):
            yield Case(case["name"], example(case["text"], case["name"]))


def score(case: Case, policy: RedactionPolicy) -> Score:
    """Hold what is found against the labels."""
    text, labels = case.example.text.encode(), case.example.labels
    found = find_spans(text, policy=policy)
    covered = {byte for span in found for byte in range(span.start, span.stop)}
    labelled = {byte for start, stop, _ in labels for byte in range(start, stop)}
    return Score(
        case,
        [
            (kind, sum(byte in covered for byte in range(start, stop)) >= COVERED * (stop - start))
            for start, stop, kind in labels
        ],
        [
            (
                span,
                sum(byte in labelled for byte in range(span.start, span.stop)) >= IN_LABELS * (span.stop - span.start),
            )
            for span in found
        ],
    )


def report(scores: list[Score]) -> tuple[str, list[str]]:
    """The table in Markdown, and the kinds that are below their limits."""
    labels = Counter(kind for item in scores for kind, _ in item.labels)
    found = Counter(kind for item in scores for kind, hit in item.labels if hit)
    findings = Counter(span.kind for item in scores for span, _ in item.findings)
    right = Counter(span.kind for item in scores for span, hit in item.findings if hit)
    lines = ["| kind | labels | found | recall | findings | right | precision |", "|---|---:|---:|---:|---:|---:|---:|"]
    failed = []
    for kind in KINDS:
        recall, precision = found[kind] / max(1, labels[kind]), right[kind] / max(1, findings[kind])
        lines.append(
            f"| `{kind}` | {labels[kind]} | {found[kind]} | {recall:.3f} "
            f"| {findings[kind]} | {right[kind]} | {precision:.3f} |"
        )
        if recall < MINIMUM[kind][0] or precision < MINIMUM[kind][1]:
            failed.append(kind)
    negatives = sum(not item.labels for item in scores)
    clean = sum(not item.labels and not item.findings for item in scores)
    lines += ["", f"{len(scores)} cases. Nothing was found in {clean} of the {negatives} that hold nothing.\n"]
    return "\n".join(lines), failed


def complaints(scores: list[Score]) -> Iterator[str]:
    """What was missed and what was wrong; the values are made up, so they may be shown."""
    for case, labels, findings in scores:
        text = case.example.text.encode()
        for (start, stop, kind), (_, hit) in zip(case.example.labels, labels, strict=True):
            if not hit:
                yield f"missed {kind:<16}{case.name}: {text[max(0, start - 50) : stop + 10]!r}"
        for span, hit in findings:
            if not hit:
                yield f"wrong  {span.kind}/{span.rule} {case.name}: {text[max(0, span.start - 50) : span.stop + 10]!r}"


if __name__ == "__main__":
    main()

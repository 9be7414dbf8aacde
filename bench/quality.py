"""The tables of docs/quality.md: what profiles and language lists keep, by subset or language, and why not.

Usage: python bench/quality.py WORK, of a run that has ingested. Every document counts, whatever its licence.
"""

import sys
from collections import Counter

from pipeline.judgement import COLUMNS, classes, findings
from pipeline.runner import reopen_mill
from pipeline.tables import tables

_SMALLEST_GROUP = 20
_REASONS = 3


def main(work: str) -> None:
    """Print one Markdown table for code and one for text."""
    mill = reopen_mill(work)
    documents: Counter[tuple[str, str]] = Counter()
    reasons: dict[tuple[str, str], Counter[str]] = {}
    for rows in tables(mill, "ingest", "rows", columns=COLUMNS):
        first: dict[int, str] = {}
        for finding in findings(rows, mill.recipe, mill.recipe.filters.signals):
            first.setdefault(finding.row, finding.reason)
        for group, indices in classes(rows).items():
            name = (group.kind, group.subset or group.language or "(unknown)")
            documents[name] += len(indices)
            reasons.setdefault(name, Counter()).update(first[row] for row in indices.tolist() if row in first)
    for kind in ("code", "text"):
        _print_table(kind, documents, reasons)


def _print_table(kind: str, documents: Counter[tuple[str, str]], reasons: dict[tuple[str, str], Counter[str]]) -> None:
    names = sorted((name for name in documents if name[0] == kind), key=lambda name: (-documents[name], name))
    shown = [name for name in names if documents[name] >= _SMALLEST_GROUP or kind == "text"]
    print(f"| {kind} | documents | kept | most frequent reasons |\n|---|---|---|---|")
    for group in [names, *([name] for name in shown), [name for name in names if name not in shown]]:
        total, why = sum(documents[name] for name in group), Counter[str]()
        for name in group:
            why.update(reasons[name])
        if total:
            title = group[0][1] if len(group) == 1 else "all" if group is names else f"({len(group)} smaller ones)"
            said = ", ".join(f"`{reason}` {count}" for reason, count in why.most_common(_REASONS))
            print(f"| {title} | {total:,} | {1 - why.total() / total:.1%} | {said} |")
    print()


if __name__ == "__main__":
    main(sys.argv[1])

"""The report's section on duplicates: how many families of which size, and the largest of them with a sample."""

from collections.abc import Iterator, Mapping
from html import escape

from pipeline.excerpts import excerpt
from pipeline.html_page import harmless
from pipeline.inspect_run import counted
from pipeline.report_charts import Chart, columns
from pipeline.report_families import REASONS, Families, Family, Keeper, families, keepers
from pipeline.report_parts import Figure, Section, paragraph
from pipeline.reported import IN_WORK, Reported

LARGEST = 10
_SHOWN_LINES = 8
_EDGES = (2, 3, 5, 9, 17, 33, 65, 129, 257, 1025)


def duplicates_section(told: Reported) -> Section:
    """What the manifest counts, the distribution of sizes, and the largest families."""
    parts: list[str | Figure] = [paragraph(said) for said in _counts(told)]
    if told.mill is None:
        return Section("duplicates", "Duplicate families", [*parts, paragraph(IN_WORK)])
    found = families(told.mill, count=LARGEST)
    number = sum(found.sizes.values())
    gone = sum((size - 1) * times for size, times in found.sizes.items())
    if not number:
        return Section(
            "duplicates", "Duplicate families", [*parts, paragraph("No document is a duplicate of another.")]
        )
    parts.append(
        paragraph(
            f"{counted(gone, 'document')} went as duplicates, out of {number:,} families of which one document "
            "stayed each. Documents that were read twice from the same place, and those that an earlier release holds, "
            "are in no family."
        )
    )
    chart = Chart(columns(_by_size(found)), "Number of families by number of their members")
    parts.append(Figure(chart, "Families <span>by members</span>", "Numbers of families on a logarithmic axis."))
    kept = keepers(told.mill, [family.id for family in found.largest])
    title = f"<h3>The {len(found.largest)} largest</h3>" if len(found.largest) > 1 else "<h3>The largest</h3>"
    return Section("duplicates", "Duplicate families", [*parts, title, *_largest(told, found, kept)])


def _counts(told: Reported) -> Iterator[str]:
    ledger = told.ledgers.get("clean")
    for reason in REASONS if ledger else ():
        tally = ledger.rejected.get(f"deduplicate/{reason}") if ledger else None
        if tally is not None and told.mill is None:
            yield f"{counted(tally.documents, 'document')} went for {reason}."
    if told.manifest is not None:
        copies = told.manifest.duplicate_counts.get("repository_copies", 0)
        if copies:
            yield f"Repositories that are copies of others, whose files stay before theirs: {copies:,}."


def _by_size(found: Families) -> dict[str, int]:
    """Families by size, from the smallest to the largest there is; sizes far apart share a name."""
    top = max(found.sizes)
    sums: dict[str, int] = {}
    for low, high in zip(_EDGES, (*_EDGES[1:], None), strict=True):
        if low <= top:
            last = (high or top + 1) - 1
            name = f"{low}" if high is not None and last == low else f"{low}–{last}" if high else f"{low}+"
            sums[name] = sum(times for size, times in found.sizes.items() if low <= size <= last)
    return sums


def _largest(told: Reported, found: Families, kept: Mapping[bytes, Keeper]) -> Iterator[str]:
    for family in found.largest:
        keeper = kept.get(family.id, Keeper("", "", ""))
        what = " ".join(filter(None, (harmless(keeper.language), harmless(keeper.place))))
        yield (
            f"<div class=family>\n<p><b>{family.members:,} documents</b> {what}</p>\n"
            f"<p class=note>{_reasons(family)}; kept: {family.id.hex()}</p>\n{_sample(told, keeper)}\n</div>"
        )


def _reasons(family: Family) -> str:
    said = ", ".join(f"{number:,} {reason}" for reason, number in family.reasons.items())
    return f"{said}; lowest similarity {family.similarity:.3f}"


def _sample(told: Reported, keeper: Keeper) -> str:
    """The first lines of the text that stayed, with masks in the place of what redaction would take."""
    assert told.mill is not None  # noqa: S101 - asked by the caller
    if not keeper.text:
        return paragraph("Its text left in a later pass.", "note")
    lines = excerpt(keeper.text, told.mill.recipe.redaction.policy).split("\n")
    more = ["[…]"] if len(lines) > _SHOWN_LINES else []
    shown = [line.removeprefix("  ") for line in lines[:_SHOWN_LINES]]
    return f"<pre>{escape(chr(10).join([*shown, *more]))}</pre>"

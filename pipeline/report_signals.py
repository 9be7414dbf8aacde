"""The report's section on signals: how their values are spread, and what of that the recipe's bounds cut off."""

from collections.abc import Mapping

from pipeline.html_page import harmless
from pipeline.inspect_run import counted
from pipeline.recipe_filters import DocumentClass
from pipeline.report_charts import Chart, histogram
from pipeline.report_histograms import Measured, Spread, histograms, spreads
from pipeline.report_parts import Figure, Row, Section, paragraph, share, table
from pipeline.reported import IN_WORK, Reported
from pipeline.tables import number

MOST_CHARTS = 18
_TITLE = "Signals and their bounds"
_SAID = (
    "Every document that was read counts, also where a licence or a duplicate speaks against it, and under every bound "
    "that rejects it, not under the first alone. Blue passes, red does not; dashed lines are the recipe's bounds. "
    "Numbers of documents stand on a logarithmic axis. Signals that reject most "
    "come first; those of two values stand in the table alone."
)


def signals_section(told: Reported) -> Section:
    """Histograms of the signals that reject most, and a table of all that have bounds."""
    if told.mill is None:
        return Section("signals", _TITLE, [paragraph(IN_WORK)])
    found = dict(sorted(spreads(told.mill).items(), key=_most_rejecting))
    if not found:
        return Section("signals", _TITLE, [paragraph("No document was held against a bound.")])
    chosen = dict([item for item in found.items() if not item[1].two_valued][:MOST_CHARTS])
    drawn = histograms(told.mill, chosen)
    figures = [
        Figure(Chart(histogram(spread, drawn[one]), f"Histogram of {_name(one)}"), _title(one), _note(spread))
        for one, spread in chosen.items()
    ]
    return Section("signals", _TITLE, [paragraph(_SAID), *figures, "<h3>All signals with bounds</h3>", _table(found)])


def _most_rejecting(item: tuple[Measured, Spread]) -> tuple[object, ...]:
    measured, spread = item
    return -spread.outside, -spread.documents, measured


def _name(one: Measured) -> str:
    return harmless(one.signal.rpartition(":")[2])


def class_name(group: DocumentClass) -> str:
    """A class of documents in words: what no rule tells apart is left out."""
    return ", ".join([group.kind, *(name for name in group[1:] if name not in ("*", ""))])


def _title(one: Measured) -> str:
    return f"{_name(one)} <span>{harmless(class_name(one.group))}</span>"


def _note(spread: Spread) -> str:
    outside = f"{spread.outside:,} of {counted(spread.documents, 'document')} outside"
    return f"{_limits(spread)}; {outside} ({share(spread.outside, spread.documents)})"


def _limits(spread: Spread) -> str:
    minimum = sorted({one.minimum for one in spread.bounds if one.minimum is not None})
    maximum = sorted({one.maximum for one in spread.bounds if one.maximum is not None})
    said = [f"at least {' and '.join(map(number, minimum))}"] if minimum else []
    return ", ".join([*said, *([f"at most {' and '.join(map(number, maximum))}"] if maximum else [])])


def _table(found: Mapping[Measured, Spread]) -> str:
    rows: list[Row] = [
        (one.signal.rpartition(":")[2], class_name(one.group), _limits(spread), number(spread.lowest),
         number(spread.highest), spread.documents, spread.outside, share(spread.outside, spread.documents))
        for one, spread in found.items()
    ]  # fmt: skip
    head = ("signal", "of", "bounds", "lowest", "highest", "documents", "outside", "share")
    return table(head, rows, texts=3)

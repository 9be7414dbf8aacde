"""What sections of the report are made of: tables with numbers in line, bars in them, figures with charts."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pipeline.html_page import harmless
from pipeline.report_charts import Chart, drawn

Row = Sequence[str | int]
SHOWN_ROWS = 12
MOST_ROWS = 400


class Figure(NamedTuple):
    """A chart with a title above it and a line below it, both of them HTML."""

    chart: Chart
    title: str = ""
    note: str = ""


class Section(NamedTuple):
    """A section of the page; `parts` are HTML or figures, of which those that follow one another stand side by side."""

    name: str
    title: str
    parts: Sequence[str | Figure]


def lines_of(sections: Sequence[Section]) -> Iterator[str]:
    """The sections as HTML, their charts drawn, all of them at once."""
    charts = [part.chart for section in sections for part in section.parts if isinstance(part, Figure)]
    pictures = iter(drawn(charts))
    for section in sections:
        yield f'<section id="{section.name}">\n<h2>{section.title}</h2>'
        together = False
        for part in section.parts:
            if isinstance(part, Figure) != together:
                yield "</div>" if together else "<div class=figures>"
                together = not together
            yield part if isinstance(part, str) else _figure(part, next(pictures))
        yield "</div>\n</section>" if together else "</section>"


def paragraph(said: str, kind: str = "") -> str:
    """A sentence or a few; what of the data stands in them is harmless already."""
    return f"<p class={kind}>{said}</p>" if kind else f"<p>{said}</p>"


def table(head: Sequence[str], rows: Iterable[Row], *, texts: int = 1, shares: Sequence[float] | None = None) -> str:
    """A table of names from anywhere and of numbers, which get their separators; long ones are folded up.

    Args:
        texts: columns of text, the first ones; all others are set to the right.
        shares: lengths of a bar at the end of each row, 0 to 1.
    """
    found = [_row(row) for row in rows]
    if shares is not None:
        head = (*head, "")
        pairs = zip(found, shares, strict=True)
        found = [
            row + (f'<td class=bar><div style="width:{100 * of:.1f}%"></div>' if of else "<td>") for row, of in pairs
        ]
    first, rest = found[:SHOWN_ROWS], found[SHOWN_ROWS:]
    if len(rest) < 3:
        return _table(head, found, texts)
    listed = rest[:MOST_ROWS]
    cut = f", {len(rest) - len(listed):,} not shown" if len(listed) < len(rest) else ""
    more = _table(head, listed, texts)
    return f"{_table(head, first, texts)}\n<details><summary>{len(rest):,} more{cut}</summary>\n{more}\n</details>"


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent."""
    return f"{part / whole:.1%}" if whole else "–"


def _table(head: Sequence[str], rows: Sequence[str], texts: int) -> str:
    names = "".join(f"<th>{harmless(name)}" for name in head)
    lines = "\n".join(f"<tr>{row}" for row in rows)
    return f"<div class=scroll><table class=t{texts}>\n<tr>{names}\n{lines}\n</table></div>"


def _row(row: Row) -> str:
    """Cells; long names in snake case may break behind every underscore."""
    values = (f"{value:,}" if isinstance(value, int) else harmless(value).replace("_", "_<wbr>") for value in row)
    return "".join(f"<td>{value}" for value in values)


def _figure(figure: Figure, picture: str) -> str:
    return f"<figure><figcaption>{figure.title}</figcaption>\n{picture}\n<p class=note>{figure.note}</p></figure>"

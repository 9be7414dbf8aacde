"""Tables for people at a terminal: plain, aligned, as wide as their cells, with nothing in them that could steer it."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from pipeline.inspect_run import safe

_CELL_CHARACTERS = 60


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> Table:
    """A table; the first `words` columns hold words, all others numbers, which stand at the right."""
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(head):
        table.add_column(column, justify="left" if number < words else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(safe(cell, _CELL_CHARACTERS) for cell in row))
    return table

"""`show --signal`: the documents closest to a limit, on both sides of it: what a limit really tells apart.

Distances are shares of the limit, so that limits of different languages can be held against each other. Cost: one
reading of a few of ingest's columns, and of the shards the rows that are shown.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.errors import RecipeError
from pipeline.excerpts import Position, excerpt, position, texts_at
from pipeline.inspect_run import plain_console, safe
from pipeline.judgement import COLUMNS, DocumentClass, classes, signal_values
from pipeline.tables import number, place, tables
from pipeline.units import Mill

FloatArray = npt.NDArray[np.float64]


class _Side(NamedTuple):
    """One side of a limit: ("maximum", True) is what a maximum just lets pass."""

    limit: str
    inside: bool

    def __str__(self) -> str:
        return f"just {'inside' if self.inside else 'outside'} the {self.limit}"


class _Close(NamedTuple):
    """A document by its distance from a limit; the id makes the order the same at every call."""

    distance: float
    id: bytes
    value: float
    bound: float
    position: Position
    name: str


def print_close(mill: Mill, signal: str, *, group: str | None, count: int) -> None:
    """Print the documents closest to the limits of a signal: so many inside and so many outside of each.

    Args:
        group: a subset or a language, to see its documents alone.

    Raises:
        RecipeError: no profile of this run bounds the signal, or nothing of the group was measured.
    """
    signals = mill.recipe.filters.signals
    if signal not in signals:
        raise RecipeError(f"--signal {signal}: no profile of this run bounds it", hint=f"it has: {', '.join(signals)}")
    sides: dict[_Side, list[_Close]] = {}
    columns = [*COLUMNS, "id", "shard", "row", "part", "repo", "path"]
    for rows in tables(mill, "ingest", "rows", columns=columns):
        for side, found in _close(mill, rows, signal, group, count).items():
            sides[side] = sorted([*sides.get(side, []), *found])[:count]
    if not sides:
        raise RecipeError(
            f"expected documents{f' of {group}' if group else ''} that {signal} was measured of, found none",
            hint="--group takes a subset or a language as SUMMARY.md names it",
        )
    console = plain_console()
    texts = texts_at(mill, [close.position for found in sides.values() for close in found])
    for side, found in sorted(sides.items()):
        console.print(f"══ {signal}: {len(found)} {side}")
        for close in found:
            where = f"{position(*close.position)}  {close.name}"
            console.print(f"── {close.id.hex()}  {number(close.value)} of {number(close.bound)}  {safe(where)}")
            console.print(excerpt(texts.get(close.position, "")))


def _close(mill: Mill, rows: pa.Table, signal: str, group: str | None, count: int) -> dict[_Side, list[_Close]]:
    """The closest documents of one table; of equally close ones the first."""
    signals = mill.recipe.filters.signals
    values = signal_values(rows, len(signals))[:, signals.index(signal)]
    sides: dict[_Side, list[_Close]] = {}
    for names, indices in classes(rows).items():
        if group is not None and group not in (names.subset, names.language):
            continue
        measured = values[indices]
        for limit, bound in _limits(mill, signal, names):
            inside = measured >= bound if limit == "minimum" else measured <= bound
            far = np.abs(measured - bound) / (abs(bound) or 1.0)
            for passes in (True, False):
                nearest = np.argsort(np.where(inside == passes, far, np.inf), kind="stable")[:count]
                chosen = nearest[inside[nearest] == passes]
                found = _named(rows.take(pa.array(indices[chosen])), far[chosen], measured[chosen], bound)
                if found:
                    sides.setdefault(_Side(limit, passes), []).extend(found)
    return sides


def _limits(mill: Mill, signal: str, names: DocumentClass) -> list[tuple[str, float]]:
    bounds = [bounds for bounds in mill.recipe.filters.bounds(*names) if bounds.signal == signal]
    limits = {
        (side, limit) for item in bounds for side, limit in (("minimum", item.minimum), ("maximum", item.maximum))
    }
    return sorted((side, limit) for side, limit in limits if limit is not None)


def _named(rows: pa.Table, far: FloatArray, values: FloatArray, bound: float) -> list[_Close]:
    return [
        _Close(distance, row["id"], value, bound, (row["shard"], row["row"], row["part"]), place(row))
        for row, distance, value in zip(rows.to_pylist(), far.tolist(), values.tolist(), strict=True)
    ]

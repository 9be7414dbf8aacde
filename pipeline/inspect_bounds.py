"""`show --signal`: the documents closest to a limit, on both sides of it: what a limit really tells apart.

Distances are shares of the limit, so that limits of different languages can be held against each other. Cost: one
reading of a few of ingest's columns, and of the shards the rows that are shown.
"""

from difflib import get_close_matches
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.errors import RecipeError
from pipeline.excerpts import Position, excerpt, position, texts_at
from pipeline.inspect_run import counted, plain_console, safe
from pipeline.judgement import COLUMNS, Indices, classes, signal_values
from pipeline.recipe_filters import DocumentClass
from pipeline.tables import measured_signals, number, place, tables
from pipeline.units import Mill

_SHARES = (0, 1, 10, 50, 90, 99, 100)
_COPIES = 4
FloatArray = npt.NDArray[np.float64]


class _Side(NamedTuple):
    """One side of a limit: ("maximum", True) is what a maximum just lets pass; an end where there is no limit."""

    limit: str
    inside: bool

    def __str__(self) -> str:
        if self.limit in ("lowest", "highest"):
            return f"of the {self.limit} values; no limit"
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
    """Print how the values of a signal are spread, and the documents closest to its limits, on both sides of each.

    Where a signal has no limits, the documents of the lowest and highest values are printed.

    Args:
        group: a kind, subset or language, to see its documents alone.

    Raises:
        RecipeError: this run did not measure the signal, or not of this group.
    """
    signals = measured_signals(mill)
    if signal not in signals:
        near = get_close_matches(signal, signals, n=1, cutoff=0.0)
        raise RecipeError(
            f"--signal {signal}: not one of the {len(signals)} signals that this run measured",
            hint=f"did you mean {near[0]!r}?" if near else "`corpusmill run RECIPE --until ingest` measures",
        )
    sides: dict[_Side, list[_Close]] = {}
    values: list[FloatArray] = []
    known: set[str] = set()
    columns = [*COLUMNS, "id", "shard", "row", "part", "repo", "path"]
    for rows in tables(mill, "ingest", "rows", columns=columns):
        known.update(*(pc.unique(rows.column(name)).to_pylist() for name in DocumentClass._fields))
        rows = _of_group(rows, group)  # noqa: PLW2901 - only these are meant from here on
        values.append(signal_values(rows, len(signals))[:, signals.index(signal)])
        for side, found in _close(mill, rows, values[-1], signal, count).items():
            sides[side] = _closest([*sides.get(side, []), *found], count)
    measured = np.concatenate([np.empty(0), *values])
    measured = measured[~np.isnan(measured)]
    if not len(measured):
        near = get_close_matches(group or "", sorted(known), n=1, cutoff=0.0)
        raise RecipeError(
            f"expected documents{f' of {group}' if group else ''} that {signal} was measured of, found none",
            hint=f"--group takes a kind, subset or language, such as {safe(near[0])!r}" if near else "",
        )
    _print(mill, signal, measured, sides)


def _of_group(rows: pa.Table, group: str | None) -> pa.Table:
    if group is None:
        return rows
    if group == "(unknown)":
        return rows.filter(pc.and_(pc.equal(rows.column("subset"), ""), pc.equal(rows.column("language"), "")))
    masks = [pc.equal(rows.column(field), group) for field in DocumentClass._fields]
    return rows.filter(pc.or_(masks[0], pc.or_(masks[1], masks[2])))


def _print(mill: Mill, signal: str, measured: FloatArray, sides: dict[_Side, list[_Close]]) -> None:
    console = plain_console()
    console.print(f"{signal}: {counted(len(measured), 'document')}")
    quantiles = np.quantile(measured, [share / 100 for share in _SHARES])
    names = ("lowest", *(f"{share} %" for share in _SHARES[1:-1]), "highest")
    spread = zip(names, quantiles.tolist(), strict=True)
    console.print("; ".join(f"{name} {number(value)}" for name, value in spread))
    texts = texts_at(mill, [close.position for found in sides.values() for close in found])
    for side, found in sorted(sides.items()):
        console.print(f"══ {len(found)} {side}")
        for close in found:
            limit = f"; {side.limit} {number(close.bound)}" if side.limit in ("minimum", "maximum") else ""
            console.print(f"── {close.id.hex()}  {number(close.value)}{limit}")
            console.print(safe(f"   {position(*close.position)}  {close.name}"))
            console.print(excerpt(texts.get(close.position, ""), mill.recipe.redaction.policy))


def _closest(found: list[_Close], count: int) -> list[_Close]:
    """The closest, each document once however often its row was repeated."""
    chosen: dict[bytes, _Close] = {}
    for close in sorted(found):
        chosen.setdefault(close.id, close)
    return list(chosen.values())[:count]


def _close(mill: Mill, rows: pa.Table, values: FloatArray, signal: str, count: int) -> dict[_Side, list[_Close]]:
    """The closest documents of one table; of equally close ones the first."""
    sides: dict[_Side, list[_Close]] = {}

    def add(side: _Side, indices: Indices, far: FloatArray, bound: float) -> None:
        # Copies of a document are let go of later: look at more than are wanted.
        nearest = np.argsort(far, kind="stable")[: count * _COPIES]
        chosen = indices[nearest]
        named = _named(rows.take(pa.array(chosen)), far[nearest], values[chosen], bound)
        if named:
            sides.setdefault(side, []).extend(named)

    for names, indices in classes(rows, mill.recipe).items():
        known = indices[~np.isnan(values[indices])]
        limits = _limits(mill, signal, names)
        for limit, bound in limits:
            far = np.abs(values[known] - bound) / (abs(bound) or 1.0)
            inside = values[known] >= bound if limit == "minimum" else values[known] <= bound
            for passes in (True, False):
                add(_Side(limit, passes), known[inside == passes], far[inside == passes], bound)
        if not limits:
            add(_Side("lowest", True), known, values[known], 0.0)
            add(_Side("highest", True), known, -values[known], 0.0)
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

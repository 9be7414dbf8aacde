"""Judgement: what language lists and profiles say of ingested rows, from the stored columns alone.

`judge` and `retune` share it: the one to decide, the other to ask what other limits would decide. Rows that are held
against the same bounds are judged together: one numpy pass for each bound.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.bounds import Bounds
from manifests.errors import IntegrityError
from pipeline.recipe import Recipe
from pipeline.recipe_filters import DocumentClass

Indices = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

# What is read of ingest's rows.
COLUMNS = ("kind", "subset", "language", "natural_language", "natural_confidence", "signals")


class Failing(NamedTuple):
    """Rows that fail for one reason.

    Attributes:
        rows: int64[n], their numbers in the table.
        stage: "language" or "filter".
        values: float64[n], what was measured; NaN where nothing was.
        bound: the limit they were held against; None where there is none.
        details: one for each row; empty where there is nothing to add.
    """

    rows: Indices
    stage: str
    reason: str
    values: Values
    bound: float | None = None
    details: list[str] | None = None


def failing(rows: pa.Table, recipe: Recipe, signals: list[str]) -> Iterator[Failing]:
    """Everything that speaks against some rows, languages first; the first that names a row is its reason.

    Args:
        rows: the columns `COLUMNS` of ingest's rows.
        signals: names of the signals in the rows' lists, in their order.

    Raises:
        IntegrityError: a bound is on a signal that was not measured of some row.
    """
    yield from _programming(rows, recipe)
    yield from _natural(rows, recipe)
    values = signal_values(rows, len(signals))
    for group, indices in classes(rows, recipe).items():
        for bounds in recipe.filters.bounds(*group):
            column = values[indices, signals.index(bounds.signal)]
            if np.isnan(column).any():
                raise IntegrityError(
                    f"{bounds.signal}: expected a value for every document of {'/'.join(filter(None, group))}, "
                    "found none for some",
                    hint="run the recipe `--until ingest` again, in another work folder",
                )
            sides = bounds.judge_column(column)
            for side, limit in ((-1, bounds.minimum), (1, bounds.maximum)):
                places = np.flatnonzero(sides == side)
                if len(places):
                    verdict = bounds.judge(float(column[places[0]]))
                    assert verdict is not None  # noqa: S101 - judge and judge_column are one rule
                    yield Failing(indices[places], "filter", verdict.reason, column[places], limit)


def classes(rows: pa.Table, recipe: Recipe) -> dict[DocumentClass, Indices]:
    """Row numbers by what decides their profiles, in the order in which classes first appear.

    As few classes as the recipe tells apart, however many subsets and languages the rows name.
    """
    names = zip(*(rows.column(name).to_pylist() for name in DocumentClass._fields), strict=True)
    known: dict[tuple[str, ...], list[int]] = {}
    found: dict[DocumentClass, list[int]] = {}
    for index, group in enumerate(names):
        members = known.get(group)
        if members is None:
            members = found.setdefault(recipe.filters.class_of(*group), [])
            known[group] = members
        members.append(index)
    return {group: np.array(indices, dtype=np.int64) for group, indices in found.items()}


def signal_values(rows: pa.Table, num_signals: int) -> Values:
    """float64[rows, signals]; NaN where a signal was not measured, because no rule needed it there."""
    flat = rows.column("signals").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float64).reshape(rows.num_rows, num_signals)


def unmeasured(rows: pa.Table, recipe: Recipe, signals: list[str]) -> Iterator[tuple[Bounds, int]]:
    """Bounds that cannot be judged, each with the number of rows for which their signal was never measured."""
    values = signal_values(rows, len(signals))
    for group, indices in classes(rows, recipe).items():
        for bounds in recipe.filters.bounds(*group):
            known = bounds.signal in signals
            missing = np.isnan(values[indices, signals.index(bounds.signal)]).sum() if known else len(indices)
            if missing:
                yield bounds, int(missing)


def _programming(rows: pa.Table, recipe: Recipe) -> Iterator[Failing]:
    lists = recipe.languages.programming
    is_code = pc.equal(rows.column("kind"), "code")
    denied = pc.is_in(rows.column("language"), pa.array(lists.deny, pa.string()))
    yield from _listed(rows, pc.and_(is_code, denied), "programming_language_denied")
    if lists.allow is not None:
        others = pc.invert(pc.is_in(rows.column("language"), pa.array(lists.allow, pa.string())))
        yield from _listed(rows, pc.and_(is_code, others), "programming_language_not_allowed")


def _natural(rows: pa.Table, recipe: Recipe) -> Iterator[Failing]:
    lists = recipe.languages.natural
    if lists.allow is None:
        return
    language = rows.column("natural_language")  # null for code that is no prose
    is_prose = pc.is_valid(language)
    allowed = pc.is_in(language, pa.array(lists.allow, pa.string()))
    yield from _listed(rows, pc.and_(is_prose, pc.invert(allowed)), "natural_language_not_allowed")
    unsure = pc.less(rows.column("natural_confidence"), lists.minimum_confidence)
    unsure = pc.and_(pc.fill_null(unsure, False), pc.not_equal(language, ""))
    mask = pc.and_(is_prose, pc.and_(allowed, pc.fill_null(unsure, False)))
    yield from _listed(rows, mask, "natural_language_uncertain", bound=lists.minimum_confidence)


def _listed(rows: pa.Table, mask: pa.ChunkedArray, reason: str, *, bound: float | None = None) -> Iterator[Failing]:
    """The rows under a mask, with the language that they fail for."""
    indices = np.flatnonzero(mask.to_numpy()).astype(np.int64)
    if not len(indices):
        return
    chosen = rows.take(pa.array(indices))
    natural = reason.startswith("natural")
    names = chosen.column("natural_language" if natural else "language").to_pylist()
    values = chosen.column("natural_confidence").to_numpy() if natural else np.full(len(indices), np.nan)
    details = [name[:200] or "(unknown)" for name in names]
    yield Failing(indices, "language", reason, np.asarray(values, dtype=np.float64), bound, details)

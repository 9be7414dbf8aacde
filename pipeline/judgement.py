"""Judgement: what language lists and profiles say of ingested rows, from the stored columns alone.

`judge` and `retune` share it: the one to decide, the other to ask what other limits would decide. Rows of one kind,
subset and language are held against the same bounds, so they are judged together: one numpy pass for each bound.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.bounds import Bounds
from manifests.document import Kind
from pipeline.recipe import Recipe


class Finding(NamedTuple):
    """Why a row does not pass.

    Attributes:
        row: its number in the table.
        stage: "language" or "filter".
        value: what was measured; None where nothing was.
        bound: the limit it was held against; None where there is none.
    """

    row: int
    stage: str
    reason: str
    value: float | None = None
    bound: float | None = None
    detail: str = ""


class DocumentClass(NamedTuple):
    """What the choice of profiles depends on."""

    kind: Kind
    subset: str
    language: str


# What `findings` reads of ingest's rows.
COLUMNS = ("kind", "subset", "language", "natural_language", "natural_confidence", "signals")


def findings(rows: pa.Table, recipe: Recipe, signals: list[str]) -> Iterator[Finding]:
    """Everything that speaks against some row, language first; the first finding of a row is the reason.

    Args:
        rows: the columns `COLUMNS` of ingest's rows.
        signals: names of the signals in the rows' lists, in their order.
    """
    values = signal_values(rows, len(signals))
    places = {name: place for place, name in enumerate(signals)}
    for group, indices in classes(rows).items():
        yield from _programming(recipe, group, indices)
        yield from _natural(recipe, rows, indices)
        for bounds in recipe.filters.bounds(*group):
            column = values[indices, places[bounds.signal]]
            for place in np.flatnonzero(bounds.judge_column(column)).tolist():
                verdict = bounds.judge(float(column[place]))
                assert verdict is not None  # noqa: S101 - judge and judge_column are one rule
                yield Finding(int(indices[place]), "filter", verdict.reason, verdict.value, verdict.bound)


def classes(rows: pa.Table) -> dict[DocumentClass, npt.NDArray[np.int64]]:
    """Row numbers by class, in the order in which classes first appear."""
    columns = (rows.column(name).to_pylist() for name in DocumentClass._fields)
    found: dict[DocumentClass, list[int]] = {}
    for index, names in enumerate(zip(*columns, strict=True)):
        found.setdefault(DocumentClass(*names), []).append(index)
    return {group: np.array(indices, dtype=np.int64) for group, indices in found.items()}


def signal_values(rows: pa.Table, num_signals: int) -> npt.NDArray[np.float64]:
    """float64[rows, signals]; NaN where a signal was not measured, because no rule needed it there."""
    flat = rows.column("signals").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float64).reshape(rows.num_rows, num_signals)


def unmeasured(rows: pa.Table, recipe: Recipe, signals: list[str]) -> Iterator[tuple[Bounds, int]]:
    """Bounds that cannot be judged, each with the number of rows for which their signal was never measured."""
    values = signal_values(rows, len(signals))
    for group, indices in classes(rows).items():
        for bounds in recipe.filters.bounds(*group):
            known = bounds.signal in signals
            missing = np.isnan(values[indices, signals.index(bounds.signal)]).sum() if known else len(indices)
            if missing:
                yield bounds, int(missing)


def _programming(recipe: Recipe, group: DocumentClass, indices: npt.NDArray[np.int64]) -> Iterator[Finding]:
    lists = recipe.languages.programming
    if group.kind != "code":
        return
    if group.language in lists.deny:
        reason = "programming_language_denied"
    elif lists.allow is not None and group.language not in lists.allow:
        reason = "programming_language_not_allowed"
    else:
        return
    for index in indices.tolist():
        yield Finding(index, "language", reason, detail=group.language[:200] or "(unknown)")


def _natural(recipe: Recipe, rows: pa.Table, indices: npt.NDArray[np.int64]) -> Iterator[Finding]:
    lists = recipe.languages.natural
    if lists.allow is None:
        return
    table = rows.select(["natural_language", "natural_confidence"]).take(pa.array(indices))
    columns = zip(indices.tolist(), *(column.to_pylist() for column in table.columns), strict=True)
    for index, language, confidence in columns:
        if language is None:
            continue  # code that is no prose
        if language not in lists.allow:
            detail = language or "(unknown)"
            yield Finding(index, "language", "natural_language_not_allowed", confidence, None, detail)
        elif confidence < lists.minimum_confidence:
            reason = "natural_language_uncertain"
            yield Finding(index, "language", reason, confidence, lists.minimum_confidence, language)

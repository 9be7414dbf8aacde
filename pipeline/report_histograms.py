"""Histograms of signals against the recipe's bounds, by class of documents, from the values that ingest stored.

Two readings of a few columns: the first finds the range of every signal and how many values lie outside its bounds,
the second counts in fixed bins what is to be drawn. Memory is that of one segment and of the bins, however many
documents there are; some CPU seconds for a million of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.bounds import Bounds
from pipeline.judgement import COLUMNS, classes, signal_values
from pipeline.recipe_filters import DocumentClass
from pipeline.tables import measured_signals, tables
from pipeline.units import Mill

BINS = 36
LINEAR_REACH = 100.0  # signals that go further are drawn on a logarithmic axis

Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Measured(NamedTuple):
    """A signal of a class of documents."""

    group: DocumentClass
    signal: str


@dataclass(slots=True)
class Spread:
    """What the values of a signal come to.

    Attributes:
        bounds: what the documents are held against, at least one.
        outside: values that some bound rejects, whatever else speaks against the document.
        whole: whether every value is a whole number.
    """

    bounds: list[Bounds]
    documents: int = 0
    outside: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    whole: bool = True

    def add(self, values: Values) -> None:
        """Take more values in."""
        if len(values):
            self.documents += len(values)
            self.outside += int(outside(values, self.bounds).sum())
            self.lowest = min(self.lowest, float(values.min()))
            self.highest = max(self.highest, float(values.max()))
            self.whole = self.whole and bool((values == np.floor(values)).all())

    @property
    def limits(self) -> list[float]:
        """Every limit once, in order."""
        return sorted({limit for one in self.bounds for limit in (one.minimum, one.maximum) if limit is not None})

    @property
    def two_valued(self) -> bool:
        """Whether it says yes or no, or always the same."""
        return self.whole and self.highest - self.lowest <= 1

    @property
    def linear(self) -> bool:
        """Whether values and limits lie so close together that a linear axis shows them."""
        return max(abs(value) for value in (self.lowest, self.highest, *self.limits)) <= LINEAR_REACH


@dataclass(slots=True)
class Histogram:
    """Numbers of values in bins; the last bin holds its upper edge, too.

    Attributes:
        edges: float64[bins + 1], rising.
        inside: int64[bins], values that pass; `outside` holds the others.
    """

    edges: Values
    inside: Counts = field(init=False)
    outside: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.inside, self.outside = (np.zeros(len(self.edges) - 1, dtype=np.int64) for _ in range(2))

    def add(self, values: Values, bounds: Iterable[Bounds]) -> None:
        """Count more values, all of which lie between the first edge and the last."""
        rejected = outside(values, bounds)
        self.inside += np.histogram(values[~rejected], self.edges)[0]
        self.outside += np.histogram(values[rejected], self.edges)[0]


def outside(values: Values, bounds: Iterable[Bounds]) -> npt.NDArray[np.bool_]:
    """Which values some bound rejects."""
    rejected = np.zeros(len(values), dtype=np.bool_)
    for one in bounds:
        rejected |= one.judge_column(values) != 0
    return rejected


def spreads(mill: Mill) -> dict[Measured, Spread]:
    """The spread of every signal that has bounds, for each class of documents that has values of it."""
    found: dict[Measured, Spread] = {}
    for measured, bounds, values in _values(mill):
        found.setdefault(measured, Spread(bounds)).add(values)
    return {measured: spread for measured, spread in found.items() if spread.documents}


def histograms(mill: Mill, chosen: Mapping[Measured, Spread]) -> dict[Measured, Histogram]:
    """A histogram for each of some spreads, which are of the same mill."""
    found = {measured: Histogram(edges(spread)) for measured, spread in chosen.items()}
    for measured, bounds, values in _values(mill) if found else ():
        if measured in found:
            found[measured].add(values, bounds)
    return found


def edges(spread: Spread) -> Values:
    """Edges of bins that hold every value and every limit: 36 of equal width on the axis that they are drawn on.

    Of whole numbers each bin holds the same of them wherever it would hold some at all.
    """
    low, high = (pick([spread.lowest, spread.highest, *spread.limits]) for pick in (min, max))
    if spread.whole and high - low < BINS:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1, dtype=np.float64)
    if low == high:
        return np.array([low - 0.5, high + 0.5])
    if spread.linear:
        return np.unique(np.concatenate([np.linspace(low, high, BINS + 1), [low, high]]))
    scaled = np.linspace(symlog(low), symlog(high), BINS + 1)
    between = np.sign(scaled) * np.expm1(np.abs(scaled))
    between = between[(between > low) & (between < high)]
    if spread.whole:
        between = np.floor(between) + 0.5
        low, high = low - 0.5, high + 0.5
    return np.unique(np.concatenate([[low], between[(between > low) & (between < high)], [high]]))


def symlog(value: float) -> float:
    """Where a value stands on an axis that is linear around 0 and logarithmic beyond, as Vega's symlog."""
    return float(np.sign(value) * np.log1p(abs(value)))


def _values(mill: Mill) -> Iterator[tuple[Measured, list[Bounds], Values]]:
    """Values of every signal that has bounds, class by class, segment by segment; none of them is NaN."""
    signals = measured_signals(mill)
    bounds_of: dict[DocumentClass, dict[str, list[Bounds]]] = {}
    for rows in tables(mill, "ingest", "rows", columns=COLUMNS):
        values = signal_values(rows, len(signals))
        for group, indices in classes(rows, mill.recipe).items():
            if group not in bounds_of:
                bounds_of[group] = _by_signal(mill.recipe.filters.bounds(*group))
            for signal, bounds in bounds_of[group].items():
                column = values[indices, signals.index(signal)]
                yield Measured(group, signal), bounds, column[np.isfinite(column)]


def _by_signal(bounds: Iterable[Bounds]) -> dict[str, list[Bounds]]:
    found: dict[str, list[Bounds]] = {}
    for one in bounds:
        found.setdefault(one.signal, []).append(one)
    return found

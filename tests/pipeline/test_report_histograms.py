"""A histogram counts every value once, in the bin that it lies in, and on the side of the bounds that it lies on."""

from bisect import bisect_right
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.bounds import Bounds
from pipeline.report_histograms import BINS, Histogram, Spread, edges, histograms, spreads
from pipeline.runner import reopen_mill
from pipeline.tables import tables
from pipeline.units import Mill

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False) | st.integers(-50, 2_000_000).map(float) | st.floats(0, 1)
LIMITS = st.none() | NUMBERS


@st.composite
def bounds(draw: st.DrawFn) -> list[Bounds]:
    pairs = draw(st.lists(st.tuples(LIMITS, LIMITS), max_size=3))
    return [
        Bounds("filters.lines:num_lines", *((low, high) if None in (low, high) else sorted((low, high))))  # type: ignore[type-var]
        for low, high in pairs
    ]


def passes(value: float, bounds: list[Bounds]) -> bool:
    return all(one.judge(value) is None for one in bounds)


@given(st.lists(NUMBERS, min_size=1, max_size=60), bounds(), st.integers(1, 7))
def test_counts_are_those_of_a_naive_count(values: list[float], bounds: list[Bounds], parts: int) -> None:
    spread = Spread(bounds)
    pieces = np.array_split(np.array(values), parts)
    for piece in pieces:
        spread.add(piece)
    found = Histogram(edges(spread))
    for piece in pieces:
        found.add(piece, bounds)
    cuts = found.edges.tolist()
    assert cuts == sorted(set(cuts))
    assert cuts[0] <= min(values)
    assert cuts[-1] >= max(values)
    assert all(cuts[0] <= limit <= cuts[-1] for limit in spread.limits)
    assert len(cuts) <= BINS + 3
    naive = Counter((min(bisect_right(cuts, value), len(cuts) - 1) - 1, passes(value, bounds)) for value in values)
    for place, (inside, outside) in enumerate(zip(found.inside.tolist(), found.outside.tolist(), strict=True)):
        assert (naive[place, True], naive[place, False]) == (inside, outside)
    assert spread.documents == len(values)
    assert spread.outside == sum(not passes(value, bounds) for value in values)


@given(st.lists(st.integers(0, 10_000_000).map(float), min_size=2, max_size=40))
def test_no_bin_of_whole_numbers_is_empty_because_it_holds_none(values: list[float]) -> None:
    spread = Spread([])
    spread.add(np.array(values))
    cuts = edges(spread)
    if spread.highest - spread.lowest < BINS or not spread.linear:
        assert all(np.ceil(high) > np.ceil(low) for low, high in pairwise(cuts))


@pytest.fixture(scope="module")
def mill(finished_work: Path) -> Mill:
    return reopen_mill(str(finished_work))


def test_the_histograms_of_a_run_are_those_of_its_stored_values(mill: Mill) -> None:
    found = spreads(mill)
    drawn = histograms(mill, found)
    signals = mill.recipe.filters.signals
    rows = [row for table in tables(mill, "ingest", "rows") for row in table.to_pylist()]
    assert {one.signal for one in found} == {one.signal for one in mill.recipe.filters.bounds("code", "", "Python")}
    for one, spread in found.items():
        values = [row["signals"][signals.index(one.signal)] for row in rows if row["kind"] == one.group.kind]
        assert len(values) == spread.documents == drawn[one].inside.sum() + drawn[one].outside.sum()
        assert (min(values), max(values)) == (spread.lowest, spread.highest)
        failed = [value for value in values if not passes(value, spread.bounds)]
        assert len(failed) == spread.outside == drawn[one].outside.sum()
    assert sum(spread.outside for spread in found.values())

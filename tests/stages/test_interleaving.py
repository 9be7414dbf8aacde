from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.interleaving import interleaved, largest_deviation


@given(st.lists(st.integers(0, 50), min_size=1, max_size=3))
def test_every_row_stands_once(counts: list[int]) -> None:
    order = interleaved(counts)
    assert np.bincount(order, minlength=len(counts)).tolist() == counts


@given(st.integers(0, 4000), st.integers(0, 4000), st.integers(1, 1500))
def test_any_run_of_rows_holds_the_whole_ratio_but_for_a_row(first: int, second: int, window: int) -> None:
    order = interleaved([first, second])
    assert largest_deviation(order, num_kinds=2, window=window) <= 1 / window + 1e-12


@pytest.mark.parametrize("first", [0, 1, 2, 3_000, 7_000, 9_990, 9_999, 10_000])
def test_any_1000_rows_hold_the_ratio_within_a_fifth_of_a_point(first: int) -> None:
    order = interleaved([first, 10_000 - first])
    assert largest_deviation(order, num_kinds=2, window=1000) <= 0.002


def test_kinds_alternate_and_at_equal_places_the_first_goes_first() -> None:
    assert interleaved([3, 3]).tolist() == [0, 1, 0, 1, 0, 1]
    assert interleaved([1, 3]).tolist() == [1, 0, 1, 1]
    assert interleaved([0, 2]).tolist() == [1, 1]


def test_no_rows_and_no_kinds() -> None:
    assert interleaved([]).tolist() == interleaved([0, 0]).tolist() == []


@given(st.lists(st.integers(0, 1), max_size=60), st.integers(1, 70))
def test_the_largest_deviation_is_that_of_the_worst_run(kinds: list[int], window: int) -> None:
    shares = [sum(kinds[start : start + window]) / window for start in range(len(kinds) - window + 1)]
    expected = max((abs(share - sum(kinds) / len(kinds)) for share in shares), default=0.0)
    found = largest_deviation(np.array(kinds, dtype=np.int64), num_kinds=2, window=window)
    assert found == pytest.approx(expected)


def test_rows_of_one_kind_after_another_are_far_from_the_ratio() -> None:
    assert largest_deviation(np.array([0] * 5000 + [1] * 5000), num_kinds=2, window=1000) == 0.5
    assert list(pairwise(interleaved([2, 2]).tolist())) == [(0, 1), (1, 0), (0, 1)]

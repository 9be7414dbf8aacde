"""Exact similarity against Python's sets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.similarity import jaccards, unique_sorted

SETS = st.lists(st.sets(st.one_of(st.integers(0, 20), st.integers(2**64 - 5, 2**64 - 1))), min_size=1, max_size=6)


def similarities(sets: list[set[int]], pairs: list[tuple[int, int]]) -> NDArray[np.float64]:
    hashes = [unique_sorted(np.array(list(values), np.uint64)) for values in sets]
    offsets = np.cumsum([0, *map(len, hashes)], dtype=np.int64)
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    return jaccards(np.concatenate(hashes), offsets, left, right)


def jaccard(one: set[int], other: set[int]) -> float:
    """0 where both are empty: nothing to compare is no evidence of likeness."""
    return len(one & other) / len(one | other) if one | other else 0.0


@given(SETS, st.data())
def test_similarities_are_those_of_sets(sets: list[set[int]], data: st.DataObject) -> None:
    document = st.integers(0, len(sets) - 1)
    pairs = data.draw(st.lists(st.tuples(document, document), max_size=12))
    found = similarities(sets, pairs)
    assert found.dtype == np.float64
    assert found.tolist() == [jaccard(sets[left], sets[right]) for left, right in pairs]


@given(SETS)
def test_similarity_is_symmetric_and_one_for_equal_sets_only(sets: list[set[int]]) -> None:
    pairs = [(left, right) for left in range(len(sets)) for right in range(len(sets))]
    found = dict(zip(pairs, similarities(sets, pairs).tolist(), strict=True))
    for left, right in pairs:
        assert found[left, right] == found[right, left]
        assert (found[left, right] == 1.0) == (sets[left] == sets[right] != set())


def test_similarity_just_below_one() -> None:
    many = np.arange(1_000_000, dtype=np.uint64)
    offsets = np.array([0, 1_000_000, 1_999_999], np.int64)
    found = jaccards(np.concatenate([many, many[1:]]), offsets, np.array([0]), np.array([1]))
    assert found.tolist() == [999_999 / 1_000_000]


def test_no_pairs_have_no_similarities() -> None:
    assert similarities([{1}], []).tolist() == []


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_unique_sorted_is_the_sorted_set(values: list[int]) -> None:
    hashes = unique_sorted(np.array(values, np.uint64))
    assert hashes.dtype == np.uint64
    assert hashes.tolist() == sorted(set(values))

"""Exact similarity against Python's sets; the laws of greedy keeping, and a naive version of it."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.similarity import Twins, greedy_keep, jaccard, unique_sorted

COMPILES = settings(deadline=None)  # the first call compiles the kernel
Edge = tuple[int, int, float]

small_sets = st.sets(st.one_of(st.integers(0, 20), st.integers(2**64 - 5, 2**64 - 1)))
graphs = st.integers(1, 12).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(
            st.tuples(st.integers(0, size - 1), st.integers(0, size - 1), st.sampled_from([0.7, 0.8, 0.9, 1.0])),
            max_size=40,
        ),
    )
)


def as_hashes(values: set[int]) -> NDArray[np.uint64]:
    return unique_sorted(np.array(list(values), np.uint64))


def resolve(size: int, edges: list[Edge]) -> Twins:
    return greedy_keep(
        np.array([edge[0] for edge in edges], np.int64),
        np.array([edge[1] for edge in edges], np.int64),
        np.array([edge[2] for edge in edges], np.float64),
        num_documents=size,
    )


def naive_keep(size: int, edges: list[Edge]) -> list[tuple[int, float]]:
    fate: list[tuple[int, float]] = []
    for document in range(size):
        twins = [
            (-similarity, min(left, right))
            for left, right, similarity in edges
            if max(left, right) == document and left != right and fate[min(left, right)][0] == -1
        ]
        similarity, twin = min(twins, default=(0.0, -1))
        fate.append((twin, -similarity))
    return fate


@COMPILES
@given(small_sets, small_sets)
def test_jaccard_is_that_of_sets(one: set[int], other: set[int]) -> None:
    expected = len(one & other) / len(one | other) if one | other else 0.0
    assert jaccard(as_hashes(one), as_hashes(other)) == expected


@COMPILES
@given(small_sets, small_sets)
def test_jaccard_is_symmetric_and_one_for_equal_sets_only(one: set[int], other: set[int]) -> None:
    similarity = jaccard(as_hashes(one), as_hashes(other))
    assert similarity == jaccard(as_hashes(other), as_hashes(one))
    assert (similarity == 1.0) == (one == other and bool(one))


def test_jaccard_just_below_one() -> None:
    many = np.arange(1_000_000, dtype=np.uint64)
    assert jaccard(many, many[1:]) == 999_999 / 1_000_000


@COMPILES
@given(st.lists(st.integers(0, 2**64 - 1)))
def test_unique_sorted_is_the_sorted_set(values: list[int]) -> None:
    hashes = unique_sorted(np.array(values, np.uint64))
    assert hashes.dtype == np.uint64
    assert hashes.tolist() == sorted(set(values))


@COMPILES
@given(graphs)
def test_greedy_keep_is_the_naive_one(graph: tuple[int, list[Edge]]) -> None:
    twins = resolve(*graph)
    assert list(zip(twins.twin.tolist(), twins.similarity.tolist(), strict=True)) == naive_keep(*graph)


@COMPILES
@given(graphs)
def test_no_two_kept_documents_are_verified_duplicates(graph: tuple[int, list[Edge]]) -> None:
    twin = resolve(*graph).twin
    assert not any(left != right and twin[left] == twin[right] == -1 for left, right, _ in graph[1])


@COMPILES
@given(graphs)
def test_every_removed_document_has_a_kept_twin_of_better_rank(graph: tuple[int, list[Edge]]) -> None:
    twin = resolve(*graph).twin
    for document in np.flatnonzero(twin != -1):
        assert twin[document] < document
        assert twin[twin[document]] == -1


@COMPILES
@given(graphs, st.randoms(use_true_random=False))
def test_order_and_direction_of_edges_do_not_matter(graph: tuple[int, list[Edge]], random: Random) -> None:
    size, edges = graph
    shuffled = [(right, left, similarity) for left, right, similarity in edges] + edges
    random.shuffle(shuffled)
    one, other = resolve(size, edges), resolve(size, shuffled)
    assert one.twin.tolist() == other.twin.tolist()
    assert one.similarity.tolist() == other.similarity.tolist()


def test_removal_is_not_transitive() -> None:
    """1 falls with 0; 2 is like 1 alone, so it stays."""
    twins = resolve(3, [(0, 1, 0.9), (1, 2, 0.9)])
    assert twins.twin.tolist() == [-1, 0, -1]


def test_the_most_similar_kept_twin_is_named_and_ties_go_to_the_best_ranked() -> None:
    twins = resolve(4, [(3, 0, 0.8), (3, 1, 0.9), (3, 2, 0.9)])
    assert twins.twin.tolist() == [-1, -1, -1, 1]
    assert twins.similarity.tolist() == [0.0, 0.0, 0.0, 0.9]


def test_without_edges_all_stay() -> None:
    assert resolve(3, []).twin.tolist() == [-1, -1, -1]
    assert resolve(0, []).twin.size == 0


@pytest.mark.parametrize("edge", [(0, 3, 0.9), (-1, 0, 0.9)])
def test_an_unknown_document_is_an_error(edge: Edge) -> None:
    with pytest.raises(ValueError, match="document numbers"):
        resolve(3, [edge])


def test_arrays_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match="one length"):
        greedy_keep(np.zeros(1, np.int64), np.zeros(2, np.int64), np.zeros(1), num_documents=3)

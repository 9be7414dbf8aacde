"""Exact Jaccard similarity of two shingle sets, and which of the duplicates stay.

A banded MinHash only proposes pairs; a removal rests on the exact similarity with a document that is kept. There is no
transitive closure: a chain of ever less similar documents does not fall with its first one (facts: unverified closure
removed 859,090 of 859,092 function-calling documents in one published run).

Cost: a similarity is one branch-free merge, 2 to 4 ns an element of both sets; `greedy_keep` takes 0.5 s for 10**6
edges, mostly to sort them.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class Twins(NamedTuple):
    """What became of each document.

    Attributes:
        twin: int64; -1 for a kept document, else the number of the kept document that replaces it.
        similarity: float64; exact similarity with the twin, 0..1; 0 for a kept document.
    """

    twin: NDArray[np.int64]
    similarity: NDArray[np.float64]


def unique_sorted(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The set of the hashes in ascending order, as `jaccard` wants it; empty for none."""
    ordered = np.sort(hashes)
    first = np.ones(ordered.size, np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def jaccard(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> float:
    """Size of the intersection over size of the union.

    Args:
        a: ascending, without repetitions (`unique_sorted`).
        b: the same.

    Returns:
        0..1; 1 for equal sets only; 0 where both are empty: nothing to compare is no evidence of likeness.
    """
    shared = int(_num_shared(a, b))
    union = a.size + b.size - shared
    return shared / union if union else 0.0


def greedy_keep(
    left: NDArray[np.int64], right: NDArray[np.int64], similarity: NDArray[np.float64], *, num_documents: int
) -> Twins:
    """Decide in order of rank: a document goes if and only if a kept, better-ranked one is its verified duplicate.

    So no two kept documents are verified duplicates, and every removed one has a kept twin of better rank: the most
    similar one, and of several equally similar the best-ranked. The order of the edges and of their ends, repetitions
    and edges from a document to itself make no difference.

    Args:
        left: one end of each verified edge, a document's number; documents are numbered by rank, 0 is the best.
        right: the other end.
        similarity: exact similarity of each edge, at or above the threshold.
        num_documents: number of documents, >= 0.

    Raises:
        ValueError: the arrays differ in length, or an end is not in 0..num_documents - 1.
    """
    if not left.size == right.size == similarity.size:
        raise ValueError(f"expected edge arrays of one length, got {left.size}, {right.size}, {similarity.size}")
    better, worse = np.minimum(left, right), np.maximum(left, right)
    if left.size and (better.min() < 0 or worse.max() >= num_documents):
        raise ValueError(f"expected document numbers in 0..{num_documents - 1}, got {better.min()} to {worse.max()}")
    order = np.lexsort((better, worse))
    return Twins(*_resolve(better[order], worse[order], similarity[order], num_documents))


@njit(cache=True, nogil=True)
def _num_shared(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> int:
    i, j = np.uint64(0), np.uint64(0)  # unsigned: no test for a negative index
    shared = 0
    while i < a.size and j < b.size:
        left, right = a[i], b[j]
        shared += left == right
        i += np.uint64(left <= right)
        j += np.uint64(right <= left)
    return shared


@njit(cache=True, nogil=True)
def _resolve(
    better: NDArray[np.int64], worse: NDArray[np.int64], similarity: NDArray[np.float64], num_documents: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Edges come by worse end, then better end: the fate of every better end is known when its edge is met."""
    twin = np.full(num_documents, -1, np.int64)
    highest = np.zeros(num_documents, np.float64)
    for edge in range(better.size):
        kept, document = better[edge], worse[edge]
        if kept == document or twin[kept] != -1:
            continue
        if twin[document] == -1 or similarity[edge] > highest[document]:
            twin[document], highest[document] = kept, similarity[edge]
    return twin, highest

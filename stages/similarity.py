"""Exact Jaccard similarity of shingle sets.

A banded MinHash only proposes pairs; a removal rests on the exact similarity with a document that is kept. There is no
transitive closure: a chain of ever less similar documents does not fall with its first one (unverified closure removed
859,090 of 859,092 function-calling documents in one published run).

Cost: a similarity is one branch-free merge, 2 to 4 ns an element of both sets.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray


def unique_sorted(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The set of the hashes in ascending order, as `jaccards` wants it; empty for none."""
    ordered = np.sort(hashes)
    first = np.ones(ordered.size, np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def jaccards(
    hashes: NDArray[np.uint64], offsets: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Size of the intersection over size of the union, for many pairs of documents.

    Args:
        hashes: the sets of all documents, one behind the other, each as `unique_sorted` makes it.
        offsets: int64[documents + 1], where each set begins and the last one ends.
        left: int64[n], a document of each pair, by its number.
        right: int64[n], the other one.

    Returns:
        float64[n], 0..1; 1 for equal sets only; 0 where both are empty: nothing to compare is no evidence of likeness.
    """
    similarity: NDArray[np.float64] = _jaccards(hashes, offsets, left, right)
    return similarity


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
def _jaccards(
    hashes: NDArray[np.uint64], offsets: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    similarity = np.zeros(left.size, np.float64)
    for pair in range(left.size):
        a = hashes[offsets[left[pair]] : offsets[left[pair] + 1]]
        b = hashes[offsets[right[pair]] : offsets[right[pair] + 1]]
        shared = _num_shared(a, b)
        union = a.size + b.size - shared
        if union:
            similarity[pair] = shared / union
    return similarity

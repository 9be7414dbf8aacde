"""Taint by copies: which survivors are copies of documents whose licence was rejected. Pure functions over arrays.

A row's taint says what the licence decision made of it: 0 for a survivor, `LIES_IN` for a rejected document that lies
in a repository under a copyleft or proprietary licence, `HEADER` for one whose own header names such a licence. Rows
with a taint take no part in ordinary duplicates; they are only held against survivors, the worse taint first, so that
many mere neighbours cannot crowd out one header. A document that survives by another of its rows taints nobody: it is
one document, and it stays.

One row stands for all of one content, as in `candidates`: of survivors the best-ranked, of tainting rows the
best-ranked of the worst taint. Orders are total and made of what rows are; where they stand decides only between rows
of one document that differ in nothing else. Cost: linear in documents x `candidates_per_bucket`, sorts aside; without
a tainting row, one look at the column.

Bias: a copy is found by its bands only where it meets its tainter among the `candidates_per_bucket` of a bucket.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stages.candidates import fresh, unique_pairs
from stages.exchange import lexsorted

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

LIES_IN, HEADER = 1, 2


def exact_copies(
    content: tuple[U64, U64], rank: U64, document: tuple[U64, U64], *, ref: U64, taint: U8
) -> tuple[I64, I64]:
    """Survivors whose content is that of a tainting row.

    Args:
        content: the content hash as two uint64[n].
        document: the document id as two uint64[n].

    Returns:
        Indices into the input (survivor, tainting row), int64, in order of the content; a content stands there at most
        once, with its best-ranked survivor. Empty arrays for no copies.
    """
    if not taint.any():
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    order = lexsorted([*content, _worst_first(taint), rank, *document, ref])
    group = np.cumsum(fresh([half[order] for half in content])) - 1
    plain = taint[order] == 0
    tainting = _taints([*content, *document], taint)[order]
    # The first of every content: the best-ranked survivor, the worst tainting row.
    groups, survivor = np.unique(group[plain], return_index=True)
    tainted, tainter = np.unique(group[tainting], return_index=True)
    _, here, there = np.intersect1d(groups, tainted, assume_unique=True, return_indices=True)
    return order[plain][survivor[here]], order[tainting][tainter[there]]


def copy_pairs(  # noqa: PLR0913 - six columns of one table
    key: U64, content: U64, rank: U64, document: U64, *, ref: U64, taint: U8, candidates_per_bucket: int
) -> tuple[U64, U64]:
    """Pairs (tainting row, survivor) that share a bucket, each pair once; equal contents are left to `exact_copies`.

    Args:
        key: the band key, uint64[n]; rows of one key are one bucket.
        content: half of the content hash.
        document: half of the document id, the tie-break of equal ranks.
        candidates_per_bucket: so many tainting rows of a bucket, of different contents, meet its survivors, >= 1:
            headers first, then the best-ranked.

    Returns:
        Two uint64[m] of refs, sorted; empty for no pairs.
    """
    tainters, survivors = [ref[:0]], [ref[:0]]
    if taint.any():
        near = np.flatnonzero(np.isin(key, key[taint > 0]))  # few buckets have a tainting row
        key, content, rank, document, ref = (column[near] for column in (key, content, rank, document, ref))
        taint = taint[near]
        order = lexsorted([key, _worst_first(taint), rank, document, ref])
        tainting = _taints([key, content, document], taint)[order]
        chosen = _first_of_contents(order[tainting], key, content)
        chosen = chosen[_place(key[chosen]) < candidates_per_bucket]
        standing = _first_of_contents(order[taint[order] == 0], key, content)
        start = np.searchsorted(key[chosen], key[standing], side="left")
        stop = np.searchsorted(key[chosen], key[standing], side="right")
        for position in range(int((stop - start).max(initial=0))):
            here = start + position < stop
            tainter, survivor = chosen[start[here] + position], standing[here]
            differ = content[tainter] != content[survivor]
            tainters.append(ref[tainter[differ]])
            survivors.append(ref[survivor[differ]])
    return unique_pairs(np.concatenate(tainters), np.concatenate(survivors))


def worst_copies(ref: U64, taint: U8, similarity: F64, twin: tuple[U64, U64]) -> I64:
    """One copy for every survivor: the worst taint, then the highest similarity, then the smallest twin.

    Args:
        ref: the survivor of each copy found.
        twin: id of the tainting document as two uint64[n].

    Returns:
        Indices into the input, int64, in order of the refs; empty for no copies.
    """
    order = lexsorted([ref, _worst_first(taint), -similarity, *twin])
    return order[fresh([ref[order]])]


def _taints(columns: Sequence[U64], taint: U8) -> npt.NDArray[np.bool_]:
    """bool[n], whether a row taints others; not where a row equal to it in the columns survives."""
    order = lexsorted([*columns, taint])
    places = np.arange(len(order))
    first = np.maximum.accumulate(np.where(fresh([column[order] for column in columns]), places, 0))
    taints = np.empty(len(order), dtype=np.bool_)
    taints[order] = taint[order[first]] > 0
    return taints


def _first_of_contents(order: I64, key: U64, content: U64) -> I64:
    """Of rows in some order of the keys, the first of each content of a key, in the same order."""
    by_content = lexsorted([key[order], content[order]])
    once = by_content[fresh([key[order[by_content]], content[order[by_content]]])]
    return order[np.sort(once)]


def _place(key: U64) -> I64:
    """int64[n], the place of each row of a sorted column among the rows of its key, from 0."""
    places = np.arange(len(key))
    place: I64 = places - np.maximum.accumulate(np.where(fresh([key]), places, 0))
    return place


def _worst_first(taint: U8) -> U8:
    worst: U8 = np.uint8(255) - taint
    return worst

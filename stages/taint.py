"""Taint: copies of documents that went for their licence or at somebody's request. Pure functions over arrays.

A row's taint says what was decided of it: 0 for a survivor, `LIES_IN` for a rejected document that lies in a repository
under a copyleft or proprietary licence, `HEADER` for one whose own header names such a licence, `OPTED_OUT` for one
that a request names with all its copies. Rows with a taint take no part in ordinary duplicates; they are only held
against survivors, the worse taint first, so that many mere neighbours cannot crowd out one header. A document that
survives by another of its rows taints nobody: it is one document, and it stays. But a request spares no row: what
equals a document that opted out goes before all else, and wins and loses nothing.

One row stands for all of one group, as in `candidates`: of survivors the best-ranked, of tainting rows the
best-ranked of the worst taint. Orders are total and made of what rows are; where they stand decides only between rows
of one document that differ in nothing else. Cost: linear in documents x `candidates_per_bucket`, sorts aside; without
a tainting row, one look at the column.

Bias: a copy is found by its bands only where it meets its tainter among the `candidates_per_bucket` of a bucket.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stages.candidates import Banded, Digests, Rows, fresh, meetings
from stages.exchange import lexsorted

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

LIES_IN, HEADER, OPTED_OUT = 1, 2, 3
TAINTS = (LIES_IN, HEADER, OPTED_OUT)


def removes(taint: U8, *, strict: bool) -> npt.NDArray[np.bool_]:
    """bool[n], whether a copy of a row of this taint goes; with `strict` that of a mere neighbour does, too."""
    goes: npt.NDArray[np.bool_] = taint >= (LIES_IN if strict else HEADER)
    return goes


def equals_of_opted_out(rows: Rows, same: Sequence[U64]) -> tuple[I64, I64]:
    """Survivors that equal a row which opted out, and the best-ranked such row of each.

    Args:
        same: uint64[n] columns; rows that agree in all of them are equal.

    Returns:
        (survivor, row that opted out), int64 indices into the input, in order of `same`; empty for none.
    """
    is_survivor, is_out = rows.taint == 0, rows.taint == OPTED_OUT
    chosen = np.flatnonzero((is_survivor | is_out) & np.isin(same[0], same[0][is_out]))
    some = rows.take(chosen)
    columns = [column[chosen] for column in same]
    order = lexsorted([*columns, is_survivor[chosen], some.rank, *some.document, some.tie, some.ref])
    leads = fresh([column[order] for column in columns])
    first = order[np.maximum.accumulate(np.where(leads, np.arange(len(order)), 0))]
    equal = is_survivor[chosen[order]] & is_out[chosen[first]]
    return chosen[order[equal]], chosen[first[equal]]


def tainters(rows: Rows) -> I64:
    """The tainting row of every group that has one, as indices into the input, int64, in order of the key.

    The best-ranked of the worst taint; empty for none.
    """
    if not rows.taint.any():
        return np.empty(0, dtype=np.int64)
    order = lexsorted([*rows.key, _worst_first(rows.taint), rows.rank, *rows.document, rows.tie, rows.ref])
    order = order[_taints(rows)[order]]
    return order[fresh([half[order] for half in rows.key])]


def tainted_groups(key: Digests, winner: I64, tainter: I64) -> tuple[I64, I64]:
    """Of winners and tainting rows, each one a group and in order of the key, those of one group: (winner, tainter)."""
    order = lexsorted([np.concatenate([half[winner], half[tainter]]) for half in key])
    both = np.concatenate([winner, tainter])[order]  # of one key the winner stands first: the sort is stable
    again = np.flatnonzero(~fresh([half[both] for half in key]))
    return both[again - 1], both[again]


def copy_pairs(rows: Banded, taint: U8, *, candidates_per_bucket: int) -> tuple[U64, U64]:
    """Pairs (tainting row, survivor) that share a bucket, each pair once.

    Args:
        taint: uint8[rows].
        candidates_per_bucket: so many tainting rows of a bucket meet its survivors, >= 1: headers first, then the
            best-ranked; of those that opted out as many again, so that neither crowd out the others.

    Returns:
        Two uint64[m] of refs, each part sorted; empty for no pairs.
    """
    found = []
    for tainting in (np.flatnonzero(taint == OPTED_OUT), np.flatnonzero((taint > 0) & (taint < OPTED_OUT))):
        some = rows.take(tainting)
        some = some.take(lexsorted([some.key, _worst_first(taint[tainting]), some.rank, some.document, some.ref]))
        near = np.flatnonzero((taint == 0) & np.isin(rows.key, some.key))  # few buckets have a tainting row
        key, ref = rows.key[near], rows.ref[near]
        found.append(meetings(key, ref, some.key, some.ref, candidates_per_bucket=candidates_per_bucket))
    left, right = (np.concatenate(column) for column in zip(*found, strict=True))
    return left, right


def worst_copies(ref: U64, taint: U8, similarity: F64, twin: Digests) -> I64:
    """One copy for every survivor: the worst taint, then the highest similarity, then the smallest twin.

    Args:
        ref: the survivor of each copy found.
        twin: id of the tainting document as two uint64[n].

    Returns:
        Indices into the input, int64, in order of the refs; empty for no copies.
    """
    order = lexsorted([ref, _worst_first(taint), -similarity, *twin])
    return order[fresh([ref[order]])]


def _taints(rows: Rows) -> npt.NDArray[np.bool_]:
    """bool[n], whether a row taints others; not where another row of its document survives."""
    order = lexsorted([*rows.key, *rows.document, rows.taint])
    first = np.where(fresh([half[order] for half in (*rows.key, *rows.document)]), np.arange(len(order)), 0)
    taints = np.empty(len(order), dtype=np.bool_)
    taints[order] = rows.taint[order[np.maximum.accumulate(first)]] > 0
    return taints


def _worst_first(taint: U8) -> U8:
    worst: U8 = np.uint8(255) - taint
    return worst

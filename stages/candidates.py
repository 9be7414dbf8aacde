"""Duplicate candidates: exact groups by content hash, near-duplicate pairs by LSH buckets. Pure functions over arrays.

Every document is paired with the `k` best-ranked documents of each of its buckets, never with all of them: work and
output are linear in documents x k however large a bucket grows. Copies of one content stand in a bucket once.

A document is known here by its `ref`, unit << 32 | ordinal among the unit's documents. Rank: smaller is better; ties
fall to the id, then to the ref, so the order is total and does not depend on how rows are spread over shards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.exchange import lexsorted

U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class ExactGroups:
    """Losers of exact groups: index of the loser, index of its winner, whether it is the same row once more."""

    loser: npt.NDArray[np.int64]
    winner: npt.NDArray[np.int64]
    repeated: npt.NDArray[np.bool_]


def exact_groups(content: tuple[U64, U64], rank: U64, document: tuple[U64, U64], ref: U64) -> ExactGroups:
    """Group rows of equal content; the best-ranked of a group wins.

    Args:
        content: the content hash as two uint64[n].
        document: the document id as two uint64[n].

    Returns:
        Indices into the input, int64; empty arrays where nothing repeats. Of several rows of one document id all but
        the best-ranked are the same row read again (`repeated`).
    """
    order = lexsorted([*content, rank, *document, ref])
    leads = fresh([half[order] for half in content])
    first = np.maximum.accumulate(np.where(leads, np.arange(len(order)), 0))
    # Rows of one document may differ in rank, so they need not stand side by side in that order.
    by_document = lexsorted([*content, *document, rank, ref])
    repeated = np.zeros(len(order), dtype=np.bool_)
    repeated[by_document] = ~fresh([half[by_document] for half in (*content, *document)])
    loser = np.flatnonzero(~leads)
    return ExactGroups(order[loser], order[first[loser]], repeated[order[loser]])


def bucket_pairs(  # noqa: PLR0913 - five columns of one table
    key: U64, content: U64, rank: U64, document: U64, *, ref: U64, candidates_per_bucket: int
) -> tuple[U64, U64]:
    """Pairs (better-ranked, other) of documents that share a bucket, each pair once.

    Args:
        key: the band key, uint64[n]; rows of one key are one bucket.
        content: half of the content hash: equal contents stand in a bucket once, as their best-ranked document.
        document: half of the document id, the tie-break of equal ranks.

    Returns:
        Two uint64[m] of refs, sorted by (better, other); empty for no pairs.
    """
    order = lexsorted([key, content, rank, document, ref])
    key, content, rank = key[order], content[order], rank[order]
    document, ref = document[order], ref[order]
    alone = fresh([key, content])
    key, rank, document, ref = key[alone], rank[alone], document[alone], ref[alone]

    order = lexsorted([key, rank, document, ref])
    key, ref = key[order], ref[order]
    start = np.maximum.accumulate(np.where(fresh([key]), np.arange(len(order)), 0))
    place = np.arange(len(order)) - start
    better: list[U64] = []
    other: list[U64] = []
    for position in range(candidates_per_bucket):
        behind = place > position
        better.append(ref[start[behind] + position])
        other.append(ref[behind])
    return unique_pairs(np.concatenate(better), np.concatenate(other))


def unique_pairs(left: U64, right: U64) -> tuple[U64, U64]:
    """Each pair once, sorted."""
    order = lexsorted([left, right])
    left, right = left[order], right[order]
    once = fresh([left, right])
    return left[once], right[once]


def fresh(columns: Sequence[U64]) -> npt.NDArray[np.bool_]:
    """bool[n], whether a row of sorted columns differs from the one before it; the first one does."""
    differs = np.zeros(len(columns[0]), dtype=np.bool_)
    differs[:1] = True
    for column in columns:
        differs[1:] |= column[1:] != column[:-1]
    return differs

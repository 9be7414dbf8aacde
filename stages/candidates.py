"""Duplicate candidates: groups of one content, near-duplicate pairs by LSH buckets. Pure functions over arrays.

A group is of equal shingle sets, for short documents of equal contents. Only its best-ranked row goes on to buckets.
There every document is paired with the `k` best-ranked of each of its buckets, never with all of them: work and output
are linear in documents x k however large a bucket grows.

A document is known here by its `ref`, unit << 32 | ordinal among the unit's documents. Rank: smaller is better; ties
fall to the id and then, between rows of one id, to `tie`, made of what the rows say of themselves, so the order is
total and does not depend on how rows are spread over shards.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.exchange import lexsorted

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Digests = tuple[U64, U64]  # 16-byte digests as `stages.exchange.sortable` makes them


class Rows(NamedTuple):
    """Rows that are to be grouped, a column each; digests as two uint64[n].

    Attributes:
        key: of the group: hash of the shingle set, or of the content where there are no shingles.
        taint: 0 for a survivor, else see `stages.taint`.
    """

    key: Digests
    document: Digests
    rank: U64
    tie: U64
    ref: U64
    taint: U8

    def take(self, rows: npt.NDArray[np.generic]) -> "Rows":
        """Some of the rows, by index or mask."""
        key, document = ((first[rows], second[rows]) for first, second in (self.key, self.document))
        return Rows(key, document, self.rank[rows], self.tie[rows], self.ref[rows], self.taint[rows])


class Groups(NamedTuple):
    """Survivors by group, as indices into the input, int64.

    Attributes:
        winner: the best-ranked of every group, in order of the key.
        loser: every other survivor.
        loses_to: the winner of each loser.
        repeated: whether the loser is a row of a document of which a better-ranked row is there.
    """

    winner: I64
    loser: I64
    loses_to: I64
    repeated: npt.NDArray[np.bool_]


def groups(rows: Rows) -> Groups:
    """Group the survivors; the best-ranked of a group wins. Empty arrays for no rows."""
    plain = np.flatnonzero(rows.taint == 0).astype(np.int64)
    some = rows.take(plain)
    order = lexsorted([*some.key, some.rank, *some.document, some.tie, some.ref])
    leads = fresh([half[order] for half in some.key])
    first = np.maximum.accumulate(np.where(leads, np.arange(len(order)), 0))
    # Rows of one document may differ in rank, so they need not stand side by side in that order.
    by_document = lexsorted([*some.key, *some.document, some.rank, some.tie, some.ref])
    repeated = np.zeros(len(order), dtype=np.bool_)
    repeated[by_document] = ~fresh([half[by_document] for half in (*some.key, *some.document)])
    loser = np.flatnonzero(~leads)
    return Groups(plain[order[leads]], plain[order[loser]], plain[order[first[loser]]], repeated[order[loser]])


class Banded(NamedTuple):
    """A row for each LSH band of each document, uint64[n] each, in any order.

    Attributes:
        key: the band key; rows of one key are one bucket, in which a document stands once.
        document: half of the document id, the tie-break of equal ranks.
    """

    key: U64
    rank: U64
    document: U64
    ref: U64

    def take(self, rows: npt.NDArray[np.generic]) -> "Banded":
        """Some of the rows, by index or mask."""
        return Banded(*(column[rows] for column in self))


def bucket_pairs(rows: Banded, *, candidates_per_bucket: int) -> Iterator[tuple[U64, U64]]:
    """Pairs (better-ranked, other) of documents that share a bucket, in parts: first those with the best-ranked one.

    Yields:
        Two uint64[m] of refs, in order of the buckets, at most `candidates_per_bucket` times; a pair of several buckets
        comes several times.
    """
    rows = rows.take(lexsorted(rows))
    ref, place = rows.ref, places(rows.key)
    start = np.arange(len(ref)) - place
    for position in range(min(candidates_per_bucket, int(place.max(initial=0)))):
        behind = place > position
        yield ref[start[behind] + position], ref[behind]


def meetings(key: U64, ref: U64, leader_key: U64, leader_ref: U64, *, candidates_per_bucket: int) -> tuple[U64, U64]:
    """Pairs (leader, document) that share a bucket, each pair once: each document meets the first leaders of it.

    Args:
        key: the band key of every document and bucket, uint64[n], in any order.
        leader_key: the same of the leaders, sorted; inside a key the first are those to meet.

    Returns:
        Two uint64[m] of refs, sorted by (leader, document); empty for no pairs.
    """
    leads = places(leader_key) < candidates_per_bucket
    leader_key, leader_ref = leader_key[leads], leader_ref[leads]
    start = np.searchsorted(leader_key, key, side="left")
    stop = np.searchsorted(leader_key, key, side="right")
    leaders, documents = [leader_ref[:0]], [ref[:0]]
    for position in range(int((stop - start).max(initial=0))):
        here = start + position < stop
        leaders.append(leader_ref[start[here] + position])
        documents.append(ref[here])
    return unique_pairs(np.concatenate(leaders), np.concatenate(documents))


def places(key: U64) -> I64:
    """int64[n], the place of each row of a sorted column among the rows of its key, from 0."""
    numbers = np.arange(len(key))
    place: I64 = numbers - np.maximum.accumulate(np.where(fresh([key]), numbers, 0))
    return place


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

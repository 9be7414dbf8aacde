"""Which accepted rewrites stand: of equal and near-equal ones the first by id, of a language no more than its share.

A model that answers many files with the same text would undo what pass 2 did. Near-equal rewrites are found as near
duplicates of documents are: a shared LSH band makes a pair, the exact Jaccard similarity of shingles decides, and only
a rewrite that stands removes another. Of the rewrites that share one band key, the first `COMPARED` that stand are
compared with each later one, so that a family of like but different texts costs no square of its size; a near-equal
pair is missed only where all its bands are so crowded.

Cost: for each rewrite that shares a band with another, a similarity with each one that stands there, 2 to 4 ns a
shingle.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.exchange import lexsorted, sortable
from stages.similarity import jaccards

COMPARED = 64

Digests = npt.NDArray[np.void]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Twin(NamedTuple):
    """A rewrite that goes, the one that stands in its place, both by number, and how similar they are, 0..1."""

    gone: int
    stands: int
    similarity: float


def equal_twins(content_hashes: Digests) -> list[Twin]:
    """Rewrites whose content another one has that comes before.

    Args:
        content_hashes: 16 bytes each, of rewrites in the order of their ids.
    """
    keys = sortable(content_hashes)
    order = lexsorted(keys)  # equal ones stay in the order of their ids
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = np.logical_or.reduce([np.diff(key[order]) != 0 for key in keys])
    firsts = order[np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))]
    goes = order != firsts
    return [Twin(gone, first, 1.0) for gone, first in zip(order[goes].tolist(), firsts[goes].tolist(), strict=True)]


class SharedBands(NamedTuple):
    """Rewrites that share a band key with another one: an entry for each key of each, in order of the rewrites.

    Attributes:
        numbers: int64[n], of the rewrites.
        keys: int64[n], numbers of the keys.
    """

    numbers: I64
    keys: I64

    def each(self) -> Iterator[tuple[int, list[int]]]:
        """Each rewrite with its keys."""
        numbers, starts = np.unique(self.numbers, return_index=True)
        stops = np.append(starts, len(self.numbers))[1:]
        for number, start, stop in zip(numbers.tolist(), starts.tolist(), stops.tolist(), strict=True):
            yield number, self.keys[start:stop].tolist()


def shared_bands(bands: U64, has_bands: Bools) -> SharedBands:
    """All rewrites that share a key with another.

    Args:
        bands: uint64[n, bands], a row of keys for each rewrite; a row without `has_bands` means nothing.
        has_bands: bool[n].
    """
    rows = np.flatnonzero(has_bands)
    numbers, shared = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    num_keys = 0
    for band in range(bands.shape[1]):
        keys = bands[rows, band]
        _, key, count = np.unique(keys, return_inverse=True, return_counts=True)
        here = np.flatnonzero(count[key] > 1)
        numbers.append(rows[here])
        shared.append(key[here] + num_keys)
        num_keys += len(count)
    found = SharedBands(np.concatenate(numbers), np.concatenate(shared))
    order = lexsorted([found.numbers, found.keys])
    return SharedBands(found.numbers[order], found.keys[order])


class ShingleSets(NamedTuple):
    """Sets of shingles of some rewrites.

    Attributes:
        numbers: of these rewrites, ascending.
        hashes: their sets, one behind the other, each as `stages.similarity.unique_sorted` makes it.
        offsets: int64[rewrites + 1], where each set begins and the last one ends.
    """

    numbers: I64
    hashes: U64
    offsets: I64

    def similarities(self, one: int, others: Sequence[int]) -> npt.NDArray[np.float64]:
        """float64[others], of one rewrite with some others."""
        left, right = (np.searchsorted(self.numbers, numbers) for numbers in ([one] * len(others), others))
        return jaccards(self.hashes, self.offsets, left.astype(np.int64), right.astype(np.int64))


def near_twins(
    shared: SharedBands,
    shingles: ShingleSets,
    *,
    minimum_similarity: float,
    progress: Callable[[], object] = lambda: None,
) -> list[Twin]:
    """Rewrites that are near duplicates of one that comes before and stands; its twin is the most similar such one.

    Args:
        shared: without the rewrites that are equal to others.
        shingles: of every rewrite there.
        progress: called for each of them.
    """
    standing: dict[int, list[int]] = {}
    twins = []
    for number, keys in shared.each():
        progress()
        others = sorted({other for key in keys for other in standing.get(key, [])})
        similarities = shingles.similarities(number, others)
        best = int(np.argmax(similarities)) if others else -1  # of equal similarities the first
        if others and similarities[best] >= minimum_similarity:
            twins.append(Twin(number, others[best], float(similarities[best])))
            continue
        for key in keys:
            if len(of_key := standing.setdefault(key, [])) < COMPARED:
                of_key.append(number)
    return twins


def over_share(
    order: U64, num_bytes: Sequence[int], original_bytes: Sequence[int], *, of_language: int, share: float
) -> list[int]:
    """Numbers of the rewrites of a language for which there is no room: each that fits is taken, in their order.

    Those that are taken come to `share` of the language's bytes at most, whose originals they replace.

    Args:
        order: uint64[n], the place of each.
        num_bytes, original_bytes: of each rewrite and of its original.
        of_language: bytes of all documents of the language that go on, with every original in place.
    """
    maximum = Fraction(str(share))
    # rewrites <= share * (of_language - originals + rewrites), in whole numbers
    room = maximum.numerator * of_language
    without = []
    for number in np.argsort(order, kind="stable").tolist():
        needed = num_bytes[number] * (maximum.denominator - maximum.numerator)
        needed += original_bytes[number] * maximum.numerator
        if needed <= room:
            room -= needed
        else:
            without.append(number)
    return without

"""Which accepted rewrites stand: of equal and near-equal ones the first by id, of a language no more than its share.

A model that answers many files with the same text would undo what pass 2 did. Near-equal rewrites are found as near
duplicates of documents are: a shared LSH band makes a pair, the exact Jaccard similarity of shingles decides, and only
a rewrite that stands removes another. Of the rewrites that share one band key, the first `COMPARED` that stand are
compared with each later one, so that a family of like but different texts costs no square of its size; a near-equal
pair is missed only where all its bands are so crowded.

Cost: for each rewrite that shares a band with another, a similarity with each one that stands there, 2 to 4 ns a
shingle.
"""

from collections.abc import Callable, Sequence
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
    return [Twin(int(gone), int(stands), 1.0) for gone, stands in zip(order, firsts, strict=True) if gone != stands]


def shared_bands(bands: U64, has_bands: Bools) -> list[tuple[int, int]]:
    """(number of a band key, number of a rewrite) of all rewrites that share the key with another, in order of both.

    Args:
        bands: uint64[n, bands], a row of keys for each rewrite; a row without `has_bands` means nothing.
        has_bands: bool[n].
    """
    rows = np.flatnonzero(has_bands)
    found: list[tuple[int, int]] = []
    num_keys = 0
    for band in range(bands.shape[1]):
        keys = bands[rows, band]
        _, key, count = np.unique(keys, return_inverse=True, return_counts=True)
        here = np.flatnonzero(count[key] > 1)
        found += zip((key[here] + num_keys).tolist(), rows[here].tolist(), strict=True)
        num_keys += len(count)
    return sorted(found)


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
    shared: Sequence[tuple[int, int]],
    shingles: ShingleSets,
    *,
    minimum_similarity: float,
    progress: Callable[[], object] = lambda: None,
) -> list[Twin]:
    """Rewrites that are near duplicates of one that comes before and stands; its twin is the most similar such one.

    Args:
        shared: as `shared_bands` gives them, without the rewrites that are equal to others.
        shingles: of every rewrite there.
        progress: called for each of them.
    """
    keys_of: dict[int, list[int]] = {}
    for key, number in shared:
        keys_of.setdefault(number, []).append(key)
    standing: dict[int, list[int]] = {}
    twins = []
    for number in sorted(keys_of):
        progress()
        others = sorted({other for key in keys_of[number] for other in standing.get(key, [])[:COMPARED]})
        similarities = shingles.similarities(number, others)
        best = int(np.argmax(similarities)) if others else -1  # of equal similarities the first
        if others and similarities[best] >= minimum_similarity:
            twins.append(Twin(number, others[best], float(similarities[best])))
            continue
        for key in keys_of[number]:
            standing.setdefault(key, []).append(number)
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

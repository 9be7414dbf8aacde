"""Hash index: which of a few hundred thousand 64-bit hashes occur in a text, and what they belong to.

The loop that makes a text's hashes asks for each of them itself, so that of a clean text nothing comes back. A blocked
Bloom filter (Putze, Sanders, Singler, "Cache-, hash- and space-efficient Bloom filters", WEA 2007) of 16 bits a key and
two bits a hash in one 64-bit word answers nearly always; one foreign hash in 50 goes on to a binary search.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

_KEYS_A_WORD = 4

Wanted = tuple[NDArray[np.uint64], NDArray[np.uint64]]
"""Words of the filter, a power of two of them, and the keys, ascending; `EVERYTHING` wants every hash."""

EVERYTHING: Wanted = (np.full(2, 0xFFFFFFFFFFFFFFFF, np.uint64), np.empty(0, np.uint64))
_NOTHING: Wanted = (np.zeros(2, np.uint64), np.empty(0, np.uint64))


@dataclass(frozen=True, slots=True)
class HashIndex:
    """Hashes and their owners, which are numbers from 0 on.

    Attributes:
        wanted: filter and keys; keys are uint64, ascending, each once.
        offsets: int64, one more than keys: the owners of key i are `owners[offsets[i]:offsets[i + 1]]`.
        owners: int32, ascending within a key.
    """

    wanted: Wanted
    offsets: NDArray[np.int64]
    owners: NDArray[np.int32]

    @classmethod
    def build(cls, hashes: NDArray[np.uint64], owners: NDArray[np.int32]) -> Self:
        """An index of pairs of a hash and an owner; a pair that stands twice counts once."""
        if not hashes.size:
            return cls(_NOTHING, np.zeros(1, np.int64), np.empty(0, np.int32))
        order = np.lexsort((owners, hashes))
        hashes, owners = hashes[order], owners[order]
        fresh = np.r_[True, (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])]
        hashes, owners = hashes[fresh], owners[fresh]
        keys, firsts = np.unique(hashes, return_index=True)
        words = np.zeros(1 << max(1, (int(keys.size) // _KEYS_A_WORD).bit_length()), np.uint64)
        _fill(words, keys)
        return cls((words, keys), np.r_[firsts, hashes.size].astype(np.int64), owners)

    def owners_of(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Owners of some keys, ascending, and how many different keys each of them has among these.

        Args:
            hashes: of keys of the index; none must be foreign.
        """
        places = np.searchsorted(self.wanted[1], np.unique(hashes))
        found = [self.owners[self.offsets[place] : self.offsets[place + 1]] for place in places.tolist()]
        return np.unique(np.concatenate([self.owners[:0], *found]), return_counts=True)


@njit(cache=True, nogil=True, inline="always")
def filter_bits(hashed: np.uint64) -> np.uint64:
    """The bits of a hash in its word of the filter."""
    one, last = np.uint64(1), np.uint64(63)
    return one << (hashed & last) | one << (hashed >> np.uint64(6) & last)


@njit(cache=True, nogil=True)
def filter_shift(words: NDArray[np.uint64]) -> np.uint64:
    """A hash's word is `hash >> shift`."""
    shift = 64
    while 1 << (64 - shift) < words.size:
        shift -= 1
    return np.uint64(shift)


@njit(cache=True, nogil=True)
def key_place(keys: NDArray[np.uint64], hashed: np.uint64) -> int:
    """Index of a hash among the keys; -1 for none, 0 where everything is wanted."""
    if keys.size == 0:
        return 0
    place = int(np.searchsorted(keys, hashed))
    return place if place < keys.size and keys[place] == hashed else -1


@njit(cache=True, nogil=True)
def _fill(words: NDArray[np.uint64], keys: NDArray[np.uint64]) -> None:
    shift = filter_shift(words)
    for key in keys:
        words[key >> shift] |= filter_bits(key)

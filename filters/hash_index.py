"""Hash index: which of a few hundred thousand 64-bit hashes occur in a text, and what they belong to.

A bitmap of the hashes' top bits goes into the loop that makes a text's hashes: 64 bits a key, so one in 64 foreign
hashes passes it, and a clean text costs one look-up a hash and a binary search for the few that pass.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_BITS_A_KEY = 6  # as a power of 2
_SMALLEST_BITS, _LARGEST_BITS = 10, 27


@dataclass(frozen=True, slots=True)
class HashIndex:
    """Hashes and their owners, which are numbers from 0 on.

    Attributes:
        keys: uint64, ascending, each once.
        bitmap: uint8; bit `key >> shift` is set for every key.
        shift: 64 minus the logarithm of the bitmap's size in bits.
        offsets: int64, one more than keys: the owners of key i are `owners[offsets[i]:offsets[i + 1]]`.
        owners: int32, ascending within a key.
    """

    keys: NDArray[np.uint64]
    bitmap: NDArray[np.uint8]
    shift: int
    offsets: NDArray[np.int64]
    owners: NDArray[np.int32]

    @classmethod
    def build(cls, hashes: NDArray[np.uint64], owners: NDArray[np.int32]) -> Self:
        """An index of pairs of a hash and an owner; a pair that stands twice counts once."""
        order = np.lexsort((owners, hashes))
        hashes, owners = hashes[order], owners[order]
        if hashes.size:
            fresh = np.r_[True, (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])]
            hashes, owners = hashes[fresh], owners[fresh]
        keys, firsts = np.unique(hashes, return_index=True)
        bits = min(max(int(keys.size).bit_length() + _BITS_A_KEY, _SMALLEST_BITS), _LARGEST_BITS)
        shift = 64 - bits
        bitmap = np.zeros(1 << (bits - 3), np.uint8)
        slots = keys >> np.uint64(shift)
        np.bitwise_or.at(bitmap, slots >> np.uint64(3), np.uint8(1) << (slots & np.uint64(7)).astype(np.uint8))
        return cls(keys, bitmap, shift, np.r_[firsts, hashes.size].astype(np.int64), owners)

    def places(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """For each hash its index among the keys, -1 for none; int64."""
        if not self.keys.size or not hashes.size:
            return np.full(hashes.size, -1, np.int64)
        places = np.minimum(np.searchsorted(self.keys, hashes), self.keys.size - 1)
        return np.where(self.keys[places] == hashes, places, -1)

    def owners_of(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Owners of some hashes, ascending, and how many different hashes each of them has among these."""
        places = self.places(np.unique(hashes))
        found = [self.owners[self.offsets[place] : self.offsets[place + 1]] for place in places[places >= 0].tolist()]
        if not found:
            return np.empty(0, np.int32), np.empty(0, np.int64)
        return np.unique(np.concatenate(found), return_counts=True)

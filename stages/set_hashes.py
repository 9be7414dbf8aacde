"""One hash for a set of shingles, whatever their order and repetitions: documents of equal sets need no comparison.

The hashes of the distinct shingles are mixed in two ways and added up, modulo 2**64 each. Repetitions are found with an
open hash table, which takes a fifth of the time of a sort. Hashes that somebody made to fall on one place of the table
would make it slow: beyond `_MOST_PROBES` looks a shingle it gives up, and a sort finds the repetitions.

Among 10**9 different sets the chance of one collision is 2e-21. Not cryptographic, as the shingles are not.
"""

import struct

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.similarity import unique_sorted

SET_HASH_BYTES = 16

_MOST_PROBES = 64


def set_hash(hashes: NDArray[np.uint64]) -> bytes:
    """Hash of the set of some shingle hashes.

    Args:
        hashes: in any order, with repetitions; as `stages.shingles.shingle_hashes` makes them.

    Returns:
        16 bytes; sixteen zero bytes for no shingles.
    """
    distinct, high, low = _sums(hashes)
    if not distinct:
        _, high, low = _sum_of_distinct(unique_sorted(np.maximum(hashes, np.uint64(1))))
    return struct.pack(">QQ", high, low)


@njit(cache=True, nogil=True)
def _sums(hashes: NDArray[np.uint64]) -> tuple[bool, np.uint64, np.uint64]:
    """(whether repetitions could be told, the two sums)."""
    one = np.uint64(1)
    bits = np.uint64(4)
    while (one << bits) < np.uint64(2 * hashes.size):
        bits += one
    table = np.zeros(one << bits, np.uint64)
    mask = (one << bits) - one
    high, low = np.uint64(0), np.uint64(0)
    probes = 0
    for index in range(hashes.size):
        value = max(hashes[index], one)  # 0 is an empty place: two of 2**64 values count as one
        place = value >> (np.uint64(64) - bits)
        while table[place] != 0 and table[place] != value:
            place = (place + one) & mask
            probes += 1
        if probes > _MOST_PROBES * hashes.size:
            return False, high, low
        if table[place] == 0:
            table[place] = value
            high += _mixed(value, np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD))
            low += _mixed(value, np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
    return True, high, low


@njit(cache=True, nogil=True)
def _sum_of_distinct(hashes: NDArray[np.uint64]) -> tuple[bool, np.uint64, np.uint64]:
    high, low = np.uint64(0), np.uint64(0)
    for index in range(hashes.size):
        high += _mixed(hashes[index], np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD))
        low += _mixed(hashes[index], np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
    return True, high, low


@njit(cache=True, nogil=True)
def _mixed(value: np.uint64, first: np.uint64, second: np.uint64) -> np.uint64:
    """Multiply and fold, twice: every bit of the value reaches every bit of the sum."""
    value = value * first
    value ^= value >> np.uint64(32)
    value = value * second
    return np.uint64(value ^ (value >> np.uint64(29)))

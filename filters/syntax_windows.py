"""Hashes of windows of syntax tokens that do not change when somebody renames variables.

Parameterized matching (Baker, "Parameterized duplication in strings", SIAM J. Comput. 26, 1997): a name that can be
renamed counts as its distance to its last occurrence inside the window, 0 for the first one. Two windows are equal up
to a consistent renaming exactly where these sequences are.

How: the hash is a polynomial rolled over the tokens. When the first token leaves, at most one other token changes: the
next occurrence of the same name, if it is inside, becomes a first one. So a token costs a few multiplications, however
long the window. 64 bits with a final mix.

MB of UTF-8 per CPU second (Xeon, one busy hyperthread), tokens, windows and their look-up: 157 on real code.
"""

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.hash_index import EVERYTHING, Wanted, filter_bits, filter_shift, key_place
from filters.name_distances import Distances, name_distances
from filters.syntax_tokens import syntax_tokens

_BASE = 0xD1342543DE82EF95
_FIRST = 0xF58DF05F1B6A3C27
_DISTANCE = 0xA0761D6478BD642F


def syntax_windows(encoded: bytes, *, window_tokens: int, wanted: Wanted = EVERYTHING) -> NDArray[np.uint64]:
    """Hashes of the wanted windows of a text read as code.

    Args:
        encoded: any bytes.
        window_tokens: 2 to 255.

    Returns:
        uint64, in text order, repetitions included; empty for a text of fewer than `window_tokens` tokens.
    """
    tokens, renamed = syntax_tokens(encoded)
    if tokens.size < window_tokens:
        return tokens[:0]
    near = name_distances(tokens, renamed, window_tokens)
    hashes: NDArray[np.uint64] = _windows(tokens, renamed, near, _window(window_tokens), wanted)
    return hashes


@cache
def _window(window_tokens: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Powers of the base, and what a distance to the last occurrence counts as; one for each token of a window."""
    powers = np.cumprod(np.r_[np.uint64(1), np.full(window_tokens - 1, _BASE, np.uint64)], dtype=np.uint64)
    mixed = np.arange(1, window_tokens + 1, dtype=np.uint64) * np.uint64(_DISTANCE)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    return powers, mixed ^ (mixed >> np.uint64(29))


@njit(cache=True, nogil=True)
def telling_tokens(tokens: NDArray[np.uint64], renamed: NDArray[np.bool_], window_tokens: int) -> NDArray[np.int64]:
    """For every window, how many different tokens it has that nobody renames; int64, as many as there are windows."""
    counts = np.zeros(max(0, tokens.size - window_tokens + 1), np.int64)
    for start in range(counts.size):
        for place in range(start, start + window_tokens):
            first = not renamed[place]
            for before in range(start, place):
                first &= tokens[before] != tokens[place]
            counts[start] += first
    return counts


@njit(cache=True, nogil=True)
def _windows(
    tokens: NDArray[np.uint64],
    renamed: NDArray[np.bool_],
    near_names: Distances,
    window: tuple[NDArray[np.uint64], NDArray[np.uint64]],
    wanted: Wanted,
) -> NDArray[np.uint64]:
    (back, ahead), (powers, distances), (blocks, keys) = near_names, window, wanted
    shift, size, count, rolled = filter_shift(blocks), powers.size, 0, np.uint64(0)
    found = np.empty(tokens.size - size + 1, np.uint64)
    for place in range(tokens.size):
        leaving = place - size
        if leaving >= 0:
            gone = np.uint64(_FIRST) if renamed[leaving] else tokens[leaving]
            rolled -= gone * powers[size - 1]
            near = ahead[leaving]
            if near != 0:  # the next occurrence is a first one from now on
                rolled -= (distances[near] - np.uint64(_FIRST)) * powers[size - 1 - near]
        value = np.uint64(_FIRST) if renamed[place] else tokens[place]
        if back[place] != 0:  # no distance reaches beyond a window
            value = distances[back[place]]
        rolled = rolled * np.uint64(_BASE) + value
        if leaving >= -1:
            mixed = (rolled ^ (rolled >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
            mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
            mixed ^= mixed >> np.uint64(33)
            bits = filter_bits(mixed)
            if blocks[mixed >> shift] & bits == bits and key_place(keys, mixed) >= 0:
                found[count] = mixed
                count += 1
    return found[:count]

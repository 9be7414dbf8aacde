"""Hashes of windows of syntax tokens that do not change when somebody renames variables.

Parameterized matching (Baker, "Parameterized duplication in strings", SIAM J. Comput. 26, 1997): a name that can be
renamed counts as its distance to its last occurrence inside the window, 0 for the first one. Two windows are equal up
to a consistent renaming exactly where these sequences are.

How: the hash is a polynomial rolled over the tokens. When the first token leaves, at most one other token changes: the
next occurrence of the same name, if it is inside, becomes a first one. So a token costs a few multiplications, however
long the window. 64 bits with a final mix.

MB of UTF-8 per CPU second (Xeon, one busy hyperthread), tokens, windows and their look-up: SPEED on real code.
"""

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.syntax_tokens import syntax_tokens

_BASE = 0xD1342543DE82EF95
_FIRST = 0xF58DF05F1B6A3C27
_DISTANCE = 0xA0761D6478BD642F


def syntax_windows(encoded: bytes, *, window_tokens: int) -> NDArray[np.uint64]:
    """Hashes of all windows of a text read as code.

    Args:
        encoded: any bytes.

    Returns:
        uint64, one for each token that begins a whole window; empty for a text of fewer than `window_tokens` tokens.
    """
    return windows_in(encoded, window_tokens=window_tokens, bitmap=np.full(1, 0xFF, np.uint8), shift=61)


def windows_in(encoded: bytes, *, window_tokens: int, bitmap: NDArray[np.uint8], shift: int) -> NDArray[np.uint64]:
    """Hashes of those windows whose bit `hash >> shift` of `bitmap` is set, in order."""
    tokens, renamed = syntax_tokens(encoded)
    if tokens.size < window_tokens:
        return np.empty(0, np.uint64)
    back, ahead = _distances(tokens, renamed, window_tokens)
    tokens[renamed] = _FIRST
    found: NDArray[np.uint64] = _windows(tokens, back, ahead, bitmap, np.uint64(shift), _window(window_tokens))
    return found


@cache
def _window(window_tokens: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Powers of the base, and what a distance to the last occurrence counts as."""
    places = np.arange(window_tokens, dtype=np.uint64)
    powers = np.cumprod(np.r_[np.uint64(1), np.full(window_tokens - 1, _BASE, np.uint64)])
    mixed = (places + np.uint64(1)) * np.uint64(_DISTANCE)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    return powers, mixed ^ (mixed >> np.uint64(29))


@njit(cache=True, nogil=True)
def telling_tokens(
    tokens: NDArray[np.uint64], renamed: NDArray[np.bool_], window_tokens: int
) -> NDArray[np.int64]:
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
def _distances(
    tokens: NDArray[np.uint64], renamed: NDArray[np.bool_], window_tokens: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """To the last and the next occurrence of each name, in tokens; 0 for none within a window, and for other tokens."""
    bits = 4
    while (1 << bits) < 2 * tokens.size:
        bits += 1
    table = np.full(1 << bits, -1, np.int32)  # the last place of every name
    shift, last = np.uint64(64 - bits), np.uint64((1 << bits) - 1)
    back, ahead = np.zeros(tokens.size, np.uint8), np.zeros(tokens.size, np.uint8)
    for place in range(tokens.size):
        if not renamed[place]:
            continue
        slot = tokens[place] * np.uint64(_DISTANCE) >> shift
        while table[slot] >= 0 and tokens[table[slot]] != tokens[place]:
            slot = (slot + np.uint64(1)) & last
        if table[slot] >= 0 and place - table[slot] < window_tokens:
            back[place] = ahead[table[slot]] = place - table[slot]
        table[slot] = place
    return back, ahead


@njit(cache=True, nogil=True)
def _windows(
    tokens: NDArray[np.uint64],
    back: NDArray[np.uint8],
    ahead: NDArray[np.uint8],
    bitmap: NDArray[np.uint8],
    shift: np.uint64,
    window: tuple[NDArray[np.uint64], NDArray[np.uint64]],
) -> NDArray[np.uint64]:
    """Hashes whose bit is set.

    Args:
        tokens: of names that can be renamed, `_FIRST`.
        window: powers of the base, and what a distance counts as; one for each token of a window.
    """
    powers, distances = window
    size, count, rolled = powers.size, 0, np.uint64(0)
    found = np.empty(max(0, tokens.size - size + 1), np.uint64)
    for place in range(tokens.size):
        leaving = place - size
        if leaving >= 0:
            rolled -= tokens[leaving] * powers[size - 1]
            near = ahead[leaving]
            if near != 0:  # the next occurrence is a first one from now on
                rolled -= (distances[near] - np.uint64(_FIRST)) * powers[size - 1 - near]
        value = tokens[place]
        if back[place] != 0:  # `_distances` gives none beyond a window
            value = distances[back[place]]
        rolled = rolled * np.uint64(_BASE) + value
        if leaving >= -1:
            mixed = rolled
            mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
            mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
            mixed ^= mixed >> np.uint64(33)
            bit = mixed >> shift
            if bitmap[bit >> np.uint64(3)] >> np.uint8(bit & np.uint64(7)) & np.uint8(1):
                found[count] = mixed
                count += 1
    return found[:count]

"""Repeated runs: how much of a text says again what it said before, and how much right after it.

A model that loops writes a block twice, or a few tokens until it is stopped. Code repeats itself rightly, too, so what
is measured only means something beside the same measure of another text. Tokens are words, and each other visible byte
by itself, one of a row of equal ones: layout and drawn lines do not matter. One compiled pass, linear in the text; two
copies of a run are told by the hash of `WINDOW_TOKENS` in a row.

Source: SwallowCode, arXiv 2505.02881, its filter of outputs with a block of 100 characters repeated at once. Deviation:
tokens, whose number neither layout nor the renaming of locals changes; 100 characters are about 30 of them.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.repetition import find, seed_of, table_bits
from filters.source_kinds import is_word

WINDOW_TOKENS = 8
LONG_TOKENS = 60
"""About 200 visible characters of code."""

_BASE = 0x9E3779B97F4A7C15


class RepeatedRuns(NamedTuple):
    """How much of a text was there before, in tokens.

    Attributes:
        at_once: in runs that repeat what stands right before them: a block, or a few tokens in a loop.
        long: in runs of `LONG_TOKENS` and more, wherever they stood.
    """

    at_once: int
    long: int


def repeated_runs(encoded: bytes) -> RepeatedRuns:
    """The repeated runs of a text in UTF-8; (0, 0) for one of fewer than 9 tokens, such as an empty one."""
    hashes = code_tokens(encoded)
    at_once, long = _runs(hashes)
    return RepeatedRuns(int(at_once), int(long))


def code_tokens(encoded: bytes) -> NDArray[np.uint64]:
    """A hash for each token of a text: uint64, odd for words and even for marks, never 0; empty for an empty text."""
    found: NDArray[np.uint64] = _tokens(np.frombuffer(encoded, np.uint8))
    return found


@njit(cache=True, nogil=True)
def _tokens(encoded: NDArray[np.uint8]) -> NDArray[np.uint64]:
    hashes = np.empty(encoded.size, np.uint64)
    size = index = 0
    while index < encoded.size:
        byte = encoded[index]
        index += 1
        if byte <= 0x20:
            continue
        word = is_word(byte)
        hashed = np.uint64(byte)
        while index < encoded.size and (is_word(encoded[index]) if word else encoded[index] == byte):
            if word:
                hashed = (hashed ^ np.uint64(encoded[index])) * np.uint64(_BASE)
                hashed ^= hashed >> np.uint64(31)
            index += 1
        hashes[size] = (hashed << np.uint64(1)) | np.uint64(word)
        size += 1
    return hashes[:size]


@njit(cache=True, nogil=True)
def _window_hashes(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Of every `WINDOW_TOKENS` tokens in a row; never 0."""
    windows = np.empty(max(0, hashes.size - WINDOW_TOKENS + 1), np.uint64)
    highest = np.uint64(1)
    for _ in range(WINDOW_TOKENS - 1):
        highest *= np.uint64(_BASE)
    rolling = np.uint64(0)
    for index in range(hashes.size):
        if index >= WINDOW_TOKENS:
            rolling -= hashes[index - WINDOW_TOKENS] * highest
        rolling = rolling * np.uint64(_BASE) + hashes[index]
        if index >= WINDOW_TOKENS - 1:
            windows[index - WINDOW_TOKENS + 1] = max(rolling, np.uint64(1))
    return windows


@njit(cache=True, nogil=True)
def _runs(hashes: NDArray[np.uint64]) -> tuple[int, int]:
    """Tokens in runs that follow on their copy at once, and tokens in long ones."""
    windows = _window_hashes(hashes)
    bits, seed = table_bits(windows.size), seed_of(windows)
    table, places = np.zeros(1 << bits, np.uint64), np.zeros(1 << bits, np.int64)
    at_once = long = run = period = 0
    for index in range(windows.size + 1):
        distance = 0
        if index < windows.size:
            slot = find(table, bits, seed, windows[index])
            distance = index - places[slot] if table[slot] != 0 else 0
            if period and windows[index] == windows[index - period]:
                distance = period  # the run goes on, though some of it stands again in between
            table[slot], places[slot] = windows[index], index
        if distance == period:
            run += distance != 0
            continue
        at_once += run if 4 * run >= 3 * period else 0  # its beginning may have matched something nearer
        long += run if run >= LONG_TOKENS else 0
        period, run = distance, WINDOW_TOKENS if distance else 0
    return at_once, long

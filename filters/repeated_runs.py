"""Repeated runs: how much of a text says again what it said before, and how much right after it.

A model that loops writes a block twice, or a few tokens until it is stopped. Code repeats itself rightly, too, so what
is measured only means something beside the same measure of another text. Tokens are words, and each other visible byte
by itself, one of a row of equal ones: layout and drawn lines do not matter. One compiled pass, linear in the text; two
copies of a run are told by the hash of `WINDOW_TOKENS` in a row.

Source of the bound of 100 characters: SwallowCode, arXiv 2505.02881, its filter of outputs with a block repeated at
once. Deviation: visible bytes of tokens, so that the same holds for other layouts.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.repetition import find, seed_of, table_bits
from filters.source_kinds import is_word

WINDOW_TOKENS = 8
_BASE = 0x9E3779B97F4A7C15


class RepeatedRuns(NamedTuple):
    """What of a text was there before, in visible bytes.

    Attributes:
        longest: the longest run of tokens that stood before, wherever.
        at_once: the longest that repeats what stands right before it, a loop of a few tokens or a block.
    """

    longest: int
    at_once: int


def repeated_runs(encoded: bytes) -> RepeatedRuns:
    """The repeated runs of a text in UTF-8; (0, 0) for one of fewer than 9 tokens, such as an empty one."""
    hashes, sizes = code_tokens(encoded)
    longest, at_once = _runs(hashes, sizes)
    return RepeatedRuns(int(longest), int(at_once))


def code_tokens(encoded: bytes) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """The tokens of a text: uint64, a hash of each, odd for words and even for marks, never 0; int32, their bytes."""
    found: tuple[NDArray[np.uint64], NDArray[np.int32]] = _tokens(np.frombuffer(encoded, np.uint8))
    return found


@njit(cache=True, nogil=True)
def _tokens(encoded: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    hashes, sizes = np.empty(encoded.size, np.uint64), np.empty(encoded.size, np.int32)
    size = index = 0
    while index < encoded.size:
        byte = encoded[index]
        if byte <= 0x20:
            index += 1
            continue
        start, word = index, is_word(byte)
        hashed = np.uint64(byte)
        while True:
            index += 1
            if index == encoded.size or (not is_word(encoded[index]) if word else encoded[index] != byte):
                break
            if word:
                hashed = (hashed ^ np.uint64(encoded[index])) * np.uint64(_BASE)
                hashed ^= hashed >> np.uint64(31)
        hashes[size] = (hashed << np.uint64(1)) | np.uint64(1) if word else (hashed << np.uint64(1))
        sizes[size] = index - start if word else 1
        size += 1
    return hashes[:size], sizes[:size]


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
def _runs(hashes: NDArray[np.uint64], sizes: NDArray[np.int32]) -> tuple[int, int]:
    """Bytes of the longest run that stood before, and of the longest that follows on its copy at once."""
    windows = _window_hashes(hashes)
    bits, seed = table_bits(windows.size), seed_of(windows)
    table, places = np.zeros(1 << bits, np.uint64), np.zeros(1 << bits, np.int64)
    longest = at_once = run_bytes = run_tokens = period = 0
    for index in range(windows.size):
        slot = find(table, bits, seed, windows[index])
        distance = index - places[slot] if table[slot] != 0 else 0
        table[slot], places[slot] = windows[index], index
        if distance == 0:
            period = 0
            continue
        if distance == period:
            run_tokens += 1
            run_bytes += sizes[index + WINDOW_TOKENS - 1]
        else:
            period, run_tokens = distance, WINDOW_TOKENS
            run_bytes = sizes[index : index + WINDOW_TOKENS].sum()
        longest = max(longest, run_bytes)
        if run_tokens >= period:
            at_once = max(at_once, run_bytes)
    return longest, at_once

r"""Squeezed text: all white space gone, and hashes of every run of some bytes of it, to find long literals.

Escapes go, too: of a backslash and `n`, `r` or `t` both, of another backslash itself. So a literal is found however its
lines are broken and indented, and inside a JSON string as well. White space is ASCII's, the no-break space and the
ideographic space.

How: one loop squeezes, one rolls a hash over the run (a cyclic polynomial: Cohen, "Recursive hashing functions for
n-grams", ACM TOIS 15, 1997), and only runs whose bit is set in a bitmap are told. 350 MB of UTF-8 per CPU second (Xeon,
one busy hyperthread).
"""

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray


def squeezed(encoded: bytes) -> NDArray[np.uint8]:
    """The bytes of a text without white space and escapes.

    Args:
        encoded: UTF-8.

    Returns:
        uint8; empty for an empty or blank text. Not to be written to.
    """
    values = np.frombuffer(encoded, np.uint8)
    kept = np.empty(values.size + 1, np.uint8)
    return kept[: _squeeze(values, _drops(), kept)]


def runs(text: NDArray[np.uint8], *, run_bytes: int) -> NDArray[np.uint64]:
    """Hashes of all runs of a squeezed text; uint64, by the index of their first byte."""
    return runs_in(text, run_bytes=run_bytes, bitmap=np.full(1, 0xFF, np.uint8), shift=61)[0]


def runs_in(
    text: NDArray[np.uint8], *, run_bytes: int, bitmap: NDArray[np.uint8], shift: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Those runs whose bit `hash >> shift` of `bitmap` is set: hashes, and indices of their first bytes, in order."""
    hashes = np.empty(max(1, text.size - run_bytes + 1), np.uint64)
    starts = np.empty(hashes.size, np.int64)
    count = _runs(text, _random_bits(), run_bytes, bitmap, np.uint64(shift), (hashes, starts))
    return hashes[:count], starts[:count]


@cache
def _drops() -> NDArray[np.bool_]:
    drops = np.zeros(256, np.bool_)
    drops[[*b" \t\n\r\f\v\x1c\x1d\x1e\x1f"]] = True
    return drops


@cache
def _random_bits() -> NDArray[np.uint64]:
    """64 bits for every byte: a fixed SplitMix64 sequence."""
    mixed = (np.arange(256, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@njit(cache=True, nogil=True)
def _squeeze(encoded: NDArray[np.uint8], drops: NDArray[np.bool_], kept: NDArray[np.uint8]) -> int:
    """Fill `kept`: written always, kept by the counter; the number of bytes."""
    index, count, size = 0, np.uint64(0), encoded.size
    while index < size:
        byte = encoded[index]
        index += 1
        if byte == 0x5C:
            if index < size and (encoded[index] == 0x6E or encoded[index] == 0x72 or encoded[index] == 0x74):  # noqa: PLR1714 (compiled)
                index += 1
            continue
        if byte == 0xC2 and index < size and encoded[index] == 0xA0:
            index += 1
            continue
        if byte == 0xE3 and index + 1 < size and encoded[index] == 0x80 and encoded[index + 1] == 0x80:
            index += 2
            continue
        kept[count] = byte
        count += np.uint64(not drops[byte])
    return int(count)


@njit(cache=True, nogil=True)
def _runs(
    text: NDArray[np.uint8],
    bits: NDArray[np.uint64],
    run_bytes: int,
    bitmap: NDArray[np.uint8],
    shift: np.uint64,
    found: tuple[NDArray[np.uint64], NDArray[np.int64]],
) -> int:
    """Fill both arrays of `found`; how many runs."""
    hashes, starts = found
    one, last = np.uint64(1), np.uint64(63)
    gone, out = np.empty(256, np.uint64), np.uint64(run_bytes & 63)
    for byte in range(256):
        gone[byte] = bits[byte] << out | bits[byte] >> (np.uint64(64) - out & last)
    if text.size < run_bytes:
        return 0
    rolled, count = np.uint64(0), 0
    for index in range(run_bytes - 1):
        rolled = (rolled << one | rolled >> last) ^ bits[text[index]]
    entering, leaving = text[run_bytes - 1 :], text[: text.size - run_bytes + 1]  # slices: no test for a negative index
    for index in range(entering.size):
        rolled = (rolled << one | rolled >> last) ^ bits[entering[index]]
        mixed = rolled * np.uint64(0x9E3779B97F4A7C15)
        bit = mixed >> shift
        if bitmap[bit >> np.uint64(3)] >> np.uint8(bit & np.uint64(7)) & np.uint8(1):
            hashes[count], starts[count] = mixed, index
            count += 1
        before = gone[leaving[index]]  # of the first byte, which leaves with the next one
        rolled ^= before >> one | before << last
    return count

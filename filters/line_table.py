"""The lines of a text as arrays, and what is counted over them: one compiled scan for every signal on lines.

Only LF ends a line, and a final LF does not start another one. The visible part of a line is what `str.strip` leaves of
it. Lines are equal where the hashes of their visible parts are: among 10**6 lines the chance of one collision is 3e-8.
Not cryptographic: whoever wants two lines to collide can make them.

MB of UTF-8 per CPU second (EPYC, one busy hyperthread, documents of 6 KB): 500, counts included.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.character_classes import ENDS, PADDING, SPACE, character_classes
from filters.repetition import count_repeated
from filters.text_views import code_points

SHORT_LINE_CHARACTERS = 30

_DOT, _ELLIPSIS, _BULLET, _HYPHEN = 0x2E, 0x2026, 0x2022, 0x2D


class LineTable(NamedTuple):
    """One entry a line, all of shape (lines,); places and lengths in code points.

    Attributes:
        starts: int32, where the line starts.
        characters: int32, its length without the LF.
        visible_starts: int32, where its visible part starts; where the line ends, if it is blank.
        visible_characters: int32, the length of the visible part; 0 for a blank line.
        hashes: uint64, of the visible part; 0 for a blank line, never 0 else.
    """

    starts: NDArray[np.int32]
    characters: NDArray[np.int32]
    visible_starts: NDArray[np.int32]
    visible_characters: NDArray[np.int32]
    hashes: NDArray[np.uint64]


class LineCounts(NamedTuple):
    """Counts over the lines of a text.

    Attributes:
        lines: all of them.
        characters: code points of all lines, line feeds apart.
        longest: code points of the longest line.
        bullets: lines whose visible part starts with a bullet or a hyphen.
        ellipses: lines whose visible part ends in an ellipsis, as one character or as three dots.
        nonblank: lines with a visible part.
        ended: lines whose visible part ends in a mark that ends a sentence.
        short: nonblank lines of at most `SHORT_LINE_CHARACTERS` code points.
        repeated: nonblank lines equal to an earlier one.
        repeated_characters: code points of the visible parts of those.
    """

    lines: int
    characters: int
    longest: int
    bullets: int
    ellipses: int
    nonblank: int
    ended: int
    short: int
    repeated: int
    repeated_characters: int


def line_table(text: str) -> LineTable:
    """The lines of a text, in their order."""
    return _lines(text)[0]


@lru_cache(maxsize=1)
def line_counts(text: str) -> LineCounts:
    """The counts over the lines of a text."""
    return _lines(text)[1]


@lru_cache(maxsize=1)
def _lines(text: str) -> tuple[LineTable, LineCounts]:
    classes = character_classes(text)
    size = classes.line_ends.size + (text != "" and not text.endswith("\n"))
    places = (np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32))
    table = LineTable(*places, np.empty(size, np.uint64))
    counts = _scan(code_points(text), classes.padded, classes.line_ends, table)
    return table, LineCounts(size, *counts)


@njit(cache=True, nogil=True)
def _scan(
    points: NDArray[np.uint32], padded_classes: NDArray[np.uint16], ends: NDArray[np.int32], table: LineTable
) -> tuple[int, int, int, int, int, int, int, int, int]:
    """Fill the table; the counts in their order, from the second on."""
    starts, characters, visible_starts, visible_characters, hashes = table
    classes = padded_classes[PADDING:]
    start = longest = bullets = ellipses = nonblank = ended = short = 0
    for line in range(starts.size):
        end = ends[line] if line < ends.size else points.size
        first, last = start, end
        while first < end and classes[first] & SPACE:
            first += 1
        while last > first and classes[last - 1] & SPACE:
            last -= 1
        starts[line], characters[line] = start, end - start
        visible_starts[line], visible_characters[line] = first, last - first
        hashes[line] = _hash(points[first:last])
        longest = max(longest, end - start)
        if last > first:
            nonblank += 1
            short += end - start <= SHORT_LINE_CHARACTERS
            bullets += (points[first] == _BULLET) | (points[first] == _HYPHEN)
            ended += (classes[last - 1] & ENDS) != 0
            ellipses += _ends_in_ellipsis(points[first:last])
        start = end + 1
    repeated, repeated_characters = count_repeated(hashes, visible_characters)
    num_characters = points.size - ends.size
    return num_characters, longest, bullets, ellipses, nonblank, ended, short, repeated, repeated_characters


@njit(cache=True, nogil=True, inline="always")
def _ends_in_ellipsis(points: NDArray[np.uint32]) -> bool:
    """Whether code points, at least one, end in three dots or in the character for them."""
    dots = points.size >= 3 and points[-1] == _DOT and points[-2] == _DOT and points[-3] == _DOT
    return bool(dots or points[-1] == _ELLIPSIS)


@njit(cache=True, nogil=True)
def _hash(points: NDArray[np.uint32]) -> np.uint64:
    """A hash of code points, in two lanes of two each so that neither waits for the other; 0 for none, else never 0."""
    size = points.size
    multiplier = np.uint64(0x9E3779B97F4A7C15)
    left, right = np.uint64(size), np.uint64(0xD6E8FEB86659FD93)
    for index in range(0, size - 3, 4):
        left = (left ^ _pair(points[index], points[index + 1])) * multiplier
        right = (right ^ _pair(points[index + 2], points[index + 3])) * multiplier
        left ^= left >> np.uint64(32)
        right ^= right >> np.uint64(32)
    for index in range(size & ~3, size):
        left = (left ^ np.uint64(points[index])) * multiplier
    left = (left ^ (left >> np.uint64(32)) ^ (right << np.uint64(1) | right >> np.uint64(63))) * multiplier
    return (left ^ left >> np.uint64(32)) | np.uint64(1) if size else np.uint64(0)


@njit(cache=True, nogil=True, inline="always")
def _pair(first: np.uint32, second: np.uint32) -> np.uint64:
    return np.uint64(first) | np.uint64(second) << np.uint64(32)

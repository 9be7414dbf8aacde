"""What a code point is, as bits: one look-up that every scan of a text shares.

Letters, capital letters, digits and white space are Python's (`str.isalpha`, `str.isupper`, `str.isdigit`,
`str.isspace`); a test looks at every code point. The other bits say how a mark behaves beside a word; `filters.parts`
explains them.

A text within ASCII needs 128 entries. The first one beyond builds the whole table: 2.2 MB, 0.1 s of CPU, once a
process. It follows the Unicode version of the running Python (14.0 in 3.11). The look-up itself: 1 GB/s.
"""

import sys
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.text_views import code_points

SPACE, LETTER, DIGIT, CAPITAL, LEADS, TRAILS, JOINS, CALCULATES, ENDS, STOP, APOSTROPHE = (
    1 << bit for bit in range(11)
)
PADDING = 3

_LINE_FEED, _SLASH = 0x0A, 0x2F

_LEADING_ASCII = "!\"#&'()*,:;<>?[]_`{}$%="
_TRAILING_ASCII = "!\"#&'()*,:;<>?[]_`{}"
_JOINING = "-~:<>=/,\N{EN DASH}\N{EM DASH}"
_CALCULATING = "+-*^"
# Unicode's Sentence_Terminal, for the scripts in daily use.
_ENDING = (
    ".?!\u203c\u203d\u2047\u2048\u2049\u3002\uff01\uff0e\uff1f\uff61\u0589\u061f\u06d4\u0964\u0965\u1362\u1367"
    "\u17d4\u17d5\u104a\u104b"
)

# Nothing above plane 3 is a letter, digit, space or mark (tags and private use).
_CLASSES_END = 0x40000


class Classes(NamedTuple):
    """What one look-up of every code point finds.

    Attributes:
        padded: uint16, shape (characters + 2 * PADDING,): the bits of every code point, with `PADDING` entries of SPACE
            before and behind, so that each has neighbours.
        line_ends: int32, shape (line feeds,): where they stand.
        has_slashes: whether two slashes stand side by side, as in an address.
    """

    padded: NDArray[np.uint16]
    line_ends: NDArray[np.int32]
    has_slashes: bool


@lru_cache(maxsize=1)
def character_classes(text: str) -> Classes:
    """The bits of every code point of a text."""
    points = code_points(text)
    padded, line_ends = np.empty(points.size + 2 * PADDING, np.uint16), np.empty(points.size + 1, np.int32)
    num_ends, has_slashes = _look_up(points, _ascii_classes() if text.isascii() else _all_classes(), padded, line_ends)
    return Classes(padded, line_ends[:num_ends], has_slashes)


@njit(cache=True, nogil=True)
def _look_up(
    points: NDArray[np.uint32], table: NDArray[np.uint16], padded: NDArray[np.uint16], line_ends: NDArray[np.int32]
) -> tuple[int, bool]:
    padded[:PADDING] = SPACE
    padded[padded.size - PADDING :] = SPACE
    classes = padded[PADDING:]
    num_ends, slashes = np.uint64(0), np.uint8(0)
    for index in range(points.size):
        point = points[index]
        classes[index] = table[point]
        line_ends[num_ends] = index  # moves on only behind a line feed: no branch to mispredict
        num_ends += np.uint64(point == _LINE_FEED)
    for index in range(1, points.size):
        slashes |= np.uint8(points[index - 1] == _SLASH) & np.uint8(points[index] == _SLASH)
    return int(num_ends), slashes != 0


@cache
def _all_classes() -> NDArray[np.uint16]:
    return _classes(_CLASSES_END, sys.maxunicode + 1)


@cache
def _ascii_classes() -> NDArray[np.uint16]:
    return _classes(0x80, 0x80)


def _classes(end: int, size: int) -> NDArray[np.uint16]:
    points = list(map(chr, range(end)))
    table = np.zeros(size, dtype=np.uint16)
    known = table[:end]
    for bit, is_of_class in ((SPACE, str.isspace), (LETTER, str.isalpha), (DIGIT, str.isdigit), (CAPITAL, str.isupper)):
        known |= np.frombuffer(bytes(map(is_of_class, points)), dtype=np.uint8) * np.uint16(bit)
    # Beyond ASCII every mark of punctuation and every sign but the mathematical stands apart from a word.
    major = np.frombuffer("".join(map(unicodedata.category, points)).encode(), dtype="S1")
    minor, major = major[1::2], major[::2]
    mark = (major == b"P") | ((major == b"S") & (minor != b"m"))
    mark[:0x80] = False
    known |= mark * np.uint16(LEADS | TRAILS)
    for bit, marks in (
        (LEADS, _LEADING_ASCII),
        (TRAILS, _TRAILING_ASCII),
        (JOINS, _JOINING),
        (CALCULATES, _CALCULATING),
        (ENDS, _ENDING),
        (STOP, "."),
        (APOSTROPHE, "'\N{RIGHT SINGLE QUOTATION MARK}"),
    ):
        places = np.frombuffer(marks.encode("utf-32-le"), dtype="<u4")
        known[places[places < end]] |= np.uint16(bit)
    table.flags.writeable = False
    return table

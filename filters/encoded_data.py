r"""Signals on encoded data: base64, bytes written in hexadecimal, runs of \uXXXX.

The three patterns are those of StarCoder2, section 3.2, as its authors give them for Python's `re` (with `re.ASCII`):

    base64       [a-zA-Z0-9+/\n=]{64,}
    hexadecimal  (?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*)){8,}
    \u escapes   (?:\\u[0-9a-fA-F]{4}){8,}

Told by a compiled scan over bytes instead, which cannot backtrack: the same matches, about 300 MB/s. Two things about
the patterns are worth knowing. LF belongs to the base64 class, so a list of words, one a line, is a match. And "0x1f,
0x8b" with a blank after the comma is none: only "0x1f,0x8b", "1f 8b" and "\x1f\x8b" are.
"""

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.text_views import utf8_bytes
from manifests.document import Document

_MINIMUM_BASE64 = 64
_MINIMUM_GROUPS = 8

_WORD, _HEX, _SPACE, _BASE64, _ESCAPE = 1, 2, 4, 8, 16


def longest_encoded_run_characters(document: Document) -> float:
    r"""Length of the longest match of a pattern of encoded data.

    A long one marks an embedded file: an image, a font, a key, a compiled program.

    Returns:
        Characters, >= 0; 0 for an empty document. A match has at least 16.

    Source: StarCoder2, arXiv 2402.19173, section 3.2 (files with a match of more than 1,024 characters are dropped).
    Deviation: `\b` and `\s` know ASCII alone.
    """
    return float(_runs(document.text)[0])


def encoded_fraction(document: Document) -> float:
    """Share of the characters inside matches of the patterns of encoded data.

    Finds the files that consist of many short blobs.

    Returns:
        0..1; 0 for an empty document. A character that two patterns match counts twice, up to 1 in all.

    Source: StarCoder2, arXiv 2402.19173, section 3.2 (more than 0.5 is dropped). Deviation: see
    `longest_encoded_run_characters`; the cap at 1.
    """
    text = document.text
    return min(1.0, _runs(text)[1] / len(text)) if text else 0.0


@lru_cache(maxsize=1)
def _runs(text: str) -> tuple[int, int]:
    """Longest match and the sum of all; every match is ASCII, so its bytes are its characters."""
    encoded = np.frombuffer(utf8_bytes(text), np.uint8)
    longest, total = _base64_runs(encoded, _CLASSES)
    longest_group, total_groups = _group_runs(encoded, _CLASSES)
    return max(longest, longest_group), total + total_groups


def _classes() -> NDArray[np.uint8]:
    classes = np.zeros(256, np.uint8)
    for characters, flag in (
        (b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", _WORD),
        (b"abcdefABCDEF0123456789", _HEX),
        (b" \t\n\r\f\v", _SPACE),
        (b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/\n=", _BASE64),
        (b"\\", _ESCAPE),
    ):
        classes[list(characters)] |= flag
    return classes


_CLASSES = _classes()


@njit(cache=True, nogil=True)
def _base64_runs(encoded: NDArray[np.uint8], classes: NDArray[np.uint8]) -> tuple[int, int]:
    """Longest maximal run of the class that is long enough, and the sum of them."""
    longest = total = run = 0
    for index in range(encoded.size):
        run = (run + 1) * ((classes[encoded[index]] & _BASE64) >> 3)
        longest = max(longest, run)
        total += (run > _MINIMUM_BASE64) + _MINIMUM_BASE64 * (run == _MINIMUM_BASE64)
    return (longest if longest >= _MINIMUM_BASE64 else 0), total


@njit(cache=True, nogil=True)
def _group_runs(encoded: NDArray[np.uint8], classes: NDArray[np.uint8]) -> tuple[int, int]:
    r"""Longest run of hexadecimal groups or \u escapes, and the sum of both.

    No group can begin inside another one or inside the white space after it, so a run is read once from its start.
    """
    longest = total = 0
    index, size = 0, encoded.size
    before = np.uint8(0)
    while index + 1 < size:
        here = classes[encoded[index]]
        inside_word = before & here & _WORD
        before = here
        if inside_word or not here & (_HEX | _ESCAPE):
            index += 1
            continue
        start, groups = index, 0
        unicode_escape = encoded[index] == 0x5C and encoded[index + 1] == 0x75  # backslash, u
        end = _unicode_end(encoded, classes, index) if unicode_escape else _hex_end(encoded, classes, index)
        while end > index:
            index, groups = end, groups + 1
            end = _unicode_end(encoded, classes, index) if unicode_escape else _hex_end(encoded, classes, index)
        if groups >= _MINIMUM_GROUPS:
            longest = max(longest, index - start)
            total += index - start
        index += groups == 0
        before = classes[encoded[index - 1]]
    return longest, total


@njit(cache=True, nogil=True)
def _hex_end(encoded: NDArray[np.uint8], classes: NDArray[np.uint8], start: int) -> int:
    """End of the hexadecimal group at a place, its comma or white space included; the place itself if there is none."""
    size = encoded.size
    if start + 1 >= size:
        return start
    before = classes[encoded[start - 1]] & _WORD if start else 0
    if before == classes[encoded[start]] & _WORD:
        return start  # no word boundary
    index = start
    if (encoded[start] == 0x5C or encoded[start] == 0x30) and encoded[start + 1] == 0x78:
        index += 2  # a backslash or 0, then x
    if index + 1 >= size or not classes[encoded[index]] & classes[encoded[index + 1]] & _HEX:
        return start
    index += 2
    if index < size and encoded[index] == 0x2C:  # a comma
        return index + 1
    if index < size and classes[encoded[index]] & _WORD:
        return start
    while index < size and classes[encoded[index]] & _SPACE:
        index += 1
    return index


@njit(cache=True, nogil=True)
def _unicode_end(encoded: NDArray[np.uint8], classes: NDArray[np.uint8], start: int) -> int:
    r"""End of the \u escape at a place; the place itself if there is none."""
    if start + 6 > encoded.size or encoded[start] != 0x5C or encoded[start + 1] != 0x75:
        return start
    digits = classes[encoded[start + 2]] & classes[encoded[start + 3]] & classes[encoded[start + 4]]
    return start + 6 if digits & classes[encoded[start + 5]] & _HEX else start

"""The words of a text as a tokenizer of English would cut them, as arrays: the *parts* of what white space separates.

Gopher's rules, as datatrove applies them, count such words: punctuation is a word without a letter, so the share of
words that hold one is lower by a tenth than among words between white space. A character and its neighbours decide:

- a mark that LEADS or TRAILS (brackets, quotes, commas) is a part where white space or another such mark is its
  neighbour on that side; so is the full stop behind a word, unless it follows a single capital letter (`U.S.`);
- two or more full stops in a row are one part, wherever they stand;
- before an apostrophe between letters there is a cut if at most two letters follow it (`we're`, not `O'Neil`);
- a mark that JOINS (`-`, `/`, `=`) is a part between a letter or digit and a letter; one that CALCULATES (`+`, `*`)
  between digits; a full stop between a small letter and a capital one;
- an address (`http://...`) is one part.

Equal parts have equal hashes; case counts. Among 10**6 the chance of one collision is 3e-8; not cryptographic: whoever
wants two words to collide can make them.

MB of UTF-8 per CPU second (EPYC, one busy hyperthread, documents of 6 KB): 220.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.character_classes import (
    APOSTROPHE,
    CALCULATES,
    CAPITAL,
    DIGIT,
    JOINS,
    LEADS,
    LETTER,
    PADDING,
    SPACE,
    STOP,
    TRAILS,
    character_classes,
)
from filters.text_views import code_points

_SEED, _MULTIPLIER = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
_SCHEME_END = "://"


class Words(NamedTuple):
    """Words or parts of words in their order, all of shape (n,); places and lengths in code points.

    Attributes:
        starts: int32, where each starts.
        characters: int32, its length.
        classes: uint16, the bits of all its code points (`filters.character_classes`).
        hashes: uint64, never 0.
    """

    starts: NDArray[np.int32]
    characters: NDArray[np.int32]
    classes: NDArray[np.uint16]
    hashes: NDArray[np.uint64]


@lru_cache(maxsize=1)
def words(text: str) -> Words:
    """What white space separates, as `str.split` does."""
    size = code_points(text).size
    return _words(text, np.zeros(size + 1, np.bool_), size // 2 + 1)


@lru_cache(maxsize=1)
def parts(text: str) -> Words:
    """The parts of the words, as the module has them."""
    classes, _, has_slashes = character_classes(text)
    cuts = np.empty(classes.size - 2 * PADDING + 1, np.bool_)
    _cut(classes, cuts)
    if has_slashes and _SCHEME_END in text:
        places = np.array([match.start() for match in re.finditer(_SCHEME_END, text)])
        _join_addresses(places, classes, cuts)
    return _words(text, cuts, cuts.size)


def hash_of_part(part: str) -> int:
    """The hash that a table has for a part."""
    return int(words(part).hashes[0])


def _words(text: str, cuts: NDArray[np.bool_], most: int) -> Words:
    """The table of at most so many words; of the cuts there is one more than of the code points."""
    size = most + 1  # one more entry is written to than used
    starts, characters = np.empty(size, np.int32), np.empty(size, np.int32)
    classes, hashes = np.empty(size, np.uint16), np.empty(size, np.uint64)
    end = _fill(code_points(text), character_classes(text).padded, cuts, Words(starts, characters, classes, hashes))
    return Words(starts[:end], characters[:end], classes[:end], hashes[:end])


@njit(cache=True, nogil=True)
def _cut(padded: NDArray[np.uint16], cuts: NDArray[np.bool_]) -> None:
    """Say of every code point whether a part starts there inside a word.

    Bit logic on numbers, whose bit 0 holds the answer, is vectorised; the same on truth values is not.
    """
    apart = np.empty(cuts.size, np.uint16)  # whether the mark before each code point stands apart
    apart[0], cuts[-1] = 0, False
    second_left, left, mark, right = padded[1:], padded[2:], padded[3:], padded[4:]
    second_right, third_right = padded[5:], padded[6:]
    for index in range(cuts.size - 1):
        at, before, behind = mark[index], left[index], right[index]
        leads = _is(at, LEADS) & (_is(before, SPACE) | _is(before, LEADS))
        edge = _is(behind, SPACE) | _is(behind, TRAILS) | _is(behind, STOP)
        joins = _is(at, JOINS) & (_is(before, LETTER) | _is(before, DIGIT)) & _is(behind, LETTER)
        calculates = _is(at, CALCULATES) & _is(before, DIGIT) & _is(behind, DIGIT)
        initial = _is(before, CAPITAL) & ~(_is(second_left[index], LETTER) | _is(second_left[index], DIGIT))
        inside = _is(before, LETTER) & ~_is(before, CAPITAL) & _is(behind, CAPITAL)
        stops = (edge & ~initial) | inside | _is(before, STOP) | _is(behind, STOP)
        apart[index + 1] = leads | (_is(at, TRAILS) & edge) | joins | calculates | (_is(at, STOP) & stops)
    for index in range(cuts.size - 1):
        at, before, second, third = mark[index], left[index], second_right[index], third_right[index]
        one_letter = ~(_is(second, LETTER) | _is(second, DIGIT))
        two_letters = _is(second, LETTER) & ~(_is(third, LETTER) | _is(third, DIGIT))
        clitic = _is(at, APOSTROPHE) & (_is(before, LETTER) | _is(before, DIGIT)) & _is(right[index], LETTER)
        starts = apart[index] | apart[index + 1] | (clitic & (one_letter | two_letters))
        cuts[index] = starts & ~(_is(at, STOP) & _is(before, STOP)) & 1


@njit(cache=True, nogil=True, inline="always")
def _is(classes: np.uint16, bit: int) -> np.uint16:
    """1 where the bit is set, else 0."""
    return np.uint16((classes & np.uint16(bit)) != 0)


@njit(cache=True, nogil=True)
def _join_addresses(places: NDArray[np.int64], padded: NDArray[np.uint16], cuts: NDArray[np.bool_]) -> None:
    """Take the cuts out of every address, from its scheme, which ends at a place, to the marks that end its word.

    A word is gone through once, however many schemes it holds: what stands in it behind the first belongs to that.
    """
    classes = padded[PADDING:]
    done = 0
    for place in places:
        if place < done:
            continue
        start = end = place
        while start > 0 and classes[start - 1] & (LETTER | DIGIT):
            start -= 1
        while not classes[end] & SPACE:
            end += 1
        done = end
        while classes[end - 1] & (TRAILS | STOP):
            end -= 1
        cuts[start + 1 : end] = False


@njit(cache=True, nogil=True)
def _fill(points: NDArray[np.uint32], padded: NDArray[np.uint16], cuts: NDArray[np.bool_], table: Words) -> int:
    """Fill the table; the end of the entries.

    The entry is stored anew at every code point, white space too, and the counter moves on only where a word ends; what
    is kept of the code points before is masked: no branch to mispredict.
    """
    starts, characters, found_classes, hashes = table
    classes = padded[PADDING:]
    entry = length = hashed = found = np.uint64(0)
    for index in range(points.size):
        at = np.uint64(classes[index])
        space = at & np.uint64(SPACE)
        begins = (np.uint64(padded[index + PADDING - 1]) & np.uint64(SPACE)) | np.uint64(cuts[index])
        ends = (np.uint64(classes[index + 1]) & np.uint64(SPACE)) | np.uint64(cuts[index + 1])
        kept = begins - np.uint64(1)
        length = (length & kept) + np.uint64(1)
        found = (found & kept) | at
        hashed = ((hashed if kept else np.uint64(_SEED)) ^ np.uint64(points[index])) * np.uint64(_MULTIPLIER)
        starts[entry], characters[entry] = np.uint64(index + 1) - length, length
        found_classes[entry], hashes[entry] = found, hashed | np.uint64(1)
        entry += ends & ~space
    return int(entry)

r"""Words of a text as benchmarks are compared by them, and hashes of the word n-grams: what a copy keeps.

A word is a maximal run of ASCII letters and digits, lower-cased, and of other characters that are no punctuation, space
or symbol of the blocks below. `_` and all marks separate, so comment signs, Markdown, quotes and line breaks do not
matter. A backslash separates and takes a following `n`, `r` or `t` with it, so a problem inside a JSON string has the
words of the problem itself. In scripts written without spaces each character is a word. Letters outside ASCII are not
folded.

How: one compiled loop over the UTF-8 bytes. A word's hash is `rotate(hash, 5) + letter`, as in `stages.shingles`, whose
words are others (they keep `_`). Its lowest bit says whether the word tells something: three letters or more, or one
outside ASCII. An n-gram's hash is a polynomial in its words', rolled on, with a final mix. Among 10**6 n-grams the
chance of one collision is 3e-8; nobody gains by making one.

MB of UTF-8 per CPU second (Xeon, one busy hyperthread): 280 on code, n-grams and their look-up included.
"""

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

_BASE = 0x9E3779B97F4A7C15  # odd
_SEPARATE = np.array(
    [
        (0x0080, 0x00BF),  # Latin-1 controls, punctuation, symbols
        (0x2000, 0x2BFF),  # punctuation, currency, arrows, mathematics, shapes
        (0x2E00, 0x2E7F),  # more punctuation
        (0x3000, 0x3004),  # CJK space and stops
        (0x3008, 0x3020),
        (0xD800, 0xDFFF),  # lone surrogates
        (0xFE10, 0xFE6F),  # forms of punctuation
        (0xFF00, 0xFF0F),  # full-width punctuation
        (0xFF1A, 0xFF20),
        (0xFFFC, 0xFFFF),
        (0x1F000, 0x1FAFF),  # pictures
    ],
    np.uint32,
)
_ALONE = np.array(
    [
        (0x0E00, 0x0EFF),  # Thai, Lao
        (0x1000, 0x109F),  # Myanmar
        (0x1780, 0x17FF),  # Khmer
        (0x3005, 0x3007),
        (0x3040, 0x30FF),  # kana
        (0x3400, 0x4DBF),  # Han
        (0x4E00, 0x9FFF),
        (0xF900, 0xFAFF),
        (0x20000, 0x3FFFF),
    ],
    np.uint32,
)


def word_hashes(encoded: bytes) -> NDArray[np.uint64]:
    """Hashes of the words of a text.

    Args:
        encoded: valid UTF-8; lone surrogates may be in it.

    Returns:
        uint64, one a word, in text order; bit 0 is set where the word tells something. Empty for a text without words.
    """
    words = np.empty(len(encoded) // 2 + 2, np.uint64)
    values = np.frombuffer(encoded, np.uint8)
    return words[: _words(values, _letters(), words)]


def word_ngrams(words: NDArray[np.uint64], *, ngram_words: int) -> NDArray[np.uint64]:
    """Hashes of all n-grams of `word_hashes`, in order; uint64, empty where there are fewer words than `ngram_words`."""
    return ngrams_in(words, ngram_words=ngram_words, bitmap=np.full(1, 0xFF, np.uint8), shift=61)


def ngrams_in(
    words: NDArray[np.uint64], *, ngram_words: int, bitmap: NDArray[np.uint8], shift: int
) -> NDArray[np.uint64]:
    """Hashes of those n-grams whose bit `hash >> shift` of `bitmap` is set, in order."""
    found = np.empty(max(0, words.size - ngram_words + 1), np.uint64)
    return found[: _ngrams(words, ngram_words, bitmap, np.uint64(shift), found)]


@njit(cache=True, nogil=True)
def telling_words(words: NDArray[np.uint64], ngram_words: int) -> NDArray[np.int64]:
    """For every n-gram, how many different words of it tell something; int64, as many as there are n-grams."""
    counts = np.zeros(max(0, words.size - ngram_words + 1), np.int64)
    for start in range(counts.size):
        for place in range(start, start + ngram_words):
            first = True
            for before in range(start, place):
                first &= words[before] != words[place]
            counts[start] += first & (words[place] & np.uint64(1) == 1)
    return counts


@cache
def _letters() -> NDArray[np.uint64]:
    """For every ASCII byte: 0 outside words, else random bits of its lower case."""
    letters = np.zeros(128, np.uint64)
    for number in range(128):
        if chr(number).isalnum():
            letters[number] = _mixed(np.uint64(ord(chr(number).lower()) + 1))
    return letters


@njit(cache=True, nogil=True, inline="always")
def _mixed(value: np.uint64) -> np.uint64:
    """MurmurHash3's fmix64 of a multiple."""
    mixed = value * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return mixed ^ (mixed >> np.uint64(33))


@njit(cache=True, nogil=True)
def _within(point: np.uint32, ranges: NDArray[np.uint32]) -> bool:
    for index in range(ranges.shape[0]):
        if point <= ranges[index, 1]:
            return bool(point >= ranges[index, 0])
    return False


@njit(cache=True, nogil=True)
def _words(encoded: NDArray[np.uint8], letters: NDArray[np.uint64], words: NDArray[np.uint64]) -> int:
    """Fill `words`; their number, <= (bytes + 1) / 2."""
    one, two = np.uint64(1), np.uint64(2)
    word, count, told = np.uint64(0), 0, 0
    index, size = np.uint64(0), np.uint64(encoded.size)  # unsigned: no test for a negative index
    while index < size:
        byte = encoded[index]
        index += one
        letter = np.uint64(0)
        alone = False
        if byte < 0x80:
            letter = letters[byte]
            told += byte > 0x39  # above the digits: a letter, or a mark that ends the word anyway
            if byte == 0x5C and index < size and (encoded[index] == 0x6E or encoded[index] == 0x72 or encoded[index] == 0x74):  # noqa: PLR1714, E501 (compiled)
                index += one
        else:
            following = 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3
            point = np.uint32(byte & (0x3F >> following))
            for _ in range(following):
                point = point << np.uint32(6) | np.uint32(encoded[index] & 0x3F)
                index += one
            if not _within(point, _SEPARATE):
                letter = _mixed(np.uint64(point) + one)
                told = 3
                alone = _within(point, _ALONE)
        if letter != 0 and not alone:
            word = (word << np.uint64(5) | word >> np.uint64(59)) + letter
            continue
        if word != 0:
            words[count] = (word & ~one) | np.uint64(told >= 3)
            count += 1
        if alone:
            words[count] = letter | one
            count += 1
        word, told = np.uint64(0), 0
    if word != 0:
        words[count] = (word & ~one) | np.uint64(told >= 3)
        count += 1
    return count


@njit(cache=True, nogil=True)
def _ngrams(
    words: NDArray[np.uint64], ngram_words: int, bitmap: NDArray[np.uint8], shift: np.uint64, found: NDArray[np.uint64]
) -> int:
    """Fill `found` with hashes whose bit is set; their number."""
    leaving = np.uint64(1)
    for _ in range(ngram_words):
        leaving *= np.uint64(_BASE)
    rolled, count = np.uint64(0), 0
    for place in range(words.size):
        rolled = rolled * np.uint64(_BASE) + words[place]
        if place >= ngram_words:
            rolled -= words[place - ngram_words] * leaving
        if place >= ngram_words - 1:
            mixed = _mixed(rolled)
            bit = mixed >> shift
            if bitmap[bit >> np.uint64(3)] >> np.uint8(bit & np.uint64(7)) & np.uint8(1):
                found[count] = mixed
                count += 1
    return count

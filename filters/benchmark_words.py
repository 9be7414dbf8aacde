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

MB of UTF-8 per CPU second (Xeon, one busy hyperthread): 390 on code, 255 with n-grams of two lengths and their look-up.
"""

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.hash_index import EVERYTHING, Wanted, filter_bits, filter_shift, key_place

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
    hashes: NDArray[np.uint64] = _words(np.frombuffer(encoded, np.uint8), _letters())
    return hashes


def word_ngrams(encoded: bytes, *, ngram_words: int, wanted: Wanted = EVERYTHING) -> NDArray[np.uint64]:
    """Hashes of the wanted n-grams of a text's words.

    Args:
        encoded: valid UTF-8; lone surrogates may be in it.
        ngram_words: words in an n-gram, >= 1.

    Returns:
        uint64, in text order, repetitions included; empty where there are fewer words than `ngram_words`.
    """
    hashes: NDArray[np.uint64] = _ngrams(_words(np.frombuffer(encoded, np.uint8), _letters()), ngram_words, wanted)
    return hashes


def two_word_ngrams(
    encoded: bytes, first: tuple[int, Wanted], second: tuple[int, Wanted]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """`word_ngrams` of two lengths, each with what is wanted of it, at the price of one and a little."""
    hashes: tuple[NDArray[np.uint64], NDArray[np.uint64]]
    hashes = _two_ngrams(np.frombuffer(encoded, np.uint8), _letters(), first, second)
    return hashes


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
def _words(encoded: NDArray[np.uint8], letters: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = np.empty(encoded.size + 1, np.uint64)  # a script without spaces has a word for two bytes or more
    one = np.uint64(1)
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
            if (
                byte == 0x5C
                and index < size
                and (encoded[index] == 0x6E or encoded[index] == 0x72 or encoded[index] == 0x74)
            ):
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
    return words[:count]


@njit(cache=True, nogil=True)
def _ngrams(words: NDArray[np.uint64], ngram_words: int, wanted: Wanted) -> NDArray[np.uint64]:
    blocks, keys = wanted
    shift, leaving = filter_shift(blocks), np.uint64(1)
    for _ in range(ngram_words):
        leaving *= np.uint64(_BASE)
    rolled, count = np.uint64(0), 0
    found = np.empty(max(0, words.size - ngram_words + 1), np.uint64)
    for place in range(words.size):
        rolled = rolled * np.uint64(_BASE) + words[place]
        if place >= ngram_words:
            rolled -= words[place - ngram_words] * leaving
        if place >= ngram_words - 1:
            mixed = _mixed(rolled)
            bits = filter_bits(mixed)
            if blocks[mixed >> shift] & bits == bits and key_place(keys, mixed) >= 0:
                found[count] = mixed
                count += 1
    return found[:count]


@njit(cache=True, nogil=True)
def _two_ngrams(
    encoded: NDArray[np.uint8], letters: NDArray[np.uint64], first: tuple[int, Wanted], second: tuple[int, Wanted]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    words = _words(encoded, letters)
    return _ngrams(words, first[0], first[1]), _ngrams(words, second[0], second[1])

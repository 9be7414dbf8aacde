r"""Content hash: a text's identity up to line ends and trailing blanks. Shingles: 64-bit hashes of its word 5-grams.

A word is a maximal run of `\w` (Python's: letters, digits and underscore of any script) in `text.lower()`. Scripts
written without spaces would make a sentence one word, so each Han ideograph, kana, and each Thai, Lao, Burmese or Khmer
letter is a word of its own (combining marks are not `\w`: they separate, as in Python's `re`).

How: one compiled loop over the UTF-8 bytes, without branches on ASCII. A table gives for every code point 0 (not in
a word) or 62 random bits of its lower case and two flags, so folding, word test and hashing are one look-up. It is
exact wherever one character becomes one, whatever its neighbours; a text with one of the two exceptions, U+0130 and
capital sigma, goes through `str.lower` first. A word's hash is `rotate(hash, 5) + letter`, a shingle's a multilinear
combination of its words' and a final mix. Among 10**6 shingles the chance of one collision is 3e-8. Not cryptographic:
whoever wants two texts to collide can make them.

Cost (one busy hyperthread of a 2.5 GHz Cascade Lake, CPU time, real code): shingles 300 MB/s, content hash 800 MB/s;
the letter table takes 9 MB and 0.2 s, once a process. It follows the Unicode version of the running Python (14.0 in
3.11): hashes of letters newer than that may differ between Python versions.
"""

import re
from functools import cache

import numpy as np
import xxhash
from numba import njit
from numpy.typing import NDArray

CONTENT_HASH_BYTES = 16

_NUM_CODE_POINTS = 0x110000
_DOTTED_CAPITAL_I, _CAPITAL_SIGMA = 0x130, 0x3A3
_WORD, _JOINS = 1, 2
_BLOCK_SHINGLES = 1024
_SCRIPTS_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark, zero
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana phonetic extensions
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x1B000, 0x1B16F),  # kana supplements
    (0x20000, 0x3FFFF),  # Han, extensions B and later
)


def content_hash(text: str) -> bytes:
    """Identity of a text up to line ends and trailing blanks.

    CRLF and lone CR become LF; spaces and tabs at the end of every line go, and so does every LF, space and tab at the
    end of the text, the last line end included. Then xxh3_128 of the UTF-8 bytes. Case, indentation, blank lines inside
    and every other white space count.

    Returns:
        16 bytes, xxh3's canonical (big-endian) order; that of no bytes at all for an empty or blank text.
    """
    return content_hash_utf8(text.encode("utf-8", "surrogatepass"))


def content_hash_utf8(encoded: bytes) -> bytes:
    """`content_hash` of a text that is at hand in UTF-8."""
    values = np.frombuffer(encoded, np.uint8)
    size = _tidy_size(values)
    if size < 0:
        tidied = np.empty_like(values)
        size, values = _tidy(values, tidied), tidied
    return xxhash.xxh3_128_digest(values[:size].data)


def shingle_hashes(text: str, *, ngram_words: int = 5) -> NDArray[np.uint64]:
    """Hashes of all word n-grams of a text.

    Equal n-grams of lower-cased words have equal hashes in every text; the module says what a word is.

    Args:
        text: any string; a lone surrogate separates words.
        ngram_words: words in a shingle, >= 1.

    Returns:
        uint64, one a shingle, in text order, repetitions included (a minimum does not mind, `unique_sorted` drops
        them); empty for a text of fewer than `ngram_words` words, which only its content hash can compare.

    Raises:
        ValueError: `ngram_words` is below 1.
    """
    return shingle_hashes_utf8(text.encode("utf-8", "surrogatepass"), ngram_words=ngram_words)


def shingle_hashes_utf8(encoded: bytes, *, ngram_words: int = 5) -> NDArray[np.uint64]:
    """`shingle_hashes` of a text that is at hand in UTF-8; the bytes must be valid."""
    if ngram_words < 1:
        raise ValueError(f"ngram_words: expected >= 1, got {ngram_words}")
    words = np.empty(len(encoded) // 2 + 2, np.uint64)
    num_words = _words(np.frombuffer(encoded, np.uint8), _letters(), words)
    if num_words < 0:
        lowered = encoded.decode("utf-8", "surrogatepass").lower()
        return shingle_hashes(lowered, ngram_words=ngram_words)
    hashes: NDArray[np.uint64] = _combined(words[:num_words], _multipliers(ngram_words))
    return hashes


@cache
def _letters() -> NDArray[np.uint64]:
    """For every code point: 0 outside words, else 62 random bits of its lower case and the flags."""
    points = np.arange(_NUM_CODE_POINTS, dtype=np.uint32)
    points[[_DOTTED_CAPITAL_I, _CAPITAL_SIGMA]] = 0  # never looked up; would shift or be read by its neighbours
    lowered = points.tobytes().decode("utf-32-le", "surrogatepass").lower()
    flags = np.zeros(_NUM_CODE_POINTS, np.uint64)
    for match in re.finditer(r"\w+", lowered):
        flags[match.start() : match.end()] = _WORD | _JOINS
    for first, last in _SCRIPTS_WITHOUT_SPACES:
        flags[first : last + 1] &= np.uint64(_WORD)
    folded = np.frombuffer(lowered.encode("utf-32-le", "surrogatepass"), np.uint32)
    letters = _random_bits(folded.astype(np.uint64)) & ~np.uint64(_WORD | _JOINS) | flags
    letters[flags == 0] = 0
    return letters


@cache
def _multipliers(ngram_words: int) -> NDArray[np.uint64]:
    """Odd random numbers, one for each place in a shingle, not those of any letter."""
    return _random_bits(np.arange(_NUM_CODE_POINTS, _NUM_CODE_POINTS + ngram_words, dtype=np.uint64)) | np.uint64(1)


def _random_bits(positions: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The numbers at these positions of the SplitMix64 sequence (Steele, Lea and Flood, OOPSLA 2014) of seed 0."""
    mixed = (positions + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@njit(cache=True, nogil=True)
def _words(encoded: NDArray[np.uint8], letters: NDArray[np.uint64], words: NDArray[np.uint64]) -> np.int64:
    """Fill `words` with the word hashes of valid UTF-8; their number, <= (bytes + 1) / 2, or -1: lower-case it first.

    The hash so far is stored at every step, the counter moves on only where a word has ended: no branch to mispredict.
    """
    one = np.uint64(1)
    word = np.uint64(0)
    count = before = np.int64(0)
    index, size = np.uint64(0), np.uint64(encoded.size)  # unsigned: no test for a negative index
    while index < size:
        point = np.uint64(encoded[index])
        index += one
        if point >= np.uint64(0x80):
            following = 1 if point < 0xE0 else 2 if point < 0xF0 else 3
            point &= np.uint64(0x3F >> following)
            for _ in range(following):
                point = point << np.uint64(6) | np.uint64(encoded[index] & np.uint8(0x3F))
                index += one
            if point == _DOTTED_CAPITAL_I or point == _CAPITAL_SIGMA:  # noqa: PLR1714, SIM109 (compiled: `in` builds a tuple)
                return np.int64(-1)
        letter = letters[point]
        flags = np.int64(letter & np.uint64(3))
        joined = (flags & before) >> 1
        words[count] = word
        count += (before & 1) & (joined ^ 1)
        word = ((word << np.uint64(5) | word >> np.uint64(59)) & np.uint64(-joined)) + letter
        before = flags
    words[count] = word
    return count + (before & 1)


@njit(cache=True, nogil=True)
def _combined(words: NDArray[np.uint64], multipliers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One hash for every run of `multipliers.size` words: sum of word times multiplier, then MurmurHash3's fmix64."""
    hashes = np.zeros(max(0, words.size - multipliers.size + 1), np.uint64)
    for start in range(0, hashes.size, _BLOCK_SHINGLES):
        block = hashes[start : start + _BLOCK_SHINGLES]
        for place in range(multipliers.size):
            multiplier = multipliers[place]
            shifted = words[start + place : start + place + block.size]  # a slice: with an offset it is not vectorised
            for index in range(block.size):
                block[index] += multiplier * shifted[index]
        for index in range(block.size):
            mixed = block[index]
            mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
            mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
            block[index] = mixed ^ (mixed >> np.uint64(33))
    return hashes


@njit(cache=True, nogil=True)
def _tidy_size(encoded: NDArray[np.uint8]) -> int:
    """Number of bytes up to the last that is no LF, space or tab; -1 where something before it must change."""
    size = encoded.size
    while size > 0 and (encoded[size - 1] == 0x0A or encoded[size - 1] == 0x20 or encoded[size - 1] == 0x09):
        size -= 1
    if size == 0:
        return 0
    untidy = np.uint8(encoded[0] == 0x0D)
    before, after = encoded[: size - 1], encoded[1:size]
    for index in range(after.size):
        blank = (before[index] == 0x20) | (before[index] == 0x09)
        untidy |= np.uint8((after[index] == 0x0D) | (blank & (after[index] == 0x0A)))
    return -1 if untidy else size


@njit(cache=True, nogil=True)
def _tidy(encoded: NDArray[np.uint8], tidied: NDArray[np.uint8]) -> int:
    """Write the tidied bytes; their number. `kept` is where the line's text ends so far, blanks after it undecided."""
    size = kept = 0
    for index in range(encoded.size):
        byte = encoded[index]
        if byte == 0x0A or byte == 0x0D:  # noqa: PLR1714 (compiled: `in` builds a tuple)
            if byte == 0x0D and index + 1 < encoded.size and encoded[index + 1] == 0x0A:
                continue
            byte, size = np.uint8(0x0A), kept
            kept += 1
        elif byte != 0x20 and byte != 0x09:  # noqa: PLR1714
            kept = size + 1
        tidied[size] = byte
        size += 1
    size = kept
    while size > 0 and tidied[size - 1] == 0x0A:
        size -= 1
    return size

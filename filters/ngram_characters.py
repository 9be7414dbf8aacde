"""Characters in repeated word n-grams: one pass for all lengths.

The words are the parts of `filters.parts`, case and marks included. A longer n-gram can only repeat where both shorter
ones inside it do, so the pass goes up from pairs of words, and on clean text nearly nothing is left to look at beyond
n = 4. From n = 3 on a pair of numbers names an n-gram exactly; only words and pairs are hashed.

MB of UTF-8 per CPU second (EPYC, one busy hyperthread): 240 on a mixture of all kinds of text.
"""

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.parts import parts
from filters.repetition import GOLDEN, first_slot, seed_of, table_bits

_LONGEST_TOP, _LONGEST = 4, 10
_FIRST_OF_PAIR = 0xD1B54A32D192ED03


@lru_cache(maxsize=1)
def ngram_character_fractions(text: str) -> list[float]:
    """At n: of the characters of the text, the share of the top n-gram up to 4, from 5 on that of duplicate n-grams."""
    found = parts(text)
    counted = np.zeros(_LONGEST + 1)
    _count(found.hashes, found.characters, counted)
    fractions: list[float] = (counted / max(len(text), 1)).tolist()
    return fractions


@njit(cache=True, nogil=True)
def _count(hashes: NDArray[np.uint64], characters: NDArray[np.int32], counted: NDArray[np.float64]) -> None:
    num_words, size = hashes.size, max(0, hashes.size - 1)
    before = np.zeros(num_words + 1, np.int32)  # code points of the words before
    for word in range(num_words):
        before[word + 1] = before[word] + characters[word]
    for ngram_words in range(2, min(num_words, _LONGEST_TOP) + 1):
        counted[ngram_words] = before[ngram_words] + ngram_words - 1  # the first of all, unless one repeats
    places, keys = np.empty(size, np.int32), np.empty(size, np.uint64)
    for place in range(size):
        places[place] = place
        keys[place] = hashes[place] * np.uint64(_FIRST_OF_PAIR) + hashes[place + 1]
    seen = np.empty(2 << table_bits(size), np.uint8)
    size = _drop_single(places, keys, size, seen)
    numbers, slots = np.empty(size, np.int32), 1 << table_bits(size)
    known, counts, read = np.empty(slots, np.uint64), np.empty(slots, np.int32), np.empty(slots, np.bool_)
    for ngram_words in range(2, min(num_words, _LONGEST) + 1):
        if size == 0:
            break
        _number(keys[:size], known, numbers, counts)
        if ngram_words <= _LONGEST_TOP:
            place, most = _top_ngram(places[:size], numbers, counts)
            length = before[place + ngram_words] - before[place] + ngram_words - 1
            counted[ngram_words] = np.float64(length) * most
        else:
            read[: 1 << table_bits(size)] = False
            counted[ngram_words] = _duplicate_characters(places[:size], numbers, read, before, ngram_words)
        size = _lengthen(places, numbers, counts, keys, size)


@njit(cache=True, nogil=True)
def _drop_single(places: NDArray[np.int32], keys: NDArray[np.uint64], size: int, seen: NDArray[np.uint8]) -> int:
    """Keep the n-grams that may repeat, by one byte for many keys and without a branch; how many are left.

    Most n-grams occur once. To say so costs less here than in a table of whole keys.
    """
    bits = table_bits(size) + 1
    seen[: 1 << bits] = 0
    shift = np.uint64(64 - bits)
    for index in range(size):
        slot = (keys[index] * np.uint64(GOLDEN)) >> shift
        seen[slot] = seen[slot] << np.uint8(1) | np.uint8(1)  # 0, 1, 3, 7, ...: above 1 from the second key on
    kept = np.uint64(0)
    for index in range(size):  # writes always, keeps by the counter
        place, key = places[index], keys[index]
        places[kept], keys[kept] = place, key
        kept += np.uint64(seen[(key * np.uint64(GOLDEN)) >> shift] > 1)
    return int(kept)


@njit(cache=True, nogil=True)
def _number(
    keys: NDArray[np.uint64], known: NDArray[np.uint64], numbers: NDArray[np.int32], counts: NDArray[np.int32]
) -> None:
    """Number equal keys alike, by their slot in a table, and count them."""
    bits = table_bits(keys.size)
    known[: 1 << bits] = 0
    counts[: 1 << bits] = 0
    seed, last = seed_of(keys), np.uint64((1 << bits) - 1)
    for index in range(keys.size):
        key = keys[index]
        slot = first_slot(bits, seed, key)
        while known[slot] != 0 and known[slot] != key:
            slot = (slot + np.uint64(1)) & last
        known[slot] = key
        numbers[index] = slot
        counts[slot] += np.int32(1)


@njit(cache=True, nogil=True)
def _top_ngram(places: NDArray[np.int32], numbers: NDArray[np.int32], counts: NDArray[np.int32]) -> tuple[int, int]:
    """The first place of the most frequent n-gram, and how often it occurs; the first of all, where none repeats."""
    most = np.int32(0)
    for index in range(places.size):
        most = max(most, counts[numbers[index]])
    for index in range(places.size):
        if most > 1 and counts[numbers[index]] == most:
            return int(places[index]), int(most)
    return 0, 1


@njit(cache=True, nogil=True)
def _duplicate_characters(
    places: NDArray[np.int32],
    numbers: NDArray[np.int32],
    read: NDArray[np.bool_],
    before: NDArray[np.int32],
    ngram_words: int,
) -> int:
    """Code points of the n-grams that were read before, reading on behind each of them; `read` starts all False."""
    unread = duplicate = 0
    for index in range(places.size):
        place = places[index]
        if place < unread:
            continue
        if read[numbers[index]]:
            unread = place + ngram_words
            duplicate += before[unread] - before[place]
        read[numbers[index]] = True
    return duplicate


@njit(cache=True, nogil=True)
def _lengthen(
    places: NDArray[np.int32],
    numbers: NDArray[np.int32],
    counts: NDArray[np.int32],
    keys: NDArray[np.uint64],
    size: int,
) -> int:
    """Keep the places where the n-gram and the next one both repeat, keyed by both numbers; how many are left.

    A number may be 0, a key must not: in the table 0 is an empty slot.
    """
    kept = np.uint64(0)
    for index in range(size - 1):  # writes always, keeps by the counter
        place, number, following = places[index], numbers[index], numbers[index + 1]
        places[kept] = place
        keys[kept] = np.uint64(number + 1) << np.uint64(32) | np.uint64(following)
        kept += np.uint64((places[index + 1] == place + 1) & (counts[number] > 1) & (counts[following] > 1))
    return int(kept)

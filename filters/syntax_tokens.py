"""Syntax tokens of code in any language: what is left of a program when comments, white space and layout are gone.

One rough grammar for all languages: names, numbers, strings, and every other byte a token of its own. Dropped are white
space, comments (`#` and `//` to the end of the line, `/* */`) and strings in three quotes, which are documentation
mostly. It is wrong in places (`//` divides in Python, `#` begins a directive in C), and wrong alike in both of two
copies, which is all that a comparison asks for.

A name that somebody can rename is marked as such; a word of common languages, or what follows a dot, is not: `for`,
`len`, `.append` stay themselves. A string counts by its content up to `SHORT_STRING_BYTES`, a longer one only as a
string. What looks like the beginning of a string and has no end in its line is a mark, not a string.

How: one compiled loop over the UTF-8 bytes; linear on any bytes, since a search that failed is not begun again before
the place where it ended.
"""

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

SHORT_STRING_BYTES = 40

_WORDS = """
abstract and any as assert async await bool boolean break byte case catch char chr class const continue def default del
dict do double elif else enum enumerate except extends extern False false filter final finally float fn for foreach
from func function global goto if impl implements import in instanceof int interface is isinstance lambda len let list
List long map match max min mod mut namespace native new nil None nonlocal not null NULL object Object operator or ord
package pass print println private protected pub public raise range return reversed round self set short sizeof sorted
static str string String struct sum super switch template this throw throws trait True true try tuple Tuple type typedef
typename typeof union unless unsigned until use using var vec Vec virtual void volatile when where while with yield zip
abs all append bytearray bytes Dict divmod end elseif elsif frozenset hash iter math next Optional pow re Set slice then
"""
_NUM_BYTES = 256
_TABLE_BITS = 10
_SPACE, _NAME, _DIGIT, _MARK, _QUOTE, _HASH, _SLASH = range(7)
_LONG_STRING = 0xA24BAED4963EE407
_STRING, _NUMBER = 0x9FB21C651E98DF25, 0xC13FA9A902A6328F


def syntax_tokens(encoded: bytes) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Tokens of a text, read as code.

    Args:
        encoded: any bytes; UTF-8 is meant, and a byte outside ASCII is part of a name.

    Returns:
        uint64, a hash for each token, never 0; and whether it is a name that can be renamed. Both empty for an empty
        text, or one that is all comment.
    """
    found: tuple[NDArray[np.uint64], NDArray[np.bool_]]
    found = _tokens(np.frombuffer(encoded, np.uint8), _kinds(), _fixed_words())
    return found


@cache
def _kinds() -> NDArray[np.uint8]:
    """The kind of token that each byte begins."""
    kinds = np.full(_NUM_BYTES, _MARK, np.uint8)
    kinds[[*b" \t\n\r\f\v\0"]] = _SPACE
    kinds[[*b"_$", *range(0x80, 0x100), *range(0x41, 0x5B), *range(0x61, 0x7B)]] = _NAME
    kinds[[*b"0123456789"]] = _DIGIT
    kinds[[*b"'\"`"]] = _QUOTE
    kinds[ord("#")], kinds[ord("/")] = _HASH, _SLASH
    return kinds


@cache
def _fixed_words() -> NDArray[np.uint64]:
    """A table of the hashes of words that nobody renames: open addressing, 0 where a slot is empty."""
    table = np.zeros(1 << _TABLE_BITS, np.uint64)
    for word in dict.fromkeys(_WORDS.split()):
        hashed = np.uint64(_hash_of(np.frombuffer(word.encode(), np.uint8), 0, len(word), np.uint64(0)))
        slot = _slot(table, hashed)
        table[slot] = hashed
    return table


@njit(cache=True, nogil=True, inline="always")
def _hash_of(encoded: NDArray[np.uint8], start: int, stop: int, seed: np.uint64) -> np.uint64:
    """Hash of some bytes, never 0."""
    hashed = seed ^ np.uint64(stop - start)
    for index in range(start, stop):
        rotated = hashed << np.uint64(13) | hashed >> np.uint64(51)
        hashed = rotated + np.uint64(encoded[index]) * np.uint64(0x9E3779B97F4A7C15)
    hashed = (hashed ^ (hashed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return (hashed ^ (hashed >> np.uint64(32))) | np.uint64(1)


@njit(cache=True, nogil=True, inline="always")
def _slot(table: NDArray[np.uint64], hashed: np.uint64) -> np.uint64:
    """Where a hash stands, or the free slot where it would."""
    slot = hashed >> np.uint64(64 - _TABLE_BITS)
    while table[slot] != 0 and table[slot] != hashed:
        slot = (slot + np.uint64(1)) & np.uint64((1 << _TABLE_BITS) - 1)
    return slot


@njit(cache=True, nogil=True, inline="always")
def _word_end(encoded: NDArray[np.uint8], kinds: NDArray[np.uint8], index: int, dot: int) -> int:
    """Index behind letters, digits and `dot`."""
    while index < encoded.size:
        kind = kinds[encoded[index]]
        if kind != _NAME and kind != _DIGIT and encoded[index] != dot:  # noqa: PLR1714 (compiled: `in` builds a tuple)
            break
        index += 1
    return index


@njit(cache=True, nogil=True)
def _string_end(encoded: NDArray[np.uint8], start: int, searched: NDArray[np.int64]) -> int:
    """Index behind the string that begins at `start`; behind its quote alone where its line has no end of it."""
    quote, index = encoded[start], start + 1
    if start < searched[quote]:
        return index
    while index < encoded.size and encoded[index] != 0x0A:
        if encoded[index] == quote:
            return index + 1
        index += 2 if encoded[index] == 0x5C else 1
    searched[quote] = index
    return start + 1


@njit(cache=True, nogil=True)
def _block_end(encoded: NDArray[np.uint8], index: int, searched: NDArray[np.int64]) -> int:
    """Index behind the next `*/`, or the next three quotes, of which the first mark stands before `index`.

    Returns:
        -1 where there is none, which is then known for all later ones.
    """
    mark, run = encoded[index - 1], 0
    comment = mark == 0x2A
    if searched[_NUM_BYTES + mark]:
        return -1
    while index < encoded.size:
        byte = encoded[index]
        index += 1
        if comment and run > 0 and byte == 0x2F:
            return index
        run = run + 1 if byte == mark else 0
        if not comment and run == 3:
            return index
    searched[_NUM_BYTES + mark] = 1
    return -1


@njit(cache=True, nogil=True)
def _dropped_end(encoded: NDArray[np.uint8], kind: int, index: int, searched: NDArray[np.int64]) -> int:
    """Index behind the comment or string in three quotes that begins here; `index` itself where none does."""
    second = encoded[index + 1] if index + 1 < encoded.size else 0
    third = encoded[index + 2] if index + 2 < encoded.size else 0
    if kind == _HASH or (kind == _SLASH and second == 0x2F):
        while index < encoded.size and encoded[index] != 0x0A:
            index += 1
        return index
    if kind == _SLASH and second == 0x2A:
        return max(index, _block_end(encoded, index + 2, searched))
    if kind == _QUOTE and second == encoded[index] and third == second:
        return max(index, _block_end(encoded, index + 3, searched))
    return index


@njit(cache=True, nogil=True)
def _tokens(
    encoded: NDArray[np.uint8], kinds: NDArray[np.uint8], words: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Both arrays of `syntax_tokens`; `searched` says what was looked for in vain, and up to where."""
    tokens, renamed = np.empty(encoded.size, np.uint64), np.empty(encoded.size, np.bool_)
    searched = np.zeros(2 * _NUM_BYTES, np.int64)
    count = index = 0
    while index < encoded.size:
        kind, start = kinds[encoded[index]], index
        if kind == _SPACE:
            index += 1
            continue
        if kind == _NAME:
            index = _word_end(encoded, kinds, index, -1)
            hashed = _hash_of(encoded, start, index, np.uint64(0))
            dotted = start > 0 and encoded[start - 1] == 0x2E
            tokens[count], renamed[count] = hashed, not dotted and words[_slot(words, hashed)] == 0
            count += 1
            continue
        if kind >= _QUOTE:
            index = _dropped_end(encoded, kind, index, searched)
            if index > start:
                continue
        index = start + 1
        hashed = _hash_of(encoded, start, index, np.uint64(_NUMBER))
        if kind == _DIGIT:
            index = _word_end(encoded, kinds, index, 0x2E)
            hashed = _hash_of(encoded, start, index, np.uint64(_NUMBER))
        elif kind == _QUOTE:
            index = _string_end(encoded, start, searched)
            if index - start > SHORT_STRING_BYTES + 2:
                hashed = np.uint64(_LONG_STRING)
            elif index > start + 1:
                hashed = _hash_of(encoded, start + 1, index - 1, np.uint64(_STRING))
        tokens[count], renamed[count] = hashed, False
        count += 1
    return tokens[:count], renamed[:count]

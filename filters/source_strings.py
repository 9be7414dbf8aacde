"""Signals on the strings of a source file and on its hexadecimal numbers: texts, tables and blobs in code's clothes.

A string is what `source_kinds` takes for one, without its quotes. All signals share one compiled pass over the bytes.
The share is of the code, comments apart.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.source_comments import code_lines
from filters.source_kinds import COMMENT, STRING, is_word, known_or_code, num_characters_of
from filters.text_views import utf8_bytes
from manifests.document import Document

_LONG_STRING_WORDS = 20
_LONG_WORD_CHARACTERS = 20


def string_fraction(document: Document) -> float:
    """Share of the code's characters that are inside strings.

    High values mark tables of messages and data in code's clothes.

    Returns:
        0..1; 0 for a document without code, and for a language whose strings are not known.

    Source: OpenCoder, arXiv 2411.04905, and its filter code (at most 0.6). Deviation: strings are told by the
    language's own quotes and not by one pattern for all.
    """
    return _share(document, _counts(document.text, document.language).num_string_characters)


def long_string_line_fraction(document: Document) -> float:
    """Lines inside strings of more than 20 words, for every line of code.

    High values mark prose and templates held in strings.

    Returns:
        >= 0, seldom above 1 (a line may hold several); 0 for a document without code, and for a language whose strings
        are not known. A word is a run of letters, digits and underscores, or one of other visible characters.

    Source: OpenCoder, arXiv 2411.04905, and its filter code (at most 0.2). Deviation: see `string_fraction`.
    """
    num_lines = code_lines(document.text, document.language).num_lines
    return _counts(document.text, document.language).num_long_lines / num_lines if num_lines else 0.0


def long_string_word_fraction(document: Document) -> float:
    """Share of the code's characters in words of more than 20 characters inside strings, addresses (`://`) apart.

    High values mark keys, hashes and encoded data.

    Returns:
        0..1; 0 for a document without code, and for a language whose strings are not known. White space separates
        words.

    Source: OpenCoder, arXiv 2411.04905, and its filter code (at most 0.4). Deviation: see `string_fraction`; they leave
    out words with `http://` or `https://` alone, and keep other addresses.
    """
    return _share(document, _counts(document.text, document.language).num_long_word_characters)


def hexadecimal_number_fraction(document: Document) -> float:
    """Share of the code's characters in numbers such as 0x1F.

    High values mark tables of bytes.

    Returns:
        0..1; 0 for a document without code. Where a language's comments are not known, all is code.

    Source: OpenCoder, arXiv 2411.04905, and its filter code (at most 0.4). Deviation: none.
    """
    return _share(document, _counts(document.text, document.language).num_hexadecimal_characters)


class _Counts(NamedTuple):
    num_string_characters: int
    num_long_lines: int
    num_long_word_characters: int
    num_hexadecimal_characters: int
    num_code_characters: int


def _share(document: Document, num_characters: int) -> float:
    num_code_characters = _counts(document.text, document.language).num_code_characters
    return num_characters / num_code_characters if num_code_characters else 0.0


@lru_cache(maxsize=1)
def _counts(text: str, language: str) -> _Counts:
    encoded = np.frombuffer(utf8_bytes(text), np.uint8)
    kinds = known_or_code(text, language)
    return _Counts(
        num_characters_of(text, kinds == STRING),
        *_long_words(encoded, kinds),
        _hexadecimal_characters(encoded, kinds),
        num_characters_of(text, kinds != COMMENT),
    )


@njit(cache=True, nogil=True)
def _long_words(encoded: NDArray[np.uint8], kinds: NDArray[np.uint8]) -> tuple[int, int]:
    """Lines of strings with many words, and the code points in long words of strings."""
    num_long_lines = num_long_word_characters = num_words = length = 0
    before = 0  # what the byte before belongs to: 0 nothing, 1 a word, 2 other visible characters
    is_address = False
    for index in range(encoded.size + 1):
        byte = encoded[index] if index < encoded.size and kinds[index] == STRING else np.uint8(0x0A)
        here = 0 if byte <= 0x20 else 1 if is_word(byte) else 2
        num_words += here not in (0, before)
        before = here
        if here:
            length += (byte & 0xC0) != 0x80
            is_address |= byte == 0x2F and index > 1 and encoded[index - 1] == 0x2F and encoded[index - 2] == 0x3A
            continue
        num_long_word_characters += length * (length > _LONG_WORD_CHARACTERS and not is_address)
        length, is_address = 0, False
        if byte == 0x0A:
            num_long_lines += num_words > _LONG_STRING_WORDS
            num_words = 0
    return num_long_lines, num_long_word_characters


@njit(cache=True, nogil=True)
def _hexadecimal_characters(encoded: NDArray[np.uint8], kinds: NDArray[np.uint8]) -> int:
    """The bytes of whole words of 0x or 0X and hexadecimal digits, outside comments."""
    total = index = 0
    while index + 2 < encoded.size:
        marked = encoded[index] == 0x30 and encoded[index + 1] | 0x20 == 0x78 and kinds[index] != COMMENT
        if not marked or (index > 0 and is_word(encoded[index - 1])):
            index += 1
            continue
        start = index
        index += 2
        while index < encoded.size and (0x30 <= encoded[index] <= 0x39 or 0x61 <= encoded[index] | 0x20 <= 0x66):
            index += 1
        if index > start + 2 and (index == encoded.size or not is_word(encoded[index])):
            total += index - start
    return total

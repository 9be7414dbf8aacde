"""Signals on the characters of a document. A character is a Unicode code point; what it is, Python's methods say."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.character_classes import DIGIT, LETTER, PADDING, SPACE, character_classes
from manifests.document import Document


class CharacterCounts(NamedTuple):
    """Counts over the code points of a text.

    Attributes:
        letters: those of `str.isalpha`.
        digits: those of `str.isdigit`.
        spaces: those of `str.isspace`.
        words: runs of anything else than `spaces`.
    """

    letters: int
    digits: int
    spaces: int
    words: int


@lru_cache(maxsize=1)
def character_counts(text: str) -> CharacterCounts:
    """The counts over the code points of a text; 2 GB/s beyond the look-up of the classes."""
    return CharacterCounts(*_count(character_classes(text).padded))


def alphabetic_fraction(document: Document) -> float:
    """Share of the code points that are letters, as `str.isalpha` has it.

    Low values mark data, encoded blobs and drawings in code.

    Returns:
        0..1; 0 for an empty document.

    Source: StarCoder2, arXiv 2402.19173 (at least 0.25). Deviation: none; files that pass there on letters
    and digits together (Motorola 68K assembly, WebAssembly) want a bound of their own on `alphanumeric_fraction`.
    """
    text = document.text
    return character_counts(text).letters / len(text) if text else 0.0


def alphanumeric_fraction(document: Document) -> float:
    """Share of the code points that are letters or digits.

    Low values mark tables drawn with marks, and markup.

    Returns:
        0..1; 0 for an empty document.

    Source: StarCoder2, arXiv 2402.19173 (at least 0.25 for the assembly languages); NeMo Curator's English heuristics
    (at least 0.75). Deviation: a digit is what `str.isdigit` says, so a vulgar fraction or a Roman numeral is none.
    """
    text = document.text
    counts = character_counts(text)
    return (counts.letters + counts.digits) / len(text) if text else 0.0


def digit_fraction(document: Document) -> float:
    """Share of the code points that are digits, as `str.isdigit` has it.

    High values mark data and logs.

    Returns:
        0..1; 0 for an empty document.

    Source: OpenCoder, arXiv 2411.04905 (at most 0.20; 0.30 for SQL); NeMo Curator's English heuristics (at most 0.15).
    """
    text = document.text
    return character_counts(text).digits / len(text) if text else 0.0


def whitespace_fraction(document: Document) -> float:
    """Share of the code points that are white space, as `str.isspace` has it.

    High values mark tables set with blanks, and empty forms.

    Returns:
        0..1; 0 for an empty document.

    Source: OpenCoder, arXiv 2411.04905 (at most 0.50).
    """
    text = document.text
    return character_counts(text).spaces / len(text) if text else 0.0


def replacement_character_fraction(document: Document) -> float:
    """Share of the code points that are U+FFFD.

    It stands where a decoder met bytes that it could not read: the text was broken before it came here.

    Returns:
        0..1; 0 for an empty document.

    Source: OpenCoder, arXiv 2411.04905 (at most 0.01).
    """
    text = document.text
    return text.count("\ufffd") / len(text) if text else 0.0


@njit(cache=True, nogil=True)
def _count(padded: NDArray[np.uint16]) -> tuple[int, int, int, int]:
    letters = digits = spaces = words = 0
    classes, before = padded[PADDING : padded.size - PADDING], padded[PADDING - 1 :]
    for index in range(classes.size):
        space = (classes[index] & SPACE) != 0
        letters += (classes[index] & LETTER) != 0
        digits += (classes[index] & DIGIT) != 0
        spaces += space
        words += ~space & ((before[index] & SPACE) != 0)
    return letters, digits, spaces, words

"""Signals on repeated word n-grams: Gopher's, and runs that repeat in a row.

The words are the parts of `filters.parts`, case and marks included.

Top n-gram: of those that occur most often, the first in the text; its code points, with one space between its words,
times its occurrences. Duplicate n-grams: reading on from the start, one that was read before counts with its code
points and is skipped as a whole, so that nothing counts twice. Both over the characters of the text, as in datatrove.

Source of the Gopher signals: arXiv 2112.11446, table A1. Deviation: what a word is (`filters.parts`).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.ngram_characters import ngram_character_fractions
from filters.parts import parts
from manifests.document import Document

_LONGEST_PERIOD_WORDS = 13


def top_2_gram_character_fraction(document: Document) -> float:
    """Share of the characters in the occurrences of the most frequent 2-gram.

    High values mark lists and boilerplate.

    Returns:
        >= 0; 0 for fewer than 2 words. Above 1 where occurrences overlap, and where marks stand together: a blank is
        added between them.

    Source: Gopher (at most 0.20).
    """
    return ngram_character_fractions(document.text)[2]


def top_3_gram_character_fraction(document: Document) -> float:
    """Share of the characters in the occurrences of the most frequent 3-gram.

    Returns:
        As `top_2_gram_character_fraction`; 0 for fewer than 3 words.

    Source: Gopher (at most 0.18).
    """
    return ngram_character_fractions(document.text)[3]


def top_4_gram_character_fraction(document: Document) -> float:
    """Share of the characters in the occurrences of the most frequent 4-gram.

    Returns:
        As `top_2_gram_character_fraction`; 0 for fewer than 4 words.

    Source: Gopher (at most 0.16).
    """
    return ngram_character_fractions(document.text)[4]


def duplicate_5_gram_character_fraction(document: Document) -> float:
    """Share of the characters in 5-grams that stood before.

    High values mark text that was generated, pasted twice or filled into a form.

    Returns:
        0..1, below 1 always; 0 for an empty document.

    Source: Gopher (at most 0.15).
    """
    return ngram_character_fractions(document.text)[5]


def duplicate_6_gram_character_fraction(document: Document) -> float:
    """Share of the characters in 6-grams that stood before.

    Returns:
        0..1, below 1 always; 0 for an empty document.

    Source: Gopher (at most 0.14).
    """
    return ngram_character_fractions(document.text)[6]


def duplicate_7_gram_character_fraction(document: Document) -> float:
    """Share of the characters in 7-grams that stood before.

    Returns:
        0..1, below 1 always; 0 for an empty document.

    Source: Gopher (at most 0.13).
    """
    return ngram_character_fractions(document.text)[7]


def duplicate_8_gram_character_fraction(document: Document) -> float:
    """Share of the characters in 8-grams that stood before.

    Returns:
        0..1, below 1 always; 0 for an empty document.

    Source: Gopher (at most 0.12).
    """
    return ngram_character_fractions(document.text)[8]


def duplicate_9_gram_character_fraction(document: Document) -> float:
    """Share of the characters in 9-grams that stood before.

    Returns:
        0..1, below 1 always; 0 for an empty document.

    Source: Gopher (at most 0.11).
    """
    return ngram_character_fractions(document.text)[9]


def duplicate_10_gram_character_fraction(document: Document) -> float:
    """Share of the characters in 10-grams that stood before.

    Returns:
        0..1, below 1 always; 0 for an empty document.

    Source: Gopher (at most 0.10).
    """
    return ngram_character_fractions(document.text)[10]


def most_repeats_in_a_row(document: Document) -> float:
    """How often an n-gram of 1 to 13 words stands in a row, at most.

    High values mark degenerate text that makes training losses jump; drawn lines of separate marks and tables of equal
    cells, too.

    Returns:
        Occurrences, whole ones, >= 1; 0 for a document without a word.

    Source: OLMo 2, arXiv 2501.00656, section 3.1 (32 or more are left out). Deviation: words, there tokens; one n-gram
    in a document is enough, as there.
    """
    return float(_most_repeats(parts(document.text).hashes))


@njit(cache=True, nogil=True)
def _most_repeats(hashes: NDArray[np.uint64]) -> int:
    most = min(hashes.size, 1)
    for period in range(1, min(_LONGEST_PERIOD_WORDS, hashes.size - 1) + 1):
        run = longest = 0
        for index in range(period, hashes.size):
            run = run + 1 if hashes[index] == hashes[index - period] else 0
            longest = max(longest, run)
        most = max(most, longest // period + 1)
    return most

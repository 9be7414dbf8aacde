"""Gopher's quality rules on words. A word here is a part (`filters.parts`), as a tokenizer would cut it.

Source: arXiv 2112.11446, appendix A.1.1, read with datatrove's `GopherQualityFilter`. Deviation of all: datatrove asks
spaCy what a word is; the verdicts differ on 1 document in 100.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.character_classes import DIGIT, ENDS, LETTER, STOP
from filters.parts import Words, hash_of_part, parts
from manifests.document import Document

_STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
_DOTS = ENDS | STOP  # what nothing but full stops has


class _Counts(NamedTuple):
    """Counts over the words of a text.

    Attributes:
        words: all of them.
        with_letter: those that hold a letter.
        proper: those that hold a letter or digit.
        proper_characters: code points of these.
        triple_dots: three full stops in a row, six of them twice.
        stop_words: different stop words.
    """

    words: int
    with_letter: int
    proper: int
    proper_characters: int
    triple_dots: int
    stop_words: int


def gopher_num_words(document: Document) -> float:
    """Number of words that hold a letter or digit.

    Few words mark stubs, very many dumps.

    Returns:
        Words, >= 0; 0 for an empty document.

    Source: Gopher (50 to 100,000). Deviation: datatrove leaves out words of marks on a list of its own, here those
    without a letter or digit are.
    """
    return float(_counts(document.text).proper)


def gopher_mean_word_characters(document: Document) -> float:
    """Mean length of the words that hold a letter or digit.

    Low values mark tables and formulae, high ones encoded data.

    Returns:
        Unicode code points, >= 1; 0 for a document without such a word.

    Source: Gopher (3 to 10).
    """
    counts = _counts(document.text)
    return counts.proper_characters / counts.proper if counts.proper else 0.0


def gopher_letter_word_fraction(document: Document) -> float:
    """Share of the words that hold a letter; a mark of punctuation is a word without one.

    Low values mark data, code and formulae.

    Returns:
        0..1; 0 for a document without a word.

    Source: Gopher (at least 0.80).
    """
    counts = _counts(document.text)
    return counts.with_letter / counts.words if counts.words else 0.0


def gopher_num_stop_words(document: Document) -> float:
    """How many of the, be, to, of, and, that, have, with occur, in small letters.

    Few mark text that is no English prose.

    Returns:
        0..8; 0 for an empty document.

    Source: Gopher (at least 2). Deviation: none; as in datatrove each counts once.
    """
    return float(_counts(document.text).stop_words)


def hash_word_ratio(document: Document) -> float:
    """Hash signs for each word.

    High values mark tags and code.

    Returns:
        >= 0; 0 for a document without a word.

    Source: Gopher (symbol to word ratio, at most 0.10).
    """
    text = document.text
    counts = _counts(text)
    return text.count("#") / counts.words if counts.words else 0.0


def ellipsis_word_ratio(document: Document) -> float:
    """Ellipses (three dots or U+2026) for each word.

    High values mark teasers, each cut short.

    Returns:
        >= 0; 0 for a document without a word. Six dots in a row are two; dots in a web address are none.

    Source: Gopher (symbol to word ratio, at most 0.10).
    """
    text = document.text
    counts = _counts(text)
    return (counts.triple_dots + text.count("\u2026")) / counts.words if counts.words else 0.0


@lru_cache(maxsize=1)
def _counts(text: str) -> _Counts:
    return _Counts(*_count(parts(text), _stop_words()))


@cache
def _stop_words() -> NDArray[np.uint64]:
    """The hashes of the stop words, each at the slot that its six highest bits name."""
    hashes = np.zeros(64, np.uint64)
    for word in _STOP_WORDS:
        hashed = hash_of_part(word)
        hashes[hashed >> 58] = hashed
    return hashes


@njit(cache=True, nogil=True)
def _count(table: Words, stop_words: NDArray[np.uint64]) -> tuple[int, int, int, int, int, int]:
    with_letter = proper = proper_characters = triple_dots = 0
    found = np.uint64(0)
    for word in range(table.hashes.size):
        with_letter += (table.classes[word] & LETTER) != 0
        is_proper = (table.classes[word] & (LETTER | DIGIT)) != 0
        proper += is_proper
        proper_characters += table.characters[word] if is_proper else 0
        triple_dots += table.characters[word] // 3 if table.classes[word] == _DOTS else 0
        slot = table.hashes[word] >> np.uint64(58)
        found |= np.uint64(stop_words[slot] == table.hashes[word]) << slot
    num_stop_words = 0
    while found:
        found &= found - np.uint64(1)
        num_stop_words += 1
    return table.hashes.size, with_letter, proper, proper_characters, triple_dots, num_stop_words

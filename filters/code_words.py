"""Signals on the words of code: runs of letters, digits and underscores, whatever punctuation stands between them.

White space alone does not separate the words of code: `self.assertEqual(len(found),` would be one of 28 characters. One
compiled pass over the bytes; every character beyond ASCII counts as a letter.
"""

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.source_kinds import is_word
from filters.text_views import utf8_bytes
from manifests.document import Document


def num_code_words(document: Document) -> float:
    """Number of words, punctuation apart.

    Few words mark stubs and tables of data.

    Returns:
        Words, >= 0; 0 for an empty document.

    Source: OpenCoder, arXiv 2411.04905, and its filter code (at least 30). Deviation: every character beyond ASCII is a
    letter here, punctuation and white space too.
    """
    return float(_words(document.text)[0])


def mean_code_word_characters(document: Document) -> float:
    """Mean length of the words, punctuation apart.

    High values mark encoded data, very low ones tables of numbers.

    Returns:
        Code points, >= 1; 0 for a document without a word.

    Source: OpenCoder, arXiv 2411.04905, and its filter code (2 to 10). Deviation: see `num_code_words`.
    """
    num_words, num_characters = _words(document.text)
    return num_characters / num_words if num_words else 0.0


@lru_cache(maxsize=1)
def _words(text: str) -> tuple[int, int]:
    num_words, num_characters = _count_words(np.frombuffer(utf8_bytes(text), np.uint8))
    return int(num_words), int(num_characters)


@njit(cache=True, nogil=True)
def _count_words(encoded: NDArray[np.uint8]) -> tuple[int, int]:
    """Runs of word bytes, and the code points in them."""
    num_words = num_characters = 0
    before = False
    for byte in encoded:
        here = is_word(byte)
        num_words += here and not before
        num_characters += here and (byte & 0xC0) != 0x80
        before = here
    return num_words, num_characters

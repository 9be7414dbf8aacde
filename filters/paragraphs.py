"""Signals on the paragraphs of a document: runs of lines between blank ones."""

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.line_table import line_table
from filters.repetition import count_repeated
from manifests.document import Document


def duplicate_paragraph_fraction(document: Document) -> float:
    """Share of the paragraphs that repeat an earlier one, white space at the ends of their lines apart.

    High values mark boilerplate and pages pasted twice.

    Returns:
        0..1, below 1 always; 0 for a document without a paragraph.

    Source: Gopher, arXiv 2112.11446, table A1 (at most 0.30). Deviation: a line of white space parts paragraphs; in
    datatrove only an empty one does, and white space in a paragraph counts.
    """
    paragraphs, repeated, _ = _repeated(document.text)
    return repeated / paragraphs if paragraphs else 0.0


def duplicate_paragraph_character_fraction(document: Document) -> float:
    """Share of the characters in paragraphs that repeat an earlier one.

    As the share of the paragraphs, but a long one weighs more.

    Returns:
        0..1, below 1 always; 0 for an empty document. Of the paragraphs count the visible parts of their lines and the
        line ends between them, of the document all characters.

    Source: Gopher, arXiv 2112.11446, table A1 (at most 0.20). Deviation: as `duplicate_paragraph_fraction`.
    """
    text = document.text
    return _repeated(text)[2] / len(text) if text else 0.0


@lru_cache(maxsize=1)
def _repeated(text: str) -> tuple[int, int, int]:
    """Paragraphs, those that repeat an earlier one, and the characters of these."""
    repeated: tuple[int, int, int] = _count(*line_table(text)[-2:])
    return repeated


@njit(cache=True, nogil=True)
def _count(visible_characters: NDArray[np.int32], line_hashes: NDArray[np.uint64]) -> tuple[int, int, int]:
    hashes, characters = np.empty(line_hashes.size, np.uint64), np.empty(line_hashes.size, np.int32)
    size, inside = 0, False
    for line in range(line_hashes.size):
        visible = visible_characters[line]
        if visible == 0:
            inside = False
            continue
        if inside:
            hashed = (hashes[size - 1] * np.uint64(0xD1B54A32D192ED03)) ^ line_hashes[line]
            hashes[size - 1] = hashed | np.uint64(1)
            characters[size - 1] += visible + 1
        else:
            hashes[size], characters[size] = line_hashes[line], visible
            size += 1
        inside = True
    repeated, repeated_characters = count_repeated(hashes[:size], characters[:size])
    return size, repeated, repeated_characters

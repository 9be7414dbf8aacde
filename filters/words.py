"""Signals on the words of a document.

A word is what white space separates: no tokenizer, so the count is the same for every language and costs one pass. It
says little for scripts without spaces (Chinese, Japanese, Thai): bound it for languages that have them.
"""

import numpy as np

from filters.character_classes import LETTER
from filters.characters import character_counts
from filters.parts import words
from filters.repetition import count_repeated
from manifests.document import Document


def num_words(document: Document) -> float:
    """Number of words, as white space separates them.

    Few words mark stubs and tables of data; very many mark dumps.

    Returns:
        Words, >= 0; 0 for an empty document. Equal to `len(text.split())`.

    Source: Dolma 1.5, arXiv 2402.00159, Gopher rules (50 to 100,000 words); OpenCoder, arXiv 2411.04905 (at least 30).
    """
    return float(character_counts(document.text).words)


def mean_word_characters(document: Document) -> float:
    """Mean length of a word.

    Low values mark tables of marks, high ones data and scripts without spaces.

    Returns:
        Unicode code points, >= 1; 0 for a document without a word.

    Source: OpenCoder, arXiv 2411.04905 (2 to 10); NeMo Curator's English heuristics (3 to 10).
    """
    counts = character_counts(document.text)
    return (len(document.text) - counts.spaces) / counts.words if counts.words else 0.0


def median_word_characters(document: Document) -> float:
    """Median length of a word.

    As the mean, but one encoded blob does not move it.

    Returns:
        Unicode code points, >= 1, a half where two words stand in the middle; 0 for a document without a word.

    Source: Dolma 1.5, arXiv 2402.00159 (3 to 10).
    """
    characters = words(document.text).characters
    return float(np.median(characters)) if characters.size else 0.0


def longest_word_characters(document: Document) -> float:
    """Length of the longest word.

    High values mark encoded data and minified code.

    Returns:
        Unicode code points, >= 1; 0 for a document without a word.

    Source: C4 (the published code drops lines with a word above 1,000 characters). Deviation: of the document.
    """
    return float(words(document.text).characters.max(initial=0))


def letter_word_fraction(document: Document) -> float:
    """Share of the words that hold a letter.

    Low values mark tables of numbers and drawings.

    Returns:
        0..1; 0 for a document without a word.

    Source: Gopher, arXiv 2112.11446, appendix A.1.1, as Dolma 1.5 and NeMo Curator count words (at least 0.80).
    """
    classes = words(document.text).classes
    return float(np.count_nonzero(classes & LETTER) / classes.size) if classes.size else 0.0


def unique_word_fraction(document: Document) -> float:
    """Share of the words that differ from every earlier one; case and punctuation count.

    Low values mark repetition. It falls with the length of a document, in good text too: bound it for short ones.

    Returns:
        0..1, above 0; 0 for a document without a word.

    Source: OpenCoder, arXiv 2411.04905 (at least 0.4 for data files). Deviation: words are not lower-cased.
    """
    table = words(document.text)
    repeated, _ = count_repeated(table.hashes, table.characters)
    return 1.0 - repeated / table.hashes.size if table.hashes.size else 0.0

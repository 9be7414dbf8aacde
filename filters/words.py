"""Signals on the words of a document.

A word is what white space separates: no tokenizer, so the count is the same for every language and costs one pass. It
says little for scripts without spaces (Chinese, Japanese, Thai): bound it for languages that have them.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from filters.text_views import beyond_ascii, utf8_bytes
from manifests.document import Document

# Every byte of a character beyond ASCII counts as inside a word; its white space is looked for apart.
_WORD_BYTES = bytes(code > 0x7F or not chr(code).isspace() for code in range(256))

# U+3000 is the last white space of Unicode; a test looks at every code point.
_SPACES_END = 0x3001


def num_words(document: Document) -> float:
    """Number of words, as white space separates them.

    Few words mark stubs and tables of data; very many mark dumps.

    Returns:
        Words, >= 0; 0 for an empty document. Equal to `len(text.split())`.

    Source: Gopher, arXiv 2112.11446, appendix A (50 to 100,000 words). Deviation: datatrove asks a tokenizer of the
    language what a word is; here white space decides, so punctuation counts with its word.
    """
    text = document.text
    beyond = beyond_ascii(text)
    if beyond.size and _has_spaces(beyond):
        return float(len(text.split()))  # a no-break or ideographic space: rare enough for the slow way
    inside = np.frombuffer(utf8_bytes(text).translate(_WORD_BYTES), dtype=np.bool_)
    if not inside.size:
        return 0.0
    return float(int(inside[0]) + np.count_nonzero(inside[1:] > inside[:-1]))


def _has_spaces(beyond: NDArray[np.uint32]) -> bool:
    return bool(_space_table().take(beyond, mode="clip").any())


@cache
def _space_table() -> NDArray[np.bool_]:
    """White space by code point; the last entry, False, stands for all above."""
    table = np.fromiter((chr(code).isspace() for code in range(_SPACES_END + 1)), dtype=np.bool_)
    table.flags.writeable = False
    return table

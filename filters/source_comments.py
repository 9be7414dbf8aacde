"""Signals on the comments of a source file, and the file without them.

What a comment is says `source_kinds`. The lines of code that remain are what signals on statements read, with the
contents of strings made unreadable: `import` in a message is no import.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.source_kinds import CODE, COMMENT, known_or_code, num_characters_of, source_kinds
from filters.source_syntax import MARKS
from filters.text_views import utf8_bytes
from manifests.document import Document


def comment_fraction(document: Document) -> float:
    """Share of the characters that are in comments, their marks included.

    Hardly any mark code without words on it, mostly data; almost nothing else marks licence texts and dead code.

    Returns:
        0..1; 0 for an empty document, and for a language whose comments are not known.

    Source: StarCoder, arXiv 2305.06161, section 3.2, for The Stack v1 (0.01 to 0.80), and OpenCoder, arXiv 2411.04905
    (at most 0.8). Deviation: they ask a lexer; here a table of marks. Every string that stands as a statement counts,
    not those of functions, classes and modules alone.
    """
    kinds = source_kinds(document.text, document.language)
    return num_characters_of(document.text, kinds == COMMENT) / len(document.text) if kinds.size else 0.0


def comment_line_fraction(document: Document) -> float:
    """Share of the lines that hold nothing but comments, among those that are not blank.

    Returns:
        0..1; 0 for a document without a visible character, and for a language whose comments are not known.

    Source: none of the papers; the line measure of tools such as cloc, to hold the share of characters against.
    """
    if document.language not in MARKS:
        return 0.0
    source = code_lines(document.text, document.language)
    return 1 - source.num_lines / source.num_visible_lines if source.num_visible_lines else 0.0


class CodeLines(NamedTuple):
    """A source without its comments.

    Attributes:
        code: UTF-8; no blank lines and no blanks at line ends, an LF after every line; what strings hold is `_`.
        num_lines: the lines of `code`.
        num_visible_lines: the lines with a visible character, those of comments alone among them.
    """

    code: bytes
    num_lines: int
    num_visible_lines: int


@lru_cache(maxsize=1)
def code_lines(text: str, language: str) -> CodeLines:
    """The lines that hold code; all lines with a visible character where the language's comments are not known."""
    encoded = np.frombuffer(utf8_bytes(text), np.uint8)
    kinds = known_or_code(text, language)
    code = np.empty(encoded.size + 1, np.uint8)
    size, num_lines, num_visible_lines = _strip(encoded, kinds, code)
    return CodeLines(code[:size].tobytes(), num_lines, num_visible_lines)


@njit(cache=True, nogil=True)
def _strip(encoded: NDArray[np.uint8], kinds: NDArray[np.uint8], code: NDArray[np.uint8]) -> tuple[int, int, int]:
    """Write the lines of code; their size, their number and that of all visible lines.

    `kept` is where the line ends so far, blanks after its last visible byte left out.
    """
    size = kept = start = num_lines = num_visible_lines = 0
    visible = False
    for index in range(encoded.size + 1):
        byte = encoded[index] if index < encoded.size else np.uint8(0x0A)
        if byte == 0x0A:
            num_visible_lines += visible
            visible = False
            if kept > start:
                code[kept] = 0x0A
                kept += 1
                num_lines += 1
            size = start = kept
            continue
        blank = byte <= 0x20
        visible |= not blank
        if kinds[index] == COMMENT:
            continue
        code[size] = byte if blank or kinds[index] == CODE else np.uint8(0x5F)
        size += 1
        if not blank:
            kept = size
    return kept, num_lines, num_visible_lines

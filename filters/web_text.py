"""Signals for text from web pages: C4's rules on lines, and addresses.

C4 drops lines and then judges what is left. A signal does not edit: it measures what C4 would leave. C4 keeps a line
that has 3 words or more, none above 1,000 characters, and ends in one of . ? ! " ' but not in three dots. On top of
that it drops lines that speak of cookies and terms of use.

Source of the C4 signals: arXiv 1910.10683, section 2.2, and the published code, as in datatrove's `C4QualityFilter`.
Deviations of all: only LF ends a line; of citations only `[12]` at the end of a line is looked past; lines that hold
"javascript" are not dropped but measured apart, since text on programming holds the word.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.character_classes import DIGIT, ENDS, LETTER
from filters.line_table import LineTable, line_counts, line_table
from filters.parts import Words, parts, words
from filters.text_views import code_points, lines
from manifests.document import Document

_POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_PLACEHOLDER, _POLICY = 1, 2
_ADDRESS = re.compile(r"https?://\S+")

_ENDING = (0x2E, 0x3F, 0x21, 0x22, 0x27)
_STOP, _OPENING, _CLOSING = 0x2E, 0x5B, 0x5D
_LINE_WORDS, _WORD_CHARACTERS = 3, 1_000


class _Kept(NamedTuple):
    """Of the lines that C4 keeps: how many, curly brackets and lines of placeholder text in them, sentences."""

    lines: int
    curly_brackets: int
    placeholder_lines: int
    sentences: int


def c4_num_sentences(document: Document) -> float:
    """Number of sentences in the lines that C4 keeps.

    Few mark pages without running text: menus, tables, code.

    Returns:
        Sentences, >= 0; 0 for an empty document.

    Source: C4 (at least 5). Deviation: a sentence ends at a full stop, question or exclamation mark that is a word of
    its own (`filters.parts`), as in spaCy's rules, but without its list of abbreviations.
    """
    return float(_kept(document.text).sentences)


def c4_line_fraction(document: Document) -> float:
    """Share of the non-blank lines that C4 keeps, those on cookies and terms of use included.

    Returns:
        0..1; 0 for a document without a non-blank line.

    Source: C4, which drops the others.
    """
    text = document.text
    return _kept(text).lines / line_counts(text).nonblank if text.strip() else 0.0


def c4_num_curly_brackets(document: Document) -> float:
    """Number of `{` in the lines that C4 keeps.

    They mark scripts that were taken for text; and every text on programming, so never bound it where code is wanted.

    Returns:
        Brackets, >= 0; 0 for an empty document.

    Source: C4 (none at all).
    """
    return float(_kept(document.text).curly_brackets)


def c4_num_placeholder_lines(document: Document) -> float:
    """Number of lines with "lorem ipsum", in any case, among those that C4 keeps.

    Returns:
        Lines, >= 0; 0 for an empty document.

    Source: C4 (none at all).
    """
    return float(_kept(document.text).placeholder_lines)


def policy_line_fraction(document: Document) -> float:
    """Share of the non-blank lines that speak of cookies, a privacy policy or terms of use.

    Returns:
        0..1; 0 for a document without a non-blank line.

    Source: C4, which drops them.
    """
    num_marked = np.count_nonzero(_marked(document.text) & _POLICY)
    return float(num_marked / line_counts(document.text).nonblank) if num_marked else 0.0


def javascript_line_fraction(document: Document) -> float:
    """Share of the non-blank lines that hold "javascript", in any case.

    High values mark pages that ask for it to be switched on; and texts on it.

    Returns:
        0..1; 0 for a document without a non-blank line.

    Source: C4, which drops them.
    """
    text = document.text
    if "javascript" not in text.lower():
        return 0.0
    return sum("javascript" in line.lower() for line in lines(text)) / line_counts(text).nonblank


def address_character_fraction(document: Document) -> float:
    """Share of the characters in web addresses, `http://` or `https://` and all up to white space.

    High values mark lists of links.

    Returns:
        0..1; 0 for an empty document.

    Source: NeMo Curator's English heuristics (at most 0.2).
    """
    text = document.text
    if "://" not in text:
        return 0.0
    return sum(map(len, _ADDRESS.findall(text))) / len(text)


@lru_cache(maxsize=1)
def _marked(text: str) -> NDArray[np.uint8]:
    """For every line, whether it holds placeholder text or speaks of policies."""
    marks = np.zeros(line_table(text).starts.size, np.uint8)
    lowered = text.lower()
    phrases = [phrase for phrase in ("lorem ipsum", *_POLICIES) if phrase in lowered]
    if phrases:
        for place, line in enumerate(map(str.lower, lines(text))):
            found = [phrase for phrase in phrases if phrase in line]
            if found:
                marks[place] = _PLACEHOLDER * ("lorem ipsum" in found) | _POLICY * (found != ["lorem ipsum"])
    return marks


@lru_cache(maxsize=1)
def _kept(text: str) -> _Kept:
    table, marks = line_table(text), _marked(text)
    keeps = np.zeros(marks.size, np.bool_)
    _keep(code_points(text), table, words(text), keeps)
    sentences = _sentences(table, parts(text), keeps)
    brackets = sum(lines(text)[line].count("{") for line in np.flatnonzero(keeps)) if "{" in text else 0
    num_placeholders = np.count_nonzero(keeps & (marks & _PLACEHOLDER != 0))
    num_sentences = sentences[marks & _POLICY == 0].sum()
    return _Kept(int(np.count_nonzero(keeps)), brackets, int(num_placeholders), int(num_sentences))


@njit(cache=True, nogil=True)
def _keep(points: NDArray[np.uint32], table: LineTable, found: Words, keeps: NDArray[np.bool_]) -> None:
    """Say of every line whether C4 keeps it."""
    word = 0
    for line in range(keeps.size):
        start = table.visible_starts[line]
        end = start + table.visible_characters[line]
        first, longest = word, 0
        while word < found.starts.size and found.starts[word] < end:
            longest = max(longest, found.characters[word])
            word += 1
        if word - first < _LINE_WORDS or longest > _WORD_CHARACTERS:
            continue
        last = points[_before_citations(points, start, end) - 1]
        dots = end - start >= 3 and points[end - 1] == _STOP and points[end - 2] == _STOP and points[end - 3] == _STOP
        keeps[line] = last in _ENDING and not dots


@njit(cache=True, nogil=True)
def _before_citations(points: NDArray[np.uint32], start: int, end: int) -> int:
    """Where the citations start that end a line."""
    while end - 1 > start and points[end - 1] == _CLOSING:
        place = end - 2
        while place > start and 0x30 <= points[place] <= 0x39:
            place -= 1
        if place == start or points[place] != _OPENING:
            break
        end = place
    return end


@njit(cache=True, nogil=True)
def _sentences(table: LineTable, found: Words, keeps: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of sentences in every line that is kept, 0 in the others."""
    sentences = np.zeros(keeps.size, np.int64)
    part = 0
    for line in range(keeps.size):
        end = table.starts[line] + table.characters[line]
        ended = True
        while part < found.starts.size and found.starts[part] < end:
            kind = found.classes[part]
            starts = ended and (kind & (LETTER | DIGIT)) != 0
            sentences[line] += starts and keeps[line]
            ended = (ended and not starts) or (found.characters[part] == 1 and (kind & ENDS) != 0)
            part += 1
    return sentences

"""Placeholders: how one document spells what stands for a finding, so that its source still parses.

`<EMAIL>` is plain to a reader and to a model, but a parser takes it for a redirection, an operator or a tag. So markup
has the bare form, `REDACTED_EMAIL`, and code has it unless every finding stands inside a string or a comment. A value
of digits alone that stands as an integer literal can be no word: it becomes 0, wherever the document has that value.

What is a string or a comment is told by the finding's line alone, without the language: a quote that is open there and
closes behind the finding, or a comment sign before it. What that misses (a docstring's later lines) counts as code, and
the bare form is valid there, too.

Cost: a look at each line that holds a finding, and at no other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from filters.spans import BARE_PLACEHOLDERS, PLACEHOLDERS, ZERO, Span
from filters.text_syntax import Syntax

# `#` is no comment in `#define`, `#[derive]`, `#{name}`; `//` is none in a URL, `--` none in `--user`.
_MARK = re.compile(
    rb"""\\[^\r\n]"""
    rb"""|(?P<quote>["'`])"""
    rb"""|(?P<ends>\*/|-->)"""
    rb"""|(?P<comment>(?:^|(?<=\s))\#(?!!?\[|\{|[ \t]*(?:define|include|if|ifdef|ifndef|elif|else|endif|error|import"""
    rb"""|line|pragma|region|undef|warning)\b)"""
    rb"""|^[ \t]*(?://|\*(?=[\s*])|--|;|%|@?(?i:rem)\s|dnl\s)|(?<!:)//(?=[\s/!*])|/\*|(?<=\s)--(?=\s)|<!--"""
    rb"""|\(\*(?=\s))""",
    re.MULTILINE | re.VERBOSE,
)
_WORD = re.compile(rb"[A-Za-z0-9_]*\Z")
_STRING_PREFIXES = frozenset(b" b f r u l n e x rb br fr rf".split(b" "))


@dataclass(frozen=True, slots=True)
class Spelling:
    """How one document spells its placeholders.

    Attributes:
        bare: whether as identifiers, `REDACTED_EMAIL`.
        zeros: values that are an integer literal somewhere, which 0 stands for.
    """

    bare: bool = False
    zeros: frozenset[bytes] = frozenset()

    def of(self, span: Span, value: bytes) -> bytes:
        """What stands for a value."""
        if value in self.zeros:
            return ZERO
        return (BARE_PLACEHOLDERS if self.bare else PLACEHOLDERS)[span.kind]

    def joined(self, other: "Spelling") -> "Spelling":
        """The spelling that is safe where either is."""
        return Spelling(self.bare or other.bare, self.zeros | other.zeros)


def spelling_of(data: bytes, spans: Sequence[Span], syntax: Syntax) -> Spelling:
    """The one spelling that is safe for all spans of a document.

    Args:
        spans: those that a placeholder will stand for, as `merged` returns them.
    """
    if syntax != "code":
        return Spelling(bare=syntax == "markup")
    exposed = [span for span, safe in zip(spans, sheltered(data, spans), strict=True) if not safe]
    values = [data[span.start : span.stop] for span in exposed]
    return Spelling(not all(map(bytes.isdigit, values)), frozenset(filter(bytes.isdigit, values)))


def sheltered(data: bytes, spans: Sequence[Span]) -> Iterator[bool]:
    """For each span whether it stands inside a string or a comment, as its lines show it.

    Args:
        spans: as `merged` returns them. One that is longer than a line must close its string on its last line.
    """
    line = _Line(data, 0, 0)
    for span in spans:
        if span.start >= line.stop:
            start = data.rfind(b"\n", 0, span.start) + 1
            newline = data.find(b"\n", span.start)
            line = _Line(data, start, newline if newline >= 0 else len(data))
        yield line.shelters(span)


class _Line:
    """Reads one line once, from the left, as far as its spans ask."""

    def __init__(self, data: bytes, start: int, stop: int) -> None:
        self._data = data
        self._position = start
        self._quote = b""
        self._closing: int | None = -1  # None: there is none
        self._is_comment = False
        self.stop = stop

    def shelters(self, span: Span) -> bool:
        for mark in _MARK.finditer(self._data, self._position, span.start):
            self._take(mark)
        self._position = span.stop
        if self._is_comment:
            return True
        # Behind a brace a string may hold an expression, f"{...}".
        return bool(self._quote) and self._data[span.start - 1] != ord("{") and self._closes_behind(span)

    def _take(self, mark: re.Match[bytes]) -> None:
        sign = mark["quote"]
        if sign and not self._is_comment:
            if not self._quote and not self._is_apostrophe(mark.start()):
                self._quote, self._closing = sign, -1
            elif self._quote == sign:
                self._quote = b""
        elif mark["comment"] and not self._quote:
            self._is_comment = True
        elif mark["ends"]:
            self._is_comment = False

    def _is_apostrophe(self, place: int) -> bool:
        word = _WORD.search(self._data[max(0, place - 3) : place])
        return self._data[place : place + 1] == b"'" and word is not None and word[0].lower() not in _STRING_PREFIXES

    def _closes_behind(self, span: Span) -> bool:
        """Whether the open quote stands behind a span; a quote is looked for once, however many spans are before it."""
        if self._closing is not None and self._closing < span.stop:
            stop = self.stop
            if span.stop > stop:
                newline = self._data.find(b"\n", span.stop)
                stop = newline if newline >= 0 else len(self._data)
            found = self._data.find(self._quote, span.stop, stop)
            self._closing = found if found >= 0 else None
        return self._closing is not None

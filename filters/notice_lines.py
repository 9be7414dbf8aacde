"""Lines of notices: which comment mark one has, whether it speaks of terms, and its words without all that.

Notices recur from file to file, so what a line is like is kept for the next one that is the same: a table lookup
instead of 4 microseconds.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

LINE_CHARACTERS = 1_000
"""A longer line is data or minified code: it belongs to no comment."""

# Words of terms: a notice goes on as long as the lines hold some of them, keyword or not. The commonest stand first.
_TERMS = (
    *("licen", "software", "distribut", "copyright", "permi", "warrant", "provided", "condition", "rights", "terms"),
    *("modif", "liab", "damage", "merchantab", "gpl", "spdx", "copying", "copyleft", "public domain", "proprietary"),
    *("confidential", "creative commons", "cc-by", "cc by", "cc0"),
)
# Comment marks by the lines that they may stand on: those of one comment have the same. A byte order mark, read as it
# should be or as Latin-1, may stand before.
_MARK = re.compile(
    r"(?:\ufeff|ï»¿|ÿþ|þÿ)?[ \t]*"
    r"(?:(?P<open>/\*+!?|<!--+|\{-+|\(\*+\)?|#\||=begin\b|=pod\b|\{#|<%--|--\[=*\[|'''|\"\"\"|<#)"
    r"|(?P<close>\*+/|-->|-+\}|\*+\)|\|#|=end\b|=cut\b|#\}|--%>|\]=*\]|#>)"
    r"|(?P<line>///*!?|##*!?|--+|::+|;+|%+|\*+|!+|[.']\\\"|'|\"|dnl\b|rem\b|@rem\b|c(?=[ \t]))|\.\.(?=[ \t])|)[ \t]*",
    re.IGNORECASE,
)
_CLOSERS = ("*/", "-->", "-}", "*)", "|#", "'''", '"""', "#}", "--%>", "]]", "#>")
_DOCSTRINGS = ("'''", '"""')  # by itself one opens or closes
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_COPYRIGHT = ("copyright", "(c)", "©", "&copy;")
NAMES_TERMS = re.compile(
    r"licen|gpl|spdx|permi|redistrib|warrant|public domain|reserved|terms|notice|copyleft|copying|proprietary"
    r"|confidential|creative commons|cc-by|cc by|cc0|prohibit|forbid|restrict|commercial|must not|may not|not to be"
)
_WRITTEN_OUT = re.compile(r"\\[nrt](?![a-z])")  # line ends inside a string, not \noindent
# A tag of the file is read by `filters.licence_evidence`, which needs no detector; a name is a copyright line.
_TAG = re.compile(r"spdx-license-identifier[ \t]*:[ \t]*[\w(]", re.ASCII)
_NAME_TAG = re.compile(r"spdx-(?:filecopyrighttext|snippetcopyrighttext|filecontributor) ?:")
SOMEONE = "someone"
"""In place of a copyright line: what stands before it and after it is not one sentence."""
_TRAILING = " \t\r*/#-=+|%;!~_"


class LineFacts(NamedTuple):
    """What a line is like.

    Attributes:
        family: what marks it: "b" for block comments, "x" for one that ends on its line, the first character of a
            line's mark, nothing for none.
        words: without mark, trailing decoration, case and repeated blanks; for a copyright line one word.
        is_tag: whether it is a tag with an SPDX expression.
    """

    family: str
    opens: bool
    closes: bool
    is_blank: bool
    has_terms: bool
    words: str
    is_tag: bool


@lru_cache(maxsize=8_192)
def line_facts(row: str) -> LineFacts:
    """Of a line of at most `LINE_CHARACTERS`."""
    mark = _MARK.match(row)
    group = mark.lastgroup if mark else None
    bare = row.rstrip()
    closes = len(_without_closer(bare)) < len(bare)
    family = "" if mark is None or group is None else "b"
    if mark is not None and group == "line":
        family = mark["line"][:1].replace("*", "b").lower()
    opens = group == "open"
    if opens and closes and bare.lstrip() not in _DOCSTRINGS:
        family, opens, closes = "x", False, False
    words = _plain(row)
    has_terms = any(map(row.lower().__contains__, _TERMS))
    is_tag = words.startswith("spdx-license") and bool(_TAG.search(row.lower()))  # as `licence_evidence` reads it
    return LineFacts(family, opens, closes, not bare.lstrip(), has_terms, words, is_tag)


def words_of(row: str, maximum: int, *, tags: bool) -> Iterator[str]:
    """The words of a line, in parts of fewer characters than `maximum`; nothing for a line without words.

    Args:
        tags: whether those of a tag are wanted, too.
    """
    if len(row) <= LINE_CHARACTERS:
        facts = line_facts(row)
        if facts.words:
            yield SOMEONE if facts.is_tag and not tags else facts.words
        return
    row = row.lower()  # which may make it longer
    start = 0
    while start < len(row):
        stop = start + maximum - 1
        if stop < len(row):
            stop = max(row.rfind(" ", start, stop) + 1, 0) or stop
        part = row[start:stop]
        yield from filter(None, [" ".join(part.split()) if start else _plain(part)])
        start = stop


def _without_closer(bare: str) -> str:
    """Less the closing mark at its end, Lua's `]==]` among them."""
    if bare.endswith(_CLOSERS):
        return bare[: -max(len(closer) for closer in _CLOSERS if bare.endswith(closer))]
    if bare.endswith("=]"):
        rest = bare[:-1].rstrip("=")
        return rest[:-1] if rest.endswith("]") else bare
    return bare


def _plain(row: str) -> str:
    """A line without mark, trailing decoration, case and repeated blanks; for a copyright line one word."""
    mark = _MARK.match(row)
    bare = _without_closer(row[mark.end() if mark else 0 :].rstrip()).rstrip(_TRAILING)
    if "\\" in bare:
        bare = _WRITTEN_OUT.sub(" ", bare)
    words = " ".join(bare.lower().split())
    if _NAME_TAG.match(words):
        return SOMEONE
    if any(map(words.__contains__, _COPYRIGHT)) and _YEAR.search(words) and not NAMES_TERMS.search(words):
        return SOMEONE
    return words

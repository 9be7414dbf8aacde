"""Notices: the places of a text that may speak of its licence, in one form, so that each distinct one is read once.

A detector reads a few kilobytes a second. Three files in four hold none of the keywords, and are done after one scan at
some GB a second. Where a keyword stands, the lines around it are taken as far as they belong to the same comment, less
comment marks, case and spaces; less copyright lines, which name people and not terms, and SPDX tags, which
`filters.licence_evidence` reads. Of a line of more than 1,000 characters what stands around its keywords is taken. On
the sample shards: 220 MB a CPU second.

What is not seen: a notice without any keyword. What was not looked at, because there was too much of it, is told.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import hyperscan
import xxhash

from filters.notice_lines import LINE_CHARACTERS, NAMES_TERMS, SOMEONE, line_facts, words_of
from filters.text_views import lines, utf8_bytes

KEYWORDS = (
    *("licen", "copyright", "spdx", "copyleft", "copying", "redistribut", "public domain", "permission is", "warrant"),
    *("gpl", "all rights reserved", "proprietary", "confidential", "creative commons", "cc-by", "cc by", "cc0"),
)
"""A text without any of these is not looked at; matched without regard to case."""

MAXIMUM_NOTICES = 64
END_CHARACTERS = 4_000
"""A notice speaks of its file where it stands at the beginning or at the end; anywhere else only if it is a grant."""

NOTICE_CHARACTERS = 8_000
LICENCE_CHARACTERS = 60_000  # the longest licences in use have 35,000
MAXIMUM_LICENCE_PIECES = 8
_MAXIMUM_HITS = 4_000
_AROUND_BYTES = 500  # of a longer line so much before and after a keyword
_BEFORE, _AFTER, _AHEAD = 2, 1, 4  # lines kept around those with terms; how far ahead more of them are looked for
_NAME_FIELD = re.compile(r"(?:year|copyright holder|organi[sz]ation)s?:")  # all that a licence file of R may have
_MAXIMUM_BYTES = 2**32 - 1  # hyperscan counts a text's bytes in 32 bits


class Notice(NamedTuple):
    """A piece of a text.

    Attributes:
        text: lines joined by LF, at most `NOTICE_CHARACTERS` characters.
        line: number of its first line in the whole text, from 1.
        at_end: whether a keyword of it stands within the first or the last `END_CHARACTERS` of the whole text.
    """

    text: str
    line: int
    at_end: bool

    @property
    def key(self) -> bytes:
        """16 bytes that stand for the text."""
        return text_key(self.text)


def text_key(text: str) -> bytes:
    """xxh3-128 of the UTF-8 of a text, 16 bytes."""
    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


class Notices(NamedTuple):
    """What was cut out of a text.

    Attributes:
        found: in their order, at most `MAXIMUM_NOTICES`.
        complete: whether there is nothing more of the kind in the text.
    """

    found: list[Notice]
    complete: bool


def notices(text: str) -> Notices:
    """The notices of a text; none for most and for an empty one. Comments of nothing but copyright lines are none.

    On the sample shards 15,427 files have about 5,000 notices, a third of them distinct.
    """
    data = utf8_bytes(text)
    hits = _hits(data)
    if not hits:
        return Notices([], complete=len(data) <= _MAXIMUM_BYTES)
    found: list[Notice] = []
    ends = _Ends(hits, text, len(data))
    for piece in _pieces(lines(text), data, hits, ends):
        if len(found) == MAXIMUM_NOTICES:
            return Notices(found, complete=False)
        found.append(piece)
    return Notices(found, complete=len(hits) < _MAXIMUM_HITS)


def whole_text(text: str) -> Notices:
    """All of a licence file in the form of notices of at most `LICENCE_CHARACTERS` characters; none for an empty one.

    One of nothing but names and years has none, either. NUL characters, as a text in UTF-16 has them that was read as
    something else, are passed over.
    """
    found: list[Notice] = []
    for piece in _cut(lines(text.replace("\0", "")), 0, whole=True):
        if len(found) == MAXIMUM_LICENCE_PIECES:
            return Notices(found, complete=False)
        found.append(piece)
    return Notices(found, complete=True)


class _Hit(NamedTuple):
    """Where a keyword ends: offset in bytes, and number of its line from 0."""

    stop: int
    line: int


@cache
def _database() -> Any:
    database = hyperscan.Database()
    database.compile(
        expressions=[word.encode() for word in KEYWORDS],
        ids=list(range(len(KEYWORDS))),
        elements=len(KEYWORDS),
        flags=[hyperscan.HS_FLAG_CASELESS] * len(KEYWORDS),
    )
    return database


def _hits(data: bytes) -> list[_Hit]:
    """The first keyword of each line, and more of a long one: where the last is left behind."""
    stops: list[int] = []
    settled = 0

    def mark(_index: int, _start: int, stop: int, _flags: int, _context: object) -> bool | None:
        nonlocal settled
        if stop > settled:
            stops.append(stop)
            settled = data.find(b"\n", stop, stop + _AROUND_BYTES)
            settled = settled if settled >= 0 else stop + _AROUND_BYTES // 2  # what a keyword names stands behind it
        return len(stops) >= _MAXIMUM_HITS or None

    if 0 < len(data) <= _MAXIMUM_BYTES:
        with suppress(hyperscan.ScanTerminated):
            _database().scan(data, match_event_handler=mark)
    hits = []
    line = place = 0
    for stop in stops:
        line += data.count(b"\n", place, stop)
        place = stop
        hits.append(_Hit(stop, line))
    return hits


@dataclass(slots=True)
class _Stretch:
    """What belongs together: lines [start, stop), or within one long line the bytes [start, stop) of the text."""

    start: int
    stop: int
    line: int
    is_lines: bool
    at_end: bool


class _Ends:
    """Where the beginning of a text ends and its end begins, by the hits there."""

    def __init__(self, hits: Sequence[_Hit], text: str, num_bytes: int) -> None:
        self._head = len(text[:END_CHARACTERS].encode("utf-8", "surrogatepass"))
        self._tail = num_bytes - len(text[-END_CHARACTERS:].encode("utf-8", "surrogatepass"))
        self._last_of_head = max((hit.line for hit in hits if hit.stop <= self._head), default=-1)
        self._first_of_tail = min((hit.line for hit in hits if hit.stop >= self._tail), default=sys.maxsize)

    def hold(self, hit: _Hit) -> bool:
        return hit.stop <= self._head or hit.stop >= self._tail

    def hold_some(self, first: int, last: int) -> bool:
        """Whether lines [first, last], cut from around hits, reach into either."""
        return first <= self._last_of_head or last >= self._first_of_tail


def _pieces(rows: Sequence[str], data: bytes, hits: Sequence[_Hit], ends: _Ends) -> Iterator[Notice]:
    held: _Stretch | None = None
    for hit in hits:
        if held is not None and held.is_lines and hit.line < held.stop:
            continue
        if len(rows[hit.line]) > LINE_CHARACTERS:
            found = _Stretch(*_around(data, hit), hit.line, is_lines=False, at_end=ends.hold(hit))
        else:
            start, stop = _span(rows, hit.line)
            found = _Stretch(start, stop, start, is_lines=True, at_end=False)
        if held is not None and _touch(held, found):
            held.stop = found.stop
            held.at_end |= found.at_end
            continue
        if held is not None:
            yield from _notices_of(held, rows, data, ends)
        held = found
    if held is not None:
        yield from _notices_of(held, rows, data, ends)


def _touch(held: _Stretch, found: _Stretch) -> bool:
    if held.is_lines or found.is_lines:
        return held.is_lines and found.is_lines and found.start <= held.stop
    return found.start <= held.stop and found.stop - held.start <= NOTICE_CHARACTERS


def _notices_of(held: _Stretch, rows: Sequence[str], data: bytes, ends: _Ends) -> Iterator[Notice]:
    if held.is_lines:
        yield from _cut(rows[held.start : held.stop], held.start, ends=ends)
    else:
        words = data[held.start : held.stop].decode("utf-8", "surrogatepass")
        for notice in _cut([words], held.line):
            yield notice._replace(at_end=held.at_end)


def _around(data: bytes, hit: _Hit) -> tuple[int, int]:
    """The bytes of its line around a hit, without halves of characters."""
    start, stop = max(0, hit.stop - _AROUND_BYTES), min(len(data), hit.stop + _AROUND_BYTES)
    start = max(start, data.rfind(b"\n", start, hit.stop) + 1)
    line_end = data.find(b"\n", hit.stop, stop)
    stop = line_end if line_end >= 0 else stop
    while start < hit.stop and data[start] & 0xC0 == 0x80:
        start += 1
    while stop < len(data) and data[stop] & 0xC0 == 0x80:
        stop -= 1
    return start, stop


def _span(rows: Sequence[str], hit: int) -> tuple[int, int]:
    """The lines around a hit that belong to the same comment or paragraph, as [start, stop)."""
    family = line_facts(rows[hit]).family
    start = hit
    while start and hit - start < _BEFORE and not line_facts(rows[start]).opens:
        above = rows[start - 1]
        if not _belongs(above, family) or line_facts(above).closes:
            break
        start -= 1
    stop = last = hit + 1
    while stop < len(rows) and stop - last < _AHEAD and not line_facts(rows[stop - 1]).closes:
        if not _belongs(rows[stop], family) or line_facts(rows[stop]).opens:
            break
        if line_facts(rows[stop]).has_terms:
            last = stop + 1
        stop += 1
    return start, min(stop, last + _AFTER)


def _belongs(row: str, family: str) -> bool:
    if len(row) > LINE_CHARACTERS:
        return False
    facts = line_facts(row)
    if family in ("", "b"):
        # Anything else may be a bullet or a quotation mark of the notice itself.
        return facts.family not in ("#", "/", "x")
    return facts.family == family or facts.is_blank


def _cut(rows: Sequence[str], first: int, *, ends: _Ends | None = None, whole: bool = False) -> Iterator[Notice]:
    """The lines without their marks, in pieces of a limited size; those that speak of no terms only of a whole text."""
    maximum = LICENCE_CHARACTERS if whole else NOTICE_CHARACTERS
    says_something = _says_more_than_names if whole else NAMES_TERMS.search
    piece: list[str] = []
    size = 0
    line = last = first

    def made() -> Iterator[Notice]:
        text = "\n".join(piece).removesuffix("\n" + SOMEONE)
        if says_something(text):
            yield Notice(text, line + 1, ends is None or ends.hold_some(line, last))

    for number, row in enumerate(rows, first):
        for words in words_of(row, maximum, tags=whole):
            if words == SOMEONE and (not piece or piece[-1] == SOMEONE):
                continue  # nothing for it to stand between
            if size + len(words) >= maximum:
                yield from made()
                piece, size = [], 0
            if not piece:
                line = number
            piece.append(words)
            size += len(words) + 1
            last = number
    yield from made()


def _says_more_than_names(text: str) -> bool:
    return any(row and row != SOMEONE and not _NAME_FIELD.match(row) for row in text.split("\n"))

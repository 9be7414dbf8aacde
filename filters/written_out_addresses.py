"""Written-out addresses, which hide from robots that collect them: `name (at) company (dot) org`.

A bare `at` is a word of every sentence, so there the dots must be words too, and what stands before it no word that
leads to a site (`look at company dot org`). Reads at most 320 bytes around the mark; the marks are two in a megabyte.
"""

import re

from filters.made_up_addresses import names_nobody
from filters.redaction_policy import Level
from filters.top_level_domains import is_top_level_domain

MAXIMUM_LOCAL_BYTES = 64
MAXIMUM_DOMAIN_BYTES = 253

_DOT = rb"(?:\.| ?[\[({<] ?(?:dot|DOT|Dot|\.) ?[\])}>] ?| (?:dot|DOT) )"
_NAME = rb"[A-Za-z0-9-]{1,63}"
_BRACKETS = rb" ?[\[({<] ?(?:at|AT|At|@) ?[\])}>] ?"
_SIGN_REVERSED = re.compile(rb"\w ?[\])}>] ?(?:ta|TA|tA|@) ?[\[({<] ?")
_SPOKEN_SIGN = re.compile(rb" (?:at|AT) " + _NAME + rb"(?:(?:\.| (?:dot|DOT) )" + _NAME + rb"){0,3} (?:dot|DOT) \w\w")
_DOMAIN = re.compile(
    rb"(?:" + _BRACKETS + rb"| (?:at|AT) )((?:" + _NAME + _DOT + rb"){1,5}[A-Za-z]{2,24})(?![\w(]|\.\w)"
)
_LOCAL = re.compile(rb"[A-Za-z0-9_+-]+(?:" + _DOT + rb"[A-Za-z0-9_+-]+){0,4}\Z")
_DOTS = re.compile(_DOT)
_VERSION = re.compile(rb"\d+(?:\.\d+){1,3}\.[A-Za-z]+\Z")
_SPOKEN = re.compile(
    rb"(?i)(?:look|looking|is|are|was|be|me|us|him|her|them|here|available|found|hosted|live|located|based|visit|check|see|"
    rb"site|website|page|server|online|out|only|now|it|or|and|not|even|also|up|start|mail|email|e-mail|stuff|one|info)\Z"
)


def written_out_address(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The address written `name (at) company (dot) org` whose mark ends at `stop`, or None.

    The dots may be signs or words; with a bare `at` they are words.
    """
    at = _sign(data, stop)
    domain = None if at is None else _DOMAIN.match(data, at, at + MAXIMUM_DOMAIN_BYTES)
    if at is None or domain is None:
        return None
    local = _LOCAL.search(data[max(0, at - MAXIMUM_LOCAL_BYTES) : at])
    if local is None or (domain[0].startswith((b" at ", b" AT ")) and _SPOKEN.match(local[0])):
        return None
    name = _DOTS.sub(b".", domain[1])
    if not is_top_level_domain(name.rsplit(b".", 1)[1].decode("ascii")) or _VERSION.match(name):
        return None
    if names_nobody(_DOTS.sub(b".", local[0]), name):
        return None
    return at - len(local[0]), domain.end()


def _sign(data: bytes, stop: int) -> int | None:
    """Where the written-out sign starts: in brackets at the mark's end, or a bare word before it."""
    bracketed = _SIGN_REVERSED.match(data[max(0, stop - 12) : stop][::-1])
    if bracketed:
        return stop - bracketed.end()
    first = max(0, stop - 160)
    at = max(data.rfind(b" at ", first, stop), data.rfind(b" AT ", first, stop))
    return at if at >= 0 and _SPOKEN_SIGN.fullmatch(data, at, stop) else None

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
_MARK = re.compile(
    _BRACKETS + rb"\w\Z| (?:at|AT) " + _NAME + rb"(?:(?:\.| (?:dot|DOT) )" + _NAME + rb"){0,3} (?:dot|DOT) \w\w\Z"
)
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
    sign = _MARK.search(data, max(0, stop - 160), stop)
    if sign is None:
        return None
    at = sign.start()
    domain = _DOMAIN.match(data, at, at + MAXIMUM_DOMAIN_BYTES)
    local = _LOCAL.search(data[max(0, at - MAXIMUM_LOCAL_BYTES) : at])
    if domain is None or local is None or (sign[0].startswith((b" at ", b" AT ")) and _SPOKEN.match(local[0])):
        return None
    name = _DOTS.sub(b".", domain[1])
    if not is_top_level_domain(name.rsplit(b".", 1)[1].decode("ascii")) or _VERSION.match(name):
        return None
    if names_nobody(_DOTS.sub(b".", local[0]), name):
        return None
    return at - len(local[0]), domain.end()

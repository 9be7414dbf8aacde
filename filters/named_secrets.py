"""Named secrets: values that only the name of their provider tells from a hash, an id or any other random text.

What stands around the value decides: a word such as key or token belongs to the name, and nothing says hash or id.

Cost: four regular expressions on at most `CONTEXT_BYTES` before the value and a count of its bytes, ten microseconds.
"""

import re

from filters.redaction_policy import Level
from filters.redaction_rules import BEHIND_NAME, RIGHT_EDGE
from filters.value_tests import alphanumeric_token, random

CONTEXT_BYTES = 80

MINIMUM_ALONE_BYTES = 20
REACH_BYTES = 200

_BEHIND_NAME = re.compile((BEHIND_NAME + r"(?P<value>[\w-]{20,80})" + RIGHT_EDGE).encode())
_ALONE = re.compile(rb"(?<![A-Za-z0-9])[A-Za-z0-9_./+=-]{20,200}+(?=[\"'`]?[ \t]{0,8}(?:\r?\n|\Z))")
_OTHER_KEY = re.compile(
    rb"(?i)public|primary|foreign|sort|partition|cache|routing|finger|hash|sha-?[0-9]|md5|host[ _-]?key|"
    rb"signature|checksum|digest|object|map|dict|unique|compos|index|lookup"
)

_SECRET_WORD = re.compile(rb"(?i)key|token|secret|passw|pwd|cred|auth(?!or|0)|dsn|[_-]pat\b|login")
# `new Deepgram('…')`, `cohere.Client("…")`, `Mailgun::create('…')`: a client is made with its key.
_CONSTRUCTOR = re.compile(rb"[A-Z]\w*(?:(?:::|\.|->)\w{1,20})?\(\s{0,2}[\"'`]\Z")
_HASH_WORD = re.compile(
    rb"(?i)sha-?[0-9]|md-?5|checksum|digest|integrity|commit|revision|\brev\b|hash|etag|fingerprint|blob|crc32"
)
_IDENTIFIER = re.compile(rb"(?:[_. -](?:id|ID|Id)|[a-z]I[dD])[\"'\\\])]{0,4}\s{0,4}(?:[=:>,(|]|->)[^=:,]*\Z")
_CODE_AHEAD = re.compile(rb"[\w(\[]|[-.+/@~][A-Za-z0-9]|%[0-9A-F]{2}[A-Za-z0-9]")


def named_secret(data: bytes, start: int, stop: int, level: Level) -> bool:
    """Whether data[start:stop], a random value behind its provider's name, is a secret of it.

    The line before it must hold a word for a secret or end in the call of a constructor, the last name must be no id,
    and no word for a hash may stand in between; what follows must not make it a part of something longer (a file's
    name, a host, a call).
    """
    return _is_named(data, start, stop) and random(data[start:stop], level)


def named_token(data: bytes, start: int, stop: int, level: Level) -> bool:
    """The same of a value whose form is enough, though it is not random in every part."""
    return _is_named(data, start, stop) and alphanumeric_token(data[start:stop], level)


def _is_named(data: bytes, start: int, stop: int) -> bool:
    line = data[max(0, start - CONTEXT_BYTES) : start].rpartition(b"\n")[2]
    if not _SECRET_WORD.search(line) and not _CONSTRUCTOR.search(line):
        return False
    if _HASH_WORD.search(line) or _IDENTIFIER.search(line):
        return False
    return not _CODE_AHEAD.match(data, stop, stop + 8)


def provider_secret(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The random value behind a provider's name that ends at `stop`, or None."""
    value = _BEHIND_NAME.match(data, stop, stop + REACH_BYTES)
    if value is None:
        return None
    first, last = value.span("value")
    return (first, last) if named_secret(data, first, last, level) else None


def value_on_next_line(data: bytes, stop: int, level: Level) -> tuple[int, int] | None:
    """The random value that stands alone on the line behind one that ends in a word for a secret, or None.

    Args:
        stop: behind the value's first `MINIMUM_ALONE_BYTES`.
    """
    start = stop - MINIMUM_ALONE_BYTES
    value = _ALONE.match(data, start)
    name = data[max(0, start - CONTEXT_BYTES) : start].splitlines()
    if value is None or not random(value[0], level):
        return None
    return None if any(_OTHER_KEY.search(line) for line in name[-2:]) else value.span()

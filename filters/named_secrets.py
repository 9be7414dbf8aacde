"""Named secrets: values that only the name of their provider tells from a hash, an id or any other random text.

What stands around the value decides: a word such as key or token belongs to the name, and nothing says hash or id.

Cost: four regular expressions on at most `CONTEXT_BYTES` before the value and a count of its bytes, ten microseconds.
"""

import re

from filters.redaction_policy import Level
from filters.value_tests import mixed_token, random

CONTEXT_BYTES = 80

_SECRET_WORD = re.compile(rb"(?i)key|token|secret|passw|pwd|cred|auth(?!or|0)|dsn|[_-]pat\b|login")
# `new Deepgram('…')`, `cohere.Client("…")`: a provider's client is made with its key.
_CONSTRUCTOR = re.compile(rb"[A-Z]\w*\(\s{0,2}[\"'`]\Z")
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
    return _is_named(data, start, stop) and mixed_token(data[start:stop], level)


def _is_named(data: bytes, start: int, stop: int) -> bool:
    line = data[max(0, start - CONTEXT_BYTES) : start].rpartition(b"\n")[2]
    if not _SECRET_WORD.search(line) and not _CONSTRUCTOR.search(line):
        return False
    if _HASH_WORD.search(line) or _IDENTIFIER.search(line):
        return False
    return not _CODE_AHEAD.match(data, stop, stop + 8)

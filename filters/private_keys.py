"""Private keys: PEM, OpenSSH, PGP and SSH2 blocks from BEGIN to END, and PuTTY key files.

detect-secrets marks the header line alone, which would leave the key itself; here the header only starts the search
and the block is what goes. A header without key material behind it (a parser's constant, a manual's `...`) is no
secret and stays. A block may be written as string literals, with escapes on one line, indented or in comments.

Cost: one bounded look ahead per header, at most `BLOCK_BYTES`, ended by the next header; linear on any text.
"""

import re

from filters.redaction_policy import Level

BLOCK_BYTES = 65_536
"""The longest block looked for; an RSA key of 16,384 bits has 12,800."""

MINIMUM_RUN_BYTES = 16
MINIMUM_KEY_BYTES = 32
MINIMUM_KEY_FRACTION = 0.6

_LEFT_MARKER = re.compile(rb"(?:-{4,5} ?)?BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY\Z")
_RIGHT_MARKER = re.compile(rb"(?: BLOCK)?(?: ?-{4,5})?")
_END = re.compile(rb"-{4,5} ?END (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?(?: ?-{4,5})?")
_HEADER_OR_ESCAPE = re.compile(rb"[A-Z][A-Za-z]{1,30}(?:-[A-Za-z]{1,30}){0,3}: ?[^\r\n\"'\\]{0,200}|\\+[nrt]")
_RUN = re.compile(rb"[A-Za-z0-9+/=]+")

_SEPARATOR = rb"(?:\\+[nrt]|[^A-Za-z0-9+/=]|[+/]{1,2}(?=\s)){0,80}+"
_HEADER = rb"(?:[A-Z][A-Za-z]{1,30}(?:-[A-Za-z]{1,30}){0,3}: ?[^\r\n\"'\\]{0,200})"
_OPEN_BLOCK = re.compile(
    rb"(?:%(separator)s%(header)s){0,8}%(separator)s[A-Za-z0-9+/=]{40,}+(?:%(separator)s[A-Za-z0-9+/=]{16,}+)*+"
    rb"(?:%(separator)s[A-Za-z0-9+/]{1,15}={1,2})?" % {b"separator": _SEPARATOR, b"header": _HEADER}
)
_PUTTY = b"PuTTY-User-Key-File-"
_PUTTY_PRIVATE = re.compile(rb"Private-Lines: ?\d{1,4}")
_PUTTY_END = re.compile(rb"Private-(?:MAC|Hash): ?[0-9a-fA-F]{8,128}")


def pem_block(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The block whose BEGIN marker's words end at `stop`, or None where no key follows.

    Returns:
        From the marker to the end of the END marker; where that is missing, to the end of the last contiguous line
        of base64. Never more than `BLOCK_BYTES` beyond `stop`.
    """
    floor = max(0, stop - 96)
    marker = _LEFT_MARKER.search(data[floor:stop])
    right = _RIGHT_MARKER.match(data, stop)
    if marker is None or right is None:
        return None
    start, body = floor + marker.start(), right.end()
    limit = body + BLOCK_BYTES
    # Base64 has no dash: the first dashes end the block, or no END belongs to this BEGIN. Looking no further than the
    # next marker keeps a text of many markers linear.
    marker_words = data.find(b"PRIVATE KEY", body, limit)
    dashes = data.find(b"----", body, marker_words) if marker_words >= 0 else -1
    if dashes >= 0 and (end := _END.match(data, dashes)) and _is_key(data[body:dashes]):
        return start, end.end()
    opened = _OPEN_BLOCK.match(data, body, limit)
    return (start, opened.end()) if opened else None


def putty_block(data: bytes, stop: int, _level: Level) -> tuple[int, int] | None:
    """The PuTTY key file whose header name ends at `stop`, or None where no private lines follow."""
    start = data.rfind(_PUTTY, 0, stop)
    limit = data.find(_PUTTY, stop, stop + BLOCK_BYTES)
    limit = limit if limit >= 0 else stop + BLOCK_BYTES
    private = _PUTTY_PRIVATE.search(data, stop, limit)
    if private is None:
        return None
    opened = _OPEN_BLOCK.match(data, private.end(), limit)
    if opened is None:
        return None
    end = _PUTTY_END.search(data, opened.end(), min(limit, opened.end() + 256))
    return start, (end or opened).end()


def _is_key(body: bytes) -> bool:
    runs = [len(run) for run in _RUN.findall(_HEADER_OR_ESCAPE.sub(b" ", body))]
    key = sum(length for length in runs if length >= MINIMUM_RUN_BYTES)
    return key >= MINIMUM_KEY_BYTES and key >= MINIMUM_KEY_FRACTION * sum(runs)

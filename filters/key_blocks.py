r"""Key blocks: what stays of the lines over which a private key was written.

A key may stand in a program: `key += '…\n'` on every line, `std::string("…") +`, `b'…',`, `…<br>`, with line numbers.
What goes is the key alone: its markers, its header lines and its base64, so that the code around it still parses. A
short run of base64 goes where it stands as the long ones do: what is before it on its line is what is before those.

Cost: one regular expression over the block, and a look back of 200 bytes at most for each run.
"""

import re

MINIMUM_RUN_BYTES = 16
"""No piece of a key of this length stays."""

_PREFIX_BYTES = 200

_LINES = re.compile(rb"[\r\n]|\\+[nrt]")
_HEADERS = (
    rb"(?:PuTTY-User-Key-File-\d|Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID|Subject|Encryption"
    rb"|(?:Public|Private)-(?:Lines|MAC|Hash)|Key-Derivation|Argon2-[A-Za-z]{1,12}|[Xx]-[A-Za-z-]{1,40})"
)
# A name of the program, of letters alone, is no base64: what follows it says so.
_PART = re.compile(
    rb"(?P<stays>\\+[nrt]|(?<![A-Za-z0-9+/=])[A-Za-z]{16,48}(?=[ \t]*(?:[.(\[_:]|\+?=[ \t]|\+=)))"
    rb"|(?P<marker>(?:-{4,5} ?|\A)(?:BEGIN|END)[^\r\n\"'\\-]{0,80}-{0,5})"
    rb"|(?P<header>(?<![A-Za-z0-9-])%s: ?[^\r\n\"'\\]{0,200})"
    rb"|(?P<run>[A-Za-z0-9+/=]+)" % _HEADERS
)
_NUMBER = re.compile(rb"\d+")
_QUOTES = frozenset(b"\"'`")
_DATA = re.compile(rb"[A-Za-z0-9+/]{1,15}={0,2}|=[A-Za-z0-9+/]{4}")


def without_key(block: bytes) -> bytes:
    """What is left of a private key's bytes without the key; empty where they are one value, on one line.

    The number of LF stays.
    """
    if not _LINES.search(block):
        return b""
    parts = [match for match in _PART.finditer(block) if match.lastgroup != "stays"]
    known = {_prefix(block, match.start()) for match in parts if match.start() and _is_key(match)}
    pieces: list[bytes] = []
    position = 0
    for match in parts:
        if _is_key(match) or _is_short(block, match, known):
            pieces.append(block[position : match.start()])
            position = match.end()
    pieces.append(block[position:])
    return b"".join(pieces)


def _is_key(match: re.Match[bytes]) -> bool:
    return match.lastgroup != "run" or len(match[0]) >= MINIMUM_RUN_BYTES


def _is_short(block: bytes, match: re.Match[bytes], known: set[bytes]) -> bool:
    """Whether a short run stands where the long ones do, or alone between quotes."""
    if not _DATA.fullmatch(match[0]):
        return False
    behind = block[match.end() : match.end() + 1]
    if block[match.start() - 1] in _QUOTES and (behind in b"\\" or behind[0] in _QUOTES):
        return True
    return behind in b"\r\n\\\"'`<" and _prefix(block, match.start()) in known


def _prefix(block: bytes, start: int) -> bytes:
    """What stands before a place on its line, whatever the numbers in it are; an escape begins a line too."""
    before = block[max(0, start - _PREFIX_BYTES) : start]
    begin = 0
    for line_end in _LINES.finditer(before):
        begin = line_end.end()
    return _NUMBER.sub(b"0", before[begin:])

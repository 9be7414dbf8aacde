"""Printable: what names, paths and messages from elsewhere become before a terminal, a log or a record sees them."""

import re
from unicodedata import category

# What JSON's writers leave as it is: C1 controls, and what has no width or changes the direction of writing.
_RAW = re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: str, limit: int = 4_000) -> str:
    """One line that cannot steer a terminal.

    Control, format (bidi), surrogate and line-breaking characters are replaced by U+FFFD (blanks of any width stay),
    and what is longer than `limit` characters is cut, visibly.
    """
    shown = text[:limit]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() or category(c) == "Zs" else _REPLACEMENT for c in shown)
    return shown + (" […]" if len(text) > limit else "")


def printable_json(data: bytes) -> bytes:
    """JSON that says the same, with escapes for all that could steer a terminal; as it is where it holds none."""
    if data.isascii() and b"\x7f" not in data:
        return data
    return _RAW.sub(_escaped, data.decode()).encode()


def _escaped(raw: re.Match[str]) -> str:
    units = raw[0].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

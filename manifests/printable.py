"""Printable: what names, paths and messages from elsewhere become before a terminal, a log or a record sees them."""

from unicodedata import category

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

"""Views derived from a text that several signals read: its lines, its UTF-8 bytes, its code points.

A stage asks every signal about one document before it goes to the next, so a view is worth keeping for exactly one
text: the caches hold one entry, keyed by the text itself, and stay pure. They cost the last document's size a few
times over in memory, and one hash of the text, which Python keeps in the string.

Native code reads what suits it: `bytes.translate` the bytes, compiled scans the code points, whose places and lengths
need no decoding. MB of UTF-8 per CPU second: code points 2,000 to 4,000; bytes about 900 on documents beyond ASCII;
lines 450 on all.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=1)
def lines(text: str) -> tuple[str, ...]:
    """The lines of a text, without their ends.

    Only LF ends a line, and a final LF does not start another one; a CR before it belongs to the line.

    Returns:
        One string a line; empty for an empty text.
    """
    pieces = text.split("\n")
    if not pieces[-1]:
        pieces.pop()
    return tuple(pieces)


@lru_cache(maxsize=1)
def utf8_bytes(text: str) -> bytes:
    """The text in UTF-8; a lone surrogate comes as its three bytes, so that every text has a form."""
    return text.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=1)
def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of a text, lone surrogates included, in their order.

    Returns:
        uint32, shape (characters,), read-only.
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")

r"""Mojibake: UTF-8 that was read as Latin-1 or Windows-1252, so that each of its bytes became a character.

Such a text passes every other test: it is valid Unicode and mostly letters. Its sequences are told by the form of
UTF-8, a lead byte and its continuation bytes: the two of U+00E9 become U+00C3 U+00A9. Real text has a few by chance,
where typography follows an accented letter (a quote after a sharp s, or in French e acute, no-break space, closing
guillemet). So one alone counts only where it is far more often a fault; any counts in a run of two and more.

Cost: next to nothing for texts without any of U+00C0 to U+00FF, on which all of it begins (a byte is looked for); the
others lose their ASCII first, which leaves little to search.
"""

import re

import numpy as np

from filters.text_views import utf8_bytes
from manifests.document import Document

_CONTINUATIONS = "[\x80-\xbf" + re.escape(bytes(range(0x80, 0xA0)).decode("cp1252", "ignore")) + "]"
_ONE = f"[\xc2-\xdf]{_CONTINUATIONS}|[\xe0-\xef]{_CONTINUATIONS}{{2}}|[\xf0-\xf4]{_CONTINUATIONS}{{3}}"
# Those that are no typography and no unit: in real text they do not follow a capital with an accent or a sharp s.
_UNUSUAL = (
    "[\x80-\x9f\xa1-\xa8\xaa\xac\xaf\xb4\xb6\xb8\xbc\xbe\xbf"
    "\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2020\u2021]"
)
_ALONE = (
    f"[\xc2\xc3]{_CONTINUATIONS}"  # what Latin-1 has
    f"|[\xc4-\xd6\xd8-\xdf]{_UNUSUAL}"  # other Latin letters, Greek, Cyrillic, Arabic
    f"|\xe2[\x80\x82\x84\u20ac\u201a\u201e]{_CONTINUATIONS}"  # dashes, quotes, the euro and the trade mark sign
    f"|\xf0[\x9f\u0178]{_CONTINUATIONS}{{2}}"  # emoji
    "|\xef\xbb\xbf"  # the byte order mark
)
_MOJIBAKE = re.compile(f"(?:{_ONE}){{2,}}+|{_ALONE}")
_FIRST_BYTE_OF_LEADS = b"\xc3"


def mojibake_fraction(document: Document) -> float:
    """Share of the characters that are UTF-8 read as Latin-1 or Windows-1252.

    A text with some was decoded wrongly, and a model would learn to write it.

    Returns:
        0..1, in code points; 0 for an empty document and for one of ASCII alone.

    Source: own definition, see the module; the idea is ftfy's (https://ftfy.readthedocs.io), with more encodings.
    """
    text = document.text
    if text.isascii() or _FIRST_BYTE_OF_LEADS not in utf8_bytes(text):
        return 0.0
    return sum(map(len, _MOJIBAKE.findall(_runs_beyond_ascii(text)))) / len(text)


def _runs_beyond_ascii(text: str) -> str:
    """The text without ASCII, but for the one character that ends each run."""
    encoded = np.frombuffer(utf8_bytes(text), dtype=np.int8)
    kept = encoded < 0  # as signed bytes, all but ASCII is negative
    kept[1:] |= kept[:-1].copy()
    return encoded[kept].tobytes().decode("utf-8", "surrogatepass")

"""Natural language: the language that the prose of a text is written in, by CLD2's offline model.

CLD2 was chosen on measurement over fastText's lid.176.ftz (five times the cost, sure of itself on code and hashes, a
share-alike licence), py3langid (ten times) and lingua (100 MB). It names no language rather than a wrong one where a
text is too short or is no prose, and it tells how much of a mixed text each language has. Its 165 languages are
compiled into the package: nothing is loaded, and processes share the pages.

A long text is judged by windows at fixed places over all of it, as a start alone is often a licence or a table of
contents. Code, links and markup are left out of what is judged as far as that is cheap. Cost: about 35 us a document,
however long.

It tells close relatives apart only in long texts (Bosnian, Croatian, Serbian; Malay and Indonesian), and takes a
language that it does not know for a relative of it or for none.
"""

import re
from functools import cache
from typing import NamedTuple

import pycld2

from manifests.document import Kind

PROSE_LANGUAGES = frozenset(
    {
        "AsciiDoc", "Creole", "Markdown", "MDX", "MediaWiki", "Muse", "Org", "Pod", "Pod 6", "RDoc", "reStructuredText",
        "Rich Text Format", "RMarkdown", "Roff", "Roff Manpage", "TeX", "Texinfo", "Text", "Textile", "Typst",
        "Vim Help File", "Wikitext",
    }
)  # fmt: skip
"""Languages of kind "code", by linguist's names, whose files are written for readers."""

PROSE_FILES = frozenset({"AsciiDoc", "Markdown", "Text", "reStructuredText"})
"""Those that a recipe can call text by `prose_files`: their files are all prose. RMarkdown's have code to be run."""

_NUM_WINDOWS = 4
_WINDOW_CHARACTERS = 300
_ENOUGH_CHARACTERS = 200

_LINK_OR_TAG = re.compile(r"https?:[!-~]+|<[^<>\n]*>")
_INDENTED_LINE = re.compile(r"\n(?: {4}|\t).*")
# Control characters and noncharacters, which the model refuses.
_SPACE_FOR_CONTROLS = bytes(
    32 if (code < 32 and code not in b"\t\n\f\r") or code == 127 else code for code in range(256)
)
_RARELY_REFUSED = re.compile(
    "[\x80-\x9f\ufdd0-\ufdef" + "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF)) + "]"
)
# CLD2 has codes that ISO 639 withdrew, and some of its own.
_ISO_CODES = {"iw": "he", "jw": "jv", "mo": "ro", "un": "", "xx": "", "zzp": ""}


class NaturalLanguage(NamedTuple):
    """A language and how much of the text speaks for it.

    Attributes:
        code: ISO 639-1, or 639-3 where there is none; empty where the model cannot tell.
        confidence: share of the judged text, in bytes of its letters, that is in this language: 0..1; 0 without a code.
    """

    code: str
    confidence: float


_UNKNOWN = NaturalLanguage("", 0.0)


def has_prose(kind: Kind, language: str) -> bool:
    """Whether a document is to be asked for its natural language: every text, and code written for readers."""
    return kind == "text" or language in PROSE_LANGUAGES


def natural_language(text: str) -> NaturalLanguage:
    """The language most of a text is in.

    Args:
        text: any string.

    Returns:
        `("", 0.0)` for an empty text, one without letters, and one that the model is not sure of.

    Source: CLD2, https://github.com/CLD2Owners/cld2. Deviation: it judges 1,200 characters of prose, not all bytes.
    """
    sample = _judged(text)
    try:
        is_reliable, _, languages = pycld2.detect(_interchanged(sample), isPlainText=True)
    except pycld2.error:
        is_reliable, _, languages = pycld2.detect(_interchanged(_RARELY_REFUSED.sub(" ", sample)), isPlainText=True)
    if not is_reliable:
        return _UNKNOWN
    _, tag, percent, _ = languages[0]
    code = _iso_code(tag)
    return NaturalLanguage(code, percent / 100) if code else _UNKNOWN


@cache
def known_codes() -> frozenset[str]:
    """Every code that a language can have here."""
    return frozenset(_iso_code(tag) for _, tag in pycld2.LANGUAGES) - {""}


def _iso_code(tag: str) -> str:
    code = tag.partition("-")[0]  # zh-Hant, xx-Goth
    return _ISO_CODES.get(code, code)


def _judged(text: str) -> str:
    """What of a text stands for it: windows without code, or with it where little else is there."""
    if "```" in text:
        outside = "\n".join(text.split("```")[::2])
        if len(outside) >= _ENOUGH_CHARACTERS:
            text = outside
    sample = _LINK_OR_TAG.sub(" ", _windows(text))
    if "\n    " in sample or "\n\t" in sample:
        outdented = _INDENTED_LINE.sub("", sample)
        if len(outdented) >= _ENOUGH_CHARACTERS:
            return outdented
    return sample


def _interchanged(sample: str) -> bytes:
    """A sample in UTF-8 without ASCII's controls and without lone surrogates, which have no UTF-8."""
    return sample.encode("utf-8", "ignore").translate(_SPACE_FOR_CONTROLS)


def _windows(text: str) -> str:
    """Stretches of a text at even distances, the first at its start and the last at its end; all of a short one."""
    room = len(text) - _WINDOW_CHARACTERS
    if room <= _WINDOW_CHARACTERS * (_NUM_WINDOWS - 1):
        return text
    starts = (room * number // (_NUM_WINDOWS - 1) for number in range(_NUM_WINDOWS))
    return "\n".join(text[start : start + _WINDOW_CHARACTERS] for start in starts)

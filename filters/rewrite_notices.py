"""Kept notices: whether a rewrite still says whose the original is and under which licence.

Copyright statements and SPDX tags must be there as they were. Of each notice that speaks of its file most of the words
must be: a comment may be set anew, wrapped otherwise, or stand beside code that was changed, but terms that are left
out take their words with them.
"""

import re

from filters.copyrights import copyright_lines
from filters.licence_evidence import header_evidence
from filters.notices import notices

MINIMUM_KEPT_WORDS = 0.9

_WORD = re.compile(r"\w+")
_ADDRESS = "<EMAIL>"


def missing_notice(original: str, text: str) -> str:
    """What the first licence or copyright line of the original says that the text has not; "" where all is there."""
    statements = copyright_lines(original)
    if statements:
        found = set(copyright_lines(text))
        lost = [line for line in statements if line not in found and not _stands_in(line, text)]
        if lost:
            return lost[0]
    before = header_evidence(original)
    if before is not None and ((after := header_evidence(text)) is None or after.expression != before.expression):
        return f"SPDX-License-Identifier: {before.expression}"
    return _missing_terms(original, text)


def _stands_in(statement: str, text: str) -> bool:
    """Whether the words of a statement stand in a row, be it beyond the windows that are searched for statements."""
    words = f" {' '.join(_WORD.findall(text.lower()))} "
    parts = (" ".join(_WORD.findall(part.lower())) for part in statement.split(_ADDRESS))
    return all(f" {part} " in words for part in parts if part)


def _missing_terms(original: str, text: str) -> str:
    own = [notice.text for notice in notices(original).found if notice.at_end]
    if not own:
        return ""
    kept = _words(text).union(*(_words(notice.text) for notice in notices(text).found))
    for notice in own:
        words = _words(notice)
        if len(words & kept) < MINIMUM_KEPT_WORDS * len(words):
            return " ".join(notice.split())
    return ""


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))

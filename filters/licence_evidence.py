"""What a document's surroundings say about its licence, as rows of one form.

Two of the places are read here: the SPDX tags of the file itself and the fields of a row of The Stack v2. A tag stands
in the first lines by custom, and in the last ones where a tool appended it, so both ends of a text are searched and
its middle is not: about 7 us a document, whatever its size.

Source: SPDX specification 2.3, annex E. Deviation: expressions over several lines come out unreadable.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from filters.licence_expressions import MAXIMUM_EXPRESSION_CHARACTERS, joined, says_something

HEADER_CHARACTERS = 4_000
"""So much of a text's beginning, and of its end, is searched for tags."""

EvidenceKind = Literal["header", "licence_file", "manifest", "metadata", "source"]

_TAG = "spdx-license-identifier"
_TAG_PATTERN = re.compile(_TAG + r"[ \t]*:", re.IGNORECASE | re.ASCII)
# Line end, written-out line end inside a string, comment closers of C, XML, Jinja, ERB, PHP, ML, Haskell, Lisp, Julia,
# Lua; docstring quotes; a closing XML tag; a closing template brace.
_END_PATTERN = re.compile(r"[\r\n]|\\[nr]|\*/|-->|#\}|%>|\?>|\*\)|-\}|\|#|=#|--\]|\"\"\"|'''|</|\}\}")
_QUOTES = ("'", '"', "`")
_TEMPLATES = ("{{", "{%", "${", "<%", "#{", "%s", "%(", "$(")
_TRAILING = " \t\f\v*#/;|!,.'\"`]}>-=\\"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one place says about a document's licence.

    Attributes:
        kind: the file itself; a licence text, a package manifest of its repository; its row; the recipe.
        expression: an SPDX expression as found, not yet checked.
        where: `line 3` or `lines 3, 40` for "header", the file's path for "licence_file" and "manifest", field names
            for "metadata", `recipe` for "source".
        confidence: 0..1; 1 for a tag, a field or the recipe, the detector's score for a text that it recognised.
    """

    kind: EvidenceKind
    expression: str
    where: str
    confidence: float = 1.0

    @property
    def id(self) -> str:
        """16 hexadecimal digits, the same for the same evidence everywhere."""
        facts = "\0".join((self.kind, self.expression, self.where, repr(float(self.confidence))))
        return hashlib.sha256(facts.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def header_evidence(text: str) -> Evidence | None:
    """The `SPDX-License-Identifier:` tags within the first and the last 4,000 characters, joined with AND.

    The tag is found in any case (Linux wants it exact; a tag overlooked is worse than one too many). What follows on
    its line is taken up to a comment closer, less quotes and punctuation around it; whatever else is there makes the
    expression unreadable rather than shorter. A quoted tag without a licence, as in tools that look for it, is none.

    Returns:
        The evidence; None without a tag. Cost is bounded by the two windows, and by a count of lines where the last
        one has a tag.
    """
    tags = list(_tags(text))
    found: list[tuple[str, int]] = []
    line, counted = 1, 0
    for index, tag in enumerate(tags):
        end = tag.end() + 2 * MAXIMUM_EXPRESSION_CHARACTERS
        if index + 1 < len(tags):
            end = min(end, tags[index + 1].start())
        line, counted = line + text.count("\n", counted, tag.start()), tag.start()
        expression = _trimmed(text[tag.end() : end])
        if says_something(expression):
            found.append((expression, line))
    if not found:
        return None
    numbers = ", ".join(str(number) for number in sorted({number for _, number in found}))
    where = f"lines {numbers}" if "," in numbers else f"line {numbers}"
    return Evidence("header", joined(expression for expression, _ in found), where)


def metadata_evidence(detected_licenses: Sequence[str], gha_license_id: str | None) -> Evidence | None:
    """What a Stack v2 row says: its detected licences and, as one more of them, the repository's on GitHub.

    Returns:
        The evidence, all joined with AND; None where nothing is said.
    """
    detected = [item for item in detected_licenses if says_something(item)]
    repository = [gha_license_id] if gha_license_id is not None and says_something(gha_license_id) else []
    if not detected and not repository:
        return None
    fields = [name for name, items in (("detected_licenses", detected), ("gha_license_id", repository)) if items]
    return Evidence("metadata", joined(detected + repository), ", ".join(fields))


def _tags(text: str) -> Iterator[re.Match[str]]:
    """The tags that begin in either window, in their order."""
    tail = max(HEADER_CHARACTERS, len(text) - HEADER_CHARACTERS)
    for start, end in ((0, HEADER_CHARACTERS), (tail, len(text))):
        # The plain search costs a tenth of the pattern's, and most documents have no tag.
        if start < end and _TAG in text[start:end].lower():
            yield from _TAG_PATTERN.finditer(text, start, end)


def _trimmed(rest: str) -> str:
    """The expression at the start of what follows a tag; empty where there is none."""
    expression = _END_PATTERN.split(rest, maxsplit=1)[0].strip()
    if expression.startswith(_TEMPLATES):
        return ""  # a program writes the licence there
    if expression.startswith(_QUOTES):
        if not (expression[1:2].isalnum() or expression[1:2] == "("):
            return ""  # the quote closes the tag itself
        expression = expression[1:]
    expression = expression.rstrip(_TRAILING)
    unopened = expression.count(")") - expression.count("(")
    while unopened > 0 and expression.endswith(")"):
        expression, unopened = expression[:-1].rstrip(_TRAILING), unopened - 1
    return expression

"""Redaction: secrets and personal data out, typed placeholders in, every line where it was.

A text is scanned again after it was changed, until nothing is found: a placeholder can end a word that hid the next
token, and only a text that a scan has seen clean is let through. So redaction is idempotent by construction. A text
that still shows something after `MAXIMUM_PASSES` was built to; its offending lines go as a whole, which ends it.

A text without findings costs one scan and no copy. What was found is never logged, raised or kept: counts only.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from filters.candidates import find_spans
from filters.redaction_policy import RedactionPolicy
from filters.spans import replaced, whole_lines, without_placeholders

MAXIMUM_PASSES = 4

Syntax = Literal["prose", "code", "markup"]
"""What a placeholder must not break: nothing, a parser of source code, tags."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without what was found in it.

    Attributes:
        text: the very object that was given where nothing was found.
        counts: replacements by `kind/rule`, keys in alphabetical order; empty where nothing was found.
    """

    text: str
    counts: dict[str, int]


def redact(text: str, *, policy: RedactionPolicy, document_id: str = "", syntax: Syntax = "prose") -> Redacted:
    """Replace every finding by its kind's placeholder: `<EMAIL>`, `<IP_ADDRESS>`, `<KEY>`, `<PRIVATE_KEY>`.

    The number of LF and each line's indentation stay. `redact(redact(text).text)` finds nothing.

    Args:
        text: valid Unicode.

    Raises:
        UnitError: a text of 4 GiB or more.
    """
    data = text.encode()
    spans = find_spans(data, policy=policy)
    if not spans:
        return Redacted(text, {})
    counts: Counter[str] = Counter()
    passes = 0
    while spans:
        passes += 1
        if passes > MAXIMUM_PASSES:
            spans = whole_lines(data, spans)
        counts.update(f"{span.kind}/{span.rule}" for span in spans)
        data = replaced(data, spans)
        spans = find_spans(data, policy=policy)
    return Redacted(data.decode(), {key: counts[key] for key in sorted(counts)})


def nothing_left(redacted_text: str) -> bool:
    """Whether a redacted text holds nothing but placeholders and white space; True for an empty text."""
    return not without_placeholders(redacted_text.encode()).strip()

"""Redaction: secrets and personal data out, typed placeholders or stand-ins in, every line where it was.

A text is scanned again after it was changed, until nothing is found: a placeholder can end a word that hid the next
token, and only a text that a scan has seen clean is let through. So redaction is idempotent by construction. A text
that still shows something after `MAXIMUM_PASSES` was built to; its offending lines go as a whole, which ends it.

A text without findings costs one scan and no copy, one that leaks too much one scan. What was found is never logged,
raised or kept: counts only.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from filters.placeholders import Spelling, spelling_of
from filters.redaction_policy import RedactionPolicy
from filters.spans import Span, replaced, whole_lines, without_placeholders
from filters.text_syntax import Syntax
from stages.leaks import Leak, LeakLimits, key_bytes, leak_of
from stages.scanning import find_spans
from stages.stand_ins import StandIns
from stages.traces import Trace

MAXIMUM_PASSES = 4

_NO_LIMITS = LeakLimits()
_ADDRESSES = ("email", "ip_address")


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without what was found in it.

    Attributes:
        text: the very object that was given where nothing was found; empty where the document leaks too much.
        counts: replacements by `kind/rule`, keys in alphabetical order; empty where nothing was replaced.
        num_spans: what the first scan found.
        num_key_bytes: bytes of the given text that are private keys.
        leak: why the document is to be left out, or None.
    """

    text: str
    counts: dict[str, int]
    num_spans: int = 0
    num_key_bytes: int = 0
    leak: Leak | None = None


def redact(
    text: str,
    *,
    policy: RedactionPolicy,
    document_id: str = "",
    syntax: Syntax = "prose",
    limits: LeakLimits = _NO_LIMITS,
) -> Redacted:
    """Replace every finding by its kind's placeholder: `<EMAIL>`, or `REDACTED_EMAIL` where that would not parse.

    The number of LF and each line's indentation stay. `redact(redact(text).text)` finds nothing.

    Args:
        text: valid Unicode.
        document_id: what stand-ins are chosen by.
        syntax: what must not break; see `filters.placeholders`.
        limits: a text beyond them is not replaced at all.

    Raises:
        UnitError: a text of 4 GiB or more.
    """
    data = text.encode()
    spans = find_spans(data, policy=policy)
    if not spans:
        return Redacted(text, {})
    leak = leak_of(spans, len(data), limits)
    if leak is not None:
        return Redacted("", {}, len(spans), key_bytes(spans), leak)
    run = _Run(policy, document_id, syntax, Spelling())
    clean = run.of(data, spans)
    if run.needs_bare:
        run = _Run(policy, document_id, syntax, Spelling(bare=True))
        clean = run.of(data, spans)
    counts = {key: run.counts[key] for key in sorted(run.counts)}
    return Redacted(clean.decode(), counts, len(spans), key_bytes(spans))


class Traced(NamedTuple):
    """A redacted text and what was taken from it.

    Attributes:
        text: without findings, also where the document leaks too much.
        spans: what all scans found, at the offsets of the given text in UTF-8, disjoint and in order.
        leak: why a document like this is left out, or None.
    """

    text: str
    spans: list[Span]
    leak: Leak | None


def trace(
    text: str,
    *,
    policy: RedactionPolicy,
    document_id: str = "",
    syntax: Syntax = "prose",
    limits: LeakLimits = _NO_LIMITS,
) -> Traced:
    """What `redact` takes from a text, whichever of its scans finds it; arguments and errors are those of `redact`."""
    data = text.encode()
    spans = find_spans(data, policy=policy)
    if not spans:
        return Traced(text, [], None)
    leak = leak_of(spans, len(data), limits)
    for bare in (False, True):
        traced = Trace()
        run = _Run(policy, document_id, syntax, Spelling(bare=bare), traced)
        clean = run.of(data, spans)
        if not run.needs_bare:
            break
    return Traced(clean.decode(), traced.spans, leak)


def nothing_left(redacted_text: str) -> bool:
    """Whether a redacted text holds nothing but placeholders and white space; True for an empty text."""
    return not without_placeholders(redacted_text.encode()).strip()


class _Run:
    """One attempt at a document in one spelling.

    Attributes:
        needs_bare: whether a later scan found what only a bare placeholder may stand for, when others stood already.
    """

    def __init__(
        self,
        policy: RedactionPolicy,
        document_id: str,
        syntax: Syntax,
        spelling: Spelling,
        traced: Trace | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.needs_bare = False
        self._policy = policy
        self._stand_ins = StandIns(document_id) if policy.stand_ins else None
        self._syntax = syntax
        self._spelling = spelling
        self._given: dict[bytes, bytes] = {}
        self._traced = traced

    def of(self, data: bytes, spans: list[Span]) -> bytes:
        """The text that a scan finds clean, or any where `needs_bare`."""
        passes = 0
        while spans:
            passes += 1
            if passes > MAXIMUM_PASSES:
                spans, self._stand_ins = whole_lines(data, spans), None
            known, self._spelling = self._spelling, self._spelling.joined(self._spelled(data, spans))
            if passes > 1 and self._spelling.bare != known.bare:
                self.needs_bare = True
                return data
            self.counts.update(f"{span.kind}/{span.rule}" for span in spans)
            if self._traced is not None:
                self._traced.add(data, spans, self._replacement)
            data = replaced(data, spans, self._replacement)
            spans = find_spans(data, policy=self._policy)
        return data

    def _spelled(self, data: bytes, spans: Sequence[Span]) -> Spelling:
        """The spelling that these spans ask for; what a stand-in replaces asks for none."""
        return spelling_of(data, [span for span in spans if not self._has_stand_in(span)], self._syntax)

    def _has_stand_in(self, span: Span) -> bool:
        return self._stand_ins is not None and span.kind in _ADDRESSES

    def _replacement(self, span: Span, value: bytes) -> bytes:
        if self._stand_ins is not None and span.kind in _ADDRESSES:
            return self._stand_ins.of(span, value)
        # A password that stands by its name and in a URL is one value: both have what the first place asked for.
        return self._given.setdefault(value, self._spelling.of(span, value))

"""Spans: where something that must not be trained on stands in a text, and the one pass that takes it out.

Offsets are UTF-8 bytes, because the scanner that finds candidates works on bytes; a span starts and stops between
characters, and only a private key's spans more than one line. Overlapping spans become their union, so that no byte
that a detector named survives; the union takes the kind whose leak is worst. Replacement joins slices once: linear in
the text, about one placeholder's reference per span.

A span never carries the text it names: what is logged, counted or stored is kind, rule, offset and length only.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from filters.key_blocks import without_key

SpanKind = Literal[
    "private_key", "secret", "url_password", "assigned_secret",
    "payment_card", "iban", "email", "phone_number", "ip_address",
]  # fmt: skip

PLACEHOLDERS: dict[SpanKind, bytes] = {
    "private_key": b"<PRIVATE_KEY>",
    "secret": b"<KEY>",
    "url_password": b"<PASSWORD>",
    "assigned_secret": b"<SECRET>",
    "payment_card": b"<PAYMENT_CARD>",
    "iban": b"<IBAN>",
    "email": b"<EMAIL>",
    "phone_number": b"<PHONE_NUMBER>",
    "ip_address": b"<IP_ADDRESS>",
}
"""By kind, the worst leak first: in this order overlapping spans choose their kind."""

BARE_PLACEHOLDERS: dict[SpanKind, bytes] = {
    kind: b"REDACTED_" + placeholder.strip(b"<>") for kind, placeholder in PLACEHOLDERS.items()
}
"""The same as identifiers: valid where `<` would be a redirection, an operator or a tag."""

ZERO = b"0"
"""What an integer literal becomes, which no word may stand for."""

_SEVERITY = {kind: rank for rank, kind in enumerate(PLACEHOLDERS)}
_ANY_PLACEHOLDER = re.compile(
    b"|".join(map(re.escape, (*PLACEHOLDERS.values(), *BARE_PLACEHOLDERS.values()))) + rb"|(?<![\w.])0(?![\w.])"
)
_FIRST_BYTES = frozenset({b"", b"<", b"R", ZERO})


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """One finding.

    Attributes:
        start: first byte of the UTF-8 text.
        stop: byte after the last, > start.
        kind: what it is, which decides the placeholder.
        rule: id of the rule that found it, in `redaction_rules.toml`.
    """

    start: int
    stop: int
    kind: SpanKind
    rule: str


def whole_characters(data: bytes, start: int, stop: int) -> tuple[int, int]:
    """The place grown to the characters that it begins and ends within; `data` is valid UTF-8."""
    while 0 < start < len(data) and data[start] & 0xC0 == 0x80:
        start -= 1
    while stop < len(data) and data[stop] & 0xC0 == 0x80:
        stop += 1
    return start, stop


def merged(spans: Iterable[Span]) -> list[Span]:
    """The union of spans that share a byte, in order of position; spans that only touch stay apart.

    Returns:
        Disjoint spans; kind and rule are those of the worst kind in each union, the first and then longest of its kind.
    """
    result: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.stop, _SEVERITY[span.kind], span.rule)):
        if not result or span.start >= result[-1].stop:
            result.append(span)
            continue
        last = result[-1]
        worst = span if _SEVERITY[span.kind] < _SEVERITY[last.kind] else last
        result[-1] = Span(last.start, max(last.stop, span.stop), worst.kind, worst.rule)
    return result


Spell = Callable[[Span, bytes], bytes]
"""What stands for a span, given the span and the bytes that it names: no LF, and not empty."""


def typed(span: Span, _value: bytes) -> bytes:
    """The placeholder of a span's kind, `<EMAIL>`."""
    return PLACEHOLDERS[span.kind]


def replaced(data: bytes, spans: Sequence[Span], spell: Spell = typed) -> bytes:
    """The text with each span's placeholder in its place; the number of LF does not change.

    A private key becomes its placeholder on the first line; of the other lines what is not key stays.

    Args:
        spans: as `merged` returns them.
    """
    pieces: list[bytes] = []
    position = 0
    for span in spans:
        value = data[span.start : span.stop]
        pieces += (data[position : span.start], spell(span, value))
        if span.kind == "private_key":
            pieces.append(without_key(value))
        position = span.stop
    pieces.append(data[position:])
    return b"".join(pieces)


def whole_lines(data: bytes, spans: Sequence[Span]) -> list[Span]:
    """The spans grown to the whole lines they touch, indentation and line end apart, merged.

    Args:
        spans: as `merged` returns them; a line is looked at once, however many it holds.
    """
    grown: list[Span] = []
    for span in spans:
        if grown and span.stop <= grown[-1].stop:
            continue
        start = data.rfind(b"\n", 0, span.start) + 1
        newline = data.find(b"\n", span.stop)
        line = data[start : newline if newline >= 0 else len(data)]
        body_start = start + len(line) - len(line.lstrip())
        grown.append(Span(min(body_start, span.start), start + len(line.rstrip()), span.kind, span.rule))
    return merged(grown)


def is_redacted(value: bytes) -> bool:
    """Whether a value holds nothing but placeholders, in any spelling; true for an empty value."""
    return value[:1] in _FIRST_BYTES and not _ANY_PLACEHOLDER.sub(b"", value)


def without_placeholders(data: bytes) -> bytes:
    """A redacted text with every placeholder taken out."""
    return _ANY_PLACEHOLDER.sub(b"", data)

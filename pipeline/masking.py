"""Masking: texts as a person may see them, with a mask in the place of everything that redaction would take."""

from collections.abc import Sequence

from filters.redaction_policy import RedactionPolicy
from filters.spans import Span
from stages.redaction import trace

MASK = "••••"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def masked(text: str, policy: RedactionPolicy) -> str:
    """A text with every finding masked; a private key takes its lines with it."""
    data = text.encode()
    return masked_part(data, trace(text, policy=policy).spans, 0, 0, len(data))


def masked_part(data: bytes, spans: Sequence[Span], index: int, start: int, stop: int) -> str:
    """A part of a text, findings that it cuts masked whole, without a byte order mark.

    Args:
        spans: of the whole text, disjoint and in order.
        index: of a span that the part touches, or of the first one behind it; only its neighbours are looked at.
    """
    while index and spans[index - 1].stop > start:
        index -= 1
    pieces, position = [], start + 3 * (start == 0 and data.startswith(_BYTE_ORDER_MARK))
    while index < len(spans) and spans[index].start < stop:
        pieces += [data[position : max(position, spans[index].start)].decode(errors="ignore"), MASK]
        position = spans[index].stop
        index += 1
    pieces.append(data[position : max(position, stop)].decode(errors="ignore"))
    return "".join(pieces)

"""Leaks: documents of which so much would be redacted that they are better left out.

A contact list with its names left and its addresses gone still says who belongs together, and a key file is nothing
else. Judged by one scan, before anything is replaced: a text of a million addresses costs no more than that scan.

On samples of real code and text 67 documents have ten findings or more: 47 fewer than 3 in 1,000 bytes, 7 lists of
contacts (`AUTHORS`, `.mailmap`) 17 to 28, and the densest of the others 10. The 19 with a private key are key to
99.9 %.
"""

from collections.abc import Sequence
from typing import NamedTuple

from filters.spans import Span

MINIMUM_FINDINGS = 10
"""A document with fewer is never a heavy leak: one address is much in a file of one line."""


class LeakLimits(NamedTuple):
    """What a document may leak; None is off.

    Attributes:
        findings_per_kb: in 1,000 bytes of UTF-8.
        key_fraction: share of the bytes that are private keys, 0..1.
    """

    findings_per_kb: float | None = None
    key_fraction: float | None = None


class Leak(NamedTuple):
    """Why a document goes; value and bound are those of the reason, `value` > `bound`."""

    reason: str
    value: float
    bound: float


def leak_of(spans: Sequence[Span], num_bytes: int, limits: LeakLimits) -> Leak | None:
    """What is wrong with a document, or None.

    Args:
        spans: what a scan of its text found.
        num_bytes: of the text in UTF-8; 0 only without spans.
    """
    if not spans:
        return None
    fraction = key_bytes(spans) / num_bytes
    if limits.key_fraction is not None and fraction > limits.key_fraction:
        return Leak("key_material", fraction, limits.key_fraction)
    per_kb = 1_000 * len(spans) / num_bytes
    if limits.findings_per_kb is not None and len(spans) >= MINIMUM_FINDINGS and per_kb > limits.findings_per_kb:
        return Leak("heavy_leak", per_kb, limits.findings_per_kb)
    return None


def key_bytes(spans: Sequence[Span]) -> int:
    """Bytes inside private keys."""
    return sum(span.stop - span.start for span in spans if span.kind == "private_key")

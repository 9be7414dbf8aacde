"""Leaks: documents that are left out for what they hold."""

import pytest

from filters.redaction_policy import RedactionPolicy
from filters.spans import Span, SpanKind
from stages.leaks import MINIMUM_FINDINGS, Leak, LeakLimits, leak_of
from stages.redaction import redact

ALL = RedactionPolicy()
LIMITS = LeakLimits(findings_per_kb=10, key_fraction=0.5)
EMAIL = "some.one" + "@" + "company-mail.org"
KEY_BLOCK = "\n".join(["-----BEGIN " + "RSA PRIVATE KEY-----", "FAKEfake" * 8, "-----END " + "RSA PRIVATE KEY-----"])


def spans(count: int, kind: SpanKind = "email", length: int = 8) -> list[Span]:
    return [Span(place * length, (place + 1) * length, kind, "rule") for place in range(count)]


@pytest.mark.parametrize(
    ("count", "num_bytes", "leak"),
    [
        (MINIMUM_FINDINGS - 1, 100, None),
        (MINIMUM_FINDINGS, 1_000, None),
        (MINIMUM_FINDINGS, 999, Leak("heavy_leak", 10_000 / 999, 10)),
        (100, 2_000, Leak("heavy_leak", 50, 10)),
        (100, 10_000, None),
        (0, 0, None),
    ],
)
def test_many_findings_in_little_text_are_a_heavy_leak(count: int, num_bytes: int, leak: Leak | None) -> None:
    assert leak_of(spans(count), num_bytes, LIMITS) == leak


def test_a_document_that_is_mostly_key_goes() -> None:
    assert leak_of(spans(1, "private_key", 51), 100, LIMITS) == Leak("key_material", 0.51, 0.5)
    assert leak_of(spans(1, "private_key", 50), 100, LIMITS) is None
    assert leak_of(spans(1, "secret", 51), 100, LIMITS) is None


def test_null_is_off() -> None:
    assert leak_of(spans(100), 1_000, LeakLimits()) is None
    assert leak_of(spans(1, "private_key", 100), 100, LeakLimits(findings_per_kb=10)) is None


def test_redaction_says_what_a_document_leaks_and_replaces_nothing() -> None:
    result = redact(f"{EMAIL}\n" * 12, policy=ALL, limits=LIMITS)
    assert (result.text, result.counts, result.num_spans) == ("", {}, 12)
    assert result.leak == Leak("heavy_leak", 12_000 / len(f"{EMAIL}\n" * 12), 10)


def test_redaction_says_how_much_of_a_document_is_key() -> None:
    text = f"{'some words ' * 40}\n{KEY_BLOCK}\n"
    result = redact(text, policy=ALL, limits=LIMITS)
    assert result.leak is None
    assert (result.num_spans, result.num_key_bytes) == (1, len(KEY_BLOCK))
    gone = redact(KEY_BLOCK + "\n", policy=ALL, limits=LIMITS)
    assert gone.leak is not None
    assert gone.leak.reason == "key_material"

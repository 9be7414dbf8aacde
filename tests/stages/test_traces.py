"""Traces: what later scans find is told at the offsets of the text as it was."""

import random
from string import ascii_letters, digits

import pytest

from filters.redaction_policy import RedactionPolicy
from filters.text_syntax import Syntax
from stages.redaction import redact, trace

POLICY = RedactionPolicy()
_RANDOM = random.Random(1)
BEARER = "".join(_RANDOM.choices(ascii_letters + digits, k=80))
CLOUD = f"{_RANDOM.getrandbits(160):040x}"
EMAIL = "jane.roe" + "@" + "company-mail.org"
LINE = f'curl -H "Authorization: Bearer {BEARER}" -H "cloudsmith: {CLOUD}" {EMAIL}\n'
KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + f"{BEARER[:64]}\n" * 12 + "-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize("syntax", ["prose", "code", "markup"])
@pytest.mark.parametrize("stand_ins", [False, True])
@pytest.mark.parametrize("text", ["", "nothing", LINE, f"é {KEY}{LINE}{EMAIL} ü\n{LINE}"])
def test_a_trace_is_what_redaction_takes(text: str, syntax: Syntax, stand_ins: bool) -> None:
    policy = RedactionPolicy(POLICY.levels, (), stand_ins)
    traced = trace(text, policy=policy, syntax=syntax)
    redacted = redact(text, policy=policy, syntax=syntax)
    assert traced.text == redacted.text
    assert len(traced.spans) == sum(redacted.counts.values())
    data = text.encode()
    values = [data[span.start : span.stop].decode() for span in traced.spans]
    assert [value for value in values if value in (BEARER, CLOUD, EMAIL)] == [
        value for value in values if not value.startswith("-----BEGIN")
    ]
    assert values.count(EMAIL) == text.count(EMAIL)
    assert values.count(CLOUD) == text.count(CLOUD)

"""Spoken passwords: sentences and notes; whatever the text, a place answers within its bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.redaction_policy import only
from filters.spoken_passwords import spoken_password
from stages.scanning import find_spans


def values(text: str) -> list[str]:
    data = text.encode()
    return [data[span.start : span.stop].decode() for span in find_spans(data, policy=only("assigned_secret"))]


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_looked_at(data: bytes, stop: int) -> None:
    found = spoken_password(data, min(stop, len(data)), "balanced")
    assert found is None or 0 <= found[0] < found[1] <= len(data)


@pytest.mark.parametrize(
    "text",
    ["the password is {}.", "Password: `{}`", "**Password:** {}", "(pw:{})", "ID/PW: bob/{}", "new password is '{}'"],
)
def test_a_sentence_says_a_password(text: str) -> None:
    assert values(text.format("Tiger29x")) == ["Tiger29x"]


@pytest.mark.parametrize(
    "text", ["the password is SHA256", "password is 8-16 characters", "password must have 12 letters", "password (v2)"]
)
def test_a_sentence_speaks_about_passwords(text: str) -> None:
    assert values(text) == []

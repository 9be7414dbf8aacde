"""Authorization: base64 that holds a user and a password, and random header values."""

import base64

import pytest

from filters.authorization import basic_credentials, header_token


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("jane:k7Rw9zQ4", True),
        ("jane:pass:k7Rw", True),
        ("user:password", False),
        ("Aladdin:open sesame", False),
        ("no colon in this text", False),
        ("\x00\x01:k7Rw9zQ4", False),
    ],
)
def test_basic_credentials(text: str, wanted: bool) -> None:
    value = base64.b64encode(text.encode())
    assert basic_credentials(value, "low") == wanted
    assert basic_credentials(value.rstrip(b"="), "low") == wanted


def test_what_is_no_base64_is_no_credentials() -> None:
    assert not basic_credentials(b"introduction-to", "low")
    assert not basic_credentials(b"abcde", "low")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("f3a9c27e81b04d56zQ4", True),
        ("a.f3a9c27e81b04d56zQ4.b", True),
        ("com.company.auth.AuthorizationFilter2", False),
        ("YOUR_ACCESS_TOKEN_HERE_1", False),
        ("xxxxxxxxxxxxxxxx", False),
    ],
)
def test_header_token(value: str, wanted: bool) -> None:
    assert header_token(value.encode(), "balanced") == wanted

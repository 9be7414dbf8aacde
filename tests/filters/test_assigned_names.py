"""Assigned names: what stands before a sign, read backwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.assigned_names import assigned_name, is_prose_or_method


def named(text: str) -> tuple[str, str] | None:
    found = assigned_name(text.encode(), len(text.encode()))
    return None if found is None or is_prose_or_method(found) else (found.name.decode(), found.sort)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_read(data: bytes, stop: int) -> None:
    found = assigned_name(data, min(stop, len(data)))
    assert found is None or isinstance(is_prose_or_method(found), bool)


@pytest.mark.parametrize(
    ("text", "name", "sort"),
    [
        ("password =", "password", "password"),
        ('"api_key":', "api_key", "key"),
        ("SECRET KEY:", "SECRET_KEY", "secret"),
        ('strcmp(password, "', "password", "password"),
        ('{password, "', "password", "password"),
        ("DB_PASSWORD As String =", "DB_PASSWORD", "password"),
        ("<user>bob</user>\n <password>", "password", "password"),
        ("<key>password</key>\n <string>", "password", "password"),
    ],
)  # fmt: skip
def test_a_name_before_a_sign(text: str, name: str, sort: str) -> None:
    assert named(text) == (name, sort)


@pytest.mark.parametrize(
    "text", ["user =", 'the secret "', 'printf(password, "', 'getPassword("', 'password.encode("', '"AWS::Secret":']
)
def test_what_only_speaks_of_it_is_none(text: str) -> None:
    assert named(text) is None


def test_a_salt_is_doubtful() -> None:
    found = assigned_name(b"NONCE_SALT=", 11)
    assert found is not None
    assert found.is_doubtful

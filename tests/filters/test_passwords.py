"""Passwords: what stands where a password goes is one, a template or a word of a manual."""

import pytest

from filters.passwords import is_password, is_strong, password


@pytest.mark.parametrize(
    "value",
    ["k7Rw9zQ4", "correcthorse battery staple", "Wq83-kfPz", "p@ss:w0rk", "hunt3rs-moon", "1029384756", "%21kfPz"],
)
def test_a_password_is_one(value: str) -> None:
    assert is_password(value.encode())
    assert password(value.encode(), "low")


@pytest.mark.parametrize(
    "value",
    [
        "", "ab", "password", "PASSWORD", "pa55w0rd", "p%40ssw0rd1", "s3cr3t!", "my-secret-password", "changeme",
        "foobar", "${PASS}", "$PASS", "$(cat x)", "{password}", "{0}", "%s", "%(password)s", "%PASS%", "<password>",
        "{{ pass }}", "#{pass}", "****", "xxxxxx", "...", "DB_PASSWORD", ":password", "[secret]", "12345",
        "99999999", "<PASSWORD>", "testpassword123", "open%20sesame", "x-oauth-basic", "aaaa", "--__--",
    ],
)  # fmt: skip
def test_a_template_or_dummy_is_none(value: str) -> None:
    assert not is_password(value.encode())


def test_the_users_own_name_is_none() -> None:
    assert not is_password(b"Chinook", b"chinook")
    assert is_password(b"Chinook", b"jane")


def test_a_strong_password_has_three_classes_and_digits() -> None:
    assert is_strong(b"k7Rw9zQ4")
    assert not is_strong(b"wonderful")
    assert not is_strong(b"Wonderful!")
    assert not is_strong(b"k7Rw")

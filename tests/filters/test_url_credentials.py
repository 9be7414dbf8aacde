"""URL credentials: the password alone goes; ports, paths, templates and dummies stay."""

import pytest

from filters.url_credentials import url_password, url_password_parameter, url_secret_parameter, url_token

RANDOM = "f3a9c27e81b04d56"


def cut(found: tuple[int, int] | None, text: str) -> str | None:
    return None if found is None else text.encode()[found[0] : found[1]].decode()


def at(text: str) -> int:
    return text.encode().rindex(b"@") + 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://jane:k7Rw9zQ4@host.org/", "k7Rw9zQ4"),
        ("redis://:Wq83kfPz@10.0.0.7:6379/0", "Wq83kfPz"),
        ("postgres://jane:p@ss:w0rk@db/x", "p@ss:w0rk"),
        ("amqp://svc:a7/Kf+2Qz@mq1", "a7/Kf+2Qz"),
        (r"smtps:\/\/jane:k7#Rw9zQ@mail.company.org", "k7#Rw9zQ"),
        ("https://jane:k7Rw9zQ4@example.com/", "k7Rw9zQ4"),
        ("https://jane:wonderful@example.com/", None),
        ("https://jane:wonderful@mill-works.org/", "wonderful"),
        ("https://jane:jane@company.org/", None),
        ("http://host.org:8080/@scope/pkg", None),
        ("http://localhost:3000/node_modules/@types", None),
        ("http://jane:k7Rw9zQ4@", None),
        ("jane:k7Rw9zQ4@host.org", None),
    ],
)
def test_the_password_of_a_url(text: str, wanted: str | None) -> None:
    assert cut(url_password(text.encode(), at(text), "balanced"), text) == wanted


def test_a_password_behind_a_long_text_is_found_at_its_place() -> None:
    text = "ü" * 400 + " mysql://shop:k7Rw9zQ4@db.company.org"
    assert cut(url_password(text.encode(), at(text), "balanced"), text) == "k7Rw9zQ4"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"https://{RANDOM}ab12cd34@github.com/o/r", RANDOM + "ab12cd34"),
        (f"https://{RANDOM}ab12cd34:x-oauth-basic@github.com/o/r", RANDOM + "ab12cd34"),
        (f"https://{RANDOM}ab12cd34:@api.company.org", RANDOM + "ab12cd34"),
        ("https://some-very-long-user-name@host.org", None),
        (f"{RANDOM}ab12cd34@host.org", None),
    ],
)
def test_the_token_as_user(text: str, wanted: str | None) -> None:
    assert cut(url_token(text.encode(), at(text), "balanced"), text) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (RANDOM + "zQ4", RANDOM + "zQ4"),
        (RANDOM + "zQ4.", RANDOM + "zQ4"),
        ("short1", None),
        ("getTokenFromTheStore1()", None),
        ("your-token-goes-here-1", None),
        ("libfoo-manylinux-x64-17.2-3.4.0", None),
    ],
)
def test_a_secret_parameter(value: str, wanted: str | None) -> None:
    text = f"?token={value}"
    assert cut(url_secret_parameter(text.encode(), len("?token=") + 1, "balanced"), text) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("k7Rw9zQ4&x=1", "k7Rw9zQ4"), ("${PASS}", None), ("secret", None), ("encode(x)", None), ('k7Rw9zQ4"', "k7Rw9zQ4")],
)
def test_a_password_parameter(value: str, wanted: str | None) -> None:
    text = f"?user=x&password={value}"
    assert cut(url_password_parameter(text.encode(), text.index(value) + 1, "balanced"), text) == wanted

"""Word passwords: words with a digit in them are somebody's choice, identifiers with a number are not."""

import pytest

from filters.redaction_rules import assigned_secret_limits
from filters.word_passwords import (
    has_leet_word,
    is_configured,
    is_joined_words,
    is_of_words_and_digit,
    is_run_of_words,
    is_word_password,
)

LIMITS = assigned_secret_limits("balanced")


@pytest.mark.parametrize(
    "value",
    ["zebra_crossing9", "Quartal4_Zahlen", "Dash8oard_Dave", "Sw1tchy_McSwitch", "c4mel.hump", "mosqu1to-net",
     "Abteilung7-Test", "Elch7Wald", "mango1tree"],
)  # fmt: skip
def test_words_with_a_digit(value: str) -> None:
    assert is_of_words_and_digit(value.encode(), 8)


@pytest.mark.parametrize(
    "value",
    ["user_password2", "utf8-decoder", "str2integer", "oauth2_client", "step-12-done", "sha256sum-file", "k8s-zebra",
     "i18next-zebra", "zebra crossing9", "tiny9", "log4j-zebra", "h264-zebra", "x509-zebra", "base64-zebra"],
)  # fmt: skip
def test_an_identifier_is_none(value: str) -> None:
    assert not is_of_words_and_digit(value.encode(), 8)


@pytest.mark.parametrize("value", ["c4mel", "Dash8oard_Dave", "Fr1endly.Otter"])
def test_digits_stand_for_letters(value: str) -> None:
    assert has_leet_word(value.encode())


@pytest.mark.parametrize("value", ["camel4", "s3cmd", "md5sum", "utf8mb4", "win32api", "x86", "wonderful", "mp3player"])
def test_digits_stand_for_themselves(value: str) -> None:
    assert not has_leet_word(value.encode())


def test_words_with_dashes() -> None:
    assert is_joined_words(b"tulpe-im-mai", 3)
    assert is_joined_words(b"ferris-the-crab-9", 3)
    assert not is_joined_words(b"tulpe-mai", 3)
    assert not is_joined_words(b"prod-db-credentials", 3)
    assert not is_joined_words(b"mysql-root-password", 3)


def test_a_run_of_letters() -> None:
    assert is_run_of_words(b"captainjacksparrowsails", 16)
    assert not is_run_of_words(b"captainjack", 16)
    assert not is_run_of_words(b"sessionidentifierfield", 16)


@pytest.mark.parametrize("name", [b"DB_PASSWORD", b"admin_password", b"spring.mail.password"])
def test_a_name_of_configuration(name: bytes) -> None:
    assert is_configured(name)


@pytest.mark.parametrize("name", [b"password", b"self.password", b"dbPassword"])
def test_a_name_of_code(name: bytes) -> None:
    assert not is_configured(name)


def test_only_some_names_have_a_secret_of_words() -> None:
    assert is_word_password(b"JWT_SECRET", "secret", b"my-ninja-turtle-secret", LIMITS)
    assert not is_word_password(b"DB_SECRET", "secret", b"my-ninja-turtle-secret", LIMITS)
    assert not is_word_password(b"JWT_SECRET", "secret", b"my-ninja-turtle-secret", LIMITS, in_quotes=False)
    assert is_word_password(b"signingKey", "key", b"captainjacksparrowsails", LIMITS)
    assert not is_word_password(b"password", "password", b"zebra_crossing9", LIMITS, in_quotes=False)


def test_low_takes_no_words() -> None:
    low = assigned_secret_limits("low")
    for name, value in ((b"password", b"zebra_crossing9"), (b"DB_PASSWORD", b"mosqu1to-net")):
        assert not is_word_password(name, "password", value, low)

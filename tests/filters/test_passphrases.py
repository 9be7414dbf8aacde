"""Passphrases: words that were chosen, against sentences and labels."""

import pytest

from filters.passphrases import is_passphrase


@pytest.mark.parametrize(
    "value", ["correct horse battery staple", "blue cat 99", "wkfe pwqm rnvz jzuv", "Fake Key Store 22", "my t1ger"]
)
def test_chosen_words_are_a_passphrase(value: str) -> None:
    assert is_passphrase(value.encode(), 4)


@pytest.mark.parametrize(
    "value",
    [
        "", "tiger", "two words", "Server Manager Web Console", "Enter your password", "at least 6 characters",
        "123 456", "Password 2", "horses, cows and 3 pigs", "one two  three4", "x " * 40,
    ],
)  # fmt: skip
def test_a_sentence_or_a_label_is_none(value: str) -> None:
    assert not is_passphrase(value.encode(), 4)


def test_more_words_may_be_wanted() -> None:
    assert not is_passphrase(b"correct horse battery staple", 5)

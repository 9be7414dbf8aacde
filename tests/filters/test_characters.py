from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.characters import (
    alphabetic_fraction,
    alphanumeric_fraction,
    digit_fraction,
    replacement_character_fraction,
    whitespace_fraction,
)
from filters.signals import Signal
from manifests.document import Document


def value_of(signal: Signal, text: str) -> float:
    return signal(Document(id="", text=text, kind="text", source=""))


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("abc", 1), ("a1", 0.5), ("....", 0), ("é1語2", 0.5), ("\ud800a", 0.5), ("_", 0)]
)
def test_alphabetic_fraction(text: str, expected: float) -> None:
    assert value_of(alphabetic_fraction, text) == expected


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("a1._", 0.5), ("é²½ ", 0.5)])
def test_alphanumeric_fraction(text: str, expected: float) -> None:
    assert value_of(alphanumeric_fraction, text) == expected


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("a1", 0.5), ("12", 1), ("٣a", 0.5)])
def test_digit_fraction(text: str, expected: float) -> None:
    assert value_of(digit_fraction, text) == expected


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("a ", 0.5), (" \t\n\u3000", 1), ("ab", 0)])
def test_whitespace_fraction(text: str, expected: float) -> None:
    assert value_of(whitespace_fraction, text) == expected


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("a\ufffd", 0.5), ("a\ufffcb", 0)])
def test_replacement_character_fraction(text: str, expected: float) -> None:
    assert value_of(replacement_character_fraction, text) == expected


@pytest.mark.parametrize(
    ("signal", "method"),
    [(alphabetic_fraction, str.isalpha), (digit_fraction, str.isdigit), (whitespace_fraction, str.isspace)],
)
@given(text=st.text(st.one_of(st.characters(max_codepoint=0x7F), st.characters())))
def test_equals_the_methods_of_str(signal: Signal, method: Callable[[str], bool], text: str) -> None:
    assert value_of(signal, text) == (sum(map(method, text)) / len(text) if text else 0)

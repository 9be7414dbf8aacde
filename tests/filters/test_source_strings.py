import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.source_strings import (
    hexadecimal_number_fraction,
    long_string_line_fraction,
    long_string_word_fraction,
    string_fraction,
)
from manifests.document import Document

ALL = (string_fraction, long_string_line_fraction, long_string_word_fraction, hexadecimal_number_fraction)
LONG_WORD = "0123456789abcdefghijk"  # 21 characters


def document(text: str, language: str = "Python") -> Document:
    return Document(id="", text=text, kind="code", source="", language=language)


@pytest.mark.parametrize("signal", ALL)
@pytest.mark.parametrize("text", ["", "\n \n", "# 0x1F 'a'"])
def test_no_code_gives_zero(signal: object, text: str) -> None:
    assert signal(document(text)) == 0  # type: ignore[operator]


def test_string_fraction_is_of_the_code_without_quotes() -> None:
    assert string_fraction(document("x='éé'# comment")) == 2 / 6


def test_unknown_language_has_no_strings_but_numbers() -> None:
    assert string_fraction(document("x='abc'", "")) == 0
    assert hexadecimal_number_fraction(document("0x1F0x 0xAB # 0xCD", "")) == 8 / 18


@pytest.mark.parametrize(
    ("text", "num_hexadecimal"),
    [("0x1f", 4), ("0X1F,", 4), ("0x", 0), ("0xg", 0), ("a0x1f", 0), ("0x1fg", 0), ("0x1f 0xff", 8), ("é0x1f", 0)],
)
def test_hexadecimal_numbers_are_whole_words(text: str, num_hexadecimal: int) -> None:
    assert hexadecimal_number_fraction(document(text)) == num_hexadecimal / len(text)


def test_long_words_in_strings() -> None:
    text = f"x = '{LONG_WORD} {LONG_WORD[1:]} é{LONG_WORD[1:]}'\n{LONG_WORD} = 1"
    assert long_string_word_fraction(document(text)) == 42 / len(text)


def test_addresses_are_no_long_words() -> None:
    assert long_string_word_fraction(document("x = 'https://example.org/a/long/path' + 'a:/bbbbbbbbbbbbbbbbbbbb'")) > 0
    assert long_string_word_fraction(document("x = 'see https://example.org/a/long/path'")) == 0


@pytest.mark.parametrize(("num_words", "expected"), [(20, 0), (21, 0.5)])
def test_long_string_lines(num_words: int, expected: float) -> None:
    assert long_string_line_fraction(document("x = '" + "a " * num_words + "'\ny = 1")) == expected


def test_punctuation_counts_as_words_of_their_own() -> None:
    assert long_string_line_fraction(document("x = '" + "a," * 11 + "'")) == 1


def test_each_line_and_each_string_counts_apart() -> None:
    words = "a " * 11
    assert long_string_line_fraction(document(f'x = """{words}\n{words}"""')) == 0
    assert long_string_line_fraction(document(f"x = '{words}' + '{words}'")) == 0


@given(st.text(st.sampled_from("'\"#a0x1f é\n\ud800:/")), st.sampled_from(["Python", "C", "Shell", ""]))
def test_shares_stay_within_bounds(text: str, language: str) -> None:
    assert 0 <= string_fraction(document(text, language)) <= 1
    assert 0 <= long_string_word_fraction(document(text, language)) <= 1
    assert 0 <= hexadecimal_number_fraction(document(text, language)) <= 1

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.signals import Signal
from filters.words import (
    letter_word_fraction,
    longest_word_characters,
    mean_word_characters,
    median_word_characters,
    num_words,
    unique_word_fraction,
)
from manifests.document import Document

SPACED_TEXT = st.text(st.one_of(st.sampled_from("ab \t\n\r\x1c\x85\xa0\u2003\u3000é語\ud800"), st.characters()))


def value_of(signal: Signal, text: str) -> float:
    return signal(Document(id="", text=text, kind="text", source=""))


def test_empty_text_has_no_words() -> None:
    assert value_of(num_words, "") == 0


def test_white_space_alone_has_no_words() -> None:
    assert value_of(num_words, " \t\n\x1c\u3000") == 0


def test_words_are_separated_by_any_run_of_white_space() -> None:
    assert value_of(num_words, "  one two\n\tthree  ") == 3


def test_first_character_can_start_a_word() -> None:
    assert value_of(num_words, "one") == 1


def test_letters_beyond_ascii_belong_to_words() -> None:
    assert value_of(num_words, "déjà vu") == 2


def test_no_break_space_separates_words() -> None:
    assert value_of(num_words, "10\u00a0km") == 2


def test_lone_surrogate_is_a_word() -> None:
    assert value_of(num_words, "a \ud800 b") == 3


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (mean_word_characters, 3.0),
        (median_word_characters, 2.5),
        (longest_word_characters, 6.0),
        (letter_word_fraction, 0.75),
        (unique_word_fraction, 1.0),
    ],
)
def test_four_words(signal: Signal, expected: float) -> None:
    assert value_of(signal, "a 12\nb3é stone,") == expected


def test_each_repetition_makes_words_less_unique() -> None:
    assert value_of(unique_word_fraction, "a b a a") == 0.5


def test_case_and_punctuation_make_words_unique() -> None:
    assert value_of(unique_word_fraction, "a A a, a.") == 1


@given(SPACED_TEXT)
def test_equals_str_split(text: str) -> None:
    words = text.split()
    lengths = [len(word) for word in words]
    assert value_of(num_words, text) == len(words)
    assert value_of(longest_word_characters, text) == max(lengths, default=0)
    assert value_of(mean_word_characters, text) == (sum(lengths) / len(words) if words else 0)
    assert value_of(median_word_characters, text) == (statistics.median(lengths) if words else 0)
    expected = sum(any(map(str.isalpha, word)) for word in words) / len(words) if words else 0
    assert value_of(letter_word_fraction, text) == expected
    distinct = len(set(words)) / len(words) if words else 0
    assert value_of(unique_word_fraction, text) == pytest.approx(distinct, abs=1e-12)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.gopher_words import (
    _STOP_WORDS,
    ellipsis_word_ratio,
    gopher_letter_word_fraction,
    gopher_mean_word_characters,
    gopher_num_stop_words,
    gopher_num_words,
    hash_word_ratio,
)
from filters.parts import parts
from filters.signals import Signal
from manifests.document import Document

TEXTS = st.lists(st.sampled_from([*_STOP_WORDS, "The", "thee", "stone", "1", "#1", "...", ",", "é."]), max_size=20)


def value_of(signal: Signal, text: str) -> float:
    return signal(Document(id="", text=text, kind="text", source=""))


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (gopher_num_words, 5),
        (gopher_mean_word_characters, 3.0),
        (gopher_letter_word_fraction, 4 / 8),
        (gopher_num_stop_words, 2),
        (hash_word_ratio, 1 / 8),
        (ellipsis_word_ratio, 1 / 8),
    ],
)
def test_eight_words(signal: Signal, expected: float) -> None:
    assert value_of(signal, "the stone, of #1 gold...") == expected


@pytest.mark.parametrize(
    "signal", [gopher_num_words, gopher_mean_word_characters, gopher_letter_word_fraction, gopher_num_stop_words]
)
def test_marks_alone_hold_no_word(signal: Signal) -> None:
    assert value_of(signal, "... -- #!") == 0


@pytest.mark.parametrize(
    ("text", "expected"), [("a\u2026", 1 / 2), ("a ......", 2 / 2), ("a....", 1 / 2), ("a..", 0), ("a b...c", 1 / 4)]
)
def test_ellipses(text: str, expected: float) -> None:
    assert value_of(ellipsis_word_ratio, text) == expected


@pytest.mark.parametrize("word", _STOP_WORDS)
def test_every_stop_word_is_found_once(word: str) -> None:
    assert value_of(gopher_num_stop_words, f"x {word} x {word}.") == 1


@given(TEXTS.map(" ".join))
def test_equals_the_naive_definitions(text: str) -> None:
    table = parts(text)
    words = [text[start : start + size] for start, size in zip(table.starts, table.characters, strict=True)]
    proper = [word for word in words if any(map(str.isalnum, word))]
    assert value_of(gopher_num_words, text) == len(proper)
    assert value_of(gopher_mean_word_characters, text) == (sum(map(len, proper)) / len(proper) if proper else 0)
    with_letter = sum(any(map(str.isalpha, word)) for word in words)
    assert value_of(gopher_letter_word_fraction, text) == (with_letter / len(words) if words else 0)
    assert value_of(gopher_num_stop_words, text) == len(set(_STOP_WORDS) & set(words))
    assert value_of(ellipsis_word_ratio, text) == (text.count("...") / len(words) if words else 0)

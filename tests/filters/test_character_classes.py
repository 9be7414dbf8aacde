import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.character_classes import (
    _CLASSES_END,
    CAPITAL,
    DIGIT,
    ENDS,
    LEADS,
    LETTER,
    PADDING,
    SPACE,
    TRAILS,
    _all_classes,
    character_classes,
)


@pytest.mark.parametrize(
    ("bit", "method"), [(SPACE, str.isspace), (LETTER, str.isalpha), (DIGIT, str.isdigit), (CAPITAL, str.isupper)]
)
def test_classes_of_all_code_points_are_those_of_python(bit: int, method: Callable[[str], bool]) -> None:
    expected = [method(chr(code)) for code in range(sys.maxunicode + 1)]
    assert (_all_classes() & bit != 0).tolist() == expected


def test_nothing_stands_above_the_table() -> None:
    assert not _all_classes()[_CLASSES_END:].any()


@pytest.mark.parametrize("mark", "([{<\"'\u201c\u2014\u2026\u3001")
def test_marks_lead_and_trail(mark: str) -> None:
    assert _all_classes()[ord(mark)] & (LEADS | TRAILS) == LEADS | TRAILS


@pytest.mark.parametrize("mark", "ab1 /@|\u2212")
def test_letters_digits_and_signs_of_mathematics_do_not(mark: str) -> None:
    assert not _all_classes()[ord(mark)] & (LEADS | TRAILS)


def test_ends_of_sentences() -> None:
    assert all(_all_classes()[ord(mark)] & ENDS for mark in ".?!\u3002\u061f\u0964")
    assert not any(_all_classes()[ord(mark)] & ENDS for mark in ",;:\u2026\"'")


@given(st.text(st.one_of(st.sampled_from("a\n/ \u00e9\ud800"), st.characters())))
def test_one_look_up_finds_classes_line_ends_and_slashes(text: str) -> None:
    found = character_classes(text)
    inner = found.padded[PADDING : found.padded.size - PADDING]
    assert inner.tolist() == [int(_all_classes()[ord(character)]) for character in text]
    assert (found.padded[:PADDING] == SPACE).all()
    assert (found.padded[found.padded.size - PADDING :] == SPACE).all()
    assert found.line_ends.tolist() == [place for place, character in enumerate(text) if character == "\n"]
    assert found.has_slashes == ("//" in text)

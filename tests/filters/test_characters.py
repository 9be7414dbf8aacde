import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.characters import _LETTERS_END, _letter_table, alphabetic_fraction
from manifests.document import Document


def fraction_of(text: str) -> float:
    return alphabetic_fraction(Document(id="", text=text, kind="text", source=""))


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("abc", 1), ("a1", 0.5), ("....", 0), ("é1語2", 0.5), ("\ud800a", 0.5), ("_", 0)]
)
def test_alphabetic_fraction(text: str, expected: float) -> None:
    assert fraction_of(text) == expected


def test_letters_of_all_code_points_are_those_of_python() -> None:
    letters = [chr(code).isalpha() for code in range(sys.maxunicode + 1)]
    assert _letter_table().tolist() == letters[: _LETTERS_END + 1]
    assert not any(letters[_LETTERS_END:])


def test_highest_code_point_is_no_letter() -> None:
    assert fraction_of(chr(sys.maxunicode)) == 0


@settings(deadline=None)  # the first call builds a table
@given(st.text(st.one_of(st.characters(max_codepoint=0x7F), st.characters())))
def test_equals_str_isalpha(text: str) -> None:
    assert fraction_of(text) == (sum(map(str.isalpha, text)) / len(text) if text else 0)

import sys

from hypothesis import given
from hypothesis import strategies as st

from filters.words import _SPACES_END, num_words
from manifests.document import Document

SPACED_TEXT = st.text(st.one_of(st.sampled_from("ab \t\n\r\x1c\x85\xa0\u2003\u3000é語\ud800"), st.characters()))


def words_of(text: str) -> float:
    return num_words(Document(id="", text=text, kind="text", source=""))


def test_empty_text_has_no_words() -> None:
    assert words_of("") == 0


def test_white_space_alone_has_no_words() -> None:
    assert words_of(" \t\n\x1c\u3000") == 0


def test_words_are_separated_by_any_run_of_white_space() -> None:
    assert words_of("  one two\n\tthree  ") == 3


def test_first_character_can_start_a_word() -> None:
    assert words_of("one") == 1


def test_letters_beyond_ascii_belong_to_words() -> None:
    assert words_of("déjà vu") == 2


def test_no_break_space_separates_words() -> None:
    assert words_of("10\u00a0km") == 2


def test_lone_surrogate_is_a_word() -> None:
    assert words_of("a \ud800 b") == 3


def test_no_white_space_lies_beyond_the_table() -> None:
    assert not any(chr(code).isspace() for code in range(_SPACES_END, sys.maxunicode + 1))


@given(SPACED_TEXT)
def test_equals_str_split(text: str) -> None:
    assert words_of(text) == len(text.split())

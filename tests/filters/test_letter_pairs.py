"""Letter pairs: words cost less than random letters."""

import pytest

from filters.letter_pairs import WORD_BITS, pair_bits, word_letters


@pytest.mark.parametrize("word", [b"password", b"configuration", b"Horse", b"MANAGER", b"session"])
def test_a_word_costs_little(word: bytes) -> None:
    assert pair_bits(word) <= WORD_BITS


@pytest.mark.parametrize("run", [b"xqzjvkw", b"zfdlxcm", b"qhjgt", b"WXKQZ"])
def test_random_letters_cost_much(run: bytes) -> None:
    assert pair_bits(run) > WORD_BITS


@pytest.mark.parametrize(
    ("value", "letters"),
    [(b"", 0), (b"12345", 0), (b"getUserName", 11), (b"user_name_2", 8), (b"a1b2c3", 0), (b"xqzjvkw", 0)],
)
def test_letters_in_words_are_counted(value: bytes, letters: int) -> None:
    assert word_letters(value) == letters

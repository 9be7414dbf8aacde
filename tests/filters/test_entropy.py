"""Entropy: bits a byte, and how much of the most it could be."""

from filters.entropy import bits_a_character, entropy_fraction


def test_bits_a_character() -> None:
    assert bits_a_character(b"") == 0.0
    assert bits_a_character(b"aaaa") == 0.0
    assert bits_a_character(b"abcd") == 2.0


def test_entropy_fraction() -> None:
    assert entropy_fraction(b"0123456789abcdef") == 1.0
    assert entropy_fraction(b"aaaaaaaa") == 0.0
    assert entropy_fraction(b"") == 0.0

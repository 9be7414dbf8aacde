"""Escapes: one right before a value reads as a space."""

from filters.escapes import lead


def test_an_escape_before_a_place_reads_as_a_space() -> None:
    assert lead(rb"Call\n", 6, 4) == b"ll "
    assert lead(rb"\t", 2, 40) == b" "
    assert lead(rb"C:\q", 4, 40) == rb"C:\q"
    assert lead(b"abc", 0, 40) == b""

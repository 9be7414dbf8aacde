import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.line_table import line_table
from filters.lines import (
    bullet_line_fraction,
    duplicate_line_character_fraction,
    duplicate_line_fraction,
    ellipsis_line_fraction,
    ended_line_fraction,
    longest_line_characters,
    mean_line_characters,
    newline_word_ratio,
    num_lines,
    short_line_fraction,
)
from manifests.document import Document

LINED_TEXT = st.text(st.one_of(st.sampled_from("ab \n\n\n\r\f\u2028\ud800"), st.characters()))


def document(text: str) -> Document:
    return Document(id="", text=text, kind="text", source="")


def naive_lines(text: str) -> list[str]:
    found, line = [], ""
    for character in text:
        if character == "\n":
            found.append(line)
            line = ""
        else:
            line += character
    return [*found, line] if line else found


def naive_duplicate_line_fraction(text: str) -> float:
    seen: list[str] = []
    repeated = 0
    for line in naive_lines(text):
        if not line.strip():
            continue
        repeated += line.strip() in seen
        seen.append(line.strip())
    return repeated / len(seen) if seen else 0.0


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n", 1), ("a\n\n", 2)])
def test_num_lines(text: str, expected: int) -> None:
    assert num_lines(document(text)) == expected


def test_only_lf_ends_a_line() -> None:
    assert num_lines(document("a\rb\fc\u2028d\x85e")) == 1


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("\n\n", 0), ("a\nbcd\ne", 3), ("ab\nabcdef", 6)])
def test_longest_line_characters(text: str, expected: int) -> None:
    assert longest_line_characters(document(text)) == expected


def test_carriage_return_counts_as_a_character_of_its_line() -> None:
    assert longest_line_characters(document("ab\r\nc")) == 3


def test_longest_line_counts_code_points_not_bytes() -> None:
    assert longest_line_characters(document("語語")) == 2


@pytest.mark.parametrize("text", ["", "\n \n\t\n"])
def test_no_nonblank_line_gives_no_duplicates(text: str) -> None:
    assert duplicate_line_fraction(document(text)) == 0


def test_each_repetition_of_an_earlier_line_counts() -> None:
    assert duplicate_line_fraction(document("a\nb\na\na\n")) == 0.5


def test_blank_lines_are_no_duplicates() -> None:
    assert duplicate_line_fraction(document("a\n\n\n\nb\n")) == 0


def test_indentation_and_carriage_return_make_no_difference() -> None:
    assert duplicate_line_fraction(document("  a\na\r\n")) == 0.5


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("\n", 0), ("ab\nabcd\n", 3), ("abc\n\n", 1.5)])
def test_mean_line_characters(text: str, expected: float) -> None:
    assert mean_line_characters(document(text)) == expected


def test_characters_of_repeated_lines_are_visible_ones() -> None:
    assert duplicate_line_character_fraction(document("abc\n  abc\nd\n")) == 3 / 9


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("- a\n\u2022 b\nc -\n\t-", 3 / 4), ("-\n\n", 1 / 2), ("\u2014 a", 0)]
)
def test_bullet_line_fraction(text: str, expected: float) -> None:
    assert bullet_line_fraction(document(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("a...\nb\u2026 \nc..\n...d", 1 / 2), ("...\n\n", 1 / 2), ("a. . .", 0)]
)
def test_ellipsis_line_fraction(text: str, expected: float) -> None:
    assert ellipsis_line_fraction(document(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("a.\n\nb? \r\nc,\n!", 3 / 4), ("a\u3002", 1), ('"a."', 0), ("...", 1)]
)
def test_ended_line_fraction(text: str, expected: float) -> None:
    assert ended_line_fraction(document(text)) == expected


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("a" * 30 + "\n\n" + "a" * 31, 1 / 2), (" \n", 0)])
def test_short_line_fraction(text: str, expected: float) -> None:
    assert short_line_fraction(document(text)) == expected


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("\n", 0), ("a\nb", 1 / 2), ("a.\n", 1 / 2), ("a b", 0)])
def test_newline_word_ratio(text: str, expected: float) -> None:
    assert newline_word_ratio(document(text)) == expected


@given(LINED_TEXT)
def test_table_holds_the_lines_and_their_visible_parts(text: str) -> None:
    table, lines = line_table(text), naive_lines(text)
    stripped = [line.strip() for line in lines]
    places = zip(table.starts, table.characters, strict=True)
    visible = zip(table.visible_starts, table.visible_characters, strict=True)
    assert [text[start : start + size] for start, size in places] == lines
    assert [text[start : start + size] for start, size in visible] == stripped
    hashes = table.hashes.tolist()
    assert len(set(hashes)) == len(set(stripped)) == len(set(zip(stripped, hashes, strict=True)))
    assert [not hashed for hashed in hashes] == [not line for line in stripped]


@pytest.mark.parametrize("size", range(1, 10))
def test_every_character_of_a_line_counts_in_its_hash(size: int) -> None:
    line = "abcdefghij"[:size]
    changed = [line[:place] + "x" + line[place + 1 :] for place in range(size)]
    hashes = line_table("\n".join([line, line[::-1], line + "a", *changed])).hashes.tolist()
    assert len(set(hashes)) == len(hashes) - (size == 1)


@given(LINED_TEXT)
def test_lines_agree_with_the_naive_definition(text: str) -> None:
    expected = naive_lines(text)
    assert num_lines(document(text)) == len(expected)
    assert longest_line_characters(document(text)) == max(map(len, expected), default=0)


@given(LINED_TEXT)
def test_duplicates_agree_with_the_naive_definition(text: str) -> None:
    assert duplicate_line_fraction(document(text)) == pytest.approx(naive_duplicate_line_fraction(text), abs=1e-12)

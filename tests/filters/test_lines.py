import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.lines import duplicate_line_fraction, longest_line_characters, num_lines
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


@given(LINED_TEXT)
def test_lines_agree_with_the_naive_definition(text: str) -> None:
    expected = naive_lines(text)
    assert num_lines(document(text)) == len(expected)
    assert longest_line_characters(document(text)) == max(map(len, expected), default=0)


@given(LINED_TEXT)
def test_duplicates_agree_with_the_naive_definition(text: str) -> None:
    assert duplicate_line_fraction(document(text)) == pytest.approx(naive_duplicate_line_fraction(text), abs=1e-12)

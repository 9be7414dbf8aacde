import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.paragraphs import duplicate_paragraph_character_fraction, duplicate_paragraph_fraction
from manifests.document import Document

LINED_TEXT = st.text(st.sampled_from("ab \n\n\n\r"), max_size=40)


def document(text: str) -> Document:
    return Document(id="", text=text, kind="text", source="")


def naive_paragraphs(text: str) -> list[str]:
    stripped = "\n".join(line.strip() for line in text.split("\n"))
    return [paragraph for paragraph in re.split(r"\n{2,}", stripped.strip("\n")) if paragraph]


@pytest.mark.parametrize("text", ["", "\n \n", "a\nb", "a\nb\n\na"])
def test_no_paragraph_twice(text: str) -> None:
    assert duplicate_paragraph_fraction(document(text)) == 0
    assert duplicate_paragraph_character_fraction(document(text)) == 0


def test_each_repetition_counts_with_its_line_ends() -> None:
    text = "a\nb\n\nc\n\na\nb\n\n\n a \nb\r\n"
    assert duplicate_paragraph_fraction(document(text)) == 0.5
    assert duplicate_paragraph_character_fraction(document(text)) == 6 / len(text)


def test_order_of_lines_makes_a_paragraph() -> None:
    assert duplicate_paragraph_fraction(document("a\nb\n\nb\na")) == 0


@given(LINED_TEXT)
def test_equals_the_naive_definition(text: str) -> None:
    paragraphs = naive_paragraphs(text)
    repeated = [paragraph for place, paragraph in enumerate(paragraphs) if paragraph in paragraphs[:place]]
    expected = len(repeated) / len(paragraphs) if paragraphs else 0
    assert duplicate_paragraph_fraction(document(text)) == expected
    characters = sum(map(len, repeated)) / len(text) if text else 0
    assert duplicate_paragraph_character_fraction(document(text)) == characters

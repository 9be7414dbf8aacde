import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.code_words import mean_code_word_characters, num_code_words
from manifests.document import Document


def document(text: str) -> Document:
    return Document(id="", text=text, kind="code", source="")


@pytest.mark.parametrize(
    ("text", "num_words", "mean"),
    [("", 0, 0), (" .\n(", 0, 0), ("a", 1, 1), ("self.assert_equal(len(é語),", 4, 21 / 4), ("a1-b", 2, 1.5)],
)
def test_words(text: str, num_words: int, mean: float) -> None:
    assert num_code_words(document(text)) == num_words
    assert mean_code_word_characters(document(text)) == mean


@given(st.text(st.sampled_from("aZ09_é語\ud800 .,\n-\x00")))
def test_agrees_with_the_expression(text: str) -> None:
    words = re.findall(r"[A-Za-z0-9_\u0080-\U0010ffff]+", text)
    assert num_code_words(document(text)) == len(words)
    assert mean_code_word_characters(document(text)) == (sum(map(len, words)) / len(words) if words else 0)

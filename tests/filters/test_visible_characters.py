import pytest

from filters.visible_characters import visible_alphabetic_fraction
from manifests.document import Document


def document(text: str) -> Document:
    return Document(id="", text=text, kind="code", source="")


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), (" \n\u3000", 0), ("a", 1), ("  a1  \n", 0.5), ("é\u00a01 語_", 0.5)]
)
def test_letters_among_what_can_be_seen(text: str, expected: float) -> None:
    assert visible_alphabetic_fraction(document(text)) == pytest.approx(expected)

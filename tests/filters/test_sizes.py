import pytest

from filters.sizes import num_bytes, num_characters
from manifests.document import Document


def document(text: str) -> Document:
    return Document(id="", text=text, kind="code", source="")


@pytest.mark.parametrize(("text", "characters", "size"), [("", 0, 0), ("a\n", 2, 2), ("é語\U0001f600\ud800", 4, 12)])
def test_sizes(text: str, characters: int, size: int) -> None:
    assert num_characters(document(text)) == characters
    assert num_bytes(document(text)) == size

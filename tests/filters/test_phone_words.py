"""Phone words: the last one before a number, and whose plans its language stands for."""

import pytest

from filters.phone_words import phone_word, regions_of


@pytest.mark.parametrize(
    ("before", "word", "is_strong"),
    [
        ("Tel. ", "Tel", True),
        ("fax 1, phone: ", "phone", True),
        ("thePhone = ", "Phone", True),
        ("text me on ", "text me", False),
        ("Звоните: ", "Звоните", False),
        ("Natel ", "Natel", True),
        ("携帯電話: ", "電話", True),
        ("Mob. No. ", "Mob. No", True),
    ],
)
def test_the_last_word_that_says_phone(before: str, word: str, is_strong: bool) -> None:
    found = phone_word(before.encode())
    assert found is not None
    assert (found.text, found.is_strong) == (word, is_strong)
    assert before.encode()[found.start :].startswith(word.encode())
    assert before.endswith(word + found.gap)


@pytest.mark.parametrize("before", ["", "string = ", "hotel ", "graph: ", "recall ", "automobile"])
def test_other_words_say_nothing(before: str) -> None:
    assert phone_word(before.encode()) is None


@pytest.mark.parametrize(
    ("word", "number", "first"),
    [
        ("Natel", b"079", "CH"), ("tel", b"020 7219", "GB"), ("tel", b"415", "US"), ("Telefon", b"030", "DE"),
        ("mobil", b"910", "DE"), ("携帯", b"090", "JP"), ("手机", b"138", "CN"), ("Mob. No", b"98", "US"),
    ],
)  # fmt: skip
def test_regions_follow_the_word(word: str, number: bytes, first: str) -> None:
    assert regions_of(word, number)[0] == first

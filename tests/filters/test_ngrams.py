"""The signals on n-grams, held against definitions in plain Python."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import ngrams
from filters.ngrams import most_repeats_in_a_row
from filters.parts import parts
from manifests.document import Document

FEW_WORDS = st.lists(st.sampled_from(["a", "bb", "ccc", "."]), max_size=40).map(" ".join)
REPEATED = st.tuples(FEW_WORDS, FEW_WORDS, st.integers(1, 4)).map(
    lambda three: " ".join([three[0]] * three[2]) + three[1]
)


def document(text: str) -> Document:
    return Document(id="", text=text, kind="text", source="")


def words_of(text: str) -> list[str]:
    table = parts(text)
    return [text[start : start + size] for start, size in zip(table.starts, table.characters, strict=True)]


def naive_top(text: str, size: int) -> float:
    words = words_of(text)
    counts = Counter(" ".join(words[start : start + size]) for start in range(len(words) - size + 1))
    if not counts:
        return 0.0
    ngram, count = counts.most_common(1)[0]
    return len(ngram) * count / len(text)


def naive_duplicate(text: str, size: int) -> float:
    words = words_of(text)
    read: set[tuple[str, ...]] = set()
    place = characters = 0
    while place + size <= len(words):
        ngram = tuple(words[place : place + size])
        if ngram in read:
            characters += sum(map(len, ngram))
            place += size
        else:
            read.add(ngram)
            place += 1
    return characters / len(text) if text else 0.0


def naive_most_repeats(text: str) -> int:
    words = words_of(text)
    most = min(1, len(words))
    for period in range(1, 14):
        for start in range(len(words)):
            first, count = words[start : start + period], 1
            while len(first) == period and words[start + count * period :][:period] == first:
                count += 1
            most = max(most, count)
    return most


def test_top_ngram_counts_every_occurrence_with_its_spaces() -> None:
    assert ngrams.top_2_gram_character_fraction(document("so be it so be")) == 2 * 5 / 14


def test_first_of_equally_frequent_ngrams_is_the_top() -> None:
    assert ngrams.top_2_gram_character_fraction(document("a b long words")) == 3 / 14


def test_duplicate_ngrams_do_not_overlap() -> None:
    text = "a " * 15
    assert ngrams.duplicate_5_gram_character_fraction(document(text)) == 10 / 30


def test_two_ngrams_alike_count_once() -> None:
    text = "one two three four five, one two three four five"
    assert ngrams.duplicate_5_gram_character_fraction(document(text)) == 19 / 48
    assert ngrams.duplicate_6_gram_character_fraction(document(text)) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("a", 1), ("a b", 1), ("a a a", 3), ("x a b a b a b y", 3), ("a b a b a", 2), ("1 2 3 " * 4, 4)],
)
def test_most_repeats_in_a_row(text: str, expected: float) -> None:
    assert most_repeats_in_a_row(document(text)) == expected


def test_a_period_above_13_words_is_no_repeat() -> None:
    assert most_repeats_in_a_row(document(" ".join(map(str, range(13))) + " " + " ".join(map(str, range(13))))) == 2
    assert most_repeats_in_a_row(document(" ".join(map(str, range(14))) + " " + " ".join(map(str, range(14))))) == 1


@given(st.one_of(FEW_WORDS, REPEATED))
def test_fractions_equal_the_naive_definitions(text: str) -> None:
    for size in (2, 3, 4):
        signal = getattr(ngrams, f"top_{size}_gram_character_fraction")
        assert signal(document(text)) == naive_top(text, size)
    for size in range(5, 11):
        signal = getattr(ngrams, f"duplicate_{size}_gram_character_fraction")
        assert signal(document(text)) == naive_duplicate(text, size)


@given(st.one_of(FEW_WORDS, REPEATED))
def test_repeats_equal_the_naive_definition(text: str) -> None:
    assert most_repeats_in_a_row(document(text)) == naive_most_repeats(text)

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.benchmark_words import telling_words, two_word_ngrams, word_hashes, word_ngrams
from filters.hash_index import EVERYTHING, HashIndex

ASCII = st.text(st.characters(max_codepoint=127))


def words_of(text: str) -> list[str]:
    return re.findall(r"[0-9a-z]+", re.sub(r"\\[nrt]?", " ", text).lower())


@given(ASCII)
def test_words_of_ascii_are_runs_of_letters_and_digits(text: str) -> None:
    words = words_of(text)
    hashes = word_hashes(text.encode()).tolist()
    assert len(hashes) == len(words)
    assert len(set(zip(words, hashes, strict=True))) == len(set(words)) == len(set(hashes))


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_has_words(text: str) -> None:
    encoded = text.encode("utf-8", "surrogatepass")
    assert word_hashes(encoded).size <= len(encoded)


@pytest.mark.parametrize(
    ("text", "num_words"),
    [("", 0), ("farmer’s “own”", 3), ("naïve Straße", 2), ("機械学習", 4), ("a\u00a0b—c", 3), ("snake_case", 2)],
)
def test_words_beyond_ascii(text: str, num_words: int) -> None:
    assert word_hashes(text.encode()).size == num_words


def test_a_word_tells_something_from_three_letters_on() -> None:
    assert [int(word & 1) for word in word_hashes("ab abc 1234 1abc é 学".encode()).tolist()] == [0, 1, 0, 1, 1, 1]
    assert telling_words(word_hashes(b"one one two 3"), 3).tolist() == [2, 2]


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.integers(1, 12))
def test_n_grams_are_equal_exactly_where_their_words_are(words: list[str], size: int) -> None:
    hashes = word_ngrams(" ".join(words).encode(), ngram_words=size).tolist()
    ngrams = [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]
    assert len(set(zip(ngrams, hashes, strict=True))) == len(set(ngrams)) == len(set(hashes))


@given(st.lists(st.sampled_from("abcd"), max_size=60), st.sets(st.integers(0, 50)))
def test_only_wanted_n_grams_come_back(words: list[str], chosen: set[int]) -> None:
    encoded = " ".join(words).encode()
    every = word_ngrams(encoded, ngram_words=3)
    keys = every[[number for number in chosen if number < every.size]]
    wanted = HashIndex.build(keys, np.zeros(keys.size, np.int32)).wanted
    expected = [hashed for hashed in every.tolist() if hashed in set(keys.tolist())]
    found, others = two_word_ngrams(encoded, (3, wanted), (2, EVERYTHING))
    assert found.tolist() == expected
    assert np.array_equal(others, word_ngrams(encoded, ngram_words=2))

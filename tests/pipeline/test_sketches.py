"""Sketches against sets of word 5-grams in plain Python, and against datasketch."""

from itertools import combinations

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.recipe_duplicates import NearDuplicates
from pipeline.sketches import sketching
from stages.estimates import SKETCH_VALUES
from stages.shingles import content_hash, shingle_hashes

NEAR = NearDuplicates()
WORDS = st.lists(st.sampled_from("ab"), max_size=12)
TEXT = "the quick brown fox jumps over the lazy dog and runs away from it"


def ngrams(words: list[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(words[start : start + 5]) for start in range(len(words) - 4))


@settings(max_examples=50)
@given(st.lists(WORDS, min_size=2, max_size=8), st.sampled_from([" ", "\n", ", "]))
@example([list("aaaaa"), list("aaaaaa"), list("aaaaaaa")], " ")  # one n-gram, many times
@example([list("abababa"), list("babababa"), list("bababa")], " ")  # two, in any order
def test_keys_are_equal_where_sets_of_ngrams_are(texts: list[list[str]], other_separator: str) -> None:
    sketch = sketching(NEAR)
    made = [(words, sketch(" ".join(words).encode())) for words in texts]
    made += [(words, sketch(other_separator.join(words).upper().encode())) for words in texts]
    for (one, mine), (other, theirs) in combinations(made, 2):
        if ngrams(one) or ngrams(other):
            assert (mine.key == theirs.key) == (ngrams(one) == ngrams(other))
            assert (mine.values == theirs.values) == (ngrams(one) == ngrams(other))


@given(st.lists(st.sampled_from(["a", "B", " ", "\n", "-"]), max_size=7).map("".join))
def test_a_text_with_fewer_words_than_a_shingle_goes_by_its_content(text: str) -> None:
    sketch = sketching(NEAR)(text.encode())
    assert sketch.content_hash == content_hash(text)
    if not ngrams(text.replace("-", " ").split()):
        assert sketch == (content_hash(text), content_hash(text), None, None)


def test_without_near_duplicates_every_text_goes_by_its_content() -> None:
    assert sketching(None)(TEXT.encode()) == (content_hash(TEXT), content_hash(TEXT), None, None)


@pytest.mark.parametrize(("bands", "rows", "seed"), [(32, 8, 1), (14, 8, 7), (4, 2, 1)])
def test_values_are_the_first_of_a_signature_of_datasketch(bands: int, rows: int, seed: int) -> None:
    """With fewer permutations than values are kept, more are made."""
    made = sketching(NearDuplicates(bands=bands, rows=rows, seed=seed))(TEXT.encode())
    num_permutations = max(bands * rows, SKETCH_VALUES)
    minhash = MinHash(
        num_perm=num_permutations, seed=seed, hashfunc=lambda value: int(value) & 0xFFFFFFFF, scheme="affine32"
    )
    minhash.update_batch(shingle_hashes(TEXT))
    assert made.values is not None
    assert np.frombuffer(made.values, "<u4").tolist() == minhash.hashvalues[:SKETCH_VALUES].tolist()
    assert made.bands is not None
    assert len(set(made.bands.tolist())) == bands


@pytest.mark.parametrize("change", [{"seed": 2}, {"ngram_words": 4}])
def test_another_measure_makes_another_sketch(change: dict[str, int]) -> None:
    one, other = (sketching(near)(TEXT.encode()) for near in (NEAR, NearDuplicates(**change)))
    assert one.values != other.values
    assert one.content_hash == other.content_hash
    assert (one.key == other.key) == ("seed" in change)


def test_sketches_never_change() -> None:
    """They are written into releases."""
    made = sketching(NEAR)(TEXT.encode())
    assert made.values is not None
    assert made.key.hex() == "8125a9b5a7fded76d471d802456ae01f"
    assert made.content_hash.hex() == "35d9cd848928439531360c328c1ed6b1"
    assert made.values[:8].hex() == "5977940eab6cd878"

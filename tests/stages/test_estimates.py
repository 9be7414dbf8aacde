"""Estimates against published numbers, exact fractions and real signatures."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.estimates import IMPROBABLE, SKETCH_VALUES, detection_probability, fewest_agreeing, num_agreeing
from stages.signatures import permutations, signature

NUM_PAIRS = 20_000


@pytest.mark.parametrize(
    ("bands", "similarity", "expected"),
    [
        (32, 0.5, 0.118),
        (32, 0.6, 0.418),
        (32, 0.7, 0.850),
        (32, 0.75, 0.966),
        (32, 0.8, 0.997),
        (14, 0.5, 0.053),
        (14, 0.7, 0.565),
        (14, 0.75, 0.772),
        (14, 0.8, 0.924),
    ],
)
def test_detection_is_as_published(bands: int, similarity: float, expected: float) -> None:
    """FineWeb publishes those of 14 bands of 8 rows: 56 %, 77 %, 92 % at 0.7, 0.75, 0.8 (arXiv 2406.17557)."""
    assert detection_probability(similarity, bands=bands, rows=8) == pytest.approx(expected, abs=0.0005)


@given(st.integers(1, 256), st.integers(1, 64))
def test_nothing_is_never_found_and_equal_ones_always(bands: int, rows: int) -> None:
    assert detection_probability(0.0, bands=bands, rows=rows) == 0
    assert detection_probability(1.0, bands=bands, rows=rows) == 1


def at_most(agreeing: int, similarity: float, num_values: int) -> Fraction:
    """P(at most so many of the values agree)."""
    chance = Fraction(similarity)
    terms = (comb(num_values, k) * chance**k * (1 - chance) ** (num_values - k) for k in range(agreeing + 1))
    return sum(terms, Fraction(0))


@settings(max_examples=50)
@given(st.integers(1, 100).map(lambda number: number / 100), st.integers(1, SKETCH_VALUES))
def test_one_less_than_the_fewest_is_improbable(similarity: float, num_values: int) -> None:
    fewest = fewest_agreeing(similarity, num_values)
    assert 0 <= fewest <= num_values
    assert at_most(fewest, similarity, num_values) >= Fraction(IMPROBABLE)
    assert at_most(fewest - 1, similarity, num_values) < Fraction(IMPROBABLE)


def test_equal_documents_agree_in_every_value() -> None:
    assert fewest_agreeing(1.0, SKETCH_VALUES) == SKETCH_VALUES


@pytest.mark.parametrize(("shared", "union"), [(14, 20), (18, 20)])
def test_no_pair_at_the_threshold_is_dropped(shared: int, union: int) -> None:
    """Signatures of 20,000 pairs of sets with J = 0.7 and 0.9, as they are made of texts."""
    a, b = permutations(SKETCH_VALUES, 1)
    hashes = np.random.default_rng(9).integers(0, 2**64, (NUM_PAIRS, union), np.uint64)
    own = shared + (union - shared) // 2
    left = np.array([signature(row[:own], a, b) for row in hashes])
    right = np.array([signature(np.concatenate([row[:shared], row[own:]]), a, b) for row in hashes])
    agreeing = num_agreeing(left, right)
    assert agreeing.min() >= fewest_agreeing(shared / union, SKETCH_VALUES)
    assert agreeing.mean() / SKETCH_VALUES == pytest.approx(shared / union, abs=0.005)


@given(st.lists(st.tuples(*[st.lists(st.integers(0, 2), min_size=5, max_size=5)] * 2), max_size=9))
def test_agreeing_values_are_counted(pairs: list[tuple[list[int], list[int]]]) -> None:
    left, right = (np.array([pair[side] for pair in pairs], dtype=np.uint32).reshape(-1, 5) for side in (0, 1))
    expected = [sum(one == other for one, other in zip(*pair, strict=True)) for pair in pairs]
    assert num_agreeing(left, right).tolist() == expected

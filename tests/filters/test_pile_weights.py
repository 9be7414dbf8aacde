"""The published mixture of the Pile."""

import pytest

from filters.pile_subsets import subset_table
from filters.pile_weights import PILE_WEIGHTS


def test_every_subset_has_a_weight() -> None:
    assert list(PILE_WEIGHTS) == [row[0] for row in subset_table()]


def test_weights_are_shares_of_the_whole() -> None:
    assert sum(one.weight for one in PILE_WEIGHTS.values()) == pytest.approx(1, abs=22 * 0.00005)
    assert {one.epochs for one in PILE_WEIGHTS.values()} == {1, 1.5, 2, 2.5, 3}


def test_weights_are_in_the_order_of_the_paper() -> None:
    weights = [one.weight for one in PILE_WEIGHTS.values()]
    assert weights == sorted(weights, reverse=True)

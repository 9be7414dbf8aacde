"""A rank sorts as the tuple that it stands for."""

from itertools import permutations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.ranks import MEASURES, Measure, held_out_rank, is_held_out, ranks

ORDERS = [order for length in range(4) for order in permutations(MEASURES, length)]
# One more than each measure has room for, and far more than that.
VALUES = st.integers(0, 3) | st.sampled_from([most for bits in MEASURES.values() for most in (2**bits - 1, 2**bits)])
LARGEST = {"stars": 1_048_575, "recency": 65_535, "length": 16_777_215}


class Given(NamedTuple):
    stars: int = 0
    recency: int = 0
    length: int = 0
    licence_class: int = 0
    is_copy: bool = False
    held_out: bool = False

    def standing(self, order: tuple[Measure, ...]) -> tuple[int, ...]:
        """What should sort, smaller is better."""
        measures = [-min(getattr(self, name), LARGEST[name]) for name in order]
        return (not self.held_out, self.licence_class, self.is_copy, *measures)


DOCUMENTS = st.lists(
    st.builds(
        Given,
        stars=VALUES,
        recency=VALUES,
        length=VALUES | st.just(2**62),
        licence_class=st.integers(0, 3),
        is_copy=st.booleans(),
        held_out=st.booleans(),
    ),
    max_size=12,
)


def ranks_of(documents: list[Given], order: tuple[Measure, ...]) -> npt.NDArray[np.uint64]:
    return ranks(
        {name: np.array([getattr(document, name) for document in documents], dtype=np.int64) for name in MEASURES},
        order,
        licence_class=np.array([document.licence_class for document in documents], dtype=np.int64),
        is_copy=np.array([document.is_copy for document in documents], dtype=np.bool_),
        held_out=np.array([document.held_out for document in documents], dtype=np.bool_),
    )


@given(DOCUMENTS, st.sampled_from(ORDERS))
def test_ranks_sort_as_what_they_stand_for(documents: list[Given], order: tuple[Measure, ...]) -> None:
    found = ranks_of(documents, order)
    assert found.dtype == np.uint64
    standings = [document.standing(order) for document in documents]
    places = {standing: place for place, standing in enumerate(sorted(set(standings)))}
    by_rank = {rank: place for place, rank in enumerate(sorted(set(found.tolist())))}
    assert [by_rank[rank] for rank in found.tolist()] == [places[standing] for standing in standings]


@pytest.mark.parametrize("order", ORDERS)
def test_every_word_beats_all_that_stand_behind_it(order: tuple[Measure, ...]) -> None:
    much = Given(2**40, 2**40, 2**40)
    better_first = [
        Given(licence_class=3, is_copy=True, held_out=True),
        much._replace(licence_class=0, is_copy=True),
        much._replace(licence_class=1),
        much._replace(licence_class=1, is_copy=True),
    ]
    found = ranks_of(better_first, order).tolist()
    assert found == sorted(set(found))


@given(DOCUMENTS, st.sampled_from(ORDERS))
def test_who_is_held_out_can_be_read_from_the_rank(documents: list[Given], order: tuple[Measure, ...]) -> None:
    found = ranks_of(documents, order)
    assert is_held_out(found).tolist() == [document.held_out for document in documents]
    held = ranks_of([document._replace(held_out=True) for document in documents], order)
    assert held_out_rank(found).tolist() == held_out_rank(held).tolist() == held.tolist()


def test_the_names_of_the_measures_have_room_in_one_number() -> None:
    assert {name: 2**bits - 1 for name, bits in MEASURES.items()} == LARGEST
    assert sum(MEASURES.values()) + 4 <= 64


def test_no_documents_have_no_ranks() -> None:
    assert ranks_of([], ("stars",)).tolist() == []

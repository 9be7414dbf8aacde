"""Laws of twins and shares: what stands has no equal and no near-equal that stands, and fits into its share."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.rewrite_twins import COMPARED, ShingleSets, equal_twins, near_twins, over_share, shared_bands

few = st.integers(0, 6)


def digests(values: list[int]) -> npt.NDArray[np.void]:
    return np.array([value.to_bytes(16, "big") for value in values], dtype="V16")


def sets_of(sets: dict[int, set[int]]) -> ShingleSets:
    parts = [np.array(sorted(sets[number]), dtype=np.uint64) for number in sorted(sets)]
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    return ShingleSets(np.array(sorted(sets)), np.concatenate([*parts, np.empty(0, np.uint64)]), offsets)


@settings(max_examples=25)
@given(st.lists(few, max_size=12))
def test_of_equal_rewrites_the_first_stands(values: list[int]) -> None:
    twins = equal_twins(digests(values))
    assert {twin.gone: twin.stands for twin in twins} == {
        number: values.index(value) for number, value in enumerate(values) if values.index(value) != number
    }
    assert all(twin.similarity == 1 for twin in twins)


@settings(max_examples=25)
@given(st.lists(st.one_of(st.none(), st.tuples(few, few)), max_size=10))
def test_a_shared_band_is_one_key_at_one_place(rows: list[tuple[int, int] | None]) -> None:
    bands = np.array([row or (0, 0) for row in rows], dtype=np.uint64).reshape(-1, 2)
    shared = shared_bands(bands, np.array([row is not None for row in rows], dtype=np.bool_))
    groups: dict[int, list[int]] = {}
    for key, number in shared:
        groups.setdefault(key, []).append(number)
    expected = []
    for band in range(2):
        for key in {row[band] for row in rows if row}:
            members = [number for number, row in enumerate(rows) if row and row[band] == key]
            expected += [members] if len(members) > 1 else []
    assert sorted(groups.values()) == sorted(expected)


@settings(max_examples=25)
@given(st.lists(st.sets(st.integers(0, 9), min_size=1, max_size=8), min_size=1, max_size=10), st.integers(1, 10))
def test_no_two_that_stand_are_near_and_each_that_goes_has_one_that_stands(sets: list[set[int]], tenths: int) -> None:
    shared = [(0, number) for number in range(len(sets))]
    twins = near_twins(shared, sets_of(dict(enumerate(sets))), minimum_similarity=tenths / 10)
    gone = {twin.gone for twin in twins}

    def similarity(one: int, other: int) -> Fraction:
        return Fraction(len(sets[one] & sets[other]), len(sets[one] | sets[other]))

    for number in range(len(sets)):
        before = [other for other in range(number) if other not in gone]
        assert (number in gone) == any(similarity(number, other) >= Fraction(tenths, 10) for other in before)
    for twin in twins:
        others = [other for other in range(twin.gone) if other not in gone]
        assert twin.stands == max(others, key=lambda other: (similarity(twin.gone, other), -other))
        assert twin.similarity == pytest.approx(float(similarity(twin.gone, twin.stands)))


def test_a_chain_of_ever_less_similar_rewrites_does_not_fall_with_its_first() -> None:
    sets = sets_of({0: {1, 2, 3, 4}, 1: {2, 3, 4, 5}, 2: {3, 4, 5, 6}})
    assert [twin.gone for twin in near_twins([(0, 0), (0, 1), (0, 2)], sets, minimum_similarity=0.6)] == [1]


def test_those_that_share_no_band_are_not_compared() -> None:
    sets = sets_of({0: {1}, 1: {1}, 2: {2}, 3: {2}})
    assert near_twins([(0, 0), (0, 2), (1, 1), (1, 3)], sets, minimum_similarity=1.0) == []


def test_a_crowded_band_costs_no_square() -> None:
    numbers = range(COMPARED + 40)
    sets = sets_of({number: {number} if number < COMPARED + 20 else {COMPARED} for number in numbers})
    twins = near_twins([(0, number) for number in numbers], sets, minimum_similarity=1.0)
    assert twins == []  # their twin came after the first COMPARED
    again = [*((0, number) for number in numbers), (1, COMPARED), (1, COMPARED + 30)]
    assert [(twin.gone, twin.stands) for twin in near_twins(sorted(again), sets, minimum_similarity=1.0)] == [
        (COMPARED + 30, COMPARED)
    ]


sizes = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 400), st.integers(1, 400)), max_size=12)


@settings(max_examples=25)
@given(sizes, st.integers(0, 500), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]))
def test_what_is_taken_is_its_share_at_most_and_what_is_not_would_be_more(
    rewrites: list[tuple[int, int, int]], others: int, share: float
) -> None:
    order, written, originals = ([row[place] for row in rewrites] for place in range(3))
    of_language = sum(originals) + others
    without = over_share(np.array(order, dtype=np.uint64), written, originals, of_language=of_language, share=share)
    maximum = Fraction(str(share))

    def fits(taken: list[int]) -> bool:
        rewritten = sum(written[number] for number in taken)
        total = of_language - sum(originals[number] for number in taken) + rewritten
        return rewritten <= maximum * total

    taken: list[int] = []
    for number in sorted(range(len(rewrites)), key=lambda number: order[number]):
        if fits([*taken, number]):
            taken.append(number)
    assert sorted(without) == sorted(set(range(len(rewrites))) - set(taken))
    assert fits(taken)

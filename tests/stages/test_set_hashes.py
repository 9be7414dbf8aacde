"""The hash of a shingle set, against Python's own sets."""

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.set_hashes import SET_HASH_BYTES, set_hash

HASHES = st.lists(st.integers(0, 40) | st.integers(0, 2**64 - 1), max_size=60)


def hashed(values: list[int]) -> bytes:
    return set_hash(np.array(values, dtype=np.uint64))


@given(HASHES, HASHES)
def test_hashes_are_equal_where_the_sets_are(one: list[int], other: list[int]) -> None:
    # The values 0 and 1 count as one, see the module.
    same = {max(value, 1) for value in one} == {max(value, 1) for value in other}
    assert (hashed(one) == hashed(other)) is same


@given(HASHES, st.randoms())
def test_order_and_repetition_make_no_difference(values: list[int], random: object) -> None:
    shuffled = [*values, *values[:7]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert hashed(shuffled) == hashed(values)


def test_no_shingles_have_a_hash_of_zeros() -> None:
    assert hashed([]) == bytes(SET_HASH_BYTES)


def test_hashes_made_to_fall_on_one_place_are_told_apart_in_time() -> None:
    crafted = np.arange(1, 400_001, dtype=np.uint64)  # all of them begin with the same bits
    started = time.process_time()
    found = set_hash(crafted)
    assert time.process_time() - started < 5  # 8e10 looks would take minutes
    assert found == set_hash(np.concatenate([crafted[::-1], crafted[:1000]]))
    assert found != set_hash(crafted[1:])


def test_many_sets_of_neighbours_do_not_collide() -> None:
    sets = {set_hash(np.array([number, number + 1], dtype=np.uint64)) for number in range(1, 200_000)}
    assert len(sets) == 199_999


def test_the_hash_never_changes() -> None:
    assert hashed([1, 2, 3]).hex() == "8ea74f1757d1b282dc8ed9b94e5f3c7f"

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from filters.repetition import GOLDEN, count_repeated


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1) | st.integers(0, 5), st.integers(0, 99)), max_size=50))
def test_equals_a_set(pairs: list[tuple[int, int]]) -> None:
    repeated = [size for place, (key, size) in enumerate(pairs) if key and key in [k for k, _ in pairs[:place]]]
    hashes = np.array([key for key, _ in pairs], np.uint64)
    sizes = np.array([size for _, size in pairs], np.int32)
    assert count_repeated(hashes, sizes) == (len(repeated), sum(repeated))


def test_keys_made_to_meet_in_one_place_take_no_longer_than_others() -> None:
    number, ones = 40_000, np.ones(40_000, np.int32)
    inverse = pow(GOLDEN, -1, 1 << 64)
    meeting = np.array([place * inverse % (1 << 64) for place in range(1, number + 1)], np.uint64)
    others = np.random.default_rng(1).integers(1, 1 << 64, number, dtype=np.uint64)

    def seconds(hashes: NDArray[np.uint64]) -> float:
        started = time.process_time()
        assert count_repeated(hashes, ones) == (0, 0)
        return time.process_time() - started

    seconds(others)  # compiles
    assert seconds(meeting) < 20 * max(seconds(others), 0.002)  # hundreds of times as long where they all meet

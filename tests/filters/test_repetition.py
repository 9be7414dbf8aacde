import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.repetition import count_repeated


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1) | st.integers(0, 5), st.integers(0, 99)), max_size=50))
def test_equals_a_set(pairs: list[tuple[int, int]]) -> None:
    repeated = [size for place, (key, size) in enumerate(pairs) if key and key in [k for k, _ in pairs[:place]]]
    hashes = np.array([key for key, _ in pairs], np.uint64)
    sizes = np.array([size for _, size in pairs], np.int32)
    assert count_repeated(hashes, sizes) == (len(repeated), sum(repeated))

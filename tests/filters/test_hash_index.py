import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.hash_index import HashIndex

PAIRS = st.lists(st.tuples(st.integers(0, (1 << 64) - 1), st.integers(0, 9)), max_size=60)


@given(PAIRS)
def test_every_key_gives_its_owners_back(pairs: list[tuple[int, int]]) -> None:
    index = HashIndex.build(np.array([key for key, _ in pairs], np.uint64), np.array([o for _, o in pairs], np.int32))
    for key, _ in pairs:
        owners, counts = index.owners_of(np.array([key, key], np.uint64))
        assert owners.tolist() == sorted({owner for other, owner in pairs if other == key})
        assert set(counts.tolist()) == {1}
    owners, counts = index.owners_of(index.wanted[1])
    assert counts.sum() == len(set(pairs))
    assert owners.size == len({owner for _, owner in pairs})

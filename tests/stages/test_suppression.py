"""Suppression against plain Python, and its laws."""

from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.estimates import SKETCH_VALUES
from stages.release_index import SKETCHES
from stages.suppression import MINIMUM_AGREEMENT, SuppressionList, sketches_of

NO_SIGNATURE = (None, None)


def values_with(differing: int) -> bytes:
    """A signature of which so many of the first values differ from that of 0."""
    return np.array([1] * differing + [0] * (SKETCH_VALUES - differing), "<u4").tobytes()


# Few values, so that everything collides: a document is its content, its bands and how its signature differs.
Document = tuple[int, list[int], int]
DOCUMENTS = st.lists(
    st.tuples(st.integers(0, 5), st.lists(st.integers(0, 5), max_size=3, unique=True), st.integers(8, 16)), max_size=12
)


def table_of(documents: list[Document]) -> pa.Table:
    rows = []
    for content, bands, differing in documents:
        digest = bytes([content // 3] * 8 + [content % 3] * 8)  # some agree in one half alone
        signature = (bands, values_with(differing)) if bands else NO_SIGNATURE
        rows.append((digest, digest, *signature))
    columns = zip(*rows, strict=True) if rows else [[], [], [], []]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SKETCHES, strict=True)], schema=SKETCHES)


def is_near(one: Document, other: Document) -> bool:
    shares = set(one[1]) & set(other[1])
    return bool(shares) and SKETCH_VALUES - abs(one[2] - other[2]) >= MINIMUM_AGREEMENT


@given(DOCUMENTS, DOCUMENTS, st.booleans())
def test_it_is_what_the_rule_says(removed: list[Document], documents: list[Document], near: bool) -> None:
    suppressed = SuppressionList(sketches_of(table_of(removed))).matches(sketches_of(table_of(documents)), near=near)
    for place, document in enumerate(documents):
        equal = [number for number, other in enumerate(removed) if other[0] == document[0]]
        close = [number for number, other in enumerate(removed) if near and is_near(document, other)]
        by = int(suppressed.by[place])
        assert bool(suppressed.equal[place]) == bool(equal)
        if equal:
            assert by == equal[0]
            assert suppressed.agreeing[place] == SKETCH_VALUES
        elif close:
            assert by in close
            assert suppressed.agreeing[place] == SKETCH_VALUES - abs(document[2] - removed[by][2])
        else:
            assert (by, int(suppressed.agreeing[place])) == (-1, 0)


@given(DOCUMENTS, DOCUMENTS, st.randoms(use_true_random=False))
def test_order_decides_nothing(removed: list[Document], documents: list[Document], random: Random) -> None:
    mixed = random.sample(removed, len(removed))
    sketches = sketches_of(table_of(documents))
    one, other = (SuppressionList(sketches_of(table_of(some))).matches(sketches) for some in (removed, mixed))
    assert one.equal.tolist() == other.equal.tolist()
    assert (one.by >= 0).tolist() == (other.by >= 0).tolist()


@pytest.mark.parametrize(("differing", "agrees"), [(12, True), (13, False)])
def test_the_bound_itself_is_enough(differing: int, agrees: bool) -> None:
    removed = SuppressionList(sketches_of(table_of([(0, [7], 0)])))
    suppressed = removed.matches(sketches_of(table_of([(1, [3, 7], differing)])))
    assert (suppressed.by.tolist() == [0]) is agrees
    assert suppressed.agreeing.tolist() == [SKETCH_VALUES - differing if agrees else 0]


def test_without_a_common_band_nothing_is_near() -> None:
    removed = SuppressionList(sketches_of(table_of([(0, [7], 0)])))
    assert removed.matches(sketches_of(table_of([(1, [8], 0), (0, [8], 0), (1, [], 0)]))).by.tolist() == [-1, 0, -1]


def test_tables_of_several_chunks_are_one() -> None:
    whole = table_of([(0, [7], 0), (1, [], 0), (2, [1, 2], 3)])
    chunks = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 1), whole.slice(2)])
    one, other = sketches_of(whole), sketches_of(chunks)
    np.testing.assert_equal((*one.content, *one[1:]), (*other.content, *other[1:]))

"""Copies of tainting rows against plain Python, and their laws."""

from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.candidates import Banded, Rows, groups
from stages.taint import (
    HEADER,
    LIES_IN,
    OPTED_OUT,
    copy_pairs,
    equals_of_opted_out,
    tainted_groups,
    tainters,
    worst_copies,
)

# Few values, so that everything collides; ref is the place. A document has one content, and so one key.
CONTENTS, DOCUMENTS, KEYS = 4, 8, 3
TAINTS = st.sampled_from([0, LIES_IN, HEADER, OPTED_OUT])
# document, rank, taint
Row = tuple[int, int, int]
ROWS = st.lists(st.tuples(st.integers(0, DOCUMENTS - 1), st.integers(0, 2), TAINTS), max_size=25)
# band key, place of a row: which rows do not stand in which bucket
ABSENT = st.sets(st.tuples(st.integers(0, KEYS - 1), st.integers(0, 24)))
SMALL = st.integers(1, 3)


def u64(values: list[int]) -> npt.NDArray[np.uint64]:
    return np.array(values, dtype=np.uint64)


def u8(values: list[int]) -> npt.NDArray[np.uint8]:
    return np.array(values, dtype=np.uint8)


def content_of(document: int) -> int:
    return document % CONTENTS


def rows_of(rows: list[Row], refs: list[int]) -> Rows:
    contents = [content_of(document) for document, _, _ in rows]
    return Rows(
        key=(u64([content // 2 for content in contents]), u64([content % 2 for content in contents])),
        document=(u64([document // 3 for document, _, _ in rows]), u64([document % 3 for document, _, _ in rows])),
        rank=u64([rank for _, rank, _ in rows]),
        tie=u64([0] * len(rows)),
        ref=u64(refs),
        taint=u8([taint for _, _, taint in rows]),
    )


def copies_of(rows: list[Row], refs: list[int]) -> tuple[list[int], list[tuple[int, int]]]:
    """Refs of the tainters; (ref of the winner, ref of its tainter), in order of content."""
    table = rows_of(rows, refs)
    tainting = tainters(table)
    survivor, tainter = tainted_groups(table.key, groups(table).winner, tainting)
    pairs = [(refs[one], refs[other]) for one, other in zip(survivor.tolist(), tainter.tolist(), strict=True)]
    return [refs[place] for place in tainting.tolist()], pairs


def pairs_of(rows: list[Row], buckets: list[tuple[int, int]], candidates: int) -> list[tuple[int, int]]:
    """(ref of the tainting row, ref of the survivor); a row's ref is its place."""
    members = [(key, place, *rows[place]) for key, place in buckets]
    banded = Banded(
        key=u64([key for key, *_ in members]),
        rank=u64([rank for _, _, _, rank, _ in members]),
        document=u64([document for _, _, document, _, _ in members]),
        ref=u64([place for _, place, *_ in members]),
    )
    tainter, survivor = copy_pairs(banded, u8([taint for *_, taint in members]), candidates_per_bucket=candidates)
    return list(zip(tainter.tolist(), survivor.tolist(), strict=True))


def buckets_of(rows: list[Row], absent: set[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(key, place) for key in range(KEYS) for place in range(len(rows)) if (key, place) not in absent]


def worst_first(rows: list[Row], place: int) -> tuple[int, ...]:
    document, rank, taint = rows[place]
    return -taint, rank, document, place


def standing(rows: list[Row]) -> tuple[dict[int, int], dict[int, int]]:
    """By content: the survivor that stands for it, and the tainting row."""
    alive = {document for document, _, taint in rows if not taint}
    order = sorted(range(len(rows)), key=lambda place: worst_first(rows, place), reverse=True)
    survivors = {content_of(rows[place][0]): place for place in order if not rows[place][2]}
    tainting = {content_of(rows[place][0]): place for place in order if rows[place][2] and rows[place][0] not in alive}
    return survivors, tainting


@given(ROWS)
@example([(0, 0, 0), (4, 2, LIES_IN), (4, 1, LIES_IN), (0, 2, HEADER)])  # a survivor's other row
@example([(0, 0, 0), (4, 2, HEADER), (4, 1, LIES_IN)])  # the worst, however it ranks
def test_tainters_and_their_groups_are_those_of_plain_python(rows: list[Row]) -> None:
    survivors, tainting = standing(rows)
    expected = [(survivors[content], tainting[content]) for content in sorted(survivors.keys() & tainting.keys())]
    assert copies_of(rows, list(range(len(rows)))) == ([tainting[content] for content in sorted(tainting)], expected)


@given(ROWS, st.randoms(use_true_random=False))
def test_tainters_do_not_depend_on_the_order_of_rows(rows: list[Row], random: Random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    assert copies_of([rows[place] for place in order], order) == copies_of(rows, list(range(len(rows))))


@given(ROWS, ABSENT, SMALL)
@example([(1, 0, 0), (2, 0, LIES_IN), (3, 1, HEADER)], set(), 1)  # a header comes first
def test_pairs_are_those_of_plain_python(rows: list[Row], absent: set[tuple[int, int]], candidates: int) -> None:
    buckets = buckets_of(rows, absent)
    expected = set()
    for key in range(KEYS):
        bucket = sorted((place for other, place in buckets if other == key), key=lambda place: worst_first(rows, place))
        named = [place for place in bucket if rows[place][2] == OPTED_OUT][:candidates]
        chosen = named + [place for place in bucket if rows[place][2] in (LIES_IN, HEADER)][:candidates]
        expected |= {(tainter, place) for tainter in chosen for place in bucket if not rows[place][2]}
    assert sorted(pairs_of(rows, buckets, candidates)) == sorted(expected)


@given(ROWS, ABSENT, SMALL, st.randoms(use_true_random=False))
def test_pairs_do_not_depend_on_the_order_of_rows(
    rows: list[Row], absent: set[tuple[int, int]], candidates: int, random: Random
) -> None:
    buckets = buckets_of(rows, absent)
    shuffled = list(buckets)
    random.shuffle(shuffled)
    assert pairs_of(rows, shuffled, candidates) == pairs_of(rows, buckets, candidates)


@given(ROWS, st.randoms(use_true_random=False))
def test_equals_of_opted_out_are_those_of_plain_python(rows: list[Row], random: Random) -> None:
    order = random.sample(range(len(rows)), len(rows))
    table = rows_of([rows[place] for place in order], order)
    survivor, named = (side.tolist() for side in equals_of_opted_out(table, table.key))
    expected = {}
    for place, (document, _, taint) in enumerate(rows):
        equal = [
            other
            for other, row in enumerate(rows)
            if row[2] == OPTED_OUT and content_of(row[0]) == content_of(document)
        ]
        if not taint and equal:
            expected[place] = min(equal, key=lambda other: (rows[other][1], rows[other][0], other))
    found = {order[one]: order[other] for one, other in zip(survivor, named, strict=True)}
    assert (found, len(survivor)) == (expected, len(expected))


@pytest.mark.parametrize("taint", [0, HEADER])
def test_rows_of_one_sort_have_no_copies(taint: int) -> None:
    rows = [(document, 0, taint) for document in range(DOCUMENTS)]
    assert copies_of(rows, list(range(len(rows))))[1] == []
    assert pairs_of(rows, [(0, place) for place in range(len(rows))], 8) == []


def test_no_rows_have_no_copies() -> None:
    assert copies_of([], []) == ([], [])
    assert pairs_of([], [], 8) == []
    assert worst_copies(u64([]), u8([]), np.empty(0), (u64([]), u64([]))).tolist() == []


def test_pairs_grow_with_the_bucket_and_not_with_its_square() -> None:
    refs = np.arange(60_000, dtype=np.uint64)
    same = np.zeros_like(refs)
    taint = np.where(refs < 30_000, HEADER, 0).astype(np.uint8)
    tainter, survivor = copy_pairs(Banded(same, same, refs, refs), taint, candidates_per_bucket=8)
    assert len(tainter) == 8 * 30_000
    assert set(tainter.tolist()) == set(range(8))
    assert len(set(survivor.tolist())) == 30_000


# survivor, taint, similarity, twin
COPIES = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([LIES_IN, HEADER, OPTED_OUT]),
        st.sampled_from([0.9, 0.95, 1.0]),
        st.tuples(st.integers(0, 1), st.integers(0, 1)),
    ),
    max_size=20,
)


@given(COPIES)
def test_the_worst_copy_is_that_of_plain_python(copies: list[tuple[int, int, float, tuple[int, int]]]) -> None:
    found = worst_copies(
        u64([copy[0] for copy in copies]),
        u8([copy[1] for copy in copies]),
        np.array([copy[2] for copy in copies], dtype=np.float64),
        (u64([copy[3][0] for copy in copies]), u64([copy[3][1] for copy in copies])),
    )
    expected = [
        min((copy for copy in copies if copy[0] == survivor), key=lambda copy: (-copy[1], -copy[2], copy[3]))
        for survivor in sorted({copy[0] for copy in copies})
    ]
    assert [copies[place] for place in found.tolist()] == expected

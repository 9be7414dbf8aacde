"""Groups and pairs against plain Python, and their laws."""

from random import Random

import numpy as np
import numpy.typing as npt
from hypothesis import example, given
from hypothesis import strategies as st

from stages.candidates import Banded, Groups, Rows, bucket_pairs, groups, meetings, places, unique_pairs

# key (two halves), rank, document (two halves), tie, taint: few values, so that everything collides; ref is the place.
Row = tuple[tuple[int, int], int, tuple[int, int], int, int]
HALVES = st.tuples(st.integers(0, 1), st.integers(0, 2))
ROWS = st.lists(
    st.tuples(HALVES, st.integers(0, 2), HALVES, st.integers(0, 1), st.sampled_from([0, 0, 0, 1, 2])), max_size=25
)
# key, document; a document has one rank.
BAND_ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), max_size=40, unique=True)
SMALL = st.integers(1, 4)


def column(values: list[int]) -> npt.NDArray[np.uint64]:
    return np.array(values, dtype=np.uint64)


def groups_of(rows: list[Row], refs: list[int]) -> Groups:
    return groups(
        Rows(
            key=(column([row[0][0] for row in rows]), column([row[0][1] for row in rows])),
            document=(column([row[2][0] for row in rows]), column([row[2][1] for row in rows])),
            rank=column([row[1] for row in rows]),
            tie=column([row[3] for row in rows]),
            ref=column(refs),
            taint=np.array([row[4] for row in rows], dtype=np.uint8),
        )
    )


def outcome(rows: list[Row], refs: list[int]) -> tuple[list[int], set[tuple[int, int, bool]]]:
    """Refs of the winners; (ref of the loser, ref of its winner, repeated)."""
    found = groups_of(rows, refs)
    parts = (found.loser.tolist(), found.loses_to.tolist(), found.repeated.tolist())
    losers = {(refs[loser], refs[winner], repeated) for loser, winner, repeated in zip(*parts, strict=True)}
    return [refs[winner] for winner in found.winner.tolist()], losers


@given(ROWS)
@example([((0, 0), 0, (0, 0), 0, 0), ((0, 0), 1, (0, 1), 0, 0), ((0, 0), 2, (0, 0), 0, 0)])  # one document, two ranks
@example([((0, 0), 0, (0, 0), 0, 2), ((0, 0), 1, (0, 0), 0, 0)])  # the better row has a taint
def test_groups_are_those_of_plain_python(rows: list[Row]) -> None:
    winners, losers = [], set()
    for key in sorted({row[0] for row in rows if not row[4]}):
        members = sorted((row[1:4], ref) for ref, row in enumerate(rows) if row[0] == key and not row[4])
        winners.append(members[0][1])
        seen = {members[0][0][1]}
        for (_, document, _), ref in members[1:]:
            losers.add((ref, winners[-1], document in seen))
            seen.add(document)
    assert outcome(rows, list(range(len(rows)))) == (winners, losers)


@given(ROWS, st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_rows(rows: list[Row], random: Random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    assert outcome([rows[place] for place in order], order) == outcome(rows, list(range(len(rows))))


@given(ROWS)
def test_every_survivor_wins_or_loses_once(rows: list[Row]) -> None:
    found = groups_of(rows, list(range(len(rows))))
    survivors = [place for place, row in enumerate(rows) if not row[4]]
    assert sorted([*found.winner.tolist(), *found.loser.tolist()]) == survivors


def test_no_rows_have_no_groups_and_no_pairs() -> None:
    none = column([])
    assert [len(part) for part in (*groups_of([], []), *unique_pairs(none, none), places(none))] == [0] * 7
    assert pairs_of([], 8) == []
    assert [len(side) for side in meetings(none, none, none, none, candidates_per_bucket=8)] == [0, 0]


def rank_of(document: int) -> int:
    return document * 5 % 3


def ref_of(document: int) -> int:
    """In another order than the documents, as where shards were shuffled."""
    return 100 + document * 7 % 13


def pairs_of(rows: list[tuple[int, int]], candidates: int) -> list[tuple[int, int]]:
    banded = Banded(
        key=column([key for key, _ in rows]),
        rank=column([rank_of(document) for _, document in rows]),
        document=column([document for _, document in rows]),
        ref=column([ref_of(document) for _, document in rows]),
    )
    parts = bucket_pairs(banded, candidates_per_bucket=candidates)
    return sorted({pair for sides in parts for pair in zip(*(side.tolist() for side in sides), strict=True)})


@given(BAND_ROWS, SMALL)
def test_pairs_are_those_of_plain_python(rows: list[tuple[int, int]], candidates: int) -> None:
    expected = set()
    for key in {key for key, _ in rows}:
        bucket = sorted((rank_of(document), document) for other, document in rows if other == key)
        for first, (_, better) in enumerate(bucket[:candidates]):
            expected |= {(ref_of(better), ref_of(other)) for _, other in bucket[first + 1 :]}
    assert pairs_of(rows, candidates) == sorted(expected)


@given(BAND_ROWS, SMALL, st.randoms(use_true_random=False))
def test_pairs_do_not_depend_on_the_order_of_rows(rows: list[tuple[int, int]], candidates: int, random: Random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert pairs_of(shuffled, candidates) == pairs_of(rows, candidates)


@given(BAND_ROWS, SMALL)
def test_the_better_ranked_document_stands_first(rows: list[tuple[int, int]], candidates: int) -> None:
    documents = {ref_of(document): document for _, document in rows}
    for better, other in pairs_of(rows, candidates):
        first, second = documents[better], documents[other]
        assert (rank_of(first), first) < (rank_of(second), second)


@given(BAND_ROWS)
def test_more_candidates_lose_no_pair(rows: list[tuple[int, int]]) -> None:
    found = [set(pairs_of(rows, candidates)) for candidates in (1, 2, 8)]
    assert found[0] <= found[1] <= found[2]


def test_pairs_grow_with_the_bucket_and_not_with_its_square() -> None:
    refs = np.arange(50_000, dtype=np.uint64)
    same = np.zeros_like(refs)
    parts = list(bucket_pairs(Banded(same, same, refs, refs), candidates_per_bucket=8))
    assert [len(better) for better, _ in parts] == [len(refs) - 1 - place for place in range(8)]
    assert [set(better.tolist()) for better, _ in parts] == [{place} for place in range(8)]


@given(BAND_ROWS, BAND_ROWS, SMALL)
def test_meetings_are_those_of_plain_python(
    rows: list[tuple[int, int]], leaders: list[tuple[int, int]], candidates: int
) -> None:
    leaders = sorted(leaders, key=lambda item: (item[0], rank_of(item[1]), item[1]))
    expected = set()
    for key, document in rows:
        first = [leader for other, leader in leaders if other == key][:candidates]
        expected |= {(500 + leader, ref_of(document)) for leader in first}
    found = meetings(
        column([key for key, _ in rows]),
        column([ref_of(document) for _, document in rows]),
        column([key for key, _ in leaders]),
        column([500 + leader for _, leader in leaders]),
        candidates_per_bucket=candidates,
    )
    assert list(zip(*(side.tolist() for side in found), strict=True)) == sorted(expected)


@given(st.lists(st.integers(0, 5), max_size=30).map(sorted))
def test_places_count_the_rows_of_a_key(keys: list[int]) -> None:
    assert places(column(keys)).tolist() == [keys[:place].count(key) for place, key in enumerate(keys)]


@given(st.lists(st.tuples(SMALL, SMALL), max_size=30))
def test_unique_pairs_are_sorted_and_each_once(pairs: list[tuple[int, int]]) -> None:
    left, right = unique_pairs(column([a for a, _ in pairs]), column([b for _, b in pairs]))
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == sorted(set(pairs))

import numpy as np
import numpy.typing as npt
from hypothesis import example, given
from hypothesis import strategies as st

from stages.candidates import ExactGroups, bucket_pairs, exact_groups, unique_pairs

# content (two halves), rank, document (two halves): few values, so that everything collides; ref is the place.
Row = tuple[tuple[int, int], int, tuple[int, int]]
HALVES = st.tuples(st.integers(0, 1), st.integers(0, 2))
ROWS = st.lists(st.tuples(HALVES, st.integers(0, 2), HALVES), max_size=25)
# key, document; a document has one content and one rank.
BAND_ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), max_size=40)
SMALL = st.integers(1, 4)


def column(values: list[int]) -> npt.NDArray[np.uint64]:
    return np.array(values, dtype=np.uint64)


def groups_of(rows: list[Row], refs: list[int]) -> ExactGroups:
    return exact_groups(
        (column([row[0][0] for row in rows]), column([row[0][1] for row in rows])),
        column([row[1] for row in rows]),
        (column([row[2][0] for row in rows]), column([row[2][1] for row in rows])),
        column(refs),
    )


def losers(rows: list[Row], refs: list[int]) -> set[tuple[int, int, bool]]:
    """(ref of the loser, ref of the winner, repeated)."""
    groups = groups_of(rows, refs)
    parts = (groups.loser.tolist(), groups.winner.tolist(), groups.repeated.tolist())
    return {(refs[loser], refs[winner], repeated) for loser, winner, repeated in zip(*parts, strict=True)}


@given(ROWS)
@example([((0, 0), 0, (0, 0)), ((0, 0), 1, (0, 1)), ((0, 0), 2, (0, 0))])  # one document at two ranks
def test_exact_groups_are_those_of_plain_python(rows: list[Row]) -> None:
    expected = set()
    for content in {row[0] for row in rows}:
        members = sorted((row[1], row[2], ref) for ref, row in enumerate(rows) if row[0] == content)
        for place, (rank, document, ref) in enumerate(members):
            same = [other for other in members if other[1] == document]
            if place:
                expected.add((ref, members[0][2], (rank, document, ref) != same[0]))
    assert losers(rows, list(range(len(rows)))) == expected


@given(ROWS, st.randoms(use_true_random=False))
def test_exact_groups_do_not_depend_on_the_order_of_rows(rows: list[Row], numbers: object) -> None:
    order = list(range(len(rows)))
    numbers.shuffle(order)  # type: ignore[attr-defined]
    assert losers([rows[place] for place in order], order) == losers(rows, list(range(len(rows))))


@given(ROWS)
def test_one_row_of_every_content_wins_and_every_other_loses_once(rows: list[Row]) -> None:
    groups = groups_of(rows, list(range(len(rows))))
    assert len(set(groups.loser.tolist())) == len(groups.loser) == len(rows) - len({row[0] for row in rows})
    assert not set(groups.loser.tolist()) & set(groups.winner.tolist())


def test_no_rows_have_no_groups_and_no_pairs() -> None:
    none = column([])
    assert [len(part) for part in (groups_of([], []).loser, *unique_pairs(none, none))] == [0, 0, 0]
    left, right = bucket_pairs(none, none, none, none, ref=none, candidates_per_bucket=8)
    assert (len(left), len(right)) == (0, 0)


def content_of(document: int) -> int:
    return document % 7


def rank_of(document: int) -> int:
    return document * 5 % 3


def ref_of(document: int) -> int:
    """In another order than the documents, as where shards were shuffled."""
    return 100 + document * 7 % 13


def pairs_of(rows: list[tuple[int, int]], candidates: int) -> list[tuple[int, int]]:
    left, right = bucket_pairs(
        column([key for key, _ in rows]),
        column([content_of(document) for _, document in rows]),
        column([rank_of(document) for _, document in rows]),
        column([document for _, document in rows]),
        ref=column([ref_of(document) for _, document in rows]),
        candidates_per_bucket=candidates,
    )
    return list(zip(left.tolist(), right.tolist(), strict=True))


@given(BAND_ROWS, SMALL)
def test_pairs_are_those_of_plain_python(rows: list[tuple[int, int]], candidates: int) -> None:
    expected = set()
    for key in {key for key, _ in rows}:
        best: dict[int, tuple[int, int]] = {}
        for document in sorted({document for other, document in rows if other == key}):
            place = (rank_of(document), document)
            content = content_of(document)
            best[content] = min(place, best.get(content, place))
        bucket = sorted(best.values())
        for first, (_, better) in enumerate(bucket[:candidates]):
            expected |= {(ref_of(better), ref_of(other)) for _, other in bucket[first + 1 :]}
    assert pairs_of(rows, candidates) == sorted(expected)


@given(BAND_ROWS, SMALL, st.randoms(use_true_random=False))
def test_pairs_do_not_depend_on_the_order_of_rows(
    rows: list[tuple[int, int]], candidates: int, numbers: object
) -> None:
    shuffled = list(rows)
    numbers.shuffle(shuffled)  # type: ignore[attr-defined]
    assert pairs_of(shuffled, candidates) == pairs_of(rows, candidates)


@given(BAND_ROWS, SMALL)
def test_the_better_ranked_document_stands_first(rows: list[tuple[int, int]], candidates: int) -> None:
    documents = {ref_of(document): document for _, document in rows}
    for better, other in pairs_of(rows, candidates):
        first, second = documents[better], documents[other]
        assert (rank_of(first), first) < (rank_of(second), second)


def test_pairs_grow_with_the_bucket_and_not_with_its_square() -> None:
    refs = np.arange(50_000, dtype=np.uint64)
    same = np.zeros_like(refs)
    left, right = bucket_pairs(same, refs, same, refs, ref=refs, candidates_per_bucket=8)
    assert len(left) == len(right) == sum(len(refs) - 1 - place for place in range(8))
    assert set(left.tolist()) == set(range(8))


def test_copies_of_one_content_stand_in_a_bucket_once() -> None:
    refs = column([1, 2, 3, 4])
    same = column([0, 0, 0, 0])
    left, right = bucket_pairs(same, column([9, 9, 9, 5]), same, refs, ref=refs, candidates_per_bucket=8)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(1, 4)]


@given(st.lists(st.tuples(SMALL, SMALL), max_size=30))
def test_unique_pairs_are_sorted_and_each_once(pairs: list[tuple[int, int]]) -> None:
    left, right = unique_pairs(column([a for a, _ in pairs]), column([b for _, b in pairs]))
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == sorted(set(pairs))

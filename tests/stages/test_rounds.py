"""Rounds against greedy removal in plain Python, and their laws.

Documents are numbers in order of rank; a ref is made of one, and says nothing of the order.
"""

from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.rounds import Edges, Round, play, play_out

Edge = tuple[int, int, float]  # worse, better, similarity
Fate = tuple[int, float] | None  # twin and similarity; None is kept
MANY = 100

GRAPHS = st.integers(2, 12).flatmap(
    lambda size: st.lists(
        st.tuples(st.integers(0, size - 1), st.integers(0, size - 1), st.sampled_from([0.7, 0.8, 0.9, 1.0])).map(
            lambda edge: (max(edge[:2]), min(edge[:2]), edge[2])
        ),
        max_size=30,
        unique_by=lambda edge: edge[:2],
    ).map(lambda edges: [edge for edge in edges if edge[0] != edge[1]])
)


def ref_of(document: int) -> int:
    return document * 7 % 13


def arrays(edges: list[Edge], training_from: int = 0) -> Edges:
    """Two documents share a rank, so that the name decides; those before `training_from` are held out."""
    return Edges(
        worse=np.array([ref_of(worse) for worse, _, _ in edges], dtype=np.uint64),
        better=np.array([ref_of(better) for _, better, _ in edges], dtype=np.uint64),
        rank=np.array([better // 2 | (better >= training_from) << 63 for _, better, _ in edges], dtype=np.uint64),
        name=(
            np.zeros(len(edges), dtype=np.uint64),
            np.array([better % 2 for _, better, _ in edges], dtype=np.uint64),
        ),
        similarity=np.array([similarity for *_, similarity in edges], dtype=np.float64),
    )


def play_documents(edges: list[Edge], kept: set[int], gone: set[int]) -> Round:
    return play(
        arrays(edges),
        kept=np.array(sorted(map(ref_of, kept)), dtype=np.uint64),
        gone=np.array(sorted(map(ref_of, gone)), dtype=np.uint64),
    )


class Game:
    """Rounds, after each of which everybody is told of everybody."""

    def __init__(self, edges: list[Edge]) -> None:
        self.edges = edges
        documents = {document for worse, better, _ in edges for document in (worse, better)}
        self.kept = documents - {worse for worse, _, _ in edges}
        self.gone: dict[int, tuple[int, float]] = {}

    def play(self) -> None:
        played = play_documents(self.edges, self.kept, set(self.gone))
        removed = [self.edges[place] for place in played.removed.tolist()]
        kept = {worse for worse, _, _ in self.edges if ref_of(worse) in set(played.kept.tolist())}
        assert len(kept) == len(played.kept)
        self.edges = [edge for edge, is_open in zip(self.edges, played.open.tolist(), strict=True) if is_open]
        self.kept |= kept
        self.gone |= {worse: (better, similarity) for worse, better, similarity in removed}

    def fates(self) -> dict[int, Fate]:
        return dict.fromkeys(self.kept) | self.gone


def played_out(edges: list[Edge]) -> tuple[dict[int, Fate], int]:
    game, rounds = Game(edges), 0
    while game.edges and rounds < MANY:
        game.play()
        rounds += 1
    return game.fates(), rounds


def greedily_kept(edges: list[Edge]) -> set[int]:
    kept: set[int] = set()
    for document in sorted({document for edge in edges for document in edge[:2]}):
        if not any(worse == document and better in kept for worse, better, _ in edges):
            kept.add(document)
    return kept


@given(GRAPHS)
@example([(1, 0, 0.9), (2, 1, 0.9)])
def test_rounds_end_as_greedy_removal_in_order_of_rank(edges: list[Edge]) -> None:
    fates, rounds = played_out(edges)
    kept = {document for document, fate in fates.items() if fate is None}
    assert kept == greedily_kept(edges)
    assert fates.keys() == {document for edge in edges for document in edge[:2]}
    assert rounds <= len(fates)


@given(GRAPHS)
def test_a_removed_document_names_the_most_similar_better_twin_known_to_be_kept(edges: list[Edge]) -> None:
    game = Game(edges)
    while game.edges:
        known, gone = set(game.kept), set(game.gone)
        game.play()
        for document in game.gone.keys() - gone:
            twins = [(-similarity, better) for worse, better, similarity in edges if worse == document]
            distance, twin = min(item for item in twins if item[1] in known)
            assert game.gone[document] == (twin, -distance)
            assert twin < document
    assert all(twin in game.kept for twin, _ in game.gone.values())


@given(GRAPHS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_edges_make_no_difference(edges: list[Edge], random: Random) -> None:
    again = edges + random.sample(edges, len(edges) // 2)
    random.shuffle(again)
    assert played_out(again) == played_out(edges)


@given(GRAPHS, st.integers(1, 4), st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)))
def test_a_round_can_be_played_slice_by_slice(
    edges: list[Edge], num_slices: int, kept: set[int], gone: set[int]
) -> None:
    def outcome(some: list[Edge]) -> tuple[set[Edge], set[int], set[Edge]]:
        played = play_documents(some, kept - gone, gone)
        still_open = {edge for edge, is_open in zip(some, played.open.tolist(), strict=True) if is_open}
        return {some[place] for place in played.removed.tolist()}, set(played.kept.tolist()), still_open

    parts = [outcome([edge for edge in edges if edge[0] % num_slices == part]) for part in range(num_slices)]
    assert outcome(edges) == tuple(set.union(*found) for found in zip(*parts, strict=True))


@given(GRAPHS, st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)))
def test_every_document_is_removed_kept_or_open(edges: list[Edge], kept: set[int], gone: set[int]) -> None:
    played = play_documents(edges, kept - gone, gone)
    removed = [ref_of(edges[place][0]) for place in played.removed.tolist()]
    waiting = {ref_of(edge[0]) for edge, is_open in zip(edges, played.open.tolist(), strict=True) if is_open}
    assert removed == sorted(set(removed))
    assert played.kept.tolist() == sorted(set(played.kept.tolist()))
    assert sorted([*removed, *played.kept.tolist(), *waiting]) == sorted({ref_of(worse) for worse, _, _ in edges})


@pytest.mark.parametrize("num_documents", [2, 3, 4, 5, 12])
def test_a_chain_takes_a_round_for_every_document_but_the_first(num_documents: int) -> None:
    """Each is like the one before it alone: every second one goes."""
    edges = [(document, document - 1, 0.8) for document in range(1, num_documents)]
    fates, rounds = played_out(edges)
    assert rounds == num_documents - 1
    assert {document for document, fate in fates.items() if fate} == set(range(1, num_documents, 2))


def test_whoever_is_like_the_first_goes_in_one_round() -> None:
    edges = [(worse, better, 0.9) for worse in range(12) for better in range(worse)]
    assert played_out(edges) == ({0: None} | dict.fromkeys(range(1, 12), (0, 0.9)), 1)


def test_the_better_ranked_of_equally_similar_twins_is_named_then_the_smaller_id() -> None:
    edges = [(5, 4, 0.9), (5, 3, 0.9), (5, 2, 0.9), (5, 0, 0.8)]
    [place] = play_documents(edges, {0, 2, 3, 4}, set()).removed.tolist()
    assert edges[place] == (5, 2, 0.9)


def test_nothing_is_decided_for_no_edges() -> None:
    assert [len(part) for part in play_documents([], {1, 2}, {3})] == [0, 0, 0]


@given(GRAPHS)
@example([(1, 0, 0.7), (2, 1, 0.9), (3, 2, 0.7), (3, 0, 0.7)])
def test_playing_out_decides_what_rounds_decide(edges: list[Edge]) -> None:
    fates, _ = played_out(edges)
    played = play_out(arrays(edges), gone=np.empty(0, dtype=np.uint64))
    removed = {edges[place][0] for place in played.removed.tolist()}
    assert removed == {document for document, fate in fates.items() if fate is not None}
    kept = {document for document, fate in fates.items() if fate is None}
    assert all(edges[place][1] in kept for place in played.removed.tolist())
    assert sorted(played.kept.tolist()) == sorted(ref_of(d) for d in kept & {worse for worse, _, _ in edges})
    assert not played.open.any()


def test_what_is_known_to_be_gone_removes_nothing() -> None:
    edges = [(1, 0, 0.9), (2, 1, 0.8)]
    played = play_out(arrays(edges), gone=np.array([ref_of(0)], dtype=np.uint64))
    assert played.kept.tolist() == [ref_of(1)]
    assert played.removed.tolist() == [1]


def test_a_held_out_twin_is_named_before_a_more_similar_one() -> None:
    edges = [(9, 0, 0.7), (9, 5, 1.0)]
    for played in (
        play(arrays(edges, 3), kept=np.array(sorted([ref_of(0), ref_of(5)]), np.uint64), gone=np.empty(0, np.uint64)),
        play_out(arrays(edges, 3), gone=np.empty(0, dtype=np.uint64)),
    ):
        assert played.removed.tolist() == [0]


def test_a_long_chain_takes_time_in_proportion_to_its_length() -> None:
    """One after another decides the next: in rounds, each of which looks at all that is open, it would take minutes."""
    length = 200_000
    number = np.arange(length, dtype=np.uint64)
    edges = Edges(number[1:], number[:-1], number[:-1], (number[:-1], number[:-1]), np.full(length - 1, 0.8))
    played = play_out(edges, gone=np.empty(0, dtype=np.uint64))
    assert len(played.removed) == length // 2
    assert played.kept.tolist() == list(range(2, length, 2))

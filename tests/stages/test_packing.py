from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.release_packing import Mode, PackingFigures
from stages import packing
from stages.packed_rows import compile_kernels
from stages.packing import Measures, PackedLayout, best_fit_decreasing, concatenate, cut, figures, lay_out

lengths_lists = st.lists(st.integers(0, 70), max_size=60)
capacities = st.integers(1, 33)
modes: st.SearchStrategy[Mode] = st.sampled_from(["best_fit", "concat", "none"])


def int64s(values: list[int]) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def keys_of(count: int) -> npt.NDArray[np.uint64]:
    return np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def laid_out(
    lengths: list[int], capacity: int, seed: int = 1, *, mode: Mode = "best_fit", copies: list[int] | None = None
) -> PackedLayout:
    numbers = np.array(copies or [0] * len(lengths), dtype=np.int32)
    measures = Measures(int64s(lengths), keys_of(len(lengths)), numbers)
    return lay_out(measures, sequence_tokens=capacity, mode=mode, seed=seed)


def sequences(layout: PackedLayout) -> list[list[tuple[int, int, int]]]:
    """(document, offset, length) of the pieces of each sequence."""
    pieces = list(
        zip(*(a.tolist() for a in (layout.piece_document, layout.piece_offset, layout.piece_length)), strict=True)
    )
    bounds = layout.sequence_offsets.tolist()
    return [pieces[begin:end] for begin, end in pairwise(bounds)]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compiles the kernels outside Hypothesis, which times its examples."""
    compile_kernels()


def fewest_by_hand(lengths: list[int], capacity: int) -> list[int]:
    """Remaining capacities of best-fit decreasing, by looking at every bin."""
    remaining: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [room for room in remaining if room >= length]
        if fitting:
            remaining.remove(min(fitting))
        remaining.append((min(fitting) if fitting else capacity) - length)
    return sorted(remaining)


@given(lengths_lists, capacities)
def test_only_documents_longer_than_a_sequence_are_cut(lengths: list[int], capacity: int) -> None:
    pieces = cut(int64s(lengths), capacity)
    for document, length in enumerate(lengths):
        of_document = pieces.length[pieces.document == document].tolist()
        assert of_document == [capacity] * (length // capacity) + [length % capacity] * (length % capacity > 0)


@given(lengths_lists, capacities)
def test_pieces_of_a_document_follow_each_other(lengths: list[int], capacity: int) -> None:
    pieces = cut(int64s(lengths), capacity)
    for document in range(len(lengths)):
        mine = pieces.document == document
        ends = np.cumsum(pieces.length[mine])
        assert pieces.offset[mine].tolist() == (ends - pieces.length[mine]).tolist()


@given(lengths_lists, capacities, st.data())
def test_concatenation_is_one_run_of_tokens_cut_at_every_sequence_end(
    lengths: list[int], capacity: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(lengths))))
    pieces, bins = concatenate(int64s(lengths), np.array(order, dtype=np.int64), capacity)
    found = [
        (document, offset + token, number)
        for document, offset, length, number in zip(*pieces, bins, strict=True)
        for token in range(length)
    ]
    run = [(document, token) for document in order for token in range(lengths[document])]
    assert found == [(*where, place // capacity) for place, where in enumerate(run)]


@given(st.lists(st.integers(1, 33), max_size=80), st.integers(33, 40))
def test_bins_are_those_of_best_fit_decreasing(lengths: list[int], capacity: int) -> None:
    bins = best_fit_decreasing(int64s(lengths), capacity)
    loads = np.bincount(bins, weights=lengths) if lengths else np.zeros(0)
    assert sorted(int(capacity - load) for load in loads) == fewest_by_hand(lengths, capacity)


def test_a_full_sequence_of_pieces_fills_without_a_gap() -> None:
    assert best_fit_decreasing(int64s([2, 5, 3, 4, 6, 8]), 8).tolist() == [1, 2, 2, 3, 1, 0]


@pytest.mark.parametrize("length", [0, 9])
def test_a_piece_that_fits_no_bin_is_an_error(length: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.8"):
        best_fit_decreasing(int64s([length]), 8)


@given(lengths_lists, capacities, modes)
def test_every_token_stands_once_and_no_sequence_is_overfull(lengths: list[int], capacity: int, mode: Mode) -> None:
    layout = laid_out(lengths, capacity, mode=mode)
    seen = [np.zeros(length, dtype=np.int64) for length in lengths]
    for document, offset, length in (piece for sequence in sequences(layout) for piece in sequence):
        seen[document][offset : offset + length] += 1
    assert all((counts == 1).all() for counts in seen)
    loads = [sum(length for *_, length in sequence) for sequence in sequences(layout)]
    assert all(1 <= load <= capacity for load in loads)
    assert layout.used.tolist() == loads
    assert layout.widths.tolist() == (loads if mode == "none" else [capacity] * len(loads))


@given(lengths_lists, capacities)
def test_pieces_in_a_sequence_stand_in_input_order(lengths: list[int], capacity: int) -> None:
    for sequence in sequences(laid_out(lengths, capacity)):
        assert [document for document, *_ in sequence] == sorted({document for document, *_ in sequence})


@given(lengths_lists, capacities)
def test_concatenated_sequences_are_full_but_for_one(lengths: list[int], capacity: int) -> None:
    layout = laid_out(lengths, capacity, mode="concat")
    assert layout.num_sequences == -(-sum(lengths) // capacity)
    assert (layout.used < capacity).sum() == (sum(lengths) % capacity > 0)


@given(lengths_lists, capacities)
def test_without_packing_a_row_holds_one_piece(lengths: list[int], capacity: int) -> None:
    layout = laid_out(lengths, capacity, mode="none")
    assert layout.num_sequences == sum(-(-length // capacity) for length in lengths)
    assert all(len(sequence) == 1 for sequence in sequences(layout))


@given(lengths_lists, capacities, modes)
def test_figures_are_those_of_the_layout(lengths: list[int], capacity: int, mode: Mode) -> None:
    layout = laid_out(lengths, capacity, mode=mode)
    places: dict[int, set[int]] = {}
    for number, sequence in enumerate(sequences(layout)):
        for document, *_ in sequence:
            places.setdefault(document, set()).add(number)
    in_several = [document for document, found in places.items() if len(found) > 1]
    padding = 0 if mode == "none" else layout.num_sequences * capacity - sum(lengths)
    tokens = sum(lengths[document] for document in in_several)
    assert figures(layout) == PackingFigures(layout.num_sequences, padding, len(in_several), tokens)
    if mode != "concat":
        assert set(in_several) == {document for document, length in enumerate(lengths) if length > capacity}


def test_the_seed_changes_the_order_and_nothing_else() -> None:
    lengths = [7] * 40
    orders = [laid_out(lengths, 7, seed).piece_document.tolist() for seed in (1, 1, 2, 2**64 - 1)]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2] != orders[3]
    assert all(sorted(order) == list(range(40)) for order in orders)


def test_the_sequences_of_a_long_document_are_scattered() -> None:
    layout = laid_out([700, 700], 7)
    in_order = np.diff(layout.piece_offset[layout.piece_document == 0]) > 0
    assert 0.3 < in_order.mean() < 0.7


def test_copies_share_no_sequence_where_there_are_enough_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "COPY_SEQUENCES", 4)
    lengths = [1 + number % 7 for number in range(60)]
    copies = [number % 3 for number in range(60)]
    for sequence in sequences(laid_out(lengths, 8, copies=copies)):
        assert len({copies[document] for document, *_ in sequence}) == 1


def test_few_copies_are_packed_together_so_that_they_cost_no_padding() -> None:
    copies = list(range(16))
    layout = laid_out([4] * 16, 8, copies=copies)
    assert layout.num_sequences == 8


def test_a_single_small_copy_number_beside_large_ones_stays_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "COPY_SEQUENCES", 4)
    layout = laid_out([3] * 40 + [3], 8, copies=[0] * 40 + [1])
    assert [sequence for sequence in sequences(layout) if 40 in [document for document, *_ in sequence]] == [
        [(40, 0, 3)]
    ]


def test_concatenation_runs_through_one_copy_after_another() -> None:
    copies = [1, 0, 1, 0]
    pieces, _ = concatenate(int64s([3, 3, 3, 3]), np.argsort(copies, kind="stable"), 6)
    assert pieces.document.tolist() == [1, 3, 0, 2]
    found = {frozenset(d for d, *_ in s) for s in sequences(laid_out([3] * 4, 6, mode="concat", copies=copies))}
    assert found == {frozenset({1, 3}), frozenset({0, 2})}

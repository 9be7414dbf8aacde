import io
from collections import defaultdict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import packing
from stages.packing import (
    PackedLayout,
    best_fit_decreasing,
    cut,
    fill,
    pack,
    packed_batches,
    packed_schema,
    write_packed,
)

PAD = -1
KIND_NAMES = ("code", "text")

lengths_lists = st.lists(st.integers(0, 70), max_size=60)
capacities = st.integers(1, 33)


def int64s(values: list[int]) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def keys_of(count: int) -> npt.NDArray[np.uint64]:
    return np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def laid_out(lengths: list[int], capacity: int, seed: int = 1) -> PackedLayout:
    kinds = np.arange(len(lengths)) % 3 // 2
    return pack(int64s(lengths), keys_of(len(lengths)), kinds, sequence_tokens=capacity, seed=seed)


def written(lengths: list[int], capacity: int) -> bytes:
    """Parquet bytes of documents whose tokens count up over the whole shard."""
    layout = laid_out(lengths, capacity)
    tokens = np.arange(sum(lengths), dtype=np.int32)
    starts = np.cumsum(int64s(lengths)) - int64s(lengths)
    doc_ids = pa.array([f"{number:032x}" for number in range(len(lengths))], pa.string())
    kinds = pa.array([KIND_NAMES[number % 3 // 2] for number in range(len(lengths))], pa.string())
    schema = packed_schema({"tokenizer": "0" * 64, "end_of_document_id": "7"})
    sink = io.BytesIO()
    rows = fill(layout, tokens, starts, pad_id=PAD)
    num_rows = write_packed(sink, packed_batches(layout, rows, schema, doc_ids=doc_ids, kinds=kinds), schema)
    assert num_rows == layout.num_sequences
    return sink.getvalue()


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compiles the kernels outside Hypothesis, which times its examples."""
    written([3, 5], 4)


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


@given(lengths_lists, capacities)
def test_every_token_stands_once_and_no_sequence_is_overfull(lengths: list[int], capacity: int) -> None:
    layout = laid_out(lengths, capacity)
    seen = [np.zeros(length, dtype=np.int64) for length in lengths]
    pieces = zip(layout.piece_document, layout.piece_offset, layout.piece_length, strict=True)
    for document, offset, length in pieces:
        seen[document][offset : offset + length] += 1
    assert all((counts == 1).all() for counts in seen)
    ends = np.append(0, np.cumsum(layout.piece_length))[layout.sequence_offsets]
    assert (np.diff(ends) <= capacity).all()
    assert (np.diff(ends) >= 1).all()


@given(lengths_lists, capacities)
def test_kinds_share_no_sequence(lengths: list[int], capacity: int) -> None:
    layout = laid_out(lengths, capacity)
    kinds = layout.piece_document % 3 // 2
    for begin, end in zip(layout.sequence_offsets, layout.sequence_offsets[1:], strict=False):
        assert len(set(kinds[begin:end].tolist())) == 1


@given(lengths_lists, capacities)
def test_pieces_in_a_sequence_stand_in_input_order(lengths: list[int], capacity: int) -> None:
    layout = laid_out(lengths, capacity)
    for begin, end in zip(layout.sequence_offsets, layout.sequence_offsets[1:], strict=False):
        assert (np.diff(layout.piece_document[begin:end]) > 0).all()


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


@given(lengths_lists, capacities)
def test_documents_come_back_from_the_parquet_rows(lengths: list[int], capacity: int) -> None:
    documents: dict[str, dict[int, list[int]]] = defaultdict(dict)
    for row in pq.read_table(io.BytesIO(written(lengths, capacity))).to_pylist():
        assert len(row["input_ids"]) == capacity
        end = 0
        for doc_id, offset, length in zip(row["doc_ids"], row["doc_offsets"], row["seq_lengths"], strict=True):
            assert row["kind"] == KIND_NAMES[int(doc_id, 16) % 3 // 2]
            documents[doc_id][offset] = row["input_ids"][end : end + length]
            end += length
        assert row["input_ids"][end:] == [PAD] * (capacity - end)
    first = 0
    for number, length in enumerate(lengths):
        pieces = documents.get(f"{number:032x}", {})
        assert [token for offset in sorted(pieces) for token in pieces[offset]] == [*range(first, first + length)]
        first += length


def test_the_same_documents_give_the_same_bytes() -> None:
    assert written([3, 9, 30, 5, 5], 8) == written([3, 9, 30, 5, 5], 8)


def test_no_documents_give_a_valid_file_without_rows() -> None:
    table = pq.read_table(io.BytesIO(written([], 8)))
    assert table.num_rows == 0
    assert table.schema.names == ["input_ids", "seq_lengths", "doc_ids", "doc_offsets", "kind"]


def test_row_groups_are_capped_by_the_bytes_of_their_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "ROW_GROUP_BYTES", 10 * 8 * 4)
    metadata = pq.ParquetFile(io.BytesIO(written([8] * 25, 8))).metadata
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [10, 10, 5]


def test_the_file_has_a_page_index_and_names_no_host_and_no_time() -> None:
    file = pq.ParquetFile(io.BytesIO(written([8] * 25, 8)))
    column = file.metadata.row_group(0).column(0)
    assert column.path_in_schema == "input_ids.list.element"
    assert column.compression == "ZSTD"
    assert column.has_offset_index
    assert not column.has_dictionary_page
    assert file.metadata.created_by == f"parquet-cpp-arrow version {pa.__version__}"
    assert set(file.metadata.metadata) == {b"ARROW:schema", b"tokenizer", b"end_of_document_id"}


def test_tokens_of_other_documents_are_refused() -> None:
    layout = laid_out([5, 6], 8)
    with pytest.raises(ValueError, match="outside the 10 tokens"):
        next(fill(layout, np.zeros(10, dtype=np.int32), int64s([0, 5]), pad_id=PAD))

import io
import weakref
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.document import ID_BYTES
from manifests.release_packing import Mode
from stages import packed_rows
from stages.interleaving import interleaved
from stages.packed_documents import PackedDocuments
from stages.packed_rows import (
    PackedSlice,
    SequenceStream,
    compile_kernels,
    packed_groups,
    packed_metadata,
    packed_schema,
    packed_writer,
)
from stages.packing import Measures, lay_out
from stages.positions import in_row_groups, positions_schema, positions_writer

PAD = -1
KINDS = ("code", "text")
METADATA = packed_metadata("tiny 0.1.0", tokenizer_sha256="0" * 64, sequence_tokens=8, mode="best_fit")

# By kind, slice and document the lengths of the members; a document or a slice may hold nothing at all.
members_lists = st.lists(st.lists(st.integers(0, 20), max_size=4), max_size=12)
partitions = st.lists(st.tuples(members_lists, members_lists), max_size=4)
modes: st.SearchStrategy[Mode] = st.sampled_from(["best_fit", "concat", "none"])
Partition = Sequence[tuple[list[list[int]], list[list[int]]]]


def documents_of(members: list[list[int]], first: int) -> PackedDocuments:
    """Documents whose names and ids count up from a number; every third is a second copy."""
    places = [(place, number) for place, own in enumerate(members) for number in range(len(own))]
    ids = [(first + place) * 100 + number for place, number in places]
    copies = [(first + place) % 3 // 2 for place in range(len(members))]
    table = pa.table(
        {
            "name": pa.array([f"{first + place:032x}" for place in range(len(members))], pa.string()),
            "form": pa.array([f"form {(first + place) % 5}" for place in range(len(members))], pa.string()),
            "pack_key": pa.array([(first + place) * 0x9E3779B97F4A7C15 % 2**64 for place in range(len(members))], "u8"),
            "num_tokens": pa.array([sum(own) for own in members], pa.int64()),
            "copy": pa.array(copies, pa.int32()),
            "members": pa.array(
                [
                    [
                        {"id": ((first + place) * 100 + number).to_bytes(ID_BYTES, "big"), "length": length}
                        for number, length in enumerate(own)
                    ]
                    for place, own in enumerate(members)
                ],
                pa.list_(pa.struct([("id", pa.binary(ID_BYTES)), ("length", pa.int32())])),
            ),
        }
    )
    documents = PackedDocuments.of(table)
    assert documents.member_ids.tolist() == [number.to_bytes(ID_BYTES, "big") for number in ids]
    return documents


def slices_of(partition: Partition, kind: int, capacity: int, mode: Mode) -> Iterator[PackedSlice]:
    """The slices of a kind; a token is 1,000 times its document's number and its place there."""
    for number, members in enumerate(own[kind] for own in partition):
        first = 1000 * number + 500 * kind
        documents = documents_of(members, first)
        layout = lay_out(
            Measures(documents.lengths, documents.keys, documents.copies), sequence_tokens=capacity, mode=mode, seed=7
        )
        tokens = [
            np.arange(length, dtype=np.int32) + 1000 * (first + place)
            for place, length in enumerate(documents.lengths.tolist())
        ]
        yield PackedSlice(documents, layout, np.concatenate([*tokens, np.empty(0, dtype=np.int32)]))


def written(partition: Partition, capacity: int, mode: Mode = "best_fit") -> tuple[bytes, bytes]:
    """Parquet bytes of a shard and of its positions."""
    layouts = [[part.layout for part in slices_of(partition, kind, capacity, mode)] for kind in range(2)]
    order = interleaved([sum(layout.num_sequences for layout in own) for own in layouts])
    widths = np.empty(len(order), dtype=np.int64)
    for kind, own in enumerate(layouts):
        widths[order == kind] = np.concatenate([*(layout.widths for layout in own), np.empty(0, dtype=np.int64)])
    streams = [SequenceStream(slices_of(partition, kind, capacity, mode)) for kind in range(2)]
    rows, positions = io.BytesIO(), io.BytesIO()
    groups = list(packed_groups(streams, order, widths, kinds=KINDS, pad_id=PAD))
    with packed_writer(rows, packed_schema(METADATA)) as writer:
        for group in groups:
            writer.write_batch(group.rows, row_group_size=group.rows.num_rows)
    with positions_writer(positions, positions_schema(METADATA)) as writer:
        for table in in_row_groups(group.positions for group in groups):
            writer.write_table(table, row_group_size=table.num_rows)
    return rows.getvalue(), positions.getvalue()


def rows_of(data: bytes) -> list[dict[str, Any]]:
    return list(pq.read_table(io.BytesIO(data)).to_pylist())


def numbered(partition: Partition) -> dict[int, list[int]]:
    """Lengths of the members of every document, by its number."""
    return {
        1000 * number + 500 * kind + place: members
        for number, own in enumerate(partition)
        for kind in range(2)
        for place, members in enumerate(own[kind])
    }


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compiles the kernels outside Hypothesis, which times its examples."""
    compile_kernels()
    written([([[3]], [[5]])], 4)


@given(partitions, st.integers(1, 33), modes)
def test_documents_come_back_from_the_rows(partition: Partition, capacity: int, mode: Mode) -> None:
    documents: dict[int, dict[int, list[int]]] = defaultdict(dict)
    for row in rows_of(written(partition, capacity, mode)[0]):
        assert len(row["input_ids"]) == (sum(row["seq_lengths"]) if mode == "none" else capacity)
        end = 0
        for name, offset, length in zip(row["doc_ids"], row["doc_offsets"], row["seq_lengths"], strict=True):
            number = int(name, 16)
            assert row["kind"] == KINDS[number % 1000 // 500]
            assert offset not in documents[number]
            documents[number][offset] = row["input_ids"][end : end + length]
            end += length
        assert set(row["input_ids"][end:]) <= {PAD}
    expected = {number: sum(members) for number, members in numbered(partition).items() if sum(members)}
    assert documents.keys() == expected.keys()
    for number, length in expected.items():
        tokens = [token for offset in sorted(documents[number]) for token in documents[number][offset]]
        assert tokens == [*range(1000 * number, 1000 * number + length)]


@given(partitions, st.integers(1, 33), modes)
def test_the_loss_mask_is_there_where_padding_is_and_marks_it(partition: Partition, capacity: int, mode: Mode) -> None:
    for row in rows_of(written(partition, capacity, mode)[0]):
        used, width = sum(row["seq_lengths"]), len(row["input_ids"])
        assert row["loss_mask"] == (None if used == width else [1] * used + [0] * (width - used))


@given(partitions, st.integers(1, 33), modes)
def test_every_token_is_found_by_exactly_one_position(partition: Partition, capacity: int, mode: Mode) -> None:
    data, places = written(partition, capacity, mode)
    rows, positions = rows_of(data), rows_of(places)
    order = [(position["row"], position["offset"]) for position in positions]
    assert order == sorted(set(order))
    members = numbered(partition)
    found: list[list[int]] = [[0] * sum(row["seq_lengths"]) for row in rows]
    for position in positions:
        number, member = divmod(int(position["doc_id"], 16), 100)
        before = sum(members[number][:member])
        first, end = position["offset"], position["offset"] + position["length"]
        assert position["length"] > 0
        assert (position["copy"], position["form"]) == (number % 3 // 2, f"form {number % 5}")
        start = 1000 * number + before + position["doc_offset"]
        assert rows[position["row"]]["input_ids"][first:end] == [*range(start, start + position["length"])]
        for token in range(first, end):
            found[position["row"]][token] += 1
    assert all(set(counts) <= {1} for counts in found)


@given(partitions, st.integers(1, 33), modes)
def test_the_pieces_of_every_document_give_its_tokens(partition: Partition, capacity: int, mode: Mode) -> None:
    data, places = written(partition, capacity, mode)
    rows = rows_of(data)
    pieces: dict[int, dict[int, list[int]]] = defaultdict(dict)
    for position in rows_of(places):
        first, end = position["offset"], position["offset"] + position["length"]
        pieces[int(position["doc_id"], 16)][position["doc_offset"]] = rows[position["row"]]["input_ids"][first:end]
    expected = {}
    for number, members in numbered(partition).items():
        ends = np.cumsum([0, *members]).tolist()
        for member, length in enumerate(members):
            start = 1000 * number + ends[member]
            expected[100 * number + member] = [*range(start, start + length)]
    together = {name: [token for offset in sorted(own) for token in own[offset]] for name, own in pieces.items()}
    assert together == {name: tokens for name, tokens in expected.items() if tokens}


def test_slices_of_unlike_ratios_make_a_shard_of_one_ratio() -> None:
    uneven = [([[8]] * 900, [[8]] * 10), ([[8]] * 20, [[8]] * 400), ([], [[8]] * 70), ([[8]] * 80, [])]
    kinds = [KINDS.index(row["kind"]) for row in rows_of(written(uneven, 8)[0])]
    assert len(kinds) == 1480
    assert np.array(kinds).tolist() == interleaved([1000, 480]).tolist()


def test_a_stream_lets_go_of_a_slice_before_it_asks_for_the_next() -> None:
    tokens: list[weakref.ref[Any]] = []
    alive: list[int] = []

    def slices() -> Iterator[PackedSlice]:
        for number in range(3):
            alive.append(sum(held() is not None for held in tokens))
            yield slice_of(number)

    def slice_of(number: int) -> PackedSlice:
        [part] = slices_of([([[number + 1]], [])], 0, 8, "best_fit")
        tokens.append(weakref.ref(part.tokens))
        return part

    groups = packed_groups(
        [SequenceStream(slices())], np.zeros(3, dtype=np.int64), np.full(3, 8), kinds=["code"], pad_id=PAD
    )
    assert [group.rows.num_rows for group in groups] == [3]
    assert alive == [0, 0, 0]


def test_sequences_that_are_not_there_are_an_error() -> None:
    streams = [SequenceStream(slices_of([([[3]], [])], 0, 8, "best_fit"))]
    with pytest.raises(ValueError, match="expected 1 sequences more"):
        list(packed_groups(streams, np.zeros(2, dtype=np.int64), np.full(2, 8), kinds=["code"], pad_id=PAD))


def test_the_same_documents_give_the_same_bytes() -> None:
    partition = [([[3, 9], [30]], [[5], [5]])]
    assert written(partition, 8) == written(partition, 8)


def test_no_documents_give_valid_files_without_rows() -> None:
    for data, columns in zip(
        written([], 8),
        (
            ["input_ids", "seq_lengths", "loss_mask", "doc_ids", "doc_offsets", "kind"],
            ["doc_id", "row", "offset", "length", "doc_offset", "copy", "form"],
        ),
        strict=True,
    ):
        table = pq.read_table(io.BytesIO(data))
        assert table.num_rows == 0
        assert table.schema.names == columns


@pytest.mark.parametrize(("mode", "expected"), [("best_fit", [10, 10, 5]), ("none", [20, 20, 10])])
def test_row_groups_are_capped_by_the_bytes_of_their_tokens(
    monkeypatch: pytest.MonkeyPatch, mode: Mode, expected: list[int]
) -> None:
    monkeypatch.setattr(packed_rows, "ROW_GROUP_BYTES", 10 * 8 * 4)
    metadata = pq.ParquetFile(io.BytesIO(written([([[4]] * 50, [])], 8, mode)[0])).metadata
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == expected


def test_positions_are_gathered_into_row_groups_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_rows, "ROW_GROUP_BYTES", 10 * 8 * 4)
    monkeypatch.setattr("stages.positions.ROW_GROUP_ROWS", 30)
    file = pq.ParquetFile(io.BytesIO(written([([[2, 2]] * 50, [])], 8)[1]))
    assert [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)] == [
        30,
        30,
        30,
        10,
    ]
    assert file.read().column("row").to_pylist() == [row for row in range(25) for _ in range(4)]


def test_the_file_has_a_page_index_and_names_no_host_and_no_time() -> None:
    rows, positions = (pq.ParquetFile(io.BytesIO(data)) for data in written([([[8]] * 25, [])], 8))
    column = rows.metadata.row_group(0).column(0)
    assert column.path_in_schema == "input_ids.list.element"
    assert column.compression == "ZSTD"
    assert column.has_offset_index
    assert not column.has_dictionary_page
    for file in (rows, positions):
        assert file.metadata.created_by == f"parquet-cpp-arrow version {pa.__version__}"
        assert set(file.metadata.metadata) == {b"ARROW:schema", *map(str.encode, METADATA)}
    assert not positions.metadata.row_group(0).column(0).has_dictionary_page


def test_tokens_of_other_documents_are_refused() -> None:
    [part] = slices_of([([[5], [6]], [])], 0, 8, "best_fit")
    stream = SequenceStream([part._replace(tokens=part.tokens[:-1])])
    with pytest.raises(ValueError, match="outside the 10 tokens"):
        next(packed_groups([stream], np.zeros(2, dtype=np.int64), np.array([8, 8]), kinds=["code"], pad_id=PAD))

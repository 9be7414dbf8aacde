import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import stages.exchange
from manifests.errors import IntegrityError
from manifests.record import Output
from manifests.storage import Storage
from stages.exchange import (
    Block,
    BlockWriter,
    RowStream,
    block_of_hash,
    block_of_refs,
    fixed_binary,
    fixed_binary_array,
    lexsorted,
    ordinal_of_refs,
    output,
    read_segments,
    read_table,
    sortable,
    table_of,
    unit_of_refs,
)

SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64()),
        pa.field("text", pa.large_string()),
        pa.field("id", pa.binary(16)),
        pa.field("values", pa.list_(pa.float64())),
    ]
)
DIGESTS = st.binary(min_size=16, max_size=16)
ROWS = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=20) | st.none(),
    DIGESTS,
    st.lists(st.floats(allow_nan=False), max_size=3) | st.none(),
)


def rows_table(rows: list[tuple[object, ...]]) -> pa.Table:
    return table_of(rows, SCHEMA)


def rows_of(table: pa.Table) -> list[str]:
    return [repr(row) for row in table.to_pylist()]


def write(folder: str, tables: list[tuple[pa.Table, list[int]]], num_blocks: int, *, flush_bytes: int) -> Output:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages.exchange, "FLUSH_BYTES", flush_bytes)
        patch.setattr(stages.exchange, "_SEGMENT_BYTES", 1)
        with Storage(folder).new_file("step/data", ".arrows") as file:
            writer = BlockWriter(file, SCHEMA, num_blocks=num_blocks)
            for table, blocks in tables:
                writer.write(table, np.array(blocks, dtype=np.int64))
            writer.finish()
        return output(file, writer)


def block(written: Output, number: int, unit: int = 0) -> Block:
    return Block(unit, written.file, tuple(written.blocks[number]))


def ignore(num_bytes: int) -> None: ...


@st.composite
def written_tables(draw: st.DrawFn) -> tuple[int, list[tuple[list[tuple[object, ...]], list[int]]]]:
    num_blocks = draw(st.integers(1, 5))
    one = st.lists(st.tuples(ROWS, st.integers(0, num_blocks - 1)), max_size=12)
    parts = draw(st.lists(one, max_size=4))
    return num_blocks, [([row for row, _ in part], [place for _, place in part]) for part in parts]


@settings(max_examples=50)
@given(written_tables(), st.sampled_from([1, 300, 1 << 20]))
def test_every_block_holds_exactly_its_rows_in_the_order_written(
    parts: tuple[int, list[tuple[list[tuple[object, ...]], list[int]]]], flush_bytes: int
) -> None:
    num_blocks, tables = parts
    with tempfile.TemporaryDirectory() as folder:
        written = write(folder, [(rows_table(r), b) for r, b in tables], num_blocks, flush_bytes=flush_bytes)
        assert written.rows == sum(len(rows) for rows, _ in tables)
        assert len(written.blocks) == num_blocks
        for number in range(num_blocks):
            mine = [row for rows, places in tables for row, place in zip(rows, places, strict=True) if place == number]
            found = read_table(Storage(folder), [block(written, number)], SCHEMA, ignore)
            assert found.schema == SCHEMA
            assert rows_of(found) == rows_of(rows_table(mine))


@settings(max_examples=50)
@given(written_tables())
def test_a_gather_is_the_same_rows_whatever_file_they_came_in(
    parts: tuple[int, list[tuple[list[tuple[object, ...]], list[int]]]],
) -> None:
    num_blocks, tables = parts
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(folder)
        together = write(folder, [(rows_table(r), b) for r, b in tables], num_blocks, flush_bytes=1 << 20)
        apart = [write(folder, [(rows_table(r), b)], num_blocks, flush_bytes=1) for r, b in reversed(tables)]
        for number in range(num_blocks):
            one = read_table(storage, [block(together, number)], SCHEMA, ignore)
            many = read_table(storage, [block(w, number) for w in apart], SCHEMA, ignore)
            assert Counter(rows_of(one)) == Counter(rows_of(many))


@given(st.lists(ROWS, max_size=9), st.lists(st.sampled_from(SCHEMA.names), unique=True, min_size=1))
def test_some_columns_are_those_of_the_whole_table(rows: list[tuple[object, ...]], columns: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = write(folder, [(rows_table(rows), [0] * len(rows))], 1, flush_bytes=200)
        tables = list(read_segments(Storage(folder), [block(written, 0)], ignore, columns=columns))
    wanted = [name for name in SCHEMA.names if name in columns]
    assert all(table.column_names == wanted for table in tables)
    read = [repr(row) for table in tables for row in table.to_pylist()]
    assert read == rows_of(rows_table(rows).select(wanted))


def test_every_flush_is_a_segment_of_its_own(tmp_path: Path) -> None:
    tables = [(rows_table([(number, "x", bytes(16), [])]), [number % 2]) for number in range(6)]
    written = write(str(tmp_path), tables, 2, flush_bytes=1)
    assert [len(segments) for segments in written.blocks] == [3, 3]
    segments = sorted((s.offset, s.length) for segments in written.blocks for s in segments)
    assert [offset for offset, _ in segments[1:]] == [offset + length for offset, length in segments[:-1]]
    assert segments[-1][0] + segments[-1][1] == written.num_bytes == (tmp_path / written.file).stat().st_size


def test_a_block_without_rows_has_no_segments_and_reads_as_an_empty_table(tmp_path: Path) -> None:
    written = write(str(tmp_path), [(rows_table([(1, "x", bytes(16), [])]), [2])], 4, flush_bytes=1 << 20)
    assert [len(segments) for segments in written.blocks] == [0, 0, 1, 0]
    assert read_table(Storage(str(tmp_path)), [block(written, 0)], SCHEMA, ignore).equals(SCHEMA.empty_table())


def test_no_rows_at_all_make_an_empty_file(tmp_path: Path) -> None:
    written = write(str(tmp_path), [], 3, flush_bytes=1)
    assert (written.rows, written.num_bytes, written.blocks) == (0, 0, [[], [], []])


def test_the_same_rows_make_the_same_file(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [(number, str(number), bytes(16), [0.5]) for number in range(100)]
    tables = [(rows_table(rows), [number % 3 for number in range(100)])]
    assert write(str(tmp_path), tables, 3, flush_bytes=1) == write(str(tmp_path), tables, 3, flush_bytes=1)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_changed_byte_anywhere_is_an_error_that_names_the_file(codec: str, tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    with storage.new_file("step/data", ".arrows") as file:
        writer = BlockWriter(file, SCHEMA, codec="lz4" if codec == "lz4" else "zstd")
        writer.write(rows_table([(1, "words " * 50, bytes(16), [1.0])] * 20))
        writer.finish()
    written = output(file, writer)
    path = tmp_path / written.file
    whole = path.read_bytes()
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(IntegrityError, match=path.name) as raised:
            list(read_segments(storage, [block(written, 0)], ignore))
        assert "delete the file and run again" in raised.value.hint


def test_a_file_that_is_too_short_or_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    written = write(str(tmp_path), [(rows_table([(1, "x", bytes(16), [])]), [0])], 1, flush_bytes=1)
    path = tmp_path / written.file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=f"{path.name}: expected {written.num_bytes} bytes at 0, got"):
        read_table(Storage(str(tmp_path)), [block(written, 0)], SCHEMA, ignore)
    path.unlink()
    with pytest.raises(IntegrityError, match=f"{path.name}: expected a file, found none"):
        read_table(Storage(str(tmp_path)), [block(written, 0)], SCHEMA, ignore)


def test_progress_is_the_bytes_read(tmp_path: Path) -> None:
    tables = [(rows_table([(number, "x", bytes(16), [])]), [number % 2]) for number in range(6)]
    written = write(str(tmp_path), tables, 2, flush_bytes=1)
    told: list[int] = []

    def progress(num_bytes: int) -> None:
        told.append(num_bytes)

    read_table(Storage(str(tmp_path)), [block(written, 0), block(written, 1)], SCHEMA, progress)
    assert told
    assert sum(told) == written.num_bytes


def test_a_table_of_narrower_types_is_cast_to_the_schema(tmp_path: Path) -> None:
    table = rows_table([(1, "x", bytes(16), [])])
    narrow = table.set_column(1, "text", table.column("text").cast(pa.string()))
    written = write(str(tmp_path), [(narrow, [0])], 1, flush_bytes=1)
    assert read_table(Storage(str(tmp_path)), [block(written, 0)], SCHEMA, ignore).equals(table)


CUTS = st.lists(st.integers(0, 12), max_size=6)


def cut(rows: list[tuple[object, ...]], places: list[int]) -> list[pa.Table]:
    """The rows as tables that end at these places, some of them empty."""
    stops = [*sorted(min(place, len(rows)) for place in places), len(rows)]
    return [rows_table(rows[start:stop]) for start, stop in zip([0, *stops], stops, strict=False)]


@given(st.lists(st.tuples(ROWS, ROWS), max_size=12), CUTS, CUTS)
@example([], [], [])
def test_two_streams_go_in_step_however_each_is_cut(
    pairs: list[tuple[tuple[object, ...], tuple[object, ...]]], left_cuts: list[int], right_cuts: list[int]
) -> None:
    left, right = ([pair[side] for pair in pairs] for side in (0, 1))
    stream = RowStream(iter(cut(right, right_cuts)), SCHEMA)
    found = []
    for table in cut(left, left_cuts):
        beside = stream.take(table.num_rows)
        assert beside.schema == SCHEMA
        found += list(zip(rows_of(table), rows_of(beside), strict=True))
    assert found == list(zip(rows_of(rows_table(left)), rows_of(rows_table(right)), strict=True))
    assert stream.take(1).num_rows == 0


def test_a_stream_reads_no_further_than_it_is_asked() -> None:
    read = []

    def tables() -> Iterator[pa.Table]:
        for number in range(4):
            read.append(number)
            yield rows_table([(number, "x", bytes(16), [])] * 2)

    stream = RowStream(tables(), SCHEMA)
    numbers = [stream.take(num_rows).column("number").to_pylist() for num_rows in (0, 1, 1, 3)]
    assert (numbers, read) == ([[], [0], [0], [1, 1, 2]], [0, 1, 2])
    assert stream.take(9).column("number").to_pylist() == [2, 3, 3]


@given(st.lists(st.lists(DIGESTS, max_size=6), max_size=4), st.integers(0, 3))
def test_fixed_binary_round_trip(chunks: list[list[bytes]], start: int) -> None:
    column = pa.chunked_array([pa.array(chunk, pa.binary(16)) for chunk in chunks], pa.binary(16)).slice(start)
    items = fixed_binary(column, 16)
    assert [item.tobytes() for item in items] == column.to_pylist()
    assert fixed_binary_array(items).to_pylist() == column.to_pylist()


def items_of(digests: list[bytes]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    return np.frombuffer(b"".join(digests), dtype="V16")


@given(st.lists(DIGESTS, max_size=30))
def test_sortable_halves_have_the_order_of_the_bytes(digests: list[bytes]) -> None:
    order = lexsorted(sortable(items_of(digests)))
    assert [digests[index] for index in order.tolist()] == sorted(digests)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30))
def test_lexsorted_sorts_by_the_first_key_first_and_keeps_the_order_of_equals(rows: list[tuple[int, int]]) -> None:
    keys = [np.array([row[place] for row in rows], dtype=np.uint64) for place in range(2)]
    assert lexsorted(keys).tolist() == sorted(range(len(rows)), key=lambda index: rows[index])


HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=30)


def u64(values: list[int]) -> npt.NDArray[np.uint64]:
    return np.array(values, dtype=np.uint64)


@given(HASHES, st.integers(1, 2048))
@example([0, 2**64 - 1], 2048)
def test_the_block_of_a_hash_is_one_of_equal_ranges(hashes: list[int], num_blocks: int) -> None:
    """Up to 32 bits: so much of a hash decides."""
    blocks = block_of_hash(u64(hashes), num_blocks).tolist()
    assert blocks == [(value >> 32) * num_blocks // 2**32 for value in hashes]
    assert all(0 <= block < num_blocks for block in blocks)
    ordered = block_of_hash(u64(sorted(hashes)), num_blocks).tolist()
    assert ordered == sorted(ordered)


@given(HASHES, st.integers(1, 2048))
def test_the_block_of_a_ref_is_that_of_its_hash(refs: list[int], num_blocks: int) -> None:
    spread = [ref * 0x9E3779B97F4A7C15 % 2**64 for ref in refs]
    assert block_of_refs(u64(refs), num_blocks).tolist() == block_of_hash(u64(spread), num_blocks).tolist()


@pytest.mark.parametrize("num_blocks", [2, 7, 64])
def test_refs_are_spread_evenly_over_blocks(num_blocks: int) -> None:
    refs = u64([unit << 32 | ordinal for unit in range(10) for ordinal in range(1000)])
    counts = np.bincount(block_of_refs(refs, num_blocks), minlength=num_blocks)
    assert counts.min() > 0.8 * len(refs) / num_blocks
    assert counts.max() < 1.2 * len(refs) / num_blocks


@given(st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**32 - 1)), max_size=30))
def test_a_ref_names_unit_and_ordinal(places: list[tuple[int, int]]) -> None:
    refs = u64([unit << 32 | ordinal for unit, ordinal in places])
    assert list(zip(unit_of_refs(refs).tolist(), ordinal_of_refs(refs).tolist(), strict=True)) == places

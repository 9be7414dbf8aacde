"""The index of a release, written and read back, against plain Python."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

import stages.release_index
from manifests.document import ID_BYTES
from stages.estimates import SKETCH_VALUES
from stages.exchange import block_of_hash, fixed_binary, sortable
from stages.parquet_files import ParquetFile
from stages.release_index import (
    BAND_ROWS,
    INDEX,
    SKETCHES,
    index_tables,
    rows_at,
    rows_with_keys,
    sorted_bands,
    with_release,
    write_index,
)

ROWS = 3  # of a row group
DOCUMENTS_SCHEMA = pa.schema([*SKETCHES, pa.field("id", pa.binary(16)), pa.field("held_out", pa.bool_())])
WORDS_64 = st.sampled_from([0, 1, 2, 5, 2**63 - 1, 2**63, 2**64 - 1])
QUICK = settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
Documents = list[dict[str, Any]]


@st.composite
def documents(draw: st.DrawFn) -> Documents:
    """Keys collide, in their first half or in both; some documents have no shingles."""
    rows = []
    for number in range(draw(st.integers(0, 12))):
        bands = draw(st.none() | st.lists(WORDS_64, max_size=4, unique=True))
        key = draw(WORDS_64).to_bytes(8, "big") + draw(st.integers(0, 1)).to_bytes(8, "big")
        rows.append(
            {
                "key": key,
                "content_hash": bytes([number]) * 16,
                "bands": bands,
                "values": None if bands is None else bytes([number]) * 4 * SKETCH_VALUES,
                "id": draw(st.integers(0, 3)).to_bytes(8, "big") + number.to_bytes(8, "big"),
                "held_out": draw(st.booleans()),
            }
        )
    return rows


@pytest.fixture(autouse=True, scope="module")
def _small_row_groups() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages.release_index, "_INDEX_ROWS", ROWS)
        patch.setattr(stages.release_index, "_BAND_ROWS", ROWS)
        yield


class CountedFile(ParquetFile):
    """Remembers which row groups were read."""

    def __init__(self, data: BytesIO) -> None:
        super().__init__(data)
        self.groups: list[int] = []

    def read_row_group(self, i: int, **options: Any) -> pa.Table:
        self.groups.append(i)
        return super().read_row_group(i, **options)


def table_of(rows: Documents, num_chunks: int = 1) -> pa.Table:
    """In several chunks, as where ingest wrote them."""
    parts = [pa.Table.from_pylist(rows[part::num_chunks], schema=DOCUMENTS_SCHEMA) for part in range(num_chunks)]
    return pa.concat_tables(parts)


def both_tables(documents: pa.Table) -> tuple[pa.Table, pa.Table]:
    index, bands = index_tables(documents)
    return index, sorted_bands(bands)


def file_of(parts: list[pa.Table], schema: pa.Schema) -> bytes:
    data = BytesIO()
    assert write_index(data, iter(parts), with_release(schema, "small 0.1.0")) == sum(part.num_rows for part in parts)
    return data.getvalue()


def written(table: pa.Table, schema: pa.Schema) -> CountedFile:
    return CountedFile(BytesIO(file_of([table], schema)))


def ranges(table: pa.Table, hashes: Any, num_ranges: int) -> list[pa.Table]:
    """The rows by range of the hash."""
    blocks = block_of_hash(hashes, num_ranges)
    return [table.filter(pa.array(blocks == number)) for number in range(num_ranges)]


def expected_index(rows: Documents) -> Documents:
    return [
        {
            "key_high": int.from_bytes(row["key"][:8], "big"),
            "key_low": int.from_bytes(row["key"][8:], "big"),
            "doc_id": row["id"].hex(),
            "content_hash": row["content_hash"],
            "held_out": row["held_out"],
            "values": row["values"],
        }
        for row in sorted(rows, key=lambda row: (row["key"], row["id"]))
    ]


def expected_bands(rows: Documents) -> list[tuple[int, int]]:
    ordered = sorted(rows, key=lambda row: (row["key"], row["id"]))
    return sorted((band, place) for place, row in enumerate(ordered) for band in row["bands"] or ())


@QUICK
@given(documents(), st.integers(1, 3))
@example([], 1)
def test_both_tables_are_those_of_plain_python(rows: Documents, num_chunks: int) -> None:
    index, bands = both_tables(table_of(rows, num_chunks))
    assert index.schema == INDEX
    assert index.to_pylist() == expected_index(rows)
    assert bands.schema == BAND_ROWS
    assert [(row["key"], row["row"]) for row in bands.to_pylist()] == expected_bands(rows)


@QUICK
@given(documents(), st.integers(1, 5), st.integers(1, 5))
@example([], 1, 2)
def test_files_made_range_by_range_are_those_made_at_once(rows: Documents, num_ranges: int, num_chunks: int) -> None:
    whole = table_of(rows, num_chunks)
    highs = sortable(fixed_binary(whole.column("key"), ID_BYTES))[0]
    index, bands, first = [], [BAND_ROWS.empty_table()], 0
    for part in ranges(whole, highs, num_ranges):
        one, its_bands = index_tables(part, first=first)
        first += one.num_rows
        index.append(one)
        bands.append(its_bands)
    dealt = pa.concat_tables(bands)
    by_key = [sorted_bands(part) for part in ranges(dealt, dealt.column("key").to_numpy(), num_ranges)]
    for parts, table, schema in zip((index, by_key), both_tables(whole), (INDEX, BAND_ROWS), strict=True):
        assert file_of(parts, schema) == file_of([table], schema)


@QUICK
@given(documents())
@example([])
def test_what_is_written_is_read_in_row_groups_of_ascending_keys(rows: Documents) -> None:
    for table, schema in zip(both_tables(table_of(rows)), (INDEX, BAND_ROWS), strict=True):
        file = written(table, schema)
        assert file.schema_arrow.metadata[b"corpusmill.release"] == b"small 0.1.0"
        assert file.schema_arrow.remove_metadata() == schema
        assert file.read().to_pylist() == table.to_pylist()
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        assert all(size == ROWS for size in sizes[:-1])


@QUICK
@given(documents(), st.sets(WORDS_64).map(sorted))
@example([], [0, 1])
def test_rows_with_keys_are_all_of_them_and_no_others(rows: Documents, keys: list[int]) -> None:
    tables = both_tables(table_of(rows))
    for table, schema, column in zip(tables, (INDEX, BAND_ROWS), ("key_high", "key"), strict=True):
        parts = list(rows_with_keys(written(table, schema), np.array(keys, dtype=np.uint64), column))
        found = [row for part in parts for row in part.to_pylist()]
        assert found == [row for row in table.to_pylist() if row[column] in keys]


@pytest.mark.parametrize(
    ("keys", "groups"), [([], []), ([4], [1]), ([2, 3], [0, 1]), ([0, 11], [0, 3]), ([100], []), ([5, 6, 7, 8], [1, 2])]
)
def test_only_row_groups_that_can_hold_a_key_are_read(keys: list[int], groups: list[int]) -> None:
    table = pa.table([np.arange(12, dtype=np.uint64), np.zeros(12, dtype=np.uint32)], schema=BAND_ROWS)
    file = written(table, BAND_ROWS)
    list(rows_with_keys(file, np.array(keys, dtype=np.uint64), "key"))
    assert file.groups == groups


@QUICK
@given(documents(), st.data())
def test_rows_at_are_those_of_the_table(rows: Documents, data: st.DataObject) -> None:
    index, _ = index_tables(table_of(rows))
    file = written(index, INDEX)
    chosen = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1)))) if rows else []
    parts = list(rows_at(file, np.array(chosen, dtype=np.int64), ["doc_id", "values"]))
    assert [number for numbers, _ in parts for number in numbers.tolist()] == chosen
    found = [row for _, table in parts for row in table.to_pylist()]
    assert found == index.select(["doc_id", "values"]).take(pa.array(chosen, pa.int64())).to_pylist()
    assert file.groups == sorted({number // ROWS for number in chosen})


@pytest.mark.parametrize("schema", [INDEX, BAND_ROWS])
@pytest.mark.parametrize("has_group", [True, False])
def test_an_empty_index_can_be_asked(schema: pa.Schema, *, has_group: bool) -> None:
    data = BytesIO()
    with pq.ParquetWriter(data, schema) as writer:
        if has_group:
            writer.write_table(schema.empty_table())
    file = CountedFile(BytesIO(data.getvalue()))
    assert file.metadata.num_rows == 0
    keys = np.array([0, 1, 2**64 - 1], dtype=np.uint64)
    assert [part.num_rows for part in rows_with_keys(file, keys, schema.names[0]) if part.num_rows] == []
    assert list(rows_at(file, np.empty(0, dtype=np.int64), schema.names[:1])) == []


def test_sketches_of_no_documents_make_an_index_that_can_be_written() -> None:
    for table, schema in zip(both_tables(DOCUMENTS_SCHEMA.empty_table()), (INDEX, BAND_ROWS), strict=True):
        assert written(table, schema).read().equals(table)

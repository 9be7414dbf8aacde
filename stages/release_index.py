"""The index of a release: what a later release needs in order to leave out, or hold out again, what this one holds.

Two tables a shard. `index/` has a row for each document, sorted by `key`, the hash of its shingle set (of its content,
where it has no shingles), so a row group is a range of keys. `bands/` has a row for each LSH band of each document,
sorted by band key. Whoever asks for some keys reads the row groups that can hold one of them, and no others.

A document takes 0.7 kB in all: 256 bytes of signature values, 32 x 12 bytes of band keys, 65 bytes of hashes. Neither
table is ever sorted whole: documents and bands are given range by range of their keys.
"""

from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from manifests.document import ID_BYTES
from stages.estimates import SKETCH_VALUES
from stages.exchange import RowStream, fixed_binary, lexsorted, sortable
from stages.parquet_files import ParquetFile

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
SKETCH = pa.binary(4 * SKETCH_VALUES)
# What ingest writes down of every document for duplicates. No bands and values: fewer words than a shingle has.
SKETCHES = pa.schema(
    [
        pa.field("key", pa.binary(ID_BYTES)),
        pa.field("content_hash", pa.binary(ID_BYTES)),
        pa.field("bands", pa.list_(pa.uint64())),
        pa.field("values", SKETCH),
    ]
)
INDEX = pa.schema(
    [
        pa.field("key_high", pa.uint64(), nullable=False),
        pa.field("key_low", pa.uint64(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("content_hash", pa.binary(ID_BYTES), nullable=False),
        pa.field("held_out", pa.bool_(), nullable=False),
        pa.field("values", SKETCH),
    ]
)
BAND_ROWS = pa.schema([pa.field("key", pa.uint64(), nullable=False), pa.field("row", pa.uint32(), nullable=False)])
_INDEX_ROWS = 16 * 1024  # of a row group: 5 MB
_BAND_ROWS = 128 * 1024  # 1.5 MB


def with_release(schema: pa.Schema, release: str) -> pa.Schema:
    """A schema as it stands in a file of a release."""
    return schema.with_metadata({"corpusmill.release": release})


def index_tables(documents: pa.Table, *, first: int = 0) -> tuple[pa.Table, pa.Table]:
    """Rows of `INDEX`, sorted, of some documents, and their rows of `BAND_ROWS`, not sorted; both empty for none.

    Args:
        documents: the columns of `SKETCHES`, `id` and `held_out`: all whose key lies in some range.
        first: number of the first row in its file: how many documents have a lesser key.
    """
    key = sortable(fixed_binary(documents.column("key"), ID_BYTES))
    order = lexsorted([*key, *sortable(fixed_binary(documents.column("id"), ID_BYTES))])
    rows = documents.take(pa.array(order))
    names = pa.array([identifier.hex() for identifier in rows.column("id").to_pylist()], pa.string())
    columns = [key[0][order], key[1][order], names, *(rows.column(name) for name in INDEX.names[3:])]
    bands = rows.column("bands").combine_chunks()
    lengths = np.diff(bands.offsets.to_numpy()) if len(bands) else np.empty(0, dtype=np.int32)
    numbers = np.repeat(np.arange(first, first + len(lengths), dtype=np.uint32), lengths)
    return pa.table(columns, schema=INDEX), pa.table([bands.flatten(), numbers], schema=BAND_ROWS)


def sorted_bands(bands: pa.Table) -> pa.Table:
    """Rows of `BAND_ROWS`, all whose key lies in some range, as they stand in their file."""
    return bands.take(pa.array(lexsorted([column.to_numpy() for column in bands.columns])))


def write_index(file: IO[bytes], parts: Iterable[pa.Table], schema: pa.Schema) -> int:
    """Write one of the two tables, in row groups that are ranges of its key.

    Args:
        parts: the rows in order. How they are cut leaves no trace: all row groups but the last are full.

    Returns:
        Number of rows.
    """
    size = _BAND_ROWS if "row" in schema.names else _INDEX_ROWS
    stream = RowStream((part.cast(schema) for part in parts), schema)
    num_rows = 0
    with pq.ParquetWriter(file, schema, compression="zstd", compression_level=1, use_dictionary=False) as writer:
        while (group := stream.take(size)).num_rows or not num_rows:
            writer.write_table(group.combine_chunks(), row_group_size=size)
            num_rows += group.num_rows
            if group.num_rows < size:
                break
    return num_rows


def rows_with_keys(file: ParquetFile, keys: U64, column: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Rows of which a column has one of some values, row group by row group; groups without one are not read.

    Args:
        keys: ascending, each once.
        column: that by which the file is sorted.
        columns: those to read, that one among them; None for all.
    """
    place = file.schema_arrow.names.index(column)
    for group in range(file.num_row_groups):
        metadata = file.metadata.row_group(group)
        if metadata.num_rows == 0:  # the index of no documents: it has no least key
            continue
        statistics = metadata.column(place).statistics
        if statistics is None or not statistics.has_min_max:  # another's file: ours have them
            first, stop = 0, len(keys)
        else:
            first = int(np.searchsorted(keys, np.uint64(statistics.min), "left"))
            stop = int(np.searchsorted(keys, np.uint64(statistics.max), "right"))
        if first < stop:
            table = file.read_row_group(group, columns=columns)
            yield table.filter(pa.array(np.isin(table.column(column).to_numpy(), keys[first:stop])))


def rows_at(file: ParquetFile, rows: I64, columns: list[str]) -> Iterator[tuple[I64, pa.Table]]:
    """Some rows by their numbers, row group by row group: (numbers, rows).

    Args:
        rows: ascending, each once, all within the file.
    """
    start = 0
    for group in range(file.num_row_groups):
        stop = start + file.metadata.row_group(group).num_rows
        here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)]
        if len(here):
            yield here, file.read_row_group(group, columns=columns).take(pa.array(here - start))
        start = stop

"""Exchange: the one way rows move between units, for every barrier and for clean.

A unit writes one file; inside it every consuming unit has its own block, a byte range that stands in the unit's record.
A consumer gathers its block from every file by reading byte ranges, never footers. Rows are sorted by key where they
are read, so neither the number of units nor their order shows in any output.

A block is a list of segments, each one Arrow IPC stream: rows are buffered up to `flush_bytes` and then written out for
all blocks at once, so memory stays bounded however large the unit. Cost: one `take` over the buffered rows a flush.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from manifests.errors import IntegrityError
from manifests.record import Output, Segment
from manifests.storage import NewFile, Storage

FLUSH_BYTES = 8 * 1024 * 1024
_SEGMENT_BYTES = 64 * 1024  # at least, on average: where there are many blocks more rows are held


@dataclass(frozen=True, slots=True)
class Block:
    """What one unit wrote for one consumer.

    Attributes:
        unit: the writing unit.
        file: name in the work folder.
        slice: the slice that its rows belong to, where a partition takes it among those of its slices; else None.
    """

    unit: int
    file: str
    segments: tuple[Segment, ...]
    slice: int | None = None


class Progress(Protocol):
    """Called with the number of bytes dealt with since the last call; a watched unit must call it now and then."""

    def __call__(self, num_bytes: int) -> None:
        """Report progress."""


class BlockWriter:
    """Writes tables of one schema, each row to its block."""

    def __init__(
        self, file: NewFile, schema: pa.Schema, *, num_blocks: int = 1, codec: Literal["zstd", "lz4"] = "zstd"
    ) -> None:
        self._file = file
        self._schema = schema
        self._blocks: list[list[Segment]] = [[] for _ in range(num_blocks)]
        self._options = pa.ipc.IpcWriteOptions(
            compression=pa.Codec("zstd", compression_level=1) if codec == "zstd" else pa.Codec("lz4"), use_threads=False
        )
        self._tables: list[pa.Table] = []
        self._targets: list[npt.NDArray[np.int64]] = []
        self._buffered = 0
        self._flush_bytes = max(FLUSH_BYTES, num_blocks * _SEGMENT_BYTES)
        self.rows = 0

    def write(self, table: pa.Table, blocks: npt.NDArray[np.int64] | None = None) -> None:
        """Add rows.

        Args:
            blocks: int64[rows], the block of every row; None where there is but one block.
        """
        if table.num_rows == 0:
            return
        self._tables.append(table.cast(self._schema) if table.schema != self._schema else table)
        self._targets.append(np.zeros(table.num_rows, dtype=np.int64) if blocks is None else blocks)
        self._buffered += table.nbytes
        self.rows += table.num_rows
        if self._buffered >= self._flush_bytes:
            self._flush()

    def finish(self) -> list[list[Segment]]:
        """Write what is buffered; returns the segments of every block."""
        self._flush()
        return self._blocks

    def _flush(self) -> None:
        if not self._tables:
            return
        table = pa.concat_tables(self._tables)
        targets = np.concatenate(self._targets)
        self._tables, self._targets, self._buffered = [], [], 0
        if len(self._blocks) == 1:
            self._segment(0, table)
            return
        order = np.argsort(targets, kind="stable")
        table = table.take(pa.array(order))
        present, starts = np.unique(targets[order], return_index=True)
        stops = [*starts[1:].tolist(), len(targets)]
        for block, start, stop in zip(present.tolist(), starts.tolist(), stops, strict=True):
            self._segment(block, table.slice(start, stop - start))

    def _segment(self, block: int, table: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._schema, options=self._options) as stream:
            for batch in table.combine_chunks().to_batches():
                stream.write_batch(batch)
        data = sink.getvalue()
        segment = Segment(self._file.num_bytes, len(data), xxhash.xxh3_64_hexdigest(data))
        self._file.write(data.to_pybytes())
        self._blocks[block].append(segment)


def output(file: NewFile, writer: BlockWriter | None = None, *, rows: int = 0) -> Output:
    """What the record says of a finished file; `rows` for a file that no BlockWriter wrote."""
    if writer is None:
        return Output(file.name, file.num_bytes, file.sha256, rows, [])
    return Output(file.name, file.num_bytes, file.sha256, writer.rows, writer.finish())


def read_segments(
    storage: Storage, blocks: Iterable[Block], progress: Progress, *, columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The tables of some blocks, segment by segment, in the order given.

    Args:
        columns: those to take, at least one, in the order of the schema; others are not decompressed. None for all.

    Raises:
        IntegrityError: a segment's bytes are not those that were written.
    """
    for block in blocks:
        for segment in block.segments:
            data = storage.read_range(block.file, segment.offset, segment.length)
            if xxhash.xxh3_64_hexdigest(data) != segment.digest:
                raise IntegrityError(
                    f"{storage.path(block.file)}: the bytes at {segment.offset} are not those that were written; "
                    f"expected digest {segment.digest}",
                    hint="delete the file and run again: it is made again",
                )
            progress(segment.length)
            with _stream(data, columns) as stream:
                yield stream.read_all()


def _stream(data: bytes, columns: Sequence[str] | None) -> pa.ipc.RecordBatchStreamReader:
    stream = pa.ipc.open_stream(pa.py_buffer(data))
    if columns is None:
        return stream
    wanted = [place for place, name in enumerate(stream.schema.names) if name in columns]
    stream.close()
    return pa.ipc.open_stream(pa.py_buffer(data), options=pa.ipc.IpcReadOptions(included_fields=wanted))


def read_table(storage: Storage, blocks: Iterable[Block], schema: pa.Schema, progress: Progress) -> pa.Table:
    """All rows of some blocks as one table, in the order of the blocks; an empty table of `schema` for none."""
    tables = list(read_segments(storage, blocks, progress))
    return pa.concat_tables(tables) if tables else schema.empty_table()


class RowStream:
    """Rows of a stream of tables, handed out in numbers that the reader chooses, so that two streams can go in step.

    It holds the table that it is in, and while rows are asked for, those that they lie in.
    """

    def __init__(self, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
        self._tables = iter(tables)
        self._left = schema.empty_table()

    def take(self, num_rows: int) -> pa.Table:
        """The next rows; fewer, or none, where the stream ends."""
        parts = [self._left]
        available = self._left.num_rows
        while available < num_rows and (table := next(self._tables, None)) is not None:
            parts.append(table)
            available += table.num_rows
        rows = pa.concat_tables(parts)
        self._left = rows.slice(num_rows)
        return rows.slice(0, num_rows)


def table_of(rows: Iterable[Sequence[object]], schema: pa.Schema) -> pa.Table:
    """Rows of Python values as a table of a schema; an empty one for none."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def block_of_hash(hashes: npt.NDArray[np.uint64], num_blocks: int) -> npt.NDArray[np.int64]:
    """int64[n], the block of each hash: a range of the hashes, each block one of equal width."""
    return ((hashes >> np.uint64(32)) * np.uint64(num_blocks) >> np.uint64(32)).astype(np.int64)


def block_of_refs(refs: npt.NDArray[np.uint64], num_blocks: int) -> npt.NDArray[np.int64]:
    """int64[n], the block of each document by its ref: refs are small numbers, so they are spread first."""
    return block_of_hash(refs * np.uint64(0x9E3779B97F4A7C15), num_blocks)


def unit_of_refs(refs: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """int64[n], the unit that reads each document; a ref is unit << 32 | ordinal."""
    return (refs >> np.uint64(32)).astype(np.int64)


def ordinal_of_refs(refs: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """int64[n], the number of each document in its unit."""
    return (refs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def fixed_binary(column: pa.ChunkedArray, width: int) -> npt.NDArray[np.void]:
    """A fixed-size binary column without nulls as an array of `width`-byte items."""
    chunks = [
        np.frombuffer(chunk.buffers()[1], dtype=f"V{width}", count=len(chunk), offset=chunk.offset * width)
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(chunks) if chunks else np.empty(0, dtype=f"V{width}")


def fixed_binary_array(items: npt.NDArray[np.void]) -> pa.FixedSizeBinaryArray:
    """The inverse of `fixed_binary`."""
    width = items.dtype.itemsize
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(items), [None, pa.py_buffer(np.ascontiguousarray(items))]
    )


def lexsorted(keys: Sequence[npt.NDArray[np.generic]]) -> npt.NDArray[np.int64]:
    """Row order sorted by the first key, then the second, and so on; equal rows stay in order."""
    return np.lexsort(tuple(reversed(keys))).astype(np.int64)


def sortable(digests: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """16-byte digests as two uint64 arrays whose lexicographic order is that of the bytes."""
    halves = np.ascontiguousarray(digests).view(">u8").reshape(-1, 2).astype(np.uint64)
    return halves[:, 0].copy(), halves[:, 1].copy()

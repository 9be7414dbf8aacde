"""Parquet files, read by the thread that asks and by no other.

Left to itself Arrow reads ahead and decodes with threads of its own. Such a thread lets go of the bytes it read only
after it has handed them over. Where those are an object of Python's, as they are when the file is one, and Python is
ending just then, the thread takes the whole process down (SIGABRT, `terminate called without an active exception`): a
command that had said all it had to say would lose its exit code.

Cost: none to speak of. Most bytes of our files lie in one column, which one thread decodes anyhow, and units share
their machine with others.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq


class ParquetFile(pq.ParquetFile):  # type: ignore[misc]
    """A Parquet file, by its path or as an open file."""

    def __init__(self, source: "str | BinaryIO | pa.NativeFile", **options: object) -> None:
        """Open it; `options` are Arrow's, but for those on threads."""
        super().__init__(source, pre_buffer=False, **options)

    def read(self, columns: list[str] | None = None, **_options: object) -> pa.Table:
        """Read all of it."""
        return super().read(columns, use_threads=False)

    def read_row_group(self, i: int, columns: list[str] | None = None, **_options: object) -> pa.Table:
        """Read a row group."""
        return super().read_row_group(i, columns, use_threads=False)

    def read_row_groups(
        self, row_groups: Sequence[int], columns: list[str] | None = None, **_options: object
    ) -> pa.Table:
        """Read some row groups."""
        return super().read_row_groups(row_groups, columns, use_threads=False)

    def iter_batches(
        self,
        batch_size: int = 65536,
        row_groups: Sequence[int] | None = None,
        columns: Sequence[str] | None = None,
        **_options: object,
    ) -> Iterator[pa.RecordBatch]:
        """Read some row groups, or all, in batches."""
        batches: Iterator[pa.RecordBatch] = super().iter_batches(batch_size, row_groups, columns, use_threads=False)
        return batches

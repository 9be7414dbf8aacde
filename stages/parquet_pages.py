"""Parquet pages: a file as Arrow reads it, with an eye on what each page claims before Arrow believes it.

Arrow unpacks a page whole, and 800 bytes can claim 2 GiB, a million times one value of 60 MB, or a list of 2**31 nulls.
The header of a page stands before its bytes, and Arrow reads the pages of a column one after the other: so headers are
looked at as they pass by, without a read of our own. What the footer says of sizes decides nothing.

Cost: 20 us a page, of which most hold 1 MB.
"""

import os
from bisect import bisect_right
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from stages.parquet_files import ParquetFile
from stages.parquet_headers import MAXIMUM_HEADER_BYTES, MalformedPagesError, Page, read_header

MAXIMUM_FOOTER_BYTES = 1 << 23
"""Of metadata: Arrow makes 230 bytes of one in the worst case."""
MAXIMUM_COLUMNS = 10_000

_LISTED_VALUE_BYTES = 16  # of Arrow's for one value in a list: levels, offset, validity
_REPEATING = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")


_REPEATED_SHARE = 2  # of the limit: no real dictionary holds its largest value alone
_FEW_ROWS = 16  # smaller batches cost more than dictionaries do


class LargeBatchError(Exception):
    """The rows that are asked for at once could take too much: fewer of them may not.

    Attributes:
        rows: so many may fit; None where that is not known.
    """

    def __init__(self, rows: int | None) -> None:
        super().__init__("a large batch")
        self.rows = rows


class LargeDictionariesError(Exception):
    """The values of some columns could take too much: do not repeat those in a dictionary.

    Attributes:
        paths: of the columns, of the type BYTE_ARRAY.
    """

    def __init__(self, paths: set[str]) -> None:
        super().__init__(f"{len(paths)} columns")
        self.paths = paths


class PageWatch:
    """A Parquet file, read at random, whose pages may take so much memory and no more.

    Three sums are held against the limit: the pages and dictionaries of all columns that are open at once; what a batch
    of rows takes of them, which is every page that is begun for it and every value in a list; and, against twice the
    limit, the largest value that there can be for each row, where values may repeat.
    """

    closed = False

    def __init__(self, file: BinaryIO, *, maximum_bytes: int) -> None:
        """Take over a file, at any place.

        Raises:
            MalformedPagesError: its footer is larger than may be read.
        """
        self._file = file
        self._maximum_bytes = maximum_bytes
        self._starts: list[int] = []
        self._columns: list[_Column] = []
        self._batch_rows = self._batch_bytes = 0
        self._open_bytes = 0
        self.num_bytes = self._place = file.seek(0, os.SEEK_END)
        self._check_footer()

    def watch(self, parquet: ParquetFile, number: int, *, kept: Collection[str] = ()) -> None:
        """Look at the pages of this row group from now on; asked again, from its beginning.

        Args:
            kept: paths of columns whose values are left in their dictionaries.

        Raises:
            MalformedPagesError: its columns share bytes.
        """
        group, schema = parquet.metadata.row_group(number), parquet.schema
        columns = [_Column(group.column(place), schema.column(place), kept=kept) for place in range(group.num_columns)]
        columns.sort(key=lambda column: column.start)
        for before, after in pairwise(columns):
            if after.start < before.end:
                raise MalformedPagesError(f"expected columns one after the other, got two with byte {after.start}")
        self._columns, self._starts = columns, [column.start for column in columns]
        self._open_bytes = 0

    def ignore(self) -> None:
        """Look at no page."""
        self._columns, self._starts = [], []

    def begin_batch(self, rows: int) -> None:
        """Count from here what the next rows take."""
        self._batch_rows, self._batch_bytes = rows, 0

    # What pyarrow asks of a file that it reads.

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        self._place = self._file.seek(offset, whence)
        return self._place

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._place

    def close(self) -> None:
        """Do nothing: the file is the caller's."""

    def read(self, size: int = -1) -> bytes:
        """Bytes as they stand in the file; the headers among them were looked at.

        Raises:
            MalformedPagesError: the pages that are open take more than they may, or a header cannot be read.
            LargeBatchError: the batch takes more than it may.
            LargeDictionariesError: the same, for its values repeat.
        """
        data = self._file.read(size)
        number = bisect_right(self._starts, self._place) - 1
        if number >= 0 and self._place < self._columns[number].end:
            for page in self._columns[number].pages(self._place, data):
                self._admit(self._columns[number], page)
        self._place += len(data)
        return data

    def _admit(self, column: "_Column", page: Page) -> None:
        before = column.open_bytes
        self._batch_bytes += column.admit(page)
        self._open_bytes += column.open_bytes - before
        if self._open_bytes > self._maximum_bytes:
            got = self._open_bytes
            raise MalformedPagesError(f"expected pages of at most {self._maximum_bytes} bytes at once, got {got}")
        repeated = sum(other.row_bytes for other in self._columns)
        most = _REPEATED_SHARE * self._maximum_bytes
        if self._batch_bytes <= self._maximum_bytes and self._batch_rows * repeated <= most:
            return
        if self._batch_bytes <= self._maximum_bytes and most // repeated >= _FEW_ROWS:
            raise LargeBatchError(most // repeated)
        if paths := {other.path for other in self._columns if other.may_keep}:
            raise LargeDictionariesError(paths)
        if self._batch_rows > 1:
            raise LargeBatchError(None)
        raise MalformedPagesError(f"expected a row of at most {self._maximum_bytes} bytes, got one that may be larger")

    def _check_footer(self) -> None:
        self.seek(max(0, self.num_bytes - 8))
        length = int.from_bytes(self._file.read(8)[:4], "little")
        self.seek(0)
        if MAXIMUM_FOOTER_BYTES < length < self.num_bytes:  # of one longer than the file Arrow tells
            raise MalformedPagesError(f"expected metadata of at most {MAXIMUM_FOOTER_BYTES} bytes, got {length}")


class WatchedParquet(ParquetFile):
    """A Parquet file of others, whose row groups are read whole: none that takes more than so many bytes."""

    def __init__(self, file: BinaryIO, *, maximum_bytes: int) -> None:
        """Open it; raises MalformedPagesError where its metadata alone are too much."""
        self._watch = PageWatch(file, maximum_bytes=maximum_bytes)
        super().__init__(self._watch, page_checksum_verification=True)

    def read_row_group(self, i: int, columns: list[str] | None = None, **_options: object) -> pa.Table:
        """Read a row group.

        Raises:
            MalformedPagesError: its pages, or the values that they repeat, could take more.
        """
        self._watch.watch(self, i)
        self._watch.begin_batch(self.metadata.row_group(i).num_rows)
        try:
            return super().read_row_group(i, columns)
        except (LargeBatchError, LargeDictionariesError) as error:
            raise MalformedPagesError("expected a row group that memory can take, got a larger one") from error


class _Column:
    """The pages of a column in a row group, as they are read.

    Attributes:
        row_bytes: the most that a row's value can be beyond what stands in its page.
    """

    def __init__(self, chunk: pq.ColumnChunkMetaData, schema: pq.ColumnSchema, *, kept: Collection[str]) -> None:
        self.path = schema.path
        self.start = chunk.data_page_offset
        if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < self.start:
            self.start = chunk.dictionary_page_offset
        self.end = self.start + max(0, chunk.total_compressed_size)
        self._in_list = schema.max_repetition_level > 0
        self._keeps = schema.path in kept
        self._is_text = schema.physical_type == "BYTE_ARRAY"
        self._repeats = schema.physical_type in _REPEATING
        self._width = schema.length if schema.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0
        self._dictionary_bytes = self._page_bytes = 0
        self.row_bytes = 0
        self._next = self.start  # where the next header begins
        self._begun = b""  # of it, what was read already

    @property
    def open_bytes(self) -> int:
        """Of the page and the dictionary that are open."""
        return self._dictionary_bytes + self._page_bytes

    @property
    def may_keep(self) -> bool:
        """Whether its values could be left in a dictionary, and are not."""
        return self._is_text and not self._keeps and self._dictionary_bytes > 0

    def admit(self, page: Page) -> int:
        """Take on a page; returns what it adds to the batch."""
        num_bytes = page.unpacked_bytes + page.stored_bytes
        if page.is_dictionary:
            self._dictionary_bytes = num_bytes
            largest = 0
        else:
            self._page_bytes = num_bytes
            largest = num_bytes if page.by_prefix else 0
        if self._repeats and not self._keeps and (page.by_dictionary or page.is_dictionary):
            largest = self._width or self._dictionary_bytes
        if not self._in_list:
            self.row_bytes = max(largest, self._width)
            return 0 if page.is_dictionary else num_bytes
        if page.is_dictionary:
            return 0
        return num_bytes + page.num_values * (_LISTED_VALUE_BYTES + max(largest, self._width))

    def pages(self, place: int, data: bytes) -> Iterator[Page]:
        """The pages whose header ends within some bytes of the file."""
        while self._next < self.end and (start := self._next + len(self._begun) - place) < len(data):
            if start < 0:
                raise MalformedPagesError("expected pages one after the other, got one that is passed over")
            try:
                if self._begun:
                    joined = self._begun + data[start : start + MAXIMUM_HEADER_BYTES]
                    page, length = read_header(joined, 0)
                else:
                    page, stop = read_header(data, start)
                    length = stop - start
            except IndexError:
                self._begun += data[start : start + MAXIMUM_HEADER_BYTES]
                if len(self._begun) >= MAXIMUM_HEADER_BYTES:
                    raise MalformedPagesError("expected the header of a page, got a longer one") from None
                return
            self._next += length + page.stored_bytes
            self._begun = b""
            if self._next > self.end:
                raise MalformedPagesError("expected a page within its column, got one that is longer")
            yield page

"""Parquet rows: the rows of a Parquet shard as the fields that a JSON line would give.

A few rows are decoded at a time and the columns of a row group are read in pieces, so memory does not grow with the row
group: it is about `BATCH_BYTES` of rows, as the file's own footer estimates them, and `_BUFFER_BYTES` for each column.
Nothing that a file claims is believed: `stages.parquet_pages` sees to it that the pages which are open take no more
than `PAGE_LINES` rows of the longest size, and what is decoded together no more either, whatever the footer says. A
file made to hurt costs its unit, in some three times that memory.

Dates and times become text (in UTC where there is a time zone), durations integers, decimals text, bytes base64.
"""

from collections.abc import Callable, Container, Iterator
from typing import BinaryIO

import pyarrow as pa

from manifests.errors import DamagedShardError, UnitError
from stages.decompression import maximum_content_bytes, maximum_rows
from stages.parquet_files import ParquetFile
from stages.parquet_headers import MalformedPagesError
from stages.parquet_pages import MAXIMUM_COLUMNS, LargeBatchError, LargeDictionariesError, PageWatch
from stages.parquet_sizes import row_bytes
from stages.row_layouts import Layout, Path
from stages.rows import Fault, Fields

BATCH_BYTES = 1 << 23
BATCH_ROWS = 256
PAGE_LINES = 32
MINIMUM_PAGE_BYTES = 1 << 28
_BATCH_VALUES = 1 << 20
_SMALLER = 16  # a batch, where rows take more than the footer says
_BUFFER_BYTES = 1 << 18
_SMALL_BUFFER_BYTES = 1 << 14  # pages that compress very well are then seen just before they are read
_SHOWN_COLUMNS = 40


def parquet_rows(
    file: BinaryIO, shard: str, layout: Layout, *, maximum_bytes: int, only: Container[int] | None = None
) -> Iterator[tuple[int, Fields | Fault]]:
    """Every row of a Parquet file, in order, with its zero-based number.

    Args:
        file: opened for reading bytes at random.
        shard: names the file in errors.
        maximum_bytes: a row that takes more in memory is not looked at.
        only: rows to read; row groups without any are not touched. None for all.

    Returns:
        Fields, or a Fault: `line_too_long`, `invalid_utf8`, `wrong_type` (no JSON can be made of a value).

    Raises:
        DamagedShardError: no Parquet file, or a cut or damaged one; the rows before that were yielded.
        UnitError: the text column is absent, or the file uses what the library cannot read.
    """
    try:
        yield from _rows(file, shard, layout, maximum_bytes, only)
    except pa.ArrowNotImplementedError as error:
        raise UnitError(
            f"{shard}: expected a Parquet file that this version of Arrow can read, got {error}",
            hint="write it again with another compression or encoding",
        ) from error
    except MalformedPagesError as error:
        raise DamagedShardError(
            f"{shard}: {error}",
            hint="it could fill the memory: leave it out, or raise limits.maximum_line_bytes if its rows are so large",
        ) from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, MemoryError) or getattr(error, "errno", None):
            raise  # the machine's fault, not the file's
        raise _damaged(shard, " ".join(str(error).split())) from error


def _rows(
    file: BinaryIO, shard: str, layout: Layout, maximum_bytes: int, only: Container[int] | None
) -> Iterator[tuple[int, Fields | Fault]]:
    opened = _Opened(file, maximum_bytes)
    num_bytes, most_bytes = 0, maximum_content_bytes(opened.num_bytes)
    _check_columns(opened.parquet.schema_arrow, shard, layout)
    row = 0
    for number in range(opened.parquet.num_row_groups):
        end = row + opened.num_rows(number)
        if end > row and (only is None or any(wanted in only for wanted in range(row, end))):
            for batch in opened.batches(number):
                batch_bytes = row_bytes(batch)
                num_bytes += batch_bytes
                if num_bytes > most_bytes:
                    raise MalformedPagesError(f"expected at most {most_bytes} bytes in so small a file, got more")
                small = batch_bytes <= maximum_bytes
                yield from _batch_rows(batch, row, only, maximum_bytes=maximum_bytes, small=small)
                row += batch.num_rows
            if row != end:
                raise _damaged(shard, f"{end - row} rows fewer in row group {number} than its footer says")
        row = end


class _Opened:
    """A Parquet file whose row groups are read in batches that memory can take."""

    def __init__(self, file: BinaryIO, maximum_bytes: int) -> None:
        self._watch = PageWatch(file, maximum_bytes=max(MINIMUM_PAGE_BYTES, PAGE_LINES * maximum_bytes))
        self.num_bytes = self._watch.num_bytes
        self._kept: set[str] = set()  # columns whose values stay in their dictionaries
        self._buffer_bytes = _BUFFER_BYTES
        self._most_rows = BATCH_ROWS  # of a batch; fewer once there were too many
        self.parquet = self._open()
        metadata = self.parquet.metadata
        if metadata.num_columns > MAXIMUM_COLUMNS:
            raise MalformedPagesError(f"expected at most {MAXIMUM_COLUMNS} columns, got {metadata.num_columns}")
        numbers = [self.num_rows(number) for number in range(metadata.num_row_groups)]
        most = maximum_rows(self.num_bytes)
        if min(numbers, default=0) < 0 or sum(numbers) > most:
            raise MalformedPagesError(f"expected at most {most} rows in so small a file, got {sum(numbers)}")
        self._num_columns = max(1, metadata.num_columns)

    def _open(self) -> ParquetFile:
        self._watch.ignore()
        return ParquetFile(
            self._watch,
            buffer_size=self._buffer_bytes,
            page_checksum_verification=True,
            read_dictionary=sorted(self._kept),
        )

    def num_rows(self, group: int) -> int:
        """Rows of a row group, as its footer says."""
        return int(self.parquet.metadata.row_group(group).num_rows)

    def batches(self, group: int) -> Iterator[pa.RecordBatch]:
        """The rows of a row group, read again from its beginning in smaller batches where they take too much."""
        metadata = self.parquet.metadata.row_group(group)
        average = max(1, metadata.total_byte_size // max(1, metadata.num_rows))
        size = max(1, min(self._most_rows, BATCH_BYTES // average, _BATCH_VALUES // self._num_columns))
        done = 0
        while True:
            try:
                for batch in self._read(group, size, done):
                    done += batch.num_rows
                    yield batch
            except LargeBatchError as error:
                size = self._most_rows = error.rows or max(1, size // _SMALLER)
                if error.rows is None:
                    self._buffer_bytes = _SMALL_BUFFER_BYTES
                    self.parquet = self._open()
            except LargeDictionariesError as error:
                self._kept |= error.paths
                self.parquet = self._open()
            else:
                return

    def _read(self, group: int, size: int, done: int) -> Iterator[pa.RecordBatch]:
        """Batches of a row group behind those rows that are done."""
        self._watch.watch(self.parquet, group, kept=self._kept)
        self._watch.begin_batch(size)
        for batch in self.parquet.iter_batches(batch_size=size, row_groups=[group]):
            if batch.num_rows > done:
                yield batch.slice(done)
            done = max(0, done - batch.num_rows)
            self._watch.begin_batch(size)


def _check_columns(schema: pa.Schema, shard: str, layout: Layout) -> None:
    """See that the text and every column that the recipe names may be there; of a wrong type every row tells."""
    row = pa.struct(list(schema))
    nested = layout.files is not None and not (layout.files_optional and _type_at(row, layout.files) is None)
    files = _column(row, layout.files, shard) if nested and layout.files is not None else row
    _column(getattr(files, "value_type", files), layout.text, shard)
    for path in layout.named:
        if _type_at(row, path) is None:
            _column(getattr(files, "value_type", files), path, shard)


def _column(kind: pa.DataType, path: Path, shard: str) -> pa.DataType:
    found = _type_at(kind, path)
    if found is None:
        names = ", ".join(field.name for field in list(kind)[:_SHOWN_COLUMNS])
        raise UnitError(
            f"{shard}: expected column {'.'.join(path)}, found {names or 'none'}",
            hint="`format: columns` and `columns` in the source name the columns of such a shard",
        )
    return found


def _type_at(kind: pa.DataType, path: Path) -> pa.DataType | None:
    """The type of a column, the null type where rows have something else on the way, None where there is no such."""
    for name in path:
        if not pa.types.is_struct(kind):
            return pa.null()
        index = kind.get_field_index(name)
        if index < 0:
            return None
        kind = kind.field(index).type
    return kind


def _damaged(shard: str, found: str) -> DamagedShardError:
    return DamagedShardError(
        f"{shard}: expected a sound Parquet file, got {found}",
        hint="the shard is cut or damaged: compare its size and checksum with the publisher's and fetch it again",
    )


def _batch_rows(
    batch: pa.RecordBatch, first: int, only: Container[int] | None, *, maximum_bytes: int, small: bool
) -> Iterator[tuple[int, Fields | Fault]]:
    wanted = [index for index in range(batch.num_rows) if only is None or first + index in only]
    if not wanted:
        return
    if small:
        try:
            rows: list[Fields] = _as_text(batch if only is None else batch.take(pa.array(wanted))).to_pylist()
        except (ValueError, OverflowError):  # of one value in one row: look for it
            pass
        else:
            yield from zip((first + index for index in wanted), rows, strict=True)
            return
    for index in wanted:
        yield first + index, _one_row(batch.slice(index, 1), maximum_bytes)


def _one_row(batch: pa.RecordBatch, maximum_bytes: int) -> Fields | Fault:
    try:
        if row_bytes(batch) > maximum_bytes or (batch := _as_text(batch)).nbytes > maximum_bytes:
            return Fault("line_too_long", f"more than {maximum_bytes} bytes")
        (fields,) = batch.to_pylist()
    except UnicodeDecodeError as error:
        return Fault("invalid_utf8", str(error))
    except (ValueError, OverflowError):
        return Fault("wrong_type", "a value that JSON cannot hold")
    return fields  # type: ignore[no-any-return]


def _as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with times as text (Python's hold no nanoseconds, no year 10,000) and with no type of Arrow's own."""
    for leaf in (_in_utc, _printed):
        fields = [field.with_type(_mapped(field.type, leaf)) for field in batch.schema]
        if any(field.type != old.type for field, old in zip(fields, batch.schema, strict=True)):
            batch = batch.cast(pa.schema(fields))
    return batch


def _in_utc(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.BaseExtensionType):
        return kind.storage_type
    if pa.types.is_dictionary(kind):
        return kind.value_type
    return pa.timestamp(kind.unit) if pa.types.is_timestamp(kind) else kind


def _printed(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_duration(kind):
        return pa.int64()
    return pa.string() if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind) else kind


def _mapped(kind: pa.DataType, leaf: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    """A type with every type in it that holds no other replaced."""
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_mapped(field.type, leaf)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_mapped(kind.key_type, leaf), _mapped(kind.item_type, leaf))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        item = kind.value_field.with_type(_mapped(kind.value_type, leaf))
        if pa.types.is_fixed_size_list(kind):
            return pa.list_(item, kind.list_size)
        return pa.large_list(item) if pa.types.is_large_list(kind) else pa.list_(item)
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return pa.large_list(_mapped(kind.value_type, leaf))
    return leaf(kind)

"""Parquet rows: the rows of a Parquet shard as the fields that a JSON line would give.

A few rows are decoded at a time and the columns of a row group are read in pieces, so memory does not grow with the row
group: it is about `BATCH_BYTES` of rows, as the file's own footer estimates them, and `_BUFFER_BYTES` for each column.
Not bounded is what a page claims: Arrow unpacks it whole, and each of `BATCH_ROWS` rows may repeat one huge value of a
dictionary page. Most writers end a page after 1 MB or 1,024 values; a file made to hurt costs its unit's process.

Dates and times become text (in UTC where there is a time zone), durations integers, decimals text, bytes base64.
"""

from collections.abc import Callable, Container, Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.errors import DamagedShardError, UnitError
from stages.row_layouts import Layout, Path
from stages.rows import Fault, Fields

BATCH_BYTES = 1 << 23
BATCH_ROWS = 256
_BUFFER_BYTES = 1 << 18
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
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, MemoryError) or getattr(error, "errno", None):
            raise  # the machine's fault, not the file's
        raise _damaged(shard, " ".join(str(error).split())) from error


def _rows(
    file: BinaryIO, shard: str, layout: Layout, maximum_bytes: int, only: Container[int] | None
) -> Iterator[tuple[int, Fields | Fault]]:
    parquet = pq.ParquetFile(file, pre_buffer=False, buffer_size=_BUFFER_BYTES, page_checksum_verification=True)
    _check_columns(parquet.schema_arrow, shard, layout)
    row = 0
    for number in range(parquet.num_row_groups):
        group = parquet.metadata.row_group(number)
        end = row + group.num_rows
        if only is None or any(wanted in only for wanted in range(row, end)):
            average = max(1, group.total_byte_size // max(1, group.num_rows))
            size = max(1, min(BATCH_ROWS, BATCH_BYTES // average))
            for batch in parquet.iter_batches(batch_size=size, row_groups=[number], use_threads=False):
                yield from _batch_rows(batch, row, maximum_bytes, only)
                row += batch.num_rows
            if row != end:
                raise _damaged(shard, f"{end - row} rows fewer in row group {number} than its footer says")
        row = end


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
    batch: pa.RecordBatch, first: int, maximum_bytes: int, only: Container[int] | None
) -> Iterator[tuple[int, Fields | Fault]]:
    wanted = [index for index in range(batch.num_rows) if only is None or first + index in only]
    if not wanted:
        return
    if batch.nbytes <= maximum_bytes:
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
        batch = _as_text(batch)
        if batch.nbytes > maximum_bytes:
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

"""Rows of a packed shard as arrays, read one row group at a time, once it is proven that their columns fit together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.document import ID_BYTES, Kind

KINDS: tuple[str, ...] = get_args(Kind)

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Digests = npt.NDArray[np.void]

# Of input_ids. Fixed here and not the writer's own setting, so that a release stays sound when that is tuned.
MAXIMUM_ROW_GROUP_BYTES = 64 * 1024 * 1024

_LISTS = ("input_ids", "seq_lengths", "doc_ids", "doc_offsets")


class MalformedRowsError(Exception):
    """Rows that cannot be looked into any further; the message says which and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A row group, one entry a row, a piece or a token; pieces stand in the order of their rows.

    Attributes:
        first: number of the first row within the shard.
        kinds: of each row, an index into KINDS.
        used: tokens of each row that are no padding, 1..sequence_tokens.
        rows: row of each piece, counted from `first`.
        last: where in `tokens` the last token of each piece stands.
        offsets: of each piece within its document.
    """

    first: int
    tokens: Int32s
    kinds: Int64s
    used: Int64s
    rows: Int64s
    last: Int64s
    lengths: Int64s
    offsets: Int64s
    documents: Digests

    def at(self, wrong: Int64s) -> str:
        """How a finding names rows, counted from `first`: the first of them, and how many more there are."""
        return f"row {self.first + int(wrong[0])}" + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")


def read_rows(file: pq.ParquetFile, group: int, *, first: int, sequence_tokens: int) -> Rows:
    """Read a row group of `packed_schema`.

    Raises:
        MalformedRowsError: nulls, text that is not UTF-8, lists of the wrong length, pieces that do not fit, an unknown
            kind, no document id.
    """
    _check_size(file, group, sequence_tokens)
    table = file.read_row_group(group)
    columns = {name: table.column(name).combine_chunks() for name in table.column_names}
    for name, column in columns.items():
        if column.null_count or (name in _LISTS and column.values.null_count):
            raise MalformedRowsError(f"row group {group}: expected no null, got some in {name}")
    check_sound(group, columns)
    widths = {name: np.diff(columns[name].offsets.to_numpy()) for name in _LISTS}
    ids, pieces = widths["input_ids"], widths["seq_lengths"]
    _require(first, ids == sequence_tokens, f"expected {sequence_tokens} input_ids, got", ids)
    for name in _LISTS[2:]:
        _require(first, widths[name] == pieces, f"expected as many {name} as seq_lengths, got", widths[name])
    _require(first, pieces > 0, "expected at least one piece, got", pieces)

    rows = np.repeat(np.arange(table.num_rows), pieces)
    lengths = columns["seq_lengths"].values.to_numpy().astype(np.int64)
    _require(first, lengths > 0, "expected seq_lengths above 0, got", lengths, rows)
    stops = np.cumsum(lengths)
    starts = stops - lengths
    before = starts[np.cumsum(pieces) - pieces]  # lengths of all pieces before each row
    used = np.diff(np.append(before, lengths.sum()))
    _require(first, used <= sequence_tokens, f"expected seq_lengths of at most {sequence_tokens} together, got", used)
    kinds = pc.index_in(columns["kind"], value_set=pa.array(KINDS)).fill_null(-1).to_numpy().astype(np.int64)
    _require(first, kinds >= 0, f"expected a kind of {', '.join(KINDS)}, got", columns["kind"])
    return Rows(
        first=first,
        tokens=columns["input_ids"].values.to_numpy(),
        kinds=kinds,
        used=used,
        rows=rows,
        last=rows * sequence_tokens + stops - before[rows] - 1,
        lengths=lengths,
        offsets=columns["doc_offsets"].values.to_numpy().astype(np.int64),
        documents=digests(columns["doc_ids"].values, first, rows),
    )


def header_faults(file: pq.ParquetFile, rows: int | None, expected: pa.Schema) -> Iterator[str]:
    """What of a file's metadata and number of rows is not as expected.

    Raises:
        MalformedRowsError: it has other columns, so its rows cannot be looked at.
    """
    schema = file.schema_arrow
    if not schema.equals(expected):
        raise MalformedRowsError(f"expected the columns {_columns(expected)}, got {_columns(schema)}")
    if schema.metadata != expected.metadata:
        yield f"expected the metadata {expected.metadata}, got {schema.metadata}"
    if file.metadata.num_rows != rows:
        yield f"expected {rows} rows, got {file.metadata.num_rows}"


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)


def check_sound(group: int, columns: Mapping[str, pa.Array]) -> None:
    """Raise MalformedRowsError where the values of a column are not what its type says, such as text in UTF-8.

    Parquet's readers take the bytes as they are, and Python would stop at the first look at them.
    """
    for name, column in columns.items():
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            problem = str(error).partition("\n")[0]
            raise MalformedRowsError(f"row group {group}: expected sound values in {name}: {problem}") from error


def _check_size(file: pq.ParquetFile, group: int, sequence_tokens: int) -> None:
    """Before anything is read: memory must not be what a file makes of it."""
    most = max(1, MAXIMUM_ROW_GROUP_BYTES // (4 * sequence_tokens))
    metadata = file.metadata.row_group(group)
    values = max(metadata.column(column).num_values for column in range(metadata.num_columns))
    if metadata.num_rows > most or values > most * sequence_tokens:
        raise MalformedRowsError(
            f"row group {group}: expected at most {most} rows of {sequence_tokens} values, "
            f"got {metadata.num_rows} rows and {values} values"
        )


def _require(first: int, holds: Bools, what: str, got: Any, rows: Int64s | None = None) -> None:
    """Raise MalformedRowsError at the first entry that does not hold; entry i is row i, or `rows[i]` for a piece."""
    wrong = np.flatnonzero(~holds)
    if len(wrong):
        row = first + int(wrong[0] if rows is None else rows[wrong[0]])
        raise MalformedRowsError(f"row {row}: {what} {got[int(wrong[0])]}")


def digests(names: pa.StringArray, first: int, rows: Int64s) -> Digests:
    """Document ids as 16 bytes each.

    Args:
        first: number of the first row, for messages.
        rows: row of each name, counted from `first`.

    Raises:
        MalformedRowsError: a name is not 32 lower-case hex digits.
    """
    lengths = pc.binary_length(names).to_numpy()
    _require(first, lengths == 2 * ID_BYTES, f"expected doc_ids of {2 * ID_BYTES} hex digits, got", names, rows)
    joined = "".join(names.to_pylist())
    try:
        digests = bytes.fromhex(joined)
    except ValueError:
        digests = b""
    if digests.hex() != joined:  # capitals, white space, or no digits at all
        raise MalformedRowsError(f"row {first} or later: expected doc_ids of lower-case hex digits, got others")
    return np.frombuffer(digests, dtype=f"V{ID_BYTES}")

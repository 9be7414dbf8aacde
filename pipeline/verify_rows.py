"""Rows of a packed shard as arrays, read one row group at a time, once it is proven that their columns fit together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES, Kind
from pipeline.packed_names import PackedNames
from stages.parquet_files import ParquetFile

KINDS: tuple[str, ...] = get_args(Kind)

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Digests = npt.NDArray[np.void]

# Of input_ids. Fixed here and not the writer's own setting, so that a release stays sound when that is tuned.
MAXIMUM_ROW_GROUP_BYTES = 64 * 1024 * 1024

_LISTS = ("input_ids", "seq_lengths", "doc_ids", "doc_offsets")
_NULLABLE = "loss_mask"


class MalformedRowsError(Exception):
    """Rows that cannot be looked into any further; the message says which and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A row group, one entry a row, a piece or a token; pieces stand in the order of their rows.

    Attributes:
        first: number of the first row within the shard.
        kinds: of each row, an index into KINDS.
        starts: where each row begins in `tokens`.
        widths: tokens of each row; `used` of them, at least 1, are no padding.
        rows: row of each piece, counted from `first`.
        begins: where in `tokens` the first token of each piece stands.
        offsets: of each piece within its packed document.
        names: packed document of each piece.
    """

    first: int
    tokens: Int32s
    kinds: Int64s
    starts: Int64s
    widths: Int64s
    used: Int64s
    rows: Int64s
    begins: Int64s
    lengths: Int64s
    offsets: Int64s
    names: PackedNames

    def at(self, wrong: Int64s) -> str:
        """How a finding names rows, counted from `first`: the first of them, and how many more there are."""
        return f"row {self.first + int(wrong[0])}" + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")


def read_rows(file: ParquetFile, group: int, *, first: int, sequence_tokens: int, padded: bool) -> Rows:
    """Read a row group of `packed_schema`.

    Args:
        padded: whether every row is as long as a sequence; else they are as long as what they hold.

    Raises:
        MalformedRowsError: nulls, text that is not UTF-8, lists of the wrong length, pieces that do not fit, an unknown
            kind, no document id, a loss mask that is not that of the padding.
    """
    _check_size(file, group, sequence_tokens)
    table = file.read_row_group(group)
    columns = {name: table.column(name).combine_chunks() for name in table.column_names}
    for name, column in columns.items():
        if (column.null_count and name != _NULLABLE) or (pa.types.is_list(column.type) and column.values.null_count):
            raise MalformedRowsError(f"row group {group}: expected no null, got some in {name}")
    check_sound(group, columns)
    counts = {name: np.diff(columns[name].offsets.to_numpy()) for name in _LISTS}
    widths, pieces = counts["input_ids"].astype(np.int64), counts["seq_lengths"]
    for name in _LISTS[2:]:
        _require(first, counts[name] == pieces, f"expected as many {name} as seq_lengths, got", counts[name])
    _require(first, pieces > 0, "expected at least one piece, got", pieces)

    rows = np.repeat(np.arange(table.num_rows), pieces)
    lengths = columns["seq_lengths"].values.to_numpy().astype(np.int64)
    _require(first, lengths > 0, "expected seq_lengths above 0, got", lengths, rows)
    before = np.cumsum(lengths) - lengths
    of_row = before[np.cumsum(pieces) - pieces]  # lengths of all pieces before each row
    used = np.diff(np.append(of_row, lengths.sum()))
    _require(first, used <= sequence_tokens, f"expected seq_lengths of at most {sequence_tokens} together, got", used)
    expected = np.full(len(used), sequence_tokens) if padded else used
    wrong = np.flatnonzero(widths != expected)
    if len(wrong):
        row = int(wrong[0])
        raise MalformedRowsError(f"row {first + row}: expected {expected[row]} input_ids, got {widths[row]}")
    _check_mask(first, columns[_NULLABLE], used, widths)
    kinds = pc.index_in(columns["kind"], value_set=pa.array(KINDS)).fill_null(-1).to_numpy().astype(np.int64)
    _require(first, kinds >= 0, f"expected a kind of {', '.join(KINDS)}, got", columns["kind"])
    starts = np.cumsum(widths) - widths
    return Rows(
        first=first,
        tokens=columns["input_ids"].values.to_numpy(),
        kinds=kinds,
        starts=starts,
        widths=widths,
        used=used,
        rows=rows,
        begins=starts[rows] + before - of_row[rows],
        lengths=lengths,
        offsets=columns["doc_offsets"].values.to_numpy().astype(np.int64),
        names=_packed_names(columns["doc_ids"].values, first, rows),
    )


def _check_mask(first: int, column: pa.ListArray, used: Int64s, widths: Int64s) -> None:
    """Raise MalformedRowsError unless the rows with padding, and they alone, have a mask, with 0 for it and 1 else."""
    is_padded = used < widths
    has_mask = column.is_valid().to_numpy(zero_copy_only=False)
    _require(first, has_mask == is_padded, "expected a loss_mask for padding and null without, got", column)
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    _require(first, lengths == np.where(is_padded, widths, 0), "expected a loss_mask for every token, got", lengths)
    rows = np.repeat(np.arange(len(widths)), lengths)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    mask = column.flatten().to_numpy()
    _require(first, mask == (within < used[rows]), "expected loss_mask 0 for padding and 1 else, got", mask, rows)


def _packed_names(names: pa.StringArray, first: int, rows: Int64s) -> PackedNames:
    try:
        return PackedNames.of(names)
    except ValueError as error:
        place = error.args[0]
        raise MalformedRowsError(
            f"row {first + int(rows[place])}: expected doc_ids of {2 * ID_BYTES} hex digits and a suffix as in "
            f"-repository-2 or -rewrite, got {names[place].as_py()[:80]!r}"
        ) from None


def header_faults(file: ParquetFile, rows: int | None, expected: pa.Schema) -> Iterator[str]:
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


def _check_size(file: ParquetFile, group: int, sequence_tokens: int) -> None:
    """Before anything is read: memory must not be what a file makes of it."""
    most = max(sequence_tokens, MAXIMUM_ROW_GROUP_BYTES // 4)
    metadata = file.metadata.row_group(group)
    values = max(metadata.column(column).num_values for column in range(metadata.num_columns))
    if max(metadata.num_rows, values) > most:
        raise MalformedRowsError(
            f"row group {group}: expected at most {most} values, got {metadata.num_rows} rows and {values} values"
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

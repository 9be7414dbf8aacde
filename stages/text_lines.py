"""JSON lines of texts, in zstd frames: one object a line, one frame for each table of rows that is written.

A frame holds whole lines, says how many bytes it unpacks to, and has a checksum: it can be unpacked alone, so a file
can be read in parallel, and memory is that of a frame. Frames follow each other as RFC 8878 has it: `zstd -dc`,
`zstandard`'s `open` and `stream_reader`, and `datasets` read them as one. A file without a row is one empty frame,
for readers such as ours take an empty file for a damaged one.

Cost: 0.2 GB of text a CPU second to write, 0.3 to read; it leaves 25 % of real code. `docs/experiments.md` has more.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Annotated, Any, BinaryIO, TypeAlias

import msgspec
import pyarrow as pa
import zstandard

from manifests.errors import DamagedShardError
from stages.decompression import zstd_frames

# Of what a reader takes. Fixed here and not the writer's own bound, so that a file stays sound when that is tuned.
MAXIMUM_FRAME_BYTES = 1 << 30
_LEVEL = 3
_Int32: TypeAlias = Annotated[int, msgspec.Meta(ge=-(1 << 31), le=(1 << 31) - 1)]
_TYPES: dict[pa.DataType, Any] = {pa.string(): str, pa.int32(): _Int32}


class MalformedLinesError(Exception):
    """A file that cannot be read any further; the message says at which line and why, and leaves out the file."""


@contextmanager
def lines_writer(sink: IO[bytes]) -> Iterator[Callable[[pa.Table], None]]:
    """A function that appends a table's rows, each an object with the columns in order, as a frame of their own.

    The bytes depend on the rows, their division into tables and the versions of msgspec and zstandard alone.
    """
    encoder = msgspec.json.Encoder()
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, write_content_size=True)
    empty = True

    def write(rows: pa.Table) -> None:
        nonlocal empty
        empty = False
        sink.write(compressor.compress(encoder.encode_lines(rows.to_pylist())))

    yield write
    if empty:
        sink.write(compressor.compress(b""))


def read_lines(file: BinaryIO, schema: pa.Schema, *, others: bool = False) -> Iterator[pa.Table]:
    """The rows of a file, frame by frame.

    Args:
        file: opened for reading bytes.
        schema: columns to read, of strings and int32.
        others: whether lines may have further columns, which are left out.

    Returns:
        A table for each frame, without the schema's metadata; one without a row for an empty frame.

    Raises:
        MalformedLinesError: a frame is cut, damaged or too large, or a line is not such an object. The frames before
            that come first.
    """
    fields = [(field.name, _TYPES[field.type]) for field in schema]
    row_type = msgspec.defstruct("Row", fields, forbid_unknown_fields=not others)
    decoder = msgspec.json.Decoder(row_type)
    first = 1
    try:
        for content in zstd_frames(file, "", maximum_bytes=MAXIMUM_FRAME_BYTES):
            yield _table(content, first, decoder, schema)
            first += content.count(b"\n")
    except DamagedShardError as error:
        raise MalformedLinesError(f"line {first} or later: {error.message.removeprefix(': ')}") from error


def _table(content: bytes, first: int, decoder: msgspec.json.Decoder[Any], schema: pa.Schema) -> pa.Table:
    lines = content.split(b"\n")
    if lines.pop():
        raise MalformedLinesError(f"line {first + len(lines)}: expected a line feed at the end of its frame, got none")
    columns: list[list[Any]] = [[] for _ in schema]
    for number, line in enumerate(lines, first):
        try:
            row = decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise MalformedLinesError(
                f"line {number}: expected an object of {', '.join(schema.names)}: {error}"
            ) from error
        for column, value in zip(columns, msgspec.structs.astuple(row), strict=True):
            column.append(value)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema.remove_metadata())

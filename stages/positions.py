"""Positions: which source document each stretch of a shard's tokens is from, and where it stood there.

A packed document holds one or several source documents (its members), and packing may cut it; a position is what a cut
left of one member in one row. So any token leads back to its document, and any document to its tokens.

Cost: 0.2 s per million positions.
"""

from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.packed_documents import PackedDocuments
from stages.packing import Int64s, Pieces

POSITIONS = pa.schema(
    [
        pa.field("doc_id", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("offset", pa.int32()),
        pa.field("length", pa.int32()),
        pa.field("doc_offset", pa.int32()),
        pa.field("copy", pa.int32()),
        pa.field("form", pa.string()),
    ]
)
ROW_GROUP_ROWS = 1 << 18


class Stretches(NamedTuple):
    """Parallel arrays, one entry a stretch of tokens that one piece has of one member.

    Attributes:
        piece: index of the piece.
        member: index of the member.
        offset: first token of it within the piece.
        length: tokens of it, at least 1.
        doc_offset: first token of it within the member.
    """

    piece: Int64s
    member: Int64s
    offset: Int64s
    length: Int64s
    doc_offset: Int64s


def stretches(documents: PackedDocuments, pieces: Pieces) -> Stretches:
    """Divide pieces of documents among the members; in the order of the pieces, and within one of its tokens."""
    # Members and documents both count all tokens, one after another, so a piece is a range of the members' tokens.
    ends = np.cumsum(documents.member_lengths)
    starts = ends - documents.member_lengths
    begin = (np.cumsum(documents.lengths) - documents.lengths)[pieces.document] + pieces.offset
    first = np.searchsorted(ends, begin, side="right")
    counts = np.searchsorted(ends, begin + pieces.length, side="left") - first + 1
    piece = np.repeat(np.arange(len(counts)), counts)
    member = first[piece] + np.arange(len(piece)) - (np.cumsum(counts) - counts)[piece]
    start = np.maximum(begin[piece], starts[member])
    end = np.minimum((begin + pieces.length)[piece], ends[member])
    found = Stretches(piece, member, start - begin[piece], end - start, start - starts[member])
    return Stretches(*(values[end > start] for values in found))  # a member without a token has no place


def positions_schema(metadata: dict[str, str]) -> pa.Schema:
    """Schema of a shard's positions; `metadata` stands in the file's key-value metadata, in alphabetical order."""
    return POSITIONS.with_metadata(dict(sorted(metadata.items())))


def positions_writer(sink: str | IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet file whose bytes depend on what is written and on pyarrow's version alone."""
    return pq.ParquetWriter(
        sink,
        schema,
        use_dictionary=["copy", "form"],
        compression="zstd",
        compression_level=1,
        write_page_index=True,
    )


def in_row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of tables of `POSITIONS` in tables of ROW_GROUP_ROWS; the last one has what is left, at least a row."""
    held: list[pa.Table] = []
    num_rows = 0
    for table in tables:
        held.append(table)
        num_rows += table.num_rows
        while num_rows >= ROW_GROUP_ROWS:
            rows = pa.concat_tables(held)
            yield rows.slice(0, ROW_GROUP_ROWS)
            held = [rows.slice(ROW_GROUP_ROWS)]
            num_rows -= ROW_GROUP_ROWS
    if num_rows:
        yield pa.concat_tables(held)

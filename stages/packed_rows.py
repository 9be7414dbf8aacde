"""Packed rows: tokens copied to where a layout wants them, kinds interleaved, and the Parquet files of that.

A shard is made of slices, and a slice of documents of one kind, so that memory is one slice of each kind whatever the
shard's size: the kinds are streams, each in a slice of its own, and row group after row group takes from each of them
the rows that `stages.interleaving` has there.

Cost: 65-75 M tokens per CPU second, most of it Parquet's encoding. Memory beside the slices: a row group of
16 MiB of token ids some three times over.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import IO, NamedTuple, Protocol

import numba
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.packed_documents import PackedDocuments, hex_names
from stages.packing import Int32s, Int64s, Measures, PackedLayout, Pieces, lay_out
from stages.positions import POSITIONS, stretches
from stages.row_groups import row_groups

ROW_GROUP_BYTES = 16 * 1024 * 1024  # of input_ids, uncompressed


class PackedSlice(NamedTuple):
    """Documents of one kind, how they are laid out, and their tokens: one document after another."""

    documents: PackedDocuments
    layout: PackedLayout
    tokens: Int32s


class Group(NamedTuple):
    """A row group of a shard and the positions of its tokens."""

    rows: pa.RecordBatch
    positions: pa.Table


class Placed(NamedTuple):
    """Pieces that one slice has in a row group, and the positions of their tokens; one entry a piece or a position."""

    rows: Int64s
    lengths: Int64s
    offsets: Int64s
    names: pa.Array
    position_rows: Int64s
    positions: pa.Table


class RowStreamOfKind(Protocol):
    """Gives the rows of a kind, in an order of their own, to whoever lays a shard out."""

    def place(self, tokens: Int32s, starts: Int64s, rows: Int64s) -> Iterator[Placed]:
        """Copy the next ones to some rows; see `SequenceStream.place`."""


class SequenceStream:
    """The sequences of a kind, slice after slice, copied to their rows in numbers that the reader chooses.

    It holds one slice, and lets go of it before it asks for the next.
    """

    def __init__(self, slices: Iterable[PackedSlice]) -> None:
        self._slices = iter(slices)
        self._current: PackedSlice | None = None
        self._next = 0

    def place(self, tokens: Int32s, starts: Int64s, rows: Int64s) -> Iterator[Placed]:
        """Copy the next sequences to some rows; yields what stands there, slice by slice.

        Args:
            tokens: of a row group.
            starts: where each of its rows begins.
            rows: those to fill, one for each sequence.

        Raises:
            ValueError: there are fewer sequences, or a slice has fewer tokens than its documents.
        """
        while len(rows):
            if self._current is None or self._next == self._current.layout.num_sequences:
                self._current = None
                self._current, self._next = next(self._slices, None), 0
            if self._current is None:
                raise ValueError(f"expected {len(rows)} sequences more, got none")
            first = self._next
            self._next = min(first + len(rows), self._current.layout.num_sequences)
            count = self._next - first
            yield _place(tokens, starts, rows[:count], self._current, sequences=(first, self._next))
            rows = rows[count:]


def packed_metadata(release: str, *, tokenizer_sha256: str, sequence_tokens: int, mode: str) -> dict[str, str]:
    """What the key-value metadata of a shard and of its positions says; `release` is its name and version."""
    return {
        "corpusmill.packing_mode": mode,
        "corpusmill.release": release,
        "corpusmill.sequence_tokens": str(sequence_tokens),
        "corpusmill.tokenizer_sha256": tokenizer_sha256,
    }


def packed_schema(metadata: dict[str, str]) -> pa.Schema:
    """Schema of a packed shard; `metadata` stands in the file's key-value metadata, in alphabetical order."""
    columns = {
        "input_ids": pa.list_(pa.int32()),
        "seq_lengths": pa.list_(pa.int32()),
        "loss_mask": pa.list_(pa.int8()),
        "doc_ids": pa.list_(pa.string()),
        "doc_offsets": pa.list_(pa.int32()),
        "kind": pa.string(),
    }
    return pa.schema(columns, metadata=dict(sorted(metadata.items())))


def packed_groups(
    streams: Sequence[RowStreamOfKind], order: Int64s, widths: Int64s, *, kinds: Sequence[str], pad_id: int
) -> Iterator[Group]:
    """The rows of a shard, row group after row group.

    Args:
        streams: one for each kind.
        order: int64[rows], which stream each row is from.
        widths: int64[rows], tokens of each row with its padding.
        kinds: names of the streams.
        pad_id: what follows the last piece of a sequence.
    """
    names = pa.array(kinds, pa.string())
    for first, stop in row_groups(widths, maximum_size=ROW_GROUP_BYTES // 4):
        here, own = order[first:stop], widths[first:stop]
        starts = np.concatenate(([0], np.cumsum(own)))
        tokens = np.full(starts[-1], pad_id, dtype=np.int32)
        parts: list[Placed] = []
        for number, stream in enumerate(streams):
            parts += stream.place(tokens, starts, np.flatnonzero(here == number))
        yield _group(tokens, starts, parts, kinds=names.take(pa.array(here)), first=first)


def _place(tokens: Int32s, starts: Int64s, rows: Int64s, part: PackedSlice, *, sequences: tuple[int, int]) -> Placed:
    """Copy the tokens of some sequences of a slice to their rows; returns what stands there."""
    layout, documents = part.layout, part.documents
    first, stop = sequences
    offsets = layout.sequence_offsets[first : stop + 1]
    chosen = slice(offsets[0], offsets[-1])
    pieces = Pieces(layout.piece_document[chosen], layout.piece_offset[chosen], layout.piece_length[chosen])
    ends = np.cumsum(pieces.length)
    before = ends - pieces.length  # tokens of all pieces before each one; from a row's first one, its place in the row
    counts = np.diff(offsets)
    begins = before - np.repeat(before[offsets[:-1] - offsets[0]], counts)
    piece_rows = np.repeat(rows, counts)
    sources = (np.cumsum(documents.lengths) - documents.lengths)[pieces.document] + pieces.offset
    if len(sources) and (sources + pieces.length).max() > len(part.tokens):
        raise ValueError(f"a piece lies outside the {len(part.tokens)} tokens; expected those of the same documents")
    copy_runs(tokens, starts[piece_rows] + begins, part.tokens, sources, pieces.length)
    found = stretches(documents, pieces)
    within = piece_rows[found.piece]
    packed = pa.array(documents.member_document[found.member])
    columns = {
        "doc_id": hex_names(documents.member_ids[found.member]),
        "row": within,
        "offset": (begins[found.piece] + found.offset).astype(np.int32),
        "length": found.length.astype(np.int32),
        "doc_offset": found.doc_offset.astype(np.int32),
        "copy": pa.array(documents.copies).take(packed),
        "form": documents.forms.take(packed),
    }
    names = documents.names.take(pa.array(pieces.document))
    return Placed(piece_rows, pieces.length, pieces.offset, names, within, pa.table(columns))


@numba.njit(cache=True)
def copy_runs(target: Int32s, places: Int64s, tokens: Int32s, sources: Int64s, lengths: Int64s) -> None:
    """Copy runs of tokens, each from a source to a place; all must lie within their arrays."""
    for piece in range(len(lengths)):
        place, source, length = places[piece], sources[piece], lengths[piece]
        target[place : place + length] = tokens[source : source + length]


def _group(tokens: Int32s, starts: Int64s, parts: Sequence[Placed], *, kinds: pa.Array, first: int) -> Group:
    """What several slices placed in a row group, in the order of its rows."""
    rows, lengths, offsets = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "lengths", "offsets")
    )
    order = np.argsort(rows, kind="stable")
    names = pa.concat_arrays([part.names for part in parts]).take(pa.array(order))
    per_row = np.bincount(rows, minlength=len(kinds))
    bounds = pa.array(np.concatenate(([0], np.cumsum(per_row))), pa.int32())
    used = np.bincount(rows, weights=lengths, minlength=len(kinds)).astype(np.int64)
    columns = [
        pa.ListArray.from_arrays(pa.array(starts, pa.int32()), pa.array(tokens)),
        pa.ListArray.from_arrays(bounds, pa.array(lengths[order], pa.int32())),
        _loss_mask(used, np.diff(starts)),
        pa.ListArray.from_arrays(bounds, names),
        pa.ListArray.from_arrays(bounds, pa.array(offsets[order], pa.int32())),
        kinds,
    ]
    batch = pa.record_batch(columns, schema=packed_schema({}))
    positions = pa.concat_tables([part.positions for part in parts])
    position_rows = np.concatenate([part.position_rows for part in parts])
    positions = positions.take(pa.array(np.argsort(position_rows, kind="stable")))
    shifted = pa.array(positions.column("row").to_numpy() + first)
    return Group(batch, positions.set_column(1, "row", shifted).cast(POSITIONS))


def _loss_mask(used: Int64s, widths: Int64s) -> pa.Array:
    """1 for each token of a document and 0 for padding, of rows that have some; null for others."""
    is_padded = used < widths
    runs = np.column_stack((used, widths - used))[is_padded].ravel()
    ones = np.tile(np.array([1, 0], dtype=np.int8), int(is_padded.sum()))
    offsets = np.concatenate(([0], np.cumsum(np.where(is_padded, widths, 0))))
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(np.repeat(ones, runs)), mask=pa.array(~is_padded)
    )


def packed_writer(sink: str | IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet file whose bytes depend on the rows and on pyarrow's version alone; no batch is a file with no row."""
    # Token ids and document ids hardly repeat within a page, so a dictionary costs time and bytes; the smallest and the
    # largest token id of a page help nobody to find a row, and cost a tenth of the time. Small batches cost 5 % more.
    return pq.ParquetWriter(
        sink,
        schema,
        use_dictionary=["kind"],
        compression="zstd",
        compression_level=1,
        write_page_index=True,
        write_statistics=["seq_lengths.list.element", "doc_ids.list.element", "doc_offsets.list.element", "kind"],
        write_batch_size=1 << 16,
    )


def compile_kernels() -> None:
    """Compile what packing compiles, or load it, before anything is measured or forked."""
    one = np.ones(1, dtype=np.int64)
    measures = Measures(one, one.astype(np.uint64), one.astype(np.int32))
    lay_out(measures, sequence_tokens=2, mode="best_fit", seed=0)
    copy_runs(one.astype(np.int32), one - 1, one.astype(np.int32), one - 1, one)

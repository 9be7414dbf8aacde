"""Packing: documents into sequences of one fixed length, cut as rarely as possible, and the Parquet files of them.

Best-fit decreasing (arXiv 2404.10830): a document longer than a sequence is cut into whole sequences and one
remainder, nothing else is ever cut, and each piece goes into the fullest sequence with room for it. The padding is
0.004 % on 36 M tokens of code at 2,048. Kinds share no sequence. Inside a sequence pieces stand in input order;
sequences are ordered by a 64-bit mix of the seed and their first piece, a shuffle without random state, so the layout
depends on documents and seed alone.

Cost: layout 1 s per 3 M pieces (a segment tree, O(log sequence_tokens) each); copy and Parquet 25-35 M tokens per CPU
second, nearly all of it Parquet's encoding. Memory: some 50 bytes a piece and one row group of 16 MiB.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_BYTES = 16 * 1024 * 1024  # of input_ids, uncompressed

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]


class Pieces(NamedTuple):
    """Parallel arrays, one entry a piece; the pieces of a document follow each other in order."""

    document: Int64s
    offset: Int64s
    length: Int64s


@dataclass(frozen=True, slots=True, eq=False)
class PackedLayout:
    """Which piece of which document stands where.

    Attributes:
        sequence_tokens: length of a sequence.
        sequence_offsets: sequence i holds the pieces sequence_offsets[i] to sequence_offsets[i + 1], exclusive.
        piece_document: index of the document.
        piece_offset: first token of the piece within its rendered document.
        piece_length: tokens of the piece, 1..sequence_tokens.
    """

    sequence_tokens: int
    sequence_offsets: Int64s
    piece_document: Int64s
    piece_offset: Int64s
    piece_length: Int64s

    @property
    def num_sequences(self) -> int:
        """Rows of the packed shard."""
        return len(self.sequence_offsets) - 1


def cut(lengths: Int64s, sequence_tokens: int) -> Pieces:
    """Cut the documents that are longer than a sequence, and only those; an empty document has no piece."""
    num_pieces = -(-lengths // sequence_tokens)
    document = np.repeat(np.arange(len(lengths), dtype=np.int64), num_pieces)
    first_piece = np.cumsum(num_pieces) - num_pieces
    offset = (np.arange(len(document), dtype=np.int64) - first_piece[document]) * sequence_tokens
    return Pieces(document, offset, np.minimum(lengths[document] - offset, sequence_tokens))


def best_fit_decreasing(lengths: Int64s, capacity: int) -> Int64s:
    """Number of the bin for each piece, longest piece first, each into the fullest bin with room.

    Equally long pieces go in input order; of equally full bins the one filled last is taken.

    Returns:
        int64 in 0..number of bins - 1, every number used; shape (0,) for no pieces.

    Raises:
        ValueError: a length outside 1..capacity.
    """
    if len(lengths) and (lengths.min() < 1 or lengths.max() > capacity):
        raise ValueError(f"expected lengths in 1..{capacity}, got {lengths.min()}..{lengths.max()}")
    return _assign_bins(lengths, np.argsort(-lengths, kind="stable"), capacity)


@numba.njit(cache=True)
def _assign_bins(lengths: Int64s, order: Int64s, capacity: int) -> Int64s:
    leaves = 1
    while leaves <= capacity:
        leaves *= 2
    # tree[node]: the most room in any bin below it; leaf r stands for the bins with room r, linked through `older`.
    tree = np.zeros(2 * leaves, np.int64)
    newest = np.full(capacity + 1, -1, np.int64)
    older = np.empty(len(lengths), np.int64)
    bins = np.empty(len(lengths), np.int64)
    num_bins = 0
    for piece in order:
        length = lengths[piece]
        if tree[1] < length:
            chosen, remaining = num_bins, capacity
            num_bins += 1
        else:
            node = 1
            while node < leaves:
                node = 2 * node if tree[2 * node] >= length else 2 * node + 1
            remaining = node - leaves
            chosen = newest[remaining]
            newest[remaining] = older[chosen]
            if newest[remaining] < 0:
                _set_leaf(tree, node, 0)
        bins[piece] = chosen
        remaining -= length
        if remaining > 0:
            older[chosen] = newest[remaining]
            newest[remaining] = chosen
            _set_leaf(tree, leaves + remaining, remaining)
    return bins


@numba.njit(cache=True)
def _set_leaf(tree: Int64s, leaf: int, value: int) -> None:
    tree[leaf] = value
    node = leaf // 2
    while node:
        tree[node] = max(tree[2 * node], tree[2 * node + 1])
        node //= 2


def pack(
    lengths: Int64s, keys: UInt64s, kinds: npt.NDArray[np.integer], *, sequence_tokens: int, seed: int
) -> PackedLayout:
    """Lay documents out in sequences, in shuffled order.

    Args:
        lengths: tokens of each rendered document, in the order of the shard.
        keys: 64 bits of each document's id, what the shuffle depends on.
        kinds: a number for each document's kind; documents of two kinds share no sequence.
        seed: 0..2**64 - 1.
    """
    pieces = cut(lengths, sequence_tokens)
    piece_kinds = kinds[pieces.document]
    bins = np.empty(len(piece_kinds), dtype=np.int64)
    num_bins = 0
    for kind in np.unique(piece_kinds):
        chosen = np.flatnonzero(piece_kinds == kind)
        bins[chosen] = num_bins + best_fit_decreasing(pieces.length[chosen], sequence_tokens)
        num_bins = 1 + int(bins[chosen].max())
    _, first = np.unique(bins, return_index=True)
    seeded = _mix(_mix(np.array([seed], dtype=np.uint64)) ^ keys[pieces.document[first]])
    # The offset as well, or the sequences of one long document would stay together.
    shuffled = np.lexsort((first, _mix(seeded ^ pieces.offset[first].astype(np.uint64))))
    place = np.empty(num_bins, dtype=np.int64)
    place[shuffled] = np.arange(num_bins)
    order = np.argsort(place[bins], kind="stable")
    offsets = np.concatenate(([0], np.cumsum(np.bincount(bins, minlength=num_bins)[shuffled])))
    return PackedLayout(sequence_tokens, offsets, *(array[order] for array in pieces))


def _mix(values: UInt64s) -> UInt64s:
    """Splitmix64's finalizer, a bijection on 64 bits. Source: https://prng.di.unimi.it/splitmix64.c."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def fill(layout: PackedLayout, tokens: Int32s, document_starts: Int64s, *, pad_id: int) -> Iterator[Int32s]:
    """Copy the tokens to their places, one row group at a time.

    Args:
        tokens: all rendered documents, one after another in any order (a memory map will do).
        document_starts: where each document begins in `tokens`.
        pad_id: what follows the last piece of a sequence.

    Yields:
        int32, shape (num_rows, sequence_tokens), as many rows as ROW_GROUP_BYTES holds.
    """
    starts = document_starts[layout.piece_document] + layout.piece_offset
    if len(starts) and (starts.min() < 0 or (starts + layout.piece_length).max() > len(tokens)):
        raise ValueError(f"a piece lies outside the {len(tokens)} tokens; expected starts of the same documents")
    group_rows = max(1, ROW_GROUP_BYTES // (4 * layout.sequence_tokens))
    for first in range(0, layout.num_sequences, group_rows):
        offsets = layout.sequence_offsets[first : first + group_rows + 1]
        rows = np.full((len(offsets) - 1, layout.sequence_tokens), pad_id, dtype=np.int32)
        _copy_pieces(rows, offsets, np.asarray(tokens), starts, layout.piece_length)
        yield rows


@numba.njit(cache=True)
def _copy_pieces(rows: Int32s, offsets: Int64s, tokens: Int32s, starts: Int64s, lengths: Int64s) -> None:
    for row in range(len(rows)):
        end = 0
        for piece in range(offsets[row], offsets[row + 1]):
            for token in range(lengths[piece]):
                rows[row, end + token] = tokens[starts[piece] + token]
            end += lengths[piece]


def packed_schema(metadata: dict[str, str]) -> pa.Schema:
    """Schema of a packed shard; `metadata` stands in the file's key-value metadata, in alphabetical order."""
    columns = {
        "input_ids": pa.list_(pa.int32()),
        "seq_lengths": pa.list_(pa.int32()),
        "doc_ids": pa.list_(pa.string()),
        "doc_offsets": pa.list_(pa.int32()),
        "kind": pa.string(),
    }
    return pa.schema(columns, metadata=dict(sorted(metadata.items())))


def packed_batches(
    layout: PackedLayout, rows: Iterable[Int32s], schema: pa.Schema, *, doc_ids: pa.Array, kinds: pa.Array
) -> Iterator[pa.RecordBatch]:
    """The rows of `fill` with what stands where; `doc_ids` and `kinds` hold one string a document."""
    first = 0
    for batch in rows:
        offsets = layout.sequence_offsets[first : first + len(batch) + 1]
        first += len(batch)
        pieces = slice(offsets[0], offsets[-1])
        documents = layout.piece_document[pieces]
        per_row = pa.array(offsets - offsets[0], pa.int32())
        row_starts = pa.array(np.arange(len(batch) + 1) * layout.sequence_tokens, pa.int32())
        columns = [
            pa.ListArray.from_arrays(row_starts, pa.array(batch.reshape(-1))),
            pa.ListArray.from_arrays(per_row, pa.array(layout.piece_length[pieces], pa.int32())),
            pa.ListArray.from_arrays(per_row, doc_ids.take(pa.array(documents))),
            pa.ListArray.from_arrays(per_row, pa.array(layout.piece_offset[pieces], pa.int32())),
            kinds.take(pa.array(layout.piece_document[offsets[:-1]])),
        ]
        yield pa.record_batch(columns, schema=schema)


def write_packed(sink: str | IO[bytes], batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
    """Write a packed shard, one row group a batch; the bytes depend on the rows and pyarrow's version alone.

    Returns:
        Rows written; 0 makes a valid file without a row group.
    """
    options = {"compression": "zstd", "compression_level": 1, "write_page_index": True}
    num_rows = 0
    # Token ids and document ids hardly repeat within a page, so a dictionary costs time and bytes.
    with pq.ParquetWriter(sink, schema, use_dictionary=["kind"], **options) as writer:
        for batch in batches:
            writer.write_batch(batch)
            num_rows += batch.num_rows
    return num_rows

"""Packing: documents into sequences, cut as rarely as possible: which piece of which document stands where.

Three modes. `best_fit` is best-fit decreasing (arXiv 2404.10830): a document longer than a sequence is cut into whole
sequences and one remainder, nothing else is ever cut, and each piece goes into the fullest sequence with room for it.
`concat` sets documents one after another and cuts at every sequence end, as most trainers do; only the last sequence is
padded. `none` gives every document a row of its own, as long as it is, cut where it is longer than a sequence.

A layout is of one kind, so kinds share no sequence. Copies of a document share none either, where that is cheap: each
copy number is packed apart once it has COPY_SEQUENCES sequences. Inside a sequence pieces stand in input order;
sequences are ordered by a 64-bit mix of the seed and their first piece, a shuffle without random state, so the layout
depends on documents and seed alone.

Cost: 1 s per 3 M pieces (a segment tree, O(log sequence_tokens) each). Memory: some 50 bytes a piece.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from manifests.release_packing import Mode, PackingFigures

# A copy number packed apart costs half a sequence of padding: less than half a per cent of so many.
COPY_SEQUENCES = 128

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]


class Measures(NamedTuple):
    """Parallel arrays, one entry a document: what a layout depends on.

    Attributes:
        lengths: tokens of the rendered document.
        keys: 64 random bits, which decide the shuffle.
        copies: which copy of its text it is, from 0.
    """

    lengths: Int64s
    keys: UInt64s
    copies: npt.NDArray[np.int32]


class Pieces(NamedTuple):
    """Parallel arrays, one entry a piece; the pieces of a document follow each other in order."""

    document: Int64s
    offset: Int64s
    length: Int64s


@dataclass(frozen=True, slots=True, eq=False)
class PackedLayout:
    """Which piece of which document stands where.

    Attributes:
        sequence_tokens: length of a sequence, which none exceeds.
        padded: whether every sequence is as long as that.
        sequence_offsets: sequence i holds the pieces sequence_offsets[i] to sequence_offsets[i + 1], exclusive.
        piece_document: index of the document.
        piece_offset: first token of the piece within its rendered document.
        piece_length: tokens of the piece, 1..sequence_tokens.
    """

    sequence_tokens: int
    padded: bool
    sequence_offsets: Int64s
    piece_document: Int64s
    piece_offset: Int64s
    piece_length: Int64s

    @property
    def num_sequences(self) -> int:
        """Rows of the packed shard."""
        return len(self.sequence_offsets) - 1

    @property
    def used(self) -> Int64s:
        """int64[num_sequences], tokens of each sequence that are no padding."""
        return np.diff(np.append(0, np.cumsum(self.piece_length))[self.sequence_offsets])

    @property
    def widths(self) -> Int64s:
        """int64[num_sequences], tokens of each sequence with its padding."""
        return np.full(self.num_sequences, self.sequence_tokens) if self.padded else self.used


def lay_out(measures: Measures, *, sequence_tokens: int, mode: Mode, seed: int) -> PackedLayout:
    """Lay documents of one kind out in sequences, in shuffled order.

    Args:
        measures: in the order of the shard, which `concat` keeps within a copy number.
        seed: 0..2**64 - 1.
    """
    lengths, keys, copies = measures
    if mode == "concat":
        pieces, bins = concatenate(lengths, np.argsort(copies, kind="stable"), sequence_tokens)
    else:
        pieces = cut(lengths, sequence_tokens)
        bins = np.arange(len(pieces.length), dtype=np.int64)
        if mode == "best_fit":
            bins = _best_fit(pieces, copies[pieces.document], sequence_tokens)
    _, first = np.unique(bins, return_index=True)
    seeded = _mix(_mix(np.array([seed], dtype=np.uint64)) ^ keys[pieces.document[first]])
    # The offset as well, or the sequences of one long document would stay together.
    shuffled = np.lexsort((first, _mix(seeded ^ pieces.offset[first].astype(np.uint64))))
    place = np.empty(len(first), dtype=np.int64)
    place[shuffled] = np.arange(len(first))
    order = np.argsort(place[bins], kind="stable")
    offsets = np.concatenate(([0], np.cumsum(np.bincount(bins, minlength=len(first))[shuffled])))
    return PackedLayout(sequence_tokens, mode != "none", offsets, *(array[order] for array in pieces))


def figures(layout: PackedLayout) -> PackingFigures:
    """What a layout comes to: sequences, padding, and the documents that are in several pieces."""
    pieces = np.bincount(layout.piece_document)
    is_cut = pieces[layout.piece_document] > 1
    return PackingFigures(
        layout.num_sequences,
        int(layout.widths.sum() - layout.piece_length.sum()),
        int((pieces > 1).sum()),
        int(layout.piece_length[is_cut].sum()),
    )


def cut(lengths: Int64s, sequence_tokens: int) -> Pieces:
    """Cut the documents that are longer than a sequence, and only those; an empty document has no piece."""
    num_pieces = -(-lengths // sequence_tokens)
    document = np.repeat(np.arange(len(lengths), dtype=np.int64), num_pieces)
    offset = _within(num_pieces) * sequence_tokens
    return Pieces(document, offset, np.minimum(lengths[document] - offset, sequence_tokens))


def concatenate(lengths: Int64s, order: npt.NDArray[np.integer], sequence_tokens: int) -> tuple[Pieces, Int64s]:
    """Cut documents at every sequence end, one set after another in the order given.

    Returns:
        Their pieces, and int64 the number of the sequence of each, from 0, every one used and all but the last full.
    """
    ends = np.cumsum(lengths[order])
    starts = ends - lengths[order]
    first = starts // sequence_tokens
    num_pieces = np.where(ends > starts, (ends - 1) // sequence_tokens - first + 1, 0)
    place = np.repeat(np.arange(len(order)), num_pieces)
    bins = first[place] + _within(num_pieces)
    begin = np.maximum(starts[place], bins * sequence_tokens)
    end = np.minimum(ends[place], (bins + 1) * sequence_tokens)
    return Pieces(order[place].astype(np.int64), begin - starts[place], end - begin), bins


def _within(counts: Int64s) -> Int64s:
    """Numbers from 0 for each count, one run after another: 0, 1, 0, 1, 2 for 2, 3."""
    return np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)


def _best_fit(pieces: Pieces, copies: npt.NDArray[np.integer], sequence_tokens: int) -> Int64s:
    """int64, the sequence of each piece; those of two copy numbers apart where there is enough of every one."""
    numbers, groups = np.unique(copies, return_inverse=True)
    small = np.bincount(groups, weights=pieces.length) < COPY_SEQUENCES * sequence_tokens
    if small.sum() > 1:  # together they are one group more
        groups = np.where(small, len(numbers), np.arange(len(numbers)))[groups]
    bins = np.empty(len(groups), dtype=np.int64)
    num_bins = 0
    for group in np.unique(groups):
        chosen = np.flatnonzero(groups == group)
        bins[chosen] = num_bins + best_fit_decreasing(pieces.length[chosen], sequence_tokens)
        num_bins = 1 + int(bins[chosen].max())
    return bins


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


def _mix(values: UInt64s) -> UInt64s:
    """Splitmix64's finalizer, a bijection on 64 bits. Source: https://prng.di.unimi.it/splitmix64.c."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))

"""The chosen documents of a shard as packed documents, to be laid out anew: their tokens as they stand in the shard.

What a removal leaves of a packed document is one that can be packed (`pipeline.removal_packed`): a selection takes all
other documents out. Tokens wait in one file on disk, 4 bytes each, slice by slice and kind by kind, until the shard is
laid out. Slices are ranges of the packing key, a hash, as many as keep one below `SLICE_BYTES`.

Memory: `pipeline.removal_layout`'s, a row group of token ids, and what `pipeline.packed_set` holds. Cost: reading the
tokens once, writing them once and reading them once for each context length.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.packed_names import PackedNames
from pipeline.packed_set import PackedSource
from pipeline.removal_packed import Removal
from pipeline.removal_rows import Kept
from pipeline.verify_rows import KINDS, Digests, Int32s, Int64s
from stages.exchange import block_of_hash, lexsorted, sortable
from stages.mixing import order_keys
from stages.packed_documents import PackedDocuments
from stages.packed_rows import copy_runs
from stages.parquet_files import ParquetFile
from stages.rendering import packed_id

SLICE_BYTES = 64 * 1024 * 1024  # of token ids


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """The source documents that stay, an entry for each copy of one, packed document by packed document.

    Attributes:
        packed: number of the packed document that each is in.
        lengths: tokens of each.
    """

    ids: Digests
    packed: Int64s
    lengths: Int64s


@dataclass(frozen=True, slots=True, eq=False)
class ChosenDocuments:
    """Packed documents in the order in which their tokens wait: by slice, kind and packing key.

    Attributes:
        groups: of each, its slice times the number of kinds, and its kind.
        starts: where its tokens begin, and the number of all tokens.
    """

    groups: Int64s
    starts: Int64s
    names: pa.StringArray
    forms: pa.StringArray
    keys: npt.NDArray[np.uint64]
    copies: npt.NDArray[np.int32]
    members: Members
    num_slices: int

    def source(self, path: Path) -> PackedSource:
        """What a packed set is made of, once their tokens wait in a file."""

        def tokens(number: int, kind: str) -> Int32s:
            first, stop = self._range(number, kind)
            count = int(self.starts[stop] - self.starts[first])
            return np.fromfile(path, dtype=np.int32, count=count, offset=4 * int(self.starts[first]))

        return PackedSource(KINDS, range(self.num_slices), self.documents, tokens)

    def documents(self, number: int, kind: str) -> PackedDocuments:
        """Those of a slice and kind."""
        first, stop = self._range(number, kind)
        begin, end = np.searchsorted(self.members.packed, (first, stop))
        return PackedDocuments(
            names=self.names.slice(first, stop - first),
            forms=self.forms.slice(first, stop - first),
            keys=self.keys[first:stop],
            lengths=np.diff(self.starts[first : stop + 1]),
            copies=self.copies[first:stop],
            member_ids=self.members.ids[begin:end],
            member_lengths=self.members.lengths[begin:end],
            member_document=self.members.packed[begin:end] - first,
        )

    def _range(self, number: int, kind: str) -> tuple[int, int]:
        group = number * len(KINDS) + KINDS.index(kind)
        first, stop = np.searchsorted(self.groups, (group, group + 1))
        return int(first), int(stop)


def wait(
    removal: Removal, rows: ParquetFile, path: Path, *, seed: int, slice_bytes: int = SLICE_BYTES
) -> ChosenDocuments:
    """Write the tokens that stay of a shard into a file, in the order of the packed documents that they are of.

    Args:
        rows: the shard.
        seed: of the release.
    """
    kept, shard = removal.kept, removal.shard
    numbers, firsts, piece_document = np.unique(kept.piece_documents, return_index=True, return_inverse=True)
    names = kept.names.take(pa.array(firsts))
    ids = np.array([packed_id(name) for name in names.to_pylist()], dtype=f"V{ID_BYTES}")
    keys = order_keys(ids, seed, "pack")
    num_slices = max(1, -(-4 * int(kept.piece_lengths.sum()) // slice_bytes))
    groups = block_of_hash(keys, num_slices) * len(KINDS) + shard.kinds[kept.piece_rows[firsts]]
    order = lexsorted([groups, keys, *sortable(ids)])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    lengths = np.bincount(piece_document, weights=kept.piece_lengths, minlength=len(numbers)).astype(np.int64)[order]
    starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths)))
    runs, run_offsets = _offsets(kept, kept.run_lengths)
    _write_tokens(removal, rows, path, starts[place[piece_document[runs]]] + run_offsets)
    pieces, offsets = _offsets(kept, kept.position_lengths)
    packed = place[piece_document[pieces]]
    return ChosenDocuments(
        groups=groups[order],
        starts=starts,
        names=names.take(pa.array(order)),
        forms=kept.forms.take(pa.array(np.unique(packed, return_index=True)[1])),
        keys=keys[order],
        copies=PackedNames.of(names).copies[order],
        members=_members(kept, packed, offsets),
        num_slices=num_slices,
    )


def _offsets(kept: Kept, lengths: Int64s) -> tuple[Int64s, Int64s]:
    """Of stretches that are all tokens that stay: the piece of each, and where in its packed document it begins."""
    starts = np.cumsum(kept.piece_lengths) - kept.piece_lengths
    begins = np.cumsum(lengths) - lengths
    pieces = np.searchsorted(starts, begins, side="right") - 1
    return pieces, kept.piece_offsets[pieces] + begins - starts[pieces]


def _members(kept: Kept, packed: Int64s, offsets: Int64s) -> Members:
    """Positions put together where they are of one document.

    Args:
        packed: number of the packed document of each position.
        offsets: where in it each begins.
    """
    order = np.lexsort((offsets, packed))
    packed, ids, lengths = packed[order], kept.ids[order], kept.position_lengths[order]
    opens = np.ones(len(order), dtype=np.bool_)
    opens[1:] = (packed[1:] != packed[:-1]) | (ids[1:] != ids[:-1])
    sums = np.bincount(np.cumsum(opens) - 1, weights=lengths).astype(np.int64) if len(order) else lengths
    return Members(ids[opens], packed[opens], sums)


def _write_tokens(removal: Removal, rows: ParquetFile, path: Path, places: Int64s) -> None:
    """Write every run of tokens to its place in a file."""
    kept, groups = removal.kept, removal.shard.group_starts
    total = int(kept.run_lengths.sum())
    if not total:
        path.touch()
        return
    target = np.memmap(path, dtype=np.int32, mode="w+", shape=(total,))
    for group in range(rows.num_row_groups):
        first, stop = np.searchsorted(kept.run_rows, groups[group : group + 2])
        if first == stop:
            continue
        column = rows.read_row_group(group, columns=["input_ids"]).column("input_ids").combine_chunks()
        starts = column.offsets.to_numpy().astype(np.int64)
        sources = starts[kept.run_rows[first:stop] - groups[group]] + kept.run_sources[first:stop]
        own = slice(first, stop)
        copy_runs(np.asarray(target), places[own], column.values.to_numpy(), sources, kept.run_lengths[own])
    target.flush()

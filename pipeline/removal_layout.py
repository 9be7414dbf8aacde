"""A packed shard as removals see it: rows, pieces and stretches of source documents, without token ids.

Memory: some 150 bytes for each piece and each position of a shard, as in `pipeline.verify_positions`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from manifests.errors import IntegrityError
from pipeline.packed_names import PackedNames
from pipeline.verify_rows import KINDS, Digests, Int32s, Int64s, MalformedRowsError, digests
from stages.exchange import lexsorted, sortable
from stages.parquet_files import ParquetFile

_COLUMNS = ["seq_lengths", "doc_ids", "doc_offsets", "kind"]
_NUMBERS = ("row", "offset", "length", "doc_offset", "copy")


@dataclass(frozen=True, slots=True, eq=False)
class PackedShard:
    """Rows in order; pieces in the order of the rows; stretches in the order of the tokens.

    Attributes:
        group_starts: first row of each row group, and the number of rows.
        kinds: of each row, an index into KINDS.
        piece_rows: row of each piece.
        piece_begins: where in its row each piece begins.
        piece_lengths: tokens of each piece.
        piece_offsets: where each piece begins within its packed document.
        names: packed document of each piece.
        documents: number of the packed document of each piece, from 0, in an order of their names' hashes.
        piece_copies: which copy that is.
        ids: source document of each stretch.
        pieces: piece of each stretch.
        within: where in its piece each stretch begins.
        lengths: tokens of each stretch.
        forms: of each stretch.
    """

    group_starts: Int64s
    kinds: Int64s
    piece_rows: Int64s
    piece_begins: Int64s
    piece_lengths: Int64s
    piece_offsets: Int64s
    names: pa.StringArray
    documents: Int64s
    piece_copies: Int32s
    ids: Digests
    pieces: Int64s
    within: Int64s
    lengths: Int64s
    forms: pa.StringArray

    @property
    def num_documents(self) -> int:
        """Packed documents."""
        return int(self.documents.max(initial=-1)) + 1

    @classmethod
    def read(cls, rows: ParquetFile, positions: ParquetFile, where: str) -> "PackedShard":
        """Read all but token ids.

        Args:
            where: what messages call the shard.

        Raises:
            IntegrityError: the positions are not those of the rows.
        """
        try:
            return _read(rows, positions)
        except (MalformedRowsError, pa.ArrowException, ValueError) as error:
            raise IntegrityError(
                f"{where}: rows and positions do not fit together: {str(error)[:200]}",
                hint="see what `corpusmill verify` says of that release",
            ) from error


def _read(rows: ParquetFile, positions: ParquetFile) -> PackedShard:
    kinds, counts, lengths, offsets, names = [], [], [], [], []
    group_starts = [0]
    for table in _groups(rows, _COLUMNS):
        columns = {name: table.column(name).combine_chunks() for name in _COLUMNS}
        kinds.append(pc.index_in(columns["kind"], value_set=pa.array(KINDS)).fill_null(-1).to_numpy())
        counts.append(np.diff(columns["seq_lengths"].offsets.to_numpy()))
        lengths.append(columns["seq_lengths"].flatten().to_numpy())
        offsets.append(columns["doc_offsets"].flatten().to_numpy())
        names.append(columns["doc_ids"].flatten())
        group_starts.append(group_starts[-1] + table.num_rows)
    piece_names = pa.concat_arrays([pa.array([], pa.string()), *names])
    piece_lengths, piece_offsets, row_kinds, pieces_of_rows = map(_joined, (lengths, offsets, kinds, counts))
    packed = PackedNames.of(piece_names)
    piece_rows = np.repeat(np.arange(len(pieces_of_rows)), pieces_of_rows)
    starts = np.cumsum(piece_lengths) - piece_lengths
    row_starts = starts[np.cumsum(pieces_of_rows) - pieces_of_rows]
    ids, forms, numbers = _positions(positions)
    row, offset, length, _, copy = numbers
    begins = np.cumsum(length) - length
    pieces = np.searchsorted(starts, begins, side="right") - 1
    fits = len(piece_rows) == len(piece_offsets) == len(piece_names) and min(row_kinds.min(initial=0), 0) == 0
    fits = fits and int(length.sum()) == int(piece_lengths.sum()) and length.min(initial=1) > 0
    if not fits or not (
        np.array_equal(piece_rows[pieces], row)
        and np.array_equal(begins - row_starts[row], offset)
        and np.array_equal(packed.copies[pieces], copy)
        and (begins - starts[pieces] + length <= piece_lengths[pieces]).all()
    ):
        raise MalformedRowsError("expected every token in one position, and positions in order")
    return PackedShard(
        group_starts=np.array(group_starts, dtype=np.int64),
        kinds=row_kinds,
        piece_rows=piece_rows,
        piece_begins=starts - row_starts[piece_rows],
        piece_lengths=piece_lengths,
        piece_offsets=piece_offsets,
        names=piece_names,
        documents=_numbered(packed.keys),
        piece_copies=packed.copies,
        ids=ids,
        pieces=pieces,
        within=begins - starts[pieces],
        lengths=length,
        forms=forms,
    )


def _positions(file: ParquetFile) -> tuple[Digests, pa.StringArray, list[Int64s]]:
    """Ids, forms and the numbers of `_NUMBERS` of all rows."""
    ids, forms = [np.empty(0, dtype=f"V{ID_BYTES}")], [pa.array([], pa.string())]
    numbers: list[list[Int64s]] = [[] for _ in _NUMBERS]
    for table in _groups(file, ["doc_id", "form", *_NUMBERS]):
        own = table.column("doc_id").combine_chunks()
        ids.append(digests(own, 0, np.arange(len(own))))
        forms.append(table.column("form").combine_chunks())
        for name, parts in zip(_NUMBERS, numbers, strict=True):
            parts.append(table.column(name).to_numpy())
    return np.concatenate(ids), pa.concat_arrays(forms), [_joined(parts) for parts in numbers]


def _groups(file: ParquetFile, columns: list[str]) -> Iterator[pa.Table]:
    for group in range(file.num_row_groups):
        yield file.read_row_group(group, columns=columns)


def _joined(parts: Sequence[Int64s | Int32s]) -> Int64s:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts]).astype(np.int64)


def _numbered(keys: Digests) -> Int64s:
    """int64[n], numbers from 0, equal for equal keys, in the order of the keys."""
    halves = sortable(keys)
    order = lexsorted(halves)
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = np.logical_or.reduce([np.diff(half[order]) != 0 for half in halves])
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(is_new) - 1
    return numbers

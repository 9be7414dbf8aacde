"""A packed shard and its positions, written anew without some source documents.

Rows of each kind keep their order, and kinds are interleaved anew where rows went. The bytes of the files follow from
what they hold, as pack's do: with nothing removed they would be the same.

Memory: `pipeline.removal_layout`'s, and two row groups of token ids for each kind. Cost: reading and writing the shard.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa

from manifests.release import ReleaseTokenizer
from pipeline.removal_layout import PackedShard
from pipeline.removal_rows import Kept, Touched, keep, touched
from pipeline.verify_rows import KINDS, Digests, Int32s, Int64s
from stages.interleaving import interleaved
from stages.packed_documents import hex_names
from stages.packed_rows import Placed, copy_runs, packed_groups, packed_schema, packed_writer
from stages.parquet_files import ParquetFile
from stages.positions import in_row_groups, positions_schema, positions_writer
from stages.rendering_forms import TEMPLATES


class PackedFiles(NamedTuple):
    """A shard and its positions, opened; `where` is what messages call them."""

    rows: ParquetFile
    positions: ParquetFile
    where: str


class Sequences(NamedTuple):
    """What rows end in, and how long they are; 0: as long as what they hold."""

    pad_id: int
    sequence_tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class Removal:
    """What a removal makes of a shard."""

    shard: PackedShard
    touched: Touched
    kept: Kept

    @classmethod
    def of(cls, files: PackedFiles, removed: Digests, tokenizer: ReleaseTokenizer) -> "Removal":
        """Read a shard and lay out what stays of it.

        Raises:
            IntegrityError: rows and positions do not fit together.
        """
        shard = PackedShard.read(files.rows, files.positions, files.where)
        found = touched(shard, removed)
        return cls(shard, found, keep(shard, found, _prefixes(shard, found, files.rows, tokenizer)))

    def write(self, rows: ParquetFile, sinks: tuple[IO[bytes], IO[bytes]], sequences: Sequences) -> tuple[int, int]:
        """Write shard and positions; returns their rows.

        Args:
            rows: the shard that was read.
            sinks: of the two files.
        """
        kinds = self.shard.kinds[self.kept.rows]
        order = interleaved([int((kinds == kind).sum()) for kind in range(len(KINDS))])
        widths = np.empty(len(order), dtype=np.int64)
        for kind in range(len(KINDS)):
            widths[order == kind] = sequences.sequence_tokens or self.kept.used[kinds == kind]
        streams = [_KeptRows(self, rows, kind) for kind in range(len(KINDS))]
        # Both files keep what their metadata say, so that those of a shard that is not touched are like them.
        metadata = {key.decode(): value.decode() for key, value in (rows.schema_arrow.metadata or {}).items()}
        num_positions = 0
        with (
            packed_writer(sinks[0], packed_schema(metadata)) as packed,
            positions_writer(sinks[1], positions_schema(metadata)) as places,
        ):

            def written() -> Iterator[pa.Table]:
                for group in packed_groups(streams, order, widths, kinds=KINDS, pad_id=sequences.pad_id):
                    packed.write_batch(group.rows, row_group_size=group.rows.num_rows)
                    yield group.positions

            for table in in_row_groups(written()):
                places.write_table(table, row_group_size=table.num_rows)
                num_positions += table.num_rows
        return len(order), num_positions


class _KeptRows:
    """The rows of a kind that stay, in their order; one row group of the old file is held."""

    def __init__(self, removal: Removal, file: ParquetFile, kind: int) -> None:
        self._removal = removal
        self._file = file
        kept = removal.kept
        self._rows = kept.rows[removal.shard.kinds[kept.rows] == kind]
        self._next = 0
        self._group = -1
        self._tokens: Int32s = np.empty(0, dtype=np.int32)
        self._starts: Int64s = np.empty(0, dtype=np.int64)

    def place(self, tokens: Int32s, starts: Int64s, rows: Int64s) -> Iterator[Placed]:
        """Copy the next rows to some others; yields what stands there, row group by row group of the old file."""
        groups = self._removal.shard.group_starts
        while len(rows):
            own = self._rows[self._next : self._next + len(rows)]
            if not len(own):
                raise ValueError(f"expected {len(rows)} rows more, got none")
            group = int(np.searchsorted(groups, own[0], side="right")) - 1
            count = int(np.searchsorted(own, groups[group + 1]))
            self._read(group)
            yield self._placed(tokens, starts, own[:count], rows[:count])
            self._next += count
            rows = rows[count:]

    def _read(self, group: int) -> None:
        if group != self._group:
            column = self._file.read_row_group(group, columns=["input_ids"]).column("input_ids").combine_chunks()
            self._tokens, self._starts = column.flatten().to_numpy(), column.offsets.to_numpy().astype(np.int64)
            self._group = group

    def _placed(self, tokens: Int32s, starts: Int64s, old: Int64s, rows: Int64s) -> Placed:
        kept = self._removal.kept
        first = self._removal.shard.group_starts[self._group]

        def of(chosen: Int64s) -> tuple[Int64s, Int64s]:
            """Entries of these rows, and the number of the row of each among them."""
            begin, end = np.searchsorted(chosen, old, "left"), np.searchsorted(chosen, old, "right")
            counts = end - begin
            within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
            return np.repeat(begin, counts) + within, np.repeat(np.arange(len(old)), counts)

        runs, row = of(kept.run_rows)
        copy_runs(
            tokens,
            starts[rows[row]] + kept.run_places[runs],
            self._tokens,
            self._starts[old[row] - first] + kept.run_sources[runs],
            kept.run_lengths[runs],
        )
        pieces, piece_row = of(kept.piece_rows)
        places, place_row = of(kept.position_rows)
        columns = {
            "doc_id": hex_names(kept.ids[places]),
            "row": rows[place_row],
            "offset": kept.position_offsets[places].astype(np.int32),
            "length": kept.position_lengths[places].astype(np.int32),
            "doc_offset": kept.doc_offsets[places].astype(np.int32),
            "copy": self._removal.shard.piece_copies[kept.position_pieces[places]],
            "form": kept.forms.take(pa.array(places)),
        }
        return Placed(
            rows[piece_row],
            kept.piece_lengths[pieces],
            kept.piece_offsets[pieces],
            kept.names.take(pa.array(pieces)),
            rows[place_row],
            pa.table(columns),
        )


def _prefixes(shard: PackedShard, found: Touched, rows: ParquetFile, tokenizer: ReleaseTokenizer) -> Int64s:
    """Of each packed document whose first file goes: its first tokens that are no file's own."""
    begins = 0 if tokenizer.beginning_of_document_id is None else 1
    prefixes = np.full(shard.num_documents, begins, dtype=np.int64)
    marks = _header_marks(tokenizer.template_ids)
    if marks is None or not len(found.heads):
        return prefixes
    name, separator = marks
    # A head may lie in several rows, those in several row groups: read by row, put together by place in the document.
    stretches: dict[int, list[tuple[int, Int32s]]] = {}
    rows_of = shard.piece_rows[shard.pieces[found.heads]]
    group, read, starts = -1, np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)
    for stretch in found.heads[np.argsort(rows_of, kind="stable")].tolist():
        piece = shard.pieces[stretch]
        row = shard.piece_rows[piece]
        own = int(np.searchsorted(shard.group_starts, row, side="right")) - 1
        if own != group:
            column = rows.read_row_group(own, columns=["input_ids"]).column("input_ids").combine_chunks()
            group, read, starts = own, column.flatten().to_numpy(), column.offsets.to_numpy().astype(np.int64)
        begin = starts[row - shard.group_starts[own]] + shard.piece_begins[piece] + shard.within[stretch]
        offset = int(shard.piece_offsets[piece] + shard.within[stretch])
        tokens = read[begin : begin + shard.lengths[stretch]].copy()
        stretches.setdefault(int(shard.documents[piece]), []).append((offset, tokens))
    for document, parts in stretches.items():
        tokens = np.concatenate([part for _, part in sorted(parts, key=lambda part: part[0])])
        separators = np.flatnonzero(tokens == separator)
        if len(tokens) > begins and tokens[begins] == name and len(separators):
            prefixes[document] = separators[0]
    return prefixes


def _header_marks(template_ids: Mapping[str, int]) -> tuple[int, int] | None:
    """Ids of the tokens before a repository's name and before each of its files; None where no form has them."""
    for template in TEMPLATES.values():
        marks = template.repository_name.name, template.file_separator.name
        if marks[0] in template_ids and marks[1] in template_ids:
            return template_ids[marks[0]], template_ids[marks[1]]
    return None

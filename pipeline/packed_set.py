"""A packed set: what one tokenizer made of a partition, as a shard and its positions for each context length.

It is laid out as a whole from lengths alone, so that every stretch of a shard has the shard's ratio of kinds although
slices have ratios of their own; then token ids are read, one slice of each kind at a time, once for each length.

Memory: 20 bytes for each packed document of the partition, 30 for each piece, and a slice of each kind.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

import msgspec
import numpy as np
import pyarrow as pa

from manifests.release_packing import COMPARED_MODES, Mode, PackingFigures
from pipeline.release_folders import packed_tables
from stages.interleaving import interleaved
from stages.packed_documents import PackedDocuments
from stages.packed_rows import (
    PackedSlice,
    SequenceStream,
    packed_groups,
    packed_metadata,
    packed_schema,
    packed_writer,
)
from stages.packing import Int32s, Measures, PackedLayout, figures, lay_out
from stages.positions import in_row_groups, positions_schema, positions_writer

Layouts = Mapping[str, Sequence[PackedLayout]]  # by kind, of each slice


@dataclass(frozen=True, slots=True)
class PackedSource:
    """The packed documents of a partition, by number of slice and kind; each function is called several times.

    Attributes:
        kinds: their names, in the order in which rows of two kinds at the same place stand.
        documents: all that is said of some packed documents.
        tokens: their token ids, one document after another.
    """

    kinds: Sequence[str]
    slices: Sequence[int]
    documents: Callable[[int, str], PackedDocuments]
    tokens: Callable[[int, str], Int32s]


@dataclass(frozen=True, slots=True)
class PackingChoice:
    """How a set is packed, and what its files say of themselves.

    Attributes:
        release: its name and version.
    """

    mode: Mode
    sequence_tokens: Sequence[int]
    seed: int
    pad_id: int
    release: str
    tokenizer_sha256: str


class PackedLength(msgspec.Struct, frozen=True):
    """What was written for one context length.

    Attributes:
        modes: by mode, then by kind; COMPARED_MODES, and the one that was written.
    """

    sequence_tokens: int
    rows: int
    positions: int
    modes: dict[str, dict[str, PackingFigures]]


class PackedCounts(msgspec.Struct, frozen=True):
    """What was written: packed documents by kind, and tokens by form."""

    documents: dict[str, int]
    forms: dict[str, int]
    lengths: list[PackedLength]


@dataclass(frozen=True, slots=True)
class PackedSet:
    """Writes the files of a packed set.

    Attributes:
        new_file: gives the file of a table, by its name as `packed_tables` has it.
        progress: called now and then.
    """

    source: PackedSource
    choice: PackingChoice
    new_file: Callable[[str], AbstractContextManager[IO[bytes]]]
    progress: Callable[[], object]

    def write(self) -> PackedCounts:
        """Write shard and positions for every context length."""
        kinds, choice = self.source.kinds, self.choice
        measures: dict[str, list[Measures]] = {kind: [] for kind in kinds}
        forms: Counter[str] = Counter()
        for number in self.source.slices:
            for kind in kinds:
                documents = self.source.documents(number, kind)
                measures[kind].append(Measures(documents.lengths, documents.keys, documents.copies))
                forms.update(documents.tokens_by_form())
                self.progress()
        tables = packed_tables(choice.sequence_tokens)
        lengths = [
            self._write_length(length, measures, names)
            for length, names in zip(choice.sequence_tokens, tables, strict=True)
        ]
        num_documents = {kind: sum(len(part.lengths) for part in measures[kind]) for kind in kinds}
        return PackedCounts(num_documents, dict(sorted(forms.items())), lengths)

    def _write_length(
        self, sequence_tokens: int, measures: Mapping[str, Sequence[Measures]], tables: tuple[str, str]
    ) -> PackedLength:
        choice = self.choice
        modes: dict[str, dict[str, PackingFigures]] = {}
        for mode in dict.fromkeys((*COMPARED_MODES, choice.mode)):
            layouts = {
                kind: [lay_out(part, sequence_tokens=sequence_tokens, mode=mode, seed=choice.seed) for part in parts]
                for kind, parts in measures.items()
            }
            modes[mode] = {kind: _sum(parts) for kind, parts in layouts.items()}
            self.progress()
            if mode == choice.mode:
                chosen = layouts
        metadata = packed_metadata(
            choice.release,
            tokenizer_sha256=choice.tokenizer_sha256,
            sequence_tokens=sequence_tokens,
            mode=choice.mode,
        )
        with self.new_file(tables[0]) as rows, self.new_file(tables[1]) as positions:
            counts = self._write_files(rows, positions, chosen, metadata)
        return PackedLength(sequence_tokens, *counts, modes)

    def _write_files(
        self, rows: IO[bytes], positions: IO[bytes], layouts: Layouts, metadata: dict[str, str]
    ) -> tuple[int, int]:
        """Write the two files of one context length; returns their rows."""
        kinds = self.source.kinds
        order = interleaved([sum(layout.num_sequences for layout in layouts[kind]) for kind in kinds])
        widths = np.empty(len(order), dtype=np.int64)
        for number, kind in enumerate(kinds):
            own = [np.zeros(0, dtype=np.int64), *(layout.widths for layout in layouts[kind])]
            widths[order == number] = np.concatenate(own)
        streams = [SequenceStream(self._slices(kind, layouts[kind])) for kind in kinds]
        num_positions = 0
        with (
            packed_writer(rows, packed_schema(metadata)) as packed,
            positions_writer(positions, positions_schema(metadata)) as places,
        ):

            def written() -> Iterator[pa.Table]:
                for group in packed_groups(streams, order, widths, kinds=kinds, pad_id=self.choice.pad_id):
                    packed.write_batch(group.rows, row_group_size=group.rows.num_rows)
                    self.progress()
                    yield group.positions

            for table in in_row_groups(written()):
                places.write_table(table, row_group_size=table.num_rows)
                num_positions += table.num_rows
        return len(order), num_positions

    def _slices(self, kind: str, layouts: Sequence[PackedLayout]) -> Iterator[PackedSlice]:
        """The slices of a kind that have a sequence. No name holds one longer than it is needed."""
        for number, layout in zip(self.source.slices, layouts, strict=True):
            if layout.num_sequences:
                yield PackedSlice(self.source.documents(number, kind), layout, self.source.tokens(number, kind))


def _sum(layouts: Sequence[PackedLayout]) -> PackingFigures:
    total = PackingFigures()
    for layout in layouts:
        total += figures(layout)
    return total

"""A packed set: what one tokenizer made of a partition, as a shard and its positions for each context length.

It is laid out as a whole from lengths alone, so that every stretch of a shard has the shard's ratio of kinds although
slices have ratios of their own; then token ids are read, one slice of each kind at a time, once for each length.

Memory: 20 bytes for each packed document of the partition, 30 for each piece, and the token ids of a slice of each kind.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from manifests.release_packing import Mode, PackingFigures
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
        modes: by mode, then by kind; the one that was written, best_fit and concat.
    """

    sequence_tokens: int
    rows: int
    positions: int
    modes: dict[str, dict[str, PackingFigures]]


class PackedCounts(msgspec.Struct, frozen=True):
    """What was written; `documents` counts packed documents by kind."""

    documents: dict[str, int]
    lengths: list[PackedLength]


def write_packed_set(
    source: PackedSource,
    choice: PackingChoice,
    new_file: Callable[[str], AbstractContextManager[IO[bytes]]],
    progress: Callable[[], object],
) -> PackedCounts:
    """Write the files of a packed set.

    Args:
        new_file: gives the file of a table, by its name as `packed_tables` has it.
        progress: called now and then.
    """
    measures: dict[str, list[Measures]] = {kind: [] for kind in source.kinds}
    for number in source.slices:
        for kind in source.kinds:
            documents = source.documents(number, kind)
            measures[kind].append(Measures(documents.lengths, documents.keys, documents.copies))
            progress()
    lengths = []
    for (shard, positions), length in zip(packed_tables(choice.sequence_tokens), choice.sequence_tokens, strict=True):
        modes: dict[str, dict[str, PackingFigures]] = {}
        for mode in dict.fromkeys(("best_fit", "concat", choice.mode)):
            layouts = {kind: _layouts(measures[kind], mode, length, choice.seed) for kind in source.kinds}
            modes[mode] = {kind: _sum(layouts[kind]) for kind in source.kinds}
            progress()
            if mode == choice.mode:
                chosen = layouts
        with new_file(shard) as rows, new_file(positions) as places:
            counts = _write(_Files(rows, places), source, chosen, choice, length=length, progress=progress)
        lengths.append(PackedLength(length, *counts, modes))
    return PackedCounts({kind: sum(len(part.lengths) for part in measures[kind]) for kind in source.kinds}, lengths)


def _layouts(measures: Sequence[Measures], mode: Mode, sequence_tokens: int, seed: int) -> list[PackedLayout]:
    return [lay_out(part, sequence_tokens=sequence_tokens, mode=mode, seed=seed) for part in measures]


def _sum(layouts: Sequence[PackedLayout]) -> PackingFigures:
    total = PackingFigures()
    for layout in layouts:
        total += figures(layout)
    return total


class _Files(NamedTuple):
    """Where rows and positions go."""

    rows: IO[bytes]
    positions: IO[bytes]


def _write(
    files: _Files,
    source: PackedSource,
    layouts: dict[str, list[PackedLayout]],
    choice: PackingChoice,
    *,
    length: int,
    progress: Callable[[], object],
) -> tuple[int, int]:
    """Write the two files of one context length; returns their rows."""
    order = interleaved([sum(layout.num_sequences for layout in layouts[kind]) for kind in source.kinds])
    widths = np.empty(len(order), dtype=np.int64)
    for number, kind in enumerate(source.kinds):
        widths[order == number] = np.concatenate([layout.widths for layout in layouts[kind]])
    metadata = packed_metadata(
        choice.release, tokenizer_sha256=choice.tokenizer_sha256, sequence_tokens=length, mode=choice.mode
    )
    streams = [SequenceStream(_slices(source, kind, layouts[kind])) for kind in source.kinds]
    num_positions = 0
    with (
        packed_writer(files.rows, packed_schema(metadata)) as rows,
        positions_writer(files.positions, positions_schema(metadata)) as positions,
    ):

        def written() -> Iterator[pa.Table]:
            for group in packed_groups(streams, order, widths, kinds=source.kinds, pad_id=choice.pad_id):
                rows.write_batch(group.rows, row_group_size=group.rows.num_rows)
                progress()
                yield group.positions

        for table in in_row_groups(written()):
            positions.write_table(table, row_group_size=table.num_rows)
            num_positions += table.num_rows
    return len(order), num_positions


def _slices(source: PackedSource, kind: str, layouts: Sequence[PackedLayout]) -> Iterator[PackedSlice]:
    """The slices of a kind that have a sequence. No name holds one longer than it is needed."""
    for number, layout in zip(source.slices, layouts, strict=True):
        if layout.num_sequences:
            yield PackedSlice(source.documents(number, kind), layout, source.tokens(number, kind))

"""A shard of a selection: its chosen documents packed anew, and what lies beside it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from manifests.document import ID_BYTES
from manifests.release import Manifest
from pipeline.new_release import NewFiles
from pipeline.packed_set import PackedCounts, PackedSet, PackedSource, PackingChoice
from pipeline.release_folders import folders_packed, shard_files
from pipeline.release_lookup import WaitingKeys
from pipeline.release_subset import BesideCounts, BesideShard, DocumentIds, NewTokens, beside_path
from pipeline.released_files import ReleasedFiles
from pipeline.removal_packed import PackedFiles, Removal
from pipeline.selecting_condition import Condition
from pipeline.selecting_packed import ChosenDocuments, wait
from pipeline.verify_manifest import num_shards
from pipeline.verify_rows import Bools, Digests, MalformedRowsError, digests


class _Choice(NamedTuple):
    """Documents of a shard.

    Attributes:
        stays: held-out ones among them.
        num_packed: how many of these are packed.
        goes: packed ones that do not stay.
    """

    stays: DocumentIds
    num_packed: int
    goes: Digests


@dataclass(frozen=True, slots=True)
class ShardCutter:
    """Cuts shards, one after another.

    Attributes:
        files: of the release that is cut.
        label: name and version of the selection.
        scratch: a folder for tokens that wait.
    """

    files: ReleasedFiles
    condition: Condition
    made: NewFiles
    keys: WaitingKeys
    label: str
    scratch: Path

    def cut(self, number: int) -> tuple[PackedCounts, BesideCounts]:
        """Write the files of a shard.

        Raises:
            IntegrityError: the release is not what its manifest says.
        """
        choice = _choose(self.files, self.condition, number)
        path = self.scratch / "tokens"
        chosen = self._wait(number, choice, path)
        tokens = NewTokens(chosen.members.ids, chosen.members.lengths)
        if len(tokens) != choice.num_packed:
            where = beside_path(self.files.manifest, "documents", number)
            what = f"expected the {len(tokens)} documents of the shard's positions, got {choice.num_packed}"
            raise self.files.damaged(where, what)
        packed = self._pack(number, chosen.source(path))
        path.unlink()
        beside = BesideShard(
            self.files, number, choice.stays, self.label, tokens, lambda documents: self.keys.add(documents, number)
        )
        counts = beside.write(lambda name: self.made.new(beside.path(name)))
        for name, rows in counts.rows.items():
            self.made.say_rows(beside.path(name), rows)
        return packed, counts

    def _wait(self, number: int, choice: _Choice, path: Path) -> ChosenDocuments:
        """Read the shard of the first context length; its tokens wait in a file."""
        manifest = self.files.manifest
        data, positions = (paths[number] for paths in _packed_paths(manifest)[:2])
        with (
            self.files.parquet(data) as rows,
            self.files.parquet(positions) as places,
        ):
            removal = Removal.of(
                PackedFiles(rows, places, self.files.storage.path(data)), choice.goes, manifest.tokenizer
            )
            return wait(removal, rows, path, seed=msgspec.convert(manifest.recipe["seed"], int))

    def _pack(self, number: int, source: PackedSource) -> PackedCounts:
        manifest = self.files.manifest
        choice = PackingChoice(
            mode=manifest.packing.mode,
            sequence_tokens=[length.sequence_tokens for length in manifest.packing.lengths],
            seed=msgspec.convert(manifest.recipe["seed"], int),
            pad_id=manifest.tokenizer.end_of_document_id,
            release=self.label,
            tokenizer_sha256=manifest.tokenizer.sha256,
        )
        tables = [folder.table for folder in folders_packed(manifest.recipe)]
        paths = dict(zip(tables, (paths[number] for paths in _packed_paths(manifest)), strict=True))

        def new_file(table: str) -> AbstractContextManager[IO[bytes]]:
            return self.made.new(paths[table])

        counts = PackedSet(source, choice, new_file, lambda: None).write()
        rows = (rows for length in counts.lengths for rows in (length.rows, length.positions))
        for path, count in zip(paths.values(), rows, strict=True):
            self.made.say_rows(path, count)
        return counts


def matches(files: ReleasedFiles, condition: Condition, number: int) -> Iterator[tuple[pa.Table, Bools]]:
    """The documents of a shard, part by part, and for which of them the condition holds."""
    for table in files.tables(beside_path(files.manifest, "documents", number)):
        yield table, condition.holds(table)


def _choose(files: ReleasedFiles, condition: Condition, number: int) -> _Choice:
    stays, goes = ([np.empty(0, dtype=f"V{ID_BYTES}")] for _ in range(2))
    num_packed = 0
    for table, holds in matches(files, condition, number):
        names, packed = table.column("doc_id").combine_chunks(), ~table.column("held_out").to_numpy()
        try:
            ids = digests(names, 0, np.arange(len(names)))
        except MalformedRowsError as error:
            raise files.damaged(beside_path(files.manifest, "documents", number), str(error)) from error
        stays.append(ids[holds])
        goes.append(ids[~holds & packed])
        num_packed += int((holds & packed).sum())
    return _Choice(DocumentIds(np.concatenate(stays)), num_packed, np.concatenate(goes))


def _packed_paths(manifest: Manifest) -> list[list[str]]:
    """The files of each packed folder: rows and positions of the first context length, then of the next."""
    return [shard_files(folder, manifest.recipe, num_shards(manifest)) for folder in folders_packed(manifest.recipe)]

"""One shard of a release without some documents: every file that concerns them is written anew into another folder."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from manifests.errors import IntegrityError
from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline import removal_beside as beside
from pipeline.document_classes import CLASS
from pipeline.release_folders import DATA, POSITIONS, length_suffixes, rewrites_code, sequence_lengths, texts_format
from pipeline.released_files import ReleasedFiles
from pipeline.removal_figures import Change, handed_over, packed_change, packing_change
from pipeline.removal_packed import PackedFiles, Removal, Sequences
from pipeline.verify_rows import KINDS
from stages.attribution import not_known
from stages.parquet_files import ParquetFile
from stages.text_lines import MalformedLinesError


class Making(NamedTuple):
    """A release that becomes another one.

    Attributes:
        files: of the parent.
        out: the folder of the new release.
        licence_files: by repository, paths of removed files that may speak for the licence of others.
    """

    manifest: Manifest
    files: ReleasedFiles
    out: Storage
    licence_files: beside.Paths = beside.NONE


@dataclass(slots=True)
class ShardRemoval:
    """What was made of a shard.

    Attributes:
        change: of the release's figures.
        written: the files that were written, by path.
        tokens_gone: by id of each removed document of the shard, the tokens that went with it, in all copies.
    """

    change: Change = field(default_factory=Change)
    written: dict[str, ReleaseFile] = field(default_factory=dict)
    tokens_gone: dict[str, int] = field(default_factory=dict)


def remove_from_shard(making: Making, shard: int, removed: pa.Table) -> ShardRemoval:
    """Write the files of a shard that hold something of removed documents.

    Args:
        removed: their rows of `documents/`.

    Raises:
        IntegrityError: a file of the parent is damaged.
        NoSpaceError: the disk is full.
    """
    return _ShardWriting(making, shard, removed).write()


class _ShardWriting:
    """A shard that is being written."""

    def __init__(self, making: Making, shard: int, removed: pa.Table) -> None:
        self._making = making
        self._shard = shard
        self._removed = removed
        self._packed = removed.filter(pc.invert(removed.column("held_out")))
        self._ids: pa.Array = removed.column("doc_id").combine_chunks()
        self._made = ShardRemoval()

    def write(self) -> ShardRemoval:
        """Write all files that are concerned; returns what was made."""
        tokens: dict[str, int] = {}
        if self._packed.num_rows:
            tokens = self._write_packed()
            attribution = partial(beside.write_attribution, removed_files=self._making.licence_files)
            self._write("attribution", attribution, self._look_attribution)
            self._write_texts()
        if beside.says_rewritten(self._packed).num_rows and rewrites_code(self._making.manifest.recipe):
            self._write("rewrites", beside.write_rewrites, self._look_rewrites)
        self._made.change.held_out = self._packed.num_rows - self._removed.num_rows
        if self._made.change.held_out:
            self._write("held_out", beside.write_texts, lambda _rows: None)
        self._write_index()
        self._write_documents(tokens)
        self._count_classes()
        return self._made

    def _path(self, folder: str) -> str:
        return self._making.files.folder(folder)[self._shard]

    def _write(self, folder: str, write: Callable[..., int], look: Callable[[pa.Table], object]) -> None:
        path = self._path(folder)
        with self._making.files.parquet(path) as file, self._making.out.named_file(path) as sink:
            rows = write(file, cast("IO[bytes]", sink), self._ids, look)
        self._made.written[path] = ReleaseFile(path, sink.num_bytes, sink.sha256, rows)

    def _write_packed(self) -> dict[str, int]:
        """Write rows and positions of every context length; returns tokens that documents got, by their ids."""
        manifest, ids = self._making.manifest, _digests(self._packed)
        lengths = sequence_lengths(manifest.recipe)
        got: dict[str, int] = {}
        for place, (length, suffix) in enumerate(zip(lengths, length_suffixes(lengths), strict=True)):
            paths = self._path(DATA + suffix), self._path(POSITIONS + suffix)
            with ExitStack() as stack:
                rows, positions = (stack.enter_context(self._making.files.parquet(path)) for path in paths)
                removal = Removal.of(PackedFiles(rows, positions, paths[0]), ids, manifest.tokenizer)
                sinks = [stack.enter_context(self._making.out.named_file(path)) for path in paths]
                sequences = Sequences(
                    manifest.tokenizer.end_of_document_id, 0 if manifest.packing.mode == "none" else length
                )
                first, second = (cast("IO[bytes]", sink) for sink in sinks)
                counts = removal.write(rows, (first, second), sequences)
            for path, sink, count in zip(paths, sinks, counts, strict=True):
                self._made.written[path] = ReleaseFile(path, sink.num_bytes, sink.sha256, count)
            self._made.change.add_modes(length, packing_change(removal, length, manifest.packing.mode))
            if not place:
                self._made.change.packed, self._made.change.forms = packed_change(removal)
                got = self._hand_over(removal)
        return got

    def _hand_over(self, removal: Removal) -> dict[str, int]:
        gone = dict(zip(*(self._packed.column(name).to_pylist() for name in ("doc_id", "tokens")), strict=True))
        got: dict[str, int] = {}
        for giver, taker, count in handed_over(removal):
            gone[giver] -= count
            got[taker] = got.get(taker, 0) + count
        self._made.tokens_gone = gone
        return got

    def _look_attribution(self, rows: pa.Table) -> None:
        for kind in KINDS:
            for name, lacking in not_known(rows.filter(pc.equal(rows.column("kind"), kind))).items():
                self._made.change.not_known[name, kind] -= lacking

    def _look_rewrites(self, rows: pa.Table) -> None:
        for language, num_bytes in zip(
            *(rows.column(name).to_pylist() for name in ("language", "text_bytes")), strict=True
        ):
            sums = self._made.change.rewrites.setdefault(language, [0, 0])
            sums[0] -= 1
            sums[1] -= num_bytes

    def _write_texts(self) -> None:
        recipe = self._making.manifest.recipe
        form = texts_format(recipe)
        if form == "parquet":
            self._write("texts", beside.write_texts, lambda _rows: None)
        elif form != "off":
            path, files = self._path("texts"), self._making.files
            files.prove(path)
            with self._making.out.named_file(path) as sink:
                try:
                    rows = beside.write_lines(
                        files.storage, path, cast("IO[bytes]", sink), self._ids, rewritten=rewrites_code(recipe)
                    )
                except MalformedLinesError as error:
                    raise IntegrityError(f"{files.storage.path(path)}: {error}") from error
            self._made.written[path] = ReleaseFile(path, sink.num_bytes, sink.sha256, rows)

    def _write_index(self) -> None:
        index, bands = self._path("index"), self._path("bands")
        numbers: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)
        with self._making.files.parquet(index) as file, self._making.out.named_file(index) as sink:
            rows, numbers = beside.write_kept_index(file, cast("IO[bytes]", sink), self._ids)
        self._made.written[index] = ReleaseFile(index, sink.num_bytes, sink.sha256, rows)
        with self._making.files.parquet(bands) as file, self._making.out.named_file(bands) as sink:
            rows = beside.write_kept_bands(file, cast("IO[bytes]", sink), numbers)
        self._made.written[bands] = ReleaseFile(bands, sink.num_bytes, sink.sha256, rows)

    def _write_documents(self, got: dict[str, int]) -> None:
        path, label = self._path("documents"), self._making.manifest.label
        now = {}
        with self._making.files.parquet(path) as file:
            for row in _rows_of(file, sorted(got)):
                now[row["doc_id"]] = row["tokens"] + got[row["doc_id"]]
                self._made.change.add_class(tuple(row[name] for name in CLASS), 0, 0, got[row["doc_id"]])
            with self._making.out.named_file(path) as sink:
                rows = beside.write_kept_documents(file, cast("IO[bytes]", sink), self._ids, now, label)
        self._made.written[path] = ReleaseFile(path, sink.num_bytes, sink.sha256, rows)

    def _count_classes(self) -> None:
        for row in self._packed.select([*CLASS, "num_bytes", "tokens"]).to_pylist():
            self._made.change.add_class(tuple(row[name] for name in CLASS), -1, -row["num_bytes"], -row["tokens"])


def _digests(documents: pa.Table) -> npt.NDArray[np.void]:
    data = bytes.fromhex("".join(documents.column("doc_id").to_pylist()))
    return np.frombuffer(data, dtype=f"V{ID_BYTES}")


def _rows_of(file: ParquetFile, ids: list[str]) -> list[dict[str, Any]]:
    """Rows of `documents/` by id, of few of them."""
    wanted = pa.array(ids, pa.string())
    rows: list[dict[str, Any]] = []
    for group in range(file.num_row_groups if ids else 0):
        table = file.read_row_group(group, columns=["doc_id", *CLASS, "tokens"])
        rows += table.filter(pc.is_in(table.column("doc_id"), value_set=wanted)).to_pylist()
    return rows

"""The texts that a release holds out, batch by batch; a sample of each subset where only some are wanted.

A file is held against its sha256 in the manifest before it is read. Memory: a row group of texts, and 100 bytes for
each document of a sample.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from manifests.errors import IntegrityError, RecipeError
from manifests.release import MANIFEST, Manifest
from manifests.storage import Storage, file_sha256
from pipeline.verify_documents import row_groups, why_unreadable
from pipeline.verify_rows import MalformedRowsError
from stages.parquet_files import ParquetFile

_FOLDER = "held_out/"
_CLASS = ["doc_id", "kind", "subset", "language"]
_BATCH_CHARACTERS = 4 * 1024 * 1024
_BATCH_DOCUMENTS = 1024


class Group(NamedTuple):
    """What documents are summed up by: kind, and subset or, for documents in none, language; "" where neither is."""

    kind: str
    name: str


class HeldOutText(NamedTuple):
    """A document that is held out."""

    id: str
    group: Group
    text: str


class HeldOutTexts:
    """The held-out documents of a release."""

    def __init__(self, folder: str, *, limit: int | None = None) -> None:
        """Find them.

        Args:
            folder: of the release.
            limit: of each group this many alone, those with the lowest ids; None for all.

        Raises:
            RecipeError: there is no release, or none that holds documents out.
            IntegrityError: it is damaged.
        """
        self._release = Storage(folder)
        if self._release.folder is not None and not self._release.folder.is_dir():
            raise RecipeError(
                f"{folder}: no such folder", hint="give the release's own folder, as in releases/demo-0.1.0"
            )
        if not self._release.exists(MANIFEST):
            raise RecipeError(
                f"{folder}: expected the folder of a release, found no {MANIFEST} there",
                hint="give the release's own folder, as in releases/demo-0.1.0",
            )
        self.manifest = Manifest.read(self._release)
        self._files = [file for file in self.manifest.files if file.path.startswith(_FOLDER)]
        self.documents = sum(file.rows or 0 for file in self._files)
        if not self.documents:
            packed = self.manifest.packed_from is not None
            raise RecipeError(
                f"{folder}: expected a release with held_out/, found one that holds no document out",
                hint="name the release that this set is packed from"
                if packed
                else "give the recipe a section `held_out`, as in docs/duplicates.md, and make the release with it",
            )
        for file in self._files:
            self._check_bytes(file.path, file.sha256)
        self._chosen = None if limit is None else self._lowest(limit)
        if self._chosen is not None:
            self.documents = len(self._chosen)

    def batches(self) -> Iterator[list[HeldOutText]]:
        """All that are wanted, in order of files and rows, some MB at a time; a larger text is alone."""
        batch: list[HeldOutText] = []
        size = 0
        for doc_id, group, text in self._rows([*_CLASS, "text"]):
            if self._chosen is not None and doc_id not in self._chosen:
                continue
            if batch and (size + len(text) > _BATCH_CHARACTERS or len(batch) == _BATCH_DOCUMENTS):
                yield batch
                batch, size = [], 0
            batch.append(HeldOutText(doc_id, group, text))
            size += len(text)
        if batch:
            yield batch

    def _lowest(self, limit: int) -> set[str]:
        found: dict[Group, list[str]] = {}
        for doc_id, group, _ in self._rows(_CLASS):
            ids = found.setdefault(group, [])
            ids.append(doc_id)
            if len(ids) > 2 * limit + 1000:
                ids[:] = sorted(ids)[:limit]
        return {doc_id for ids in found.values() for doc_id in sorted(ids)[:limit]}

    def _rows(self, columns: list[str]) -> Iterator[tuple[str, Group, str]]:
        """(id, group, text) of every document; the text is "" where it is not read."""
        for table in self._tables(columns):
            for part in table.to_batches(max_chunksize=_BATCH_DOCUMENTS):
                for doc_id, kind, subset, language, *text in zip(
                    *(one.to_pylist() for one in part.columns), strict=True
                ):
                    yield doc_id, Group(kind, subset or language), "".join(text)

    def _tables(self, columns: list[str]) -> Iterator[pa.Table]:
        for listed in self._files:
            try:
                with self._release.open(listed.path) as opened, ParquetFile(opened) as file:
                    _check_columns(file, columns)
                    for _group, table in row_groups(file, columns=columns):
                        yield table.select(columns)
            except (OSError, pa.ArrowException, MalformedRowsError) as error:
                raise self._damaged(listed.path, why_unreadable(error)) from error

    def _check_bytes(self, path: str, expected: str) -> None:
        if not self._release.exists(path):
            raise self._damaged(path, "expected a file that the manifest lists, found none")
        with self._release.open(path) as file:
            digest = file_sha256(file)
        if digest != expected:
            raise self._damaged(path, f"expected sha256 {expected}, got {digest}")

    def _damaged(self, path: str, what: str) -> IntegrityError:
        return IntegrityError(
            f"{self._release.path(path)}: {what}", hint=f"see what `corpusmill verify {self._release.root}` says"
        )


def _check_columns(file: ParquetFile, columns: list[str]) -> None:
    types = {field.name: field.type for field in file.schema_arrow}
    for name in columns:
        if types.get(name) != pa.string():
            raise MalformedRowsError(f"expected a column {name} of strings, got {types.get(name) or 'none'}")

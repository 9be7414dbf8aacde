"""What a later release will ask of this one: index, bands and held-out texts, held against the shards and each other.

The index has a row for each document of its shard and for each one of `held_out/`, and no other. It is sorted by key;
so are the bands, of which each document with signature values has as many as the recipe says, and no other has one.
That keys and values are those of the texts is not looked at: they were measured before redaction.

Cost: 0.2 s for 100,000 documents. Memory: a row group, and 60 bytes for each document of a shard.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.document import ID_BYTES
from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.release_folders import DATA
from pipeline.verify_documents import DocumentFiles, id_faults, row_groups, why_unreadable
from pipeline.verify_licences import ALLOWED, LicenceCheck
from pipeline.verify_rows import Bools, Digests, MalformedRowsError, digests, header_faults
from stages.exchange import sortable
from stages.parquet_files import ParquetFile
from stages.release_index import BAND_ROWS, INDEX, with_release
from stages.texts import texts_schema

U64 = npt.NDArray[np.uint64]
_T = TypeVar("_T")
_FOLDERS = ("held_out", "index", "bands")


class _Indexed(NamedTuple):
    """Rows of an index: ids, whether they are held out, and whether they have signature values."""

    ids: Digests
    held_out: Bools
    has_values: Bools


class IndexCheck:
    """Looks into what belongs to a shard, shard after shard, and takes down what is false.

    Attributes:
        held_out_ids: by file, the ids of the documents that were held out.
    """

    def __init__(self, manifest: Manifest, findings: Findings, progress: Callable[[int], None]) -> None:
        release = manifest.label
        self.held_out_ids: dict[str, Digests] = {}
        self._index, self._bands = with_release(INDEX, release), with_release(BAND_ROWS, release)
        self._held_out = DocumentFiles(texts_schema(release), self._look, findings, progress)
        self._licences = LicenceCheck(manifest)
        self._findings = findings
        self._progress = progress
        self._num_bands = _num_bands(manifest.recipe)
        if self._num_bands is None:
            findings.add(f"{MANIFEST}: recipe: expected a number as deduplication.near.bands, got none")

    def check(self, release: Storage, files: Mapping[str, list[ReleaseFile]], documents: Mapping[str, Digests]) -> None:
        """Look into the files of all shards; `progress` is told their sizes.

        Args:
            files: by folder.
            documents: the ids of each shard that could be read, by its path.
        """
        listed: dict[str, dict[str, ReleaseFile]] = {}
        for folder in _FOLDERS:
            for file in files.get(folder, []):
                listed.setdefault(file.path.removeprefix(folder), {})[folder] = file
        for name, own in sorted(listed.items()):
            self._check(release, own, documents.get(DATA + name))

    def _check(self, release: Storage, listed: Mapping[str, ReleaseFile], documents: Digests | None) -> None:
        """Look into the files of a shard."""
        held_out: Digests | None = np.empty(0, dtype=f"V{ID_BYTES}")
        if "held_out" in listed:
            path = listed["held_out"].path
            held_out = self._held_out.check(release, listed["held_out"], None)
            if held_out is not None:
                self.held_out_ids[path] = held_out
        indexed = None
        if "index" in listed:
            indexed = self._read(release, listed["index"], self._check_index)
        if indexed is not None:
            for own, chosen, of in (
                (documents, ~indexed.held_out, "the shard"),
                (held_out, indexed.held_out, "held_out/"),
            ):
                for fault in [] if own is None else id_faults(indexed.ids[chosen], own, of=of):
                    self._findings.add(f"{listed['index'].path}: {fault}")
        if "bands" in listed:
            self._read(release, listed["bands"], lambda file, path: self._check_bands(file, path, indexed))

    def _look(self, where: str, table: pa.Table) -> None:
        self._held_out.expect_kind_and_licence(where, table)
        self._held_out.expect(where, table, self._licences.allowed(table), column="licence", what=ALLOWED)

    def _read(self, release: Storage, listed: ReleaseFile, look: Callable[[ParquetFile, ReleaseFile], _T]) -> _T | None:
        """What a look into a file gives; None where it cannot be looked into, which is taken down."""
        found = None
        try:
            with ParquetFile(release.source(listed.path)) as file:
                found = look(file, listed)
        except (MalformedRowsError, pa.ArrowException, OSError) as error:
            self._findings.add(f"{listed.path}: {why_unreadable(error)}")
        self._progress(listed.num_bytes)
        return found

    def _check_index(self, file: ParquetFile, listed: ReleaseFile) -> _Indexed:
        for fault in header_faults(file, listed.rows, self._index):
            self._findings.add(f"{listed.path}: {fault}")
        parts = [_Indexed(*(np.empty(0, dtype=kind) for kind in (f"V{ID_BYTES}", np.bool_, np.bool_)))]
        order = _Order(strictly=True)
        for group, table in row_groups(file, nullable=["values"]):
            names = table.column("doc_id").combine_chunks()
            ids = digests(names, sum(len(part.ids) for part in parts), np.arange(len(names)))
            if not order.holds([*(table.column(name).to_numpy() for name in INDEX.names[:2]), *sortable(ids)]):
                what = "expected rows sorted by key_high, key_low and doc_id, each once, got others"
                self._findings.add(f"{listed.path}: row group {group}: {what}")
            has_values = table.column("values").is_valid().to_numpy()
            parts.append(_Indexed(ids, table.column("held_out").to_numpy(), has_values))
        return _Indexed(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _check_bands(self, file: ParquetFile, listed: ReleaseFile, indexed: _Indexed | None) -> None:
        for fault in header_faults(file, listed.rows, self._bands):
            self._findings.add(f"{listed.path}: {fault}")
        order = _Order(strictly=False)
        num_rows = 0 if indexed is None else len(indexed.ids)
        counts = np.zeros(num_rows, dtype=np.int64)
        for group, table in row_groups(file):
            key, row = (table.column(name).to_numpy() for name in BAND_ROWS.names)
            if not order.holds([key, row]):
                self._findings.add(f"{listed.path}: row group {group}: expected rows sorted by key and row, got others")
            if indexed is None:
                continue
            outside = row[row >= num_rows]
            if len(outside):
                what = f"expected rows below {num_rows}, the rows of the index, got {outside[0]}"
                raise MalformedRowsError(f"row group {group}: {what}")
            counts += np.bincount(row, minlength=num_rows)
        if indexed is not None and self._num_bands is not None:
            for fault in _band_faults(indexed, counts, self._num_bands):
                self._findings.add(f"{listed.path}: {fault}")


class _Order:
    """Whether rows ascend, within a row group and from one to the next."""

    def __init__(self, *, strictly: bool) -> None:
        self._equal_may = not strictly
        self._last: list[npt.NDArray[Any]] = []

    def holds(self, keys: list[npt.NDArray[Any]]) -> bool:
        """Whether the next row group ascends, by the first key, then the second, and so on."""
        if not len(keys[0]):
            return True
        joined = [np.concatenate(pair) for pair in zip(self._last, keys, strict=True)] if self._last else keys
        self._last = [key[-1:] for key in keys]
        less, equal = np.zeros(len(joined[0]) - 1, dtype=np.bool_), np.ones(len(joined[0]) - 1, dtype=np.bool_)
        for key in joined:
            less |= equal & (key[:-1] < key[1:])
            equal &= key[:-1] == key[1:]
        return bool(np.all(less | equal if self._equal_may else less))


def _band_faults(indexed: _Indexed, counts: npt.NDArray[np.int64], num_bands: int) -> Iterator[str]:
    """The first document with another number of bands than it should have, and how many more there are."""
    expected = np.where(indexed.has_values, num_bands, 0)
    wrong = np.flatnonzero(counts != expected)
    if not num_bands:
        wrong = np.union1d(wrong, np.flatnonzero(indexed.has_values))
    if len(wrong):
        row = int(wrong[0])
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        values = "signature values" if indexed.has_values[row] else "no signature values"
        yield (
            f"document {indexed.ids[row].tobytes().hex()}{more}: expected {num_bands} bands and signature values, or "
            f"none of either, got {counts[row]} and {values}"
        )


def _num_bands(recipe: Mapping[str, Any]) -> int | None:
    """Bands of a document with a signature, by a manifest's recipe, which may be any JSON; None where it says none."""
    section = recipe.get("deduplication")
    near = section.get("near", {}) if isinstance(section, dict) else {}
    bands = near.get("bands") if isinstance(near, dict) else 0 if near is None else None
    return bands if isinstance(bands, int) else None

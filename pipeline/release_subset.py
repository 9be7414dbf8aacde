"""What lies beside a shard of a release, written anew without some of its documents.

Rows keep their order and what they say. Row groups that became small are put together as long as ids ascend: where they
fall a slice of the shard ends, which whoever renders its texts again goes by.

Cost: that of reading and writing the files. Memory: a row group of the file that is written, 16 bytes for each document
that stays and 9 for each row of the index.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO, Any, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES, Kind
from manifests.release import Manifest
from pipeline.document_classes import DocumentClasses
from pipeline.release_folders import BESIDE, rewrites_code, shard_files, texts_format
from pipeline.released_files import ReleasedFiles
from pipeline.verify_manifest import num_shards
from pipeline.verify_rows import MalformedRowsError, digests
from stages.attribution import NOT_KNOWN, attribution_schema, attribution_writer, not_known
from stages.release_index import BAND_ROWS, INDEX, with_release, write_index
from stages.released_documents import write_documents
from stages.rewrite_provenance import rewrites_schema, rewrites_writer
from stages.texts import ROW_GROUP_BYTES, ROW_GROUP_ROWS, TextsFormat, texts_schema, texts_writer

Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]
NewFileOf = Callable[[str], AbstractContextManager[IO[bytes]]]
_KINDS = get_args(Kind)


def beside_path(manifest: Manifest, name: str, number: int) -> str:
    """The file of one of the folders that lie beside data/, by the number of its shard."""
    [folder] = (folder for folder in BESIDE if folder.name == name)
    return shard_files(folder, manifest.recipe, num_shards(manifest))[number]


class DocumentIds:
    """Some documents, by their ids."""

    def __init__(self, ids: npt.NDArray[np.void]) -> None:
        """Take ids of 16 bytes, in any order."""
        self._ids = np.sort(_comparable(ids))

    def __len__(self) -> int:
        return len(self._ids)

    @classmethod
    def of(cls, doc_ids: pa.Array) -> "DocumentIds":
        """Those of a column of ids in hex."""
        return cls(digests(doc_ids, 0, np.arange(len(doc_ids))))

    def has(self, ids: npt.NDArray[np.void]) -> Bools:
        """bool[n], which of some ids of 16 bytes are among them."""
        wanted = _comparable(ids)
        if not len(self._ids):
            return np.zeros(len(wanted), dtype=np.bool_)
        places = np.minimum(np.searchsorted(self._ids, wanted), len(self._ids) - 1)
        return np.asarray(self._ids[places] == wanted, dtype=np.bool_)

    def holds(self, doc_ids: pa.ChunkedArray) -> Bools:
        """The same of a column of ids in hex."""
        return self.has(digests(doc_ids.combine_chunks(), 0, np.arange(len(doc_ids))))


def _comparable(ids: npt.NDArray[np.void]) -> npt.NDArray[np.bytes_]:
    return np.ascontiguousarray(ids).view(f"S{ID_BYTES}")


class NewTokens:
    """Tokens of documents where they are not what they were, all copies together.

    A file that begins or ends a document of several has a token more than before, where the one that did so is gone.
    """

    def __init__(self, ids: npt.NDArray[np.void], lengths: Int64s) -> None:
        """Add up tokens by document.

        Args:
            ids: 16 bytes each, one for every copy, or part of one.
            lengths: tokens of each.
        """
        self._ids, places = np.unique(_comparable(ids), return_inverse=True)
        self._tokens = np.bincount(places, weights=lengths, minlength=len(self._ids)).astype(np.int64)

    def __len__(self) -> int:
        return len(self._ids)

    def applied(self, documents: pa.Table) -> pa.Table:
        """Rows of `RELEASED_DOCUMENTS` with these tokens; others keep theirs."""
        wanted = _comparable(digests(documents.column("doc_id").combine_chunks(), 0, np.arange(documents.num_rows)))
        tokens = documents.column("tokens").to_numpy()
        if len(self._ids):
            places = np.minimum(np.searchsorted(self._ids, wanted), len(self._ids) - 1)
            tokens = np.where(self._ids[places] == wanted, self._tokens[places], tokens)
        place = documents.schema.get_field_index("tokens")
        return documents.set_column(place, documents.schema.field(place), pa.array(tokens, pa.int64()))


@dataclass(slots=True)
class BesideCounts:
    """What was written beside a shard.

    Attributes:
        rows: by folder.
        classes: of the documents that are not held out.
        not_known: documents by what their attribution does not know, then by kind.
        rewrites: documents and bytes of text by language.
    """

    rows: dict[str, int] = field(default_factory=dict)
    classes: DocumentClasses = field(default_factory=DocumentClasses)
    not_known: dict[str, dict[str, int]] = field(
        default_factory=lambda: {name: dict.fromkeys(_KINDS, 0) for name in NOT_KNOWN}
    )
    rewrites: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class BesideShard:
    """The files beside a shard, and which of its documents stay, held-out ones among them.

    Attributes:
        number: of the shard.
        label: what the metadata of what is written call the release.
        tokens: of the documents of which something changes.
        told: given the rows of `documents/` as they are written, for `lookup/`.
    """

    files: ReleasedFiles
    number: int
    stays: DocumentIds
    label: str
    tokens: NewTokens
    told: Callable[[pa.Table], object] = lambda _documents: None

    def write(self, new_file: NewFileOf) -> BesideCounts:
        """Write every file that the release has beside this shard and that has rows of documents.

        Args:
            new_file: gives the file of a folder, by its name.

        Raises:
            IntegrityError: what is read is not what the manifest lists.
        """
        counts, recipe = BesideCounts(), self.files.manifest.recipe
        asked = {folder.name for folder in BESIDE if folder.asked_for(recipe)}
        counts.rows["attribution"] = self._write_attribution(new_file, counts)
        if "texts" in asked:
            form = texts_format(recipe)
            assert form != "off"  # noqa: S101 - asked for
            counts.rows["texts"] = self._write_texts("texts", new_file, form)
        if "rewrites" in asked:
            counts.rows["rewrites"] = self._write_rewrites(new_file, counts)
        if "held_out" in asked:
            counts.rows["held_out"] = self._write_texts("held_out", new_file, "parquet")
        counts.rows |= self._write_index(new_file)
        counts.rows["documents"] = self._write_documents(new_file, counts)
        return counts

    def path(self, name: str) -> str:
        """The file of a folder that lies beside this shard."""
        return beside_path(self.files.manifest, name, self.number)

    def _staying(self, name: str) -> Iterator[pa.Table]:
        """The rows that stay of a file that is in order of its ids within a slice, as row groups."""
        path = self.path(name)
        tables = self.files.tables(path)
        return _put_together(table.filter(pa.array(self._stay(path, table))) for table in tables)

    def _stay(self, path: str, table: pa.Table) -> Bools:
        try:
            return self.stays.holds(table.column("doc_id"))
        except MalformedRowsError as error:
            raise self.files.damaged(path, str(error)) from error

    def _write_attribution(self, new_file: NewFileOf, counts: BesideCounts) -> int:
        rows = 0
        written = attribution_schema(self.label)
        with new_file("attribution") as file, attribution_writer(file, written) as writer:
            for table in self._staying("attribution"):
                writer.write_table(table.cast(written), row_group_size=table.num_rows)
                rows += table.num_rows
                for kind in _KINDS:
                    of_kind = table.filter(pc.equal(table.column("kind"), kind))
                    for name, lacking in not_known(of_kind).items():
                        counts.not_known[name][kind] += lacking
        return rows

    def _write_texts(self, name: str, new_file: NewFileOf, form: TextsFormat) -> int:
        rows = 0
        rewritten = name == "texts" and rewrites_code(self.files.manifest.recipe)
        written = texts_schema(self.label, rewritten=rewritten)
        with new_file(name) as file, texts_writer(file, written, form) as write:
            for table in self._staying(name):
                write(table.cast(written))
                rows += table.num_rows
        return rows

    def _write_rewrites(self, new_file: NewFileOf, counts: BesideCounts) -> int:
        rows = 0
        originals = texts_format(self.files.manifest.recipe) != "off"
        written = rewrites_schema(self.label, originals=originals)
        with new_file("rewrites") as file, rewrites_writer(file, written) as writer:
            for table in self._staying("rewrites"):
                writer.write_table(table.cast(written), row_group_size=table.num_rows)
                rows += table.num_rows
                for language, size in zip(
                    *(table.column(column).to_pylist() for column in ("language", "text_bytes")), strict=True
                ):
                    sums = counts.rewrites.setdefault(language, [0, 0])
                    sums[0] += 1
                    sums[1] += size
        return rows

    def _write_documents(self, new_file: NewFileOf, counts: BesideCounts) -> int:
        def documents() -> Iterator[pa.Table]:
            path = self.path("documents")
            for table in self.files.tables(path):
                rows = self.tokens.applied(table.filter(pa.array(self._stay(path, table))))
                counts.classes.add(rows.filter(pc.invert(rows.column("held_out"))))
                self.told(rows)
                yield rows

        with new_file("documents") as file:
            return write_documents(file, documents(), self.label)

    def _write_index(self, new_file: NewFileOf) -> dict[str, int]:
        """Write index and bands; rows of the bands name rows of the index by their new numbers."""
        masks = [np.zeros(0, dtype=np.bool_)]

        def documents() -> Iterator[pa.Table]:
            for table in self.files.tables(self.path("index")):
                masks.append(self._stay(self.path("index"), table))
                yield table.filter(pa.array(masks[-1]))

        with new_file("index") as file:
            indexed = write_index(file, documents(), with_release(INDEX, self.label))
        stays = np.concatenate(masks)
        with new_file("bands") as file:
            bands = write_index(file, self._bands(stays), with_release(BAND_ROWS, self.label))
        return {"index": indexed, "bands": bands}

    def _bands(self, stays: Bools) -> Iterator[pa.Table]:
        numbers = np.cumsum(stays) - 1
        path = self.path("bands")
        for table in self.files.tables(path):
            rows = table.column("row").to_numpy()
            if len(rows) and int(rows.max()) >= len(stays):
                raise self.files.damaged(path, f"expected rows below {len(stays)}, got {rows.max()}")
            kept = stays[rows]
            columns: list[Any] = [table.column("key").filter(pa.array(kept)), numbers[rows[kept]].astype(np.uint32)]
            yield pa.table(columns, schema=BAND_ROWS)


def _put_together(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Tables sorted by id as row groups: joined while ids ascend, up to the size of one; none without a row."""
    held: list[pa.Table] = []
    rows = num_bytes = 0
    for table in tables:
        if not table.num_rows:
            continue
        ascends = not held or held[-1].column("doc_id")[-1].as_py() < table.column("doc_id")[0].as_py()
        fits = rows + table.num_rows <= ROW_GROUP_ROWS and num_bytes + table.nbytes <= ROW_GROUP_BYTES
        if held and not (ascends and fits):
            yield pa.concat_tables(held)
            held, rows, num_bytes = [], 0, 0
        held.append(table)
        rows, num_bytes = rows + table.num_rows, num_bytes + table.nbytes
    if held:
        yield pa.concat_tables(held)

"""What `documents/` says of each document of a shard, and of each held out beside it, held against all other files.

Beside what holds for every file of documents (`pipeline.verify_documents`): rows are sorted over the whole file; each
hash has the form of one, and a SWHID is that of the blob; tokens, copies and kinds are those of positions and shards;
what attribution, texts, rewrites, held-out texts and index say, this says, too; and sums by class are the manifest's.
`lookup/` is then held against it (`pipeline.verify_lookup`). What blob and sha256 were taken of is not in a release.

Cost: 2 s for 100,000 documents. Memory: a row group, and 300 bytes for each document of a shard.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.document_classes import CLASS, DocumentClasses
from pipeline.findings import Findings
from pipeline.release_folders import DATA, rewrites_code, shard_of
from pipeline.verify_documents import DocumentFiles, id_faults
from pipeline.verify_positions import SourceDocuments
from pipeline.verify_rows import KINDS, Digests, MalformedRowsError
from pipeline.verify_told import TEXT, ToldColumns, read_told, told_columns
from stages.packed_documents import hex_names
from stages.release_index import with_release
from stages.released_documents import RELEASED_DOCUMENTS

FOLDER = "documents"
_OF_ATTRIBUTION = ("kind", "source", "subset", "licence", "repository", "path", "revision", "swhid")
# By folder: names of columns here, and what the folder calls them. Of texts see `pipeline.verify_texts`.
_SAME_AS: dict[str, dict[str, str]] = {
    "attribution": {name: name for name in _OF_ATTRIBUTION},
    "rewrites": {"rewrite": "modes"},
    "held_out": {name: name for name in ("kind", "source", "subset", "language", "licence", "path")}
    | {"repository": "repo", "num_bytes": TEXT},
    "index": {"content_hash": "content_hash", "held_out": "held_out"},
}
_REMEMBERED = (*_OF_ATTRIBUTION, "language", "num_bytes", "content_hash", "held_out", "rewrite", "tokens", "copies")
_NOT_REWRITTEN = xxhash.xxh3_64_intdigest(b"")
_FORMS = {
    "blob": ("a git blob id of 40 hex digits or none", r"^([0-9a-f]{40})?$"),
    "sha256": ("a sha256 of 64 hex digits", r"^[0-9a-f]{64}$"),
    "content_hash": ("a content hash of 32 hex digits", r"^[0-9a-f]{32}$"),
}


@dataclass(frozen=True, slots=True)
class OtherFiles:
    """What was found out before, by shard of data: of those that could be read.

    Attributes:
        files: the sound ones, by folder.
        documents: by what follows the folder's name.
        held_out: by file, the ids of held-out documents.
        texts: what texts say.
    """

    files: Mapping[str, list[ReleaseFile]]
    documents: Mapping[str, SourceDocuments]
    held_out: Mapping[str, Digests]
    texts: Mapping[str, ToldColumns]


class ReleasedDocumentsCheck:
    """Looks into the files one after another and takes down what is false.

    Attributes:
        complete: whether all of them could be looked at.
    """

    def __init__(self, manifest: Manifest, findings: Findings, progress: Callable[[int], None]) -> None:
        self._manifest = manifest
        self._findings = findings
        self._files = DocumentFiles(with_release(RELEASED_DOCUMENTS, manifest.label), self._look, findings, progress)
        self._classes = DocumentClasses()
        self._parts: list[ToldColumns] = []
        self._last = ""

    @property
    def complete(self) -> bool:
        """Whether all files could be looked at."""
        return self._files.complete

    def check(self, release: Storage, others: OtherFiles) -> None:
        """Look into all of them, and hold their sums against the manifest."""
        for listed in others.files.get(FOLDER, []):
            self._parts, self._last = [], ""
            if self._files.check(release, listed, None) is None:
                continue
            own = ToldColumns.of(self._parts)
            if len(own.ids):
                self._check_ids(listed, own, others)
            self._check_packed(own, others.documents.get(listed.path.removeprefix(FOLDER)))
            self._check_others(release, listed, own, others)
        self._parts = []
        if self.complete and len(others.files.get(FOLDER, [])) == len(others.files.get(DATA, [])):
            self._check_classes()

    def _look(self, where: str, table: pa.Table) -> None:
        names = table.column("doc_id")
        if table.num_rows and names[0].as_py() <= self._last:
            self._files.found(f"{where}: expected rows sorted by doc_id over the whole file, got others")
        self._last = names[-1].as_py() if table.num_rows else self._last
        self._files.expect_kind_and_licence(where, table)
        for column, (what, pattern) in _FORMS.items():
            holds = pc.match_substring_regex(table.column(column), pattern)
            self._files.expect(where, table, holds, column=column, what=what)
        named = pc.binary_join_element_wise("swh:1:cnt:", table.column("blob"), "")
        swhid = pc.if_else(pc.equal(table.column("blob"), ""), "", named)
        self._files.expect(
            where, table, pc.equal(table.column("swhid"), swhid), column="swhid", what="the SWHID of its blob"
        )
        packed = pc.invert(table.column("held_out"))
        self._check_amounts(where, table, packed)
        self._classes.add(table.filter(packed))
        self._parts.append(told_columns(table, {name: name for name in _REMEMBERED}))

    def _check_amounts(self, where: str, table: pa.Table, packed: pa.ChunkedArray) -> None:
        for name in ("copies", "tokens"):
            holds = pc.equal(pc.greater(table.column(name), 0), packed)
            what = f"{name} of packed documents, and none of held-out ones"
            self._files.expect(where, table, holds, column=name, what=what)
        holds = pc.greater_equal(table.column("num_bytes"), 0)
        self._files.expect(where, table, holds, column="num_bytes", what="bytes of a text")
        is_original = pc.equal(table.column("rewrite"), "")
        holds = pc.or_(is_original, packed) if rewrites_code(self._manifest.recipe) else is_original
        self._files.expect(where, table, holds, column="rewrite", what="no mode, for nothing rewrote it")

    def _check_ids(self, listed: ReleaseFile, own: ToldColumns, others: OtherFiles) -> None:
        """Whether there is a row for each document of the shard, and for each held out beside it."""
        held_out = own.values["held_out"] != 0
        name = listed.path.removeprefix(FOLDER)
        documents, beside = others.documents.get(name), others.held_out.get(f"held_out{name}")
        if not others.files.get("held_out"):
            beside = own.ids[:0]
        for ids, expected, of in (
            (own.ids[~held_out], None if documents is None else documents.ids, "the shard"),
            (own.ids[held_out], beside, "held_out/"),
        ):
            for fault in [] if expected is None else id_faults(ids, expected, of=of):
                self._findings.add(f"{listed.path}: {fault}")

    def _check_packed(self, own: ToldColumns, documents: SourceDocuments | None) -> None:
        """Whether kind, copies, tokens and rewriting are those of the shard's documents."""
        if documents is None:
            return
        kinds = told_columns(
            pa.table({"doc_id": hex_names(documents.ids), "kind": pa.array(KINDS).take(pa.array(documents.kinds))}),
            {"kind": "kind"},
        )
        amounts = {name: getattr(documents, name).astype(np.uint64) for name in ("copies", "tokens")}
        self._compare(own, ToldColumns(documents.ids, kinds.values | amounts), "positions")

    def _check_others(self, release: Storage, listed: ReleaseFile, own: ToldColumns, others: OtherFiles) -> None:
        """Whether what other files say of the same documents is said here."""
        shard = shard_of(listed.path)
        for folder, columns in _SAME_AS.items():
            for file in others.files.get(folder, []):
                if shard_of(file.path) == shard:
                    told = _read(release, file.path, columns)
                    if told is not None:
                        self._compare(own, told, folder)
                    if told is not None and folder == "rewrites" and len(own.ids):
                        rewritten = own.ids[own.values["rewrite"] != _NOT_REWRITTEN]
                        self._wrong(set(rewritten.tolist()) - set(told.ids.tolist()), "expected no rewrite", folder)
        if shard in others.texts:
            self._compare(own, others.texts[shard], "texts")

    def _compare(self, own: ToldColumns, told: ToldColumns, folder: str) -> None:
        for name in told.values:
            self._wrong(set(own.differing(told, name).tolist()), f"expected the {name}", folder)

    def _wrong(self, wrong: set[bytes], what: str, folder: str) -> None:
        """Take down the first document that is told otherwise in another folder, and how many more there are."""
        if wrong:
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            self._files.found(f"document {min(wrong).hex()}{more}: {what} that {folder}/ says, got another")

    def _check_classes(self) -> None:
        """Whether documents, bytes and tokens of each class are the manifest's."""
        stated: Counter[tuple[str, ...]] = Counter()
        found: Counter[tuple[str, ...]] = Counter()
        for row in self._manifest.documents:
            for unit in ("documents", "num_bytes", "tokens"):
                stated[*(getattr(row, name) for name in CLASS), unit] += getattr(row, unit)
        for group, amounts in self._classes.sums.items():
            for unit, amount in zip(("documents", "num_bytes", "tokens"), amounts, strict=True):
                found[*group, unit] += amount
        for key in sorted(stated.keys() | found.keys()):
            if stated[key] != found[key]:
                *names, unit = key
                what = f"{unit} of {', '.join(name[:80] or '(none)' for name in names)}"
                self._findings.add(f"{MANIFEST}: {what}: expected {stated[key]}, got {found[key]} in {FOLDER}/")


def _read(release: Storage, path: str, columns: Mapping[str, str]) -> ToldColumns | None:
    try:
        return ToldColumns.of(list(read_told(release, path, columns)))
    except (MalformedRowsError, pa.ArrowException, OSError, LookupError, TypeError, ValueError):
        return None  # whoever looked into it has said so

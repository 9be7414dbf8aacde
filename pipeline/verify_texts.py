"""What the texts of a shard say, held against the shard's documents and the manifest's counts.

Beside what holds for every file of documents (`pipeline.verify_documents`): documents and bytes of text, by kind,
source, subset, language and licence, are those of the manifest, and copies those of the positions. That a text is the
one that was tokenized is not looked at: it would take as long as tokenizing did. Of texts that a model wrote, what they
are is remembered, for `pipeline.verify_rewrites`.

Cost: 0.5 GB of text a CPU second; of JSON lines 0.3 GB.
"""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.document_classes import CLASS
from pipeline.findings import Findings
from pipeline.release_folders import rewrites_code, shard_of
from pipeline.verify_documents import DocumentFiles
from pipeline.verify_positions import SourceDocuments
from pipeline.verify_told import ToldColumns, told_columns
from stages.packed_documents import hex_names
from stages.texts import REWRITE, texts_schema


class RewrittenText(NamedTuple):
    """What `texts/` says of a text that a model wrote; `sha256` in hex of its UTF-8 bytes."""

    modes: str
    language: str
    sha256: str


class TextsCheck:
    """Looks into the files one after another, adds up what they hold, and takes down what is false.

    Attributes:
        rewritten: by shard of data, by id as text, those that a model wrote; of files that could be read.
        told: by shard of data, what `documents/` must say, too; of the same files. 40 bytes a document.
    """

    def __init__(self, manifest: Manifest, findings: Findings, progress: Callable[[int], None]) -> None:
        self._manifest = manifest
        self._findings = findings
        self._documents: Counter[tuple[str, ...]] = Counter()
        self._bytes: Counter[tuple[str, ...]] = Counter()
        self._shard: tuple[pa.Array, pa.Array] | None = None  # ids of the documents and their copies
        self.rewritten: dict[str, dict[str, RewrittenText]] = {}
        self._own: dict[str, RewrittenText] = {}
        self.told: dict[str, ToldColumns] = {}
        self._parts: list[ToldColumns] = []
        self._rewrites = rewrites_code(manifest.recipe)
        schema = texts_schema(manifest.label, rewritten=self._rewrites)
        self._files = DocumentFiles(schema, self._look, findings, progress)

    def check(self, release: Storage, listed: ReleaseFile, documents: SourceDocuments | None) -> None:
        """Look into a file, given the documents of its shard; None where they could not be read."""
        self._shard = None if documents is None else (hex_names(documents.ids), pa.array(documents.copies))
        self._own = {}
        self._parts = []
        if self._files.check(release, listed, None if documents is None else documents.ids) is not None:
            self.rewritten[shard_of(listed.path)] = self._own
            self.told[shard_of(listed.path)] = ToldColumns.of(self._parts)

    def check_totals(self) -> None:
        """Hold what was added up against the manifest."""
        if not self._files.complete:
            return
        documents: Counter[tuple[str, ...]] = Counter()
        num_bytes: Counter[tuple[str, ...]] = Counter()
        for row in self._manifest.documents:
            names = tuple(getattr(row, name) for name in CLASS)
            documents[names] += row.documents
            num_bytes[names] += row.num_bytes
        for unit, stated, found in (("documents", documents, self._documents), ("bytes", num_bytes, self._bytes)):
            for names in sorted(stated.keys() | found.keys()):
                if stated[names] != found[names]:
                    what = f"{unit} of {', '.join(name[:80] or '(none)' for name in names)}"
                    self._findings.add(f"{MANIFEST}: {what}: expected {stated[names]}, got {found[names]} in texts/")

    def _look(self, where: str, table: pa.Table) -> None:
        self._files.expect_kind_and_licence(where, table)
        self._check_copies(where, table)
        if self._rewrites:
            columns = ("doc_id", REWRITE.name, "language", "text")
            written = table.filter(pc.not_equal(table.column(REWRITE.name), "")).select(columns)
            for row in written.to_pylist():
                digest = sha256(row["text"].encode()).hexdigest()
                self._own[row["doc_id"]] = RewrittenText(row[REWRITE.name], row["language"], digest)
        table = table.append_column("num_bytes", pc.binary_length(table.column("text")).cast(pa.int64()))
        told = ("language", "num_bytes", *((REWRITE.name,) if self._rewrites else ()))
        self._parts.append(told_columns(table, {name: name for name in told}))
        sums = table.group_by(list(CLASS)).aggregate([([], "count_all"), ("num_bytes", "sum")])
        for row in sums.to_pylist():
            names = tuple(row[name] for name in CLASS)
            self._documents[names] += row["count_all"]
            self._bytes[names] += row["num_bytes_sum"]

    def _check_copies(self, where: str, table: pa.Table) -> None:
        """Whether each document is said to be in the shard as often as it is."""
        if self._shard is None:
            return
        ids, copies = self._shard
        expected = copies.take(pc.index_in(table.column("doc_id").combine_chunks(), value_set=ids))
        holds = pc.equal(table.column("copies"), expected).fill_null(True)  # what is not there is told elsewhere
        self._files.expect(where, table, holds, column="copies", what="as many copies as positions have")

"""What the texts of a shard say, held against the shard's documents and the manifest's counts.

Beside what holds for every file of documents (`pipeline.verify_documents`): documents and bytes of text, by kind,
source, subset, language and licence, are those of the manifest. That a text is the one that was tokenized is not looked
at: it would take as long as tokenizing did.

Cost: 0.5 GB of text a CPU second; of JSON lines 0.3 GB.
"""

from collections import Counter
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.verify_documents import DocumentFiles
from pipeline.verify_rows import Digests
from stages.texts import texts_schema

_CLASS = ("kind", "source", "subset", "language", "licence")


class TextsCheck:
    """Looks into the files one after another, adds up what they hold, and takes down what is false."""

    def __init__(self, manifest: Manifest, findings: Findings, progress: Callable[[int], None]) -> None:
        self._manifest = manifest
        self._findings = findings
        self._documents: Counter[tuple[str, ...]] = Counter()
        self._bytes: Counter[tuple[str, ...]] = Counter()
        self._files = DocumentFiles(texts_schema(f"{manifest.name} {manifest.version}"), self._look, findings, progress)

    def check(self, release: Storage, listed: ReleaseFile, documents: Digests | None) -> None:
        """Look into a file, given the ids of its shard; None where they could not be read."""
        self._files.check(release, listed, documents)

    def check_totals(self) -> None:
        """Hold what was added up against the manifest."""
        if not self._files.complete:
            return
        documents: Counter[tuple[str, ...]] = Counter()
        num_bytes: Counter[tuple[str, ...]] = Counter()
        for row in self._manifest.documents:
            names = tuple(getattr(row, name) for name in _CLASS)
            documents[names] += row.documents
            num_bytes[names] += row.num_bytes
        for unit, stated, found in (("documents", documents, self._documents), ("bytes", num_bytes, self._bytes)):
            for names in sorted(stated.keys() | found.keys()):
                if stated[names] != found[names]:
                    what = f"{unit} of {', '.join(name[:80] or '(none)' for name in names)}"
                    self._findings.add(f"{MANIFEST}: {what}: expected {stated[names]}, got {found[names]} in texts/")

    def _look(self, where: str, table: pa.Table) -> None:
        self._files.expect_kind_and_licence(where, table)
        table = table.append_column("num_bytes", pc.binary_length(table.column("text")).cast(pa.int64()))
        sums = table.group_by(list(_CLASS)).aggregate([([], "count_all"), ("num_bytes", "sum")])
        for row in sums.to_pylist():
            names = tuple(row[name] for name in _CLASS)
            self._documents[names] += row["count_all"]
            self._bytes[names] += row["num_bytes_sum"]

"""What `rewrites/` says, held against the shards, the texts and the manifest.

A row for each document that is packed as a model rewrote it, and none for another: packed documents of one file say so
in their name, `texts/` in column `rewrite`. Modes, language and sha256 are those of the text there; an original has the
bytes and the sha256 that its row says; model, sampling and prompts are the manifest's. That the model wrote it, and
that the gates measured what stands there, is not looked at.

Cost: 0.3 GB of originals a CPU second. Memory: a row group, and 500 bytes for each rewrite of the release.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any

import msgspec
import pyarrow as pa

from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.release_rewriting import ReleaseRewriting
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.release_folders import DATA, shard_of, texts_format
from pipeline.verify_documents import DocumentFiles
from pipeline.verify_positions import SourceDocuments
from pipeline.verify_rows import Digests
from pipeline.verify_texts import RewrittenText
from stages.rewrite_provenance import ORIGINAL, rewrites_schema

Row = dict[str, Any]


class RewritesCheck:
    """Looks into the files one after another, adds up what they hold, and takes down what is false."""

    def __init__(self, manifest: Manifest, findings: Findings, progress: Callable[[int], None]) -> None:
        self._manifest = manifest
        self._findings = findings
        self._texts: Mapping[str, RewrittenText] | None = None
        self._sums: dict[str, list[int]] = {}
        self._has_originals = texts_format(manifest.recipe) != "off"
        schema = rewrites_schema(manifest.label, originals=self._has_originals)
        self._files = DocumentFiles(schema, self._look, findings, progress)

    def check(
        self,
        release: Storage,
        files: Iterable[ReleaseFile],
        documents: Mapping[str, SourceDocuments],
        texts: Mapping[str, Mapping[str, RewrittenText]],
    ) -> None:
        """Look into all of them.

        Args:
            documents: of each shard that could be read, by its name behind `data`.
            texts: of each file of texts that could be read, by shard of data, those that a model wrote.
        """
        rewriting = self._manifest.rewriting
        if not isinstance(rewriting, ReleaseRewriting):
            self._expect_none(documents)
            return
        for file in files:
            shard = shard_of(file.path)
            self._texts = texts.get(shard)
            ids = self._files.check(release, file, None)
            if ids is not None:
                self._check_ids(ids, documents.get(shard.removeprefix(DATA)))
        if self._files.complete and self._manifest.packed_from is None:
            self._check_totals(rewriting)

    def _expect_none(self, documents: Mapping[str, SourceDocuments]) -> None:
        """Take down names that call a document rewritten, in a release whose recipe has nothing rewritten."""
        for shard, of_shard in documents.items():
            named = of_shard.ids[of_shard.rewritten].tolist()
            if named:
                more = f" and {len(named) - 1} more" if len(named) > 1 else ""
                self._findings.add(
                    f"{DATA}{shard}: document {min(named).hex()}{more}: expected no -rewrite in its name"
                )

    def _check_ids(self, ids: Digests, documents: SourceDocuments | None) -> None:
        """Whether there is a row for each document that names or texts call rewritten, and for no other."""
        rows = set(ids.tolist())
        if documents is not None:
            self._compare(
                set(documents.ids[documents.rewritten].tolist()) - rows,
                "expected a row for it, as its name in the shard says, got none",
            )
            self._compare(
                rows & set(documents.ids[documents.plain].tolist()),
                "expected -rewrite in its name in the shard, got none",
            )
            self._compare(
                rows - set(documents.ids.tolist()), "expected no row, for the shard has no such document, got one"
            )
        if self._texts is not None:
            written = {bytes.fromhex(name) for name in self._texts}
            self._compare(written - rows, "expected a row for it, as texts/ says, got none")
            self._compare(rows - written, "expected its modes in texts/, got none")

    def _compare(self, wrong: set[bytes], what: str) -> None:
        if wrong:
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            self._files.found(f"document {min(wrong).hex()}{more}: {what}")

    def _look(self, where: str, table: pa.Table) -> None:
        """Look at the rows of a row group and add them to the sums."""
        said: set[str] = set()
        for row in table.to_pylist():
            sums = self._sums.setdefault(row["language"], [0, 0])
            sums[0] += 1
            sums[1] += row["text_bytes"]
            for column, expected in self._expected(row):
                if row[column] != expected and column not in said:  # the first of each kind
                    said.add(column)
                    got = f"{column} {expected!r}"[:200]
                    self._files.found(f"{where}: document {row['doc_id']}: expected {got}, got {row[column]!r}"[:500])

    def _expected(self, row: Row) -> Iterable[tuple[str, object]]:
        """(column, value that it should have) of what can be told of a row."""
        rewriting = self._manifest.rewriting
        if isinstance(rewriting, ReleaseRewriting):
            model = msgspec.to_builtins(rewriting.model)
            yield "model", model.pop("name")
            yield from (model | msgspec.to_builtins(rewriting.sampling)).items()
            prompts = {prompt.mode: prompt for prompt in rewriting.prompts}
            modes = row["modes"].split("+")
            yield "prompts", [msgspec.to_builtins(prompts[mode]) for mode in modes if mode in prompts]
            yield "modes", "+".join(mode for mode in prompts if mode in modes) or "one at least"
        text = None if self._texts is None else self._texts.get(row["doc_id"])
        if text is not None:
            yield "modes", text.modes
            yield "language", text.language
            yield "text_sha256", text.sha256
        if self._has_originals:
            original = row[ORIGINAL].encode()
            yield "original_bytes", len(original)
            yield "original_sha256", sha256(original).hexdigest()

    def _check_totals(self, rewriting: ReleaseRewriting) -> None:
        """Hold what was added up against the manifest."""
        for language in sorted(rewriting.languages.keys() | self._sums.keys()):
            stated = rewriting.languages.get(language)
            expected = [stated.released_documents, stated.released_bytes] if stated else [0, 0]
            got = self._sums.get(language, [0, 0])
            if expected != got:
                what = f"rewriting.languages: {language[:80]}: released documents and bytes"
                self._findings.add(f"{MANIFEST}: {what}: expected {expected}, got {got} in rewrites/")

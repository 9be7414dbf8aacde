"""What the attribution of a shard says, held against the shard's documents and the manifest's counts.

Beside what holds for every file of documents (`pipeline.verify_documents`): a SWHID has the form of one; an evidence's
id is that of what it says. What a row claims about the world (that this repository holds that file) cannot be told from
a release.

Cost: 1 s for 300,000 rows.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from filters.licence_evidence import Evidence
from filters.swhid import SWHID
from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.verify_documents import DocumentFiles
from pipeline.verify_licences import ALLOWED, LicenceCheck
from pipeline.verify_positions import SourceDocuments
from pipeline.verify_rows import KINDS
from stages.attribution import EVIDENCE, NOT_KNOWN, attribution_schema, not_known

_CLASS = ("kind", "source", "subset", "licence")
_EVIDENCE = tuple(item.name for item in EVIDENCE)


@dataclass(slots=True)
class AttributionTotals:
    """What the files of a release hold, added up as they are looked into.

    Attributes:
        classes: documents by kind, source, subset and licence.
        not_known: documents by what is not known of them, then by kind.
    """

    classes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    not_known: dict[str, dict[str, int]] = field(
        default_factory=lambda: {name: dict.fromkeys(KINDS, 0) for name in NOT_KNOWN}
    )


class AttributionCheck:
    """Looks into the files one after another, adds up what they hold, and takes down what is false."""

    def __init__(self, manifest: Manifest, findings: Findings, progress: Callable[[int], None]) -> None:
        self.totals = AttributionTotals()
        self._manifest = manifest
        self._findings = findings
        self._licences = LicenceCheck(manifest)
        schema = attribution_schema(manifest.label)
        self._files = DocumentFiles(schema, self._look, findings, progress)

    def check(self, release: Storage, listed: ReleaseFile, documents: SourceDocuments | None) -> None:
        """Look into a file, given the documents of its shard; None where they could not be read."""
        self._files.check(release, listed, None if documents is None else documents.ids)

    def check_totals(self) -> None:
        """Hold what was added up against the manifest."""
        if not self._files.complete:
            return
        classes: Counter[tuple[str, ...]] = Counter()
        for row in self._manifest.documents:
            classes[tuple(getattr(row, name) for name in _CLASS)] += row.documents
        for names in sorted(classes.keys() | self.totals.classes.keys()):
            expected, got = classes[names], self.totals.classes[names]
            if expected != got:
                what = f"documents of {', '.join(name[:80] or '(none)' for name in names)}"
                self._findings.add(f"{MANIFEST}: {what}: expected {expected}, got {got} in attribution/")
        if self._manifest.not_known != self.totals.not_known:
            what = f"expected {self._manifest.not_known}, got {self.totals.not_known} in attribution/"
            self._findings.add(f"{MANIFEST}: not_known: {what}")

    def _look(self, where: str, table: pa.Table) -> None:
        """Look at the rows of a row group and add them to the totals."""
        self._files.expect_kind_and_licence(where, table)
        self._files.expect(where, table, self._licences.allowed(table), column="licence", what=ALLOWED)
        named = pc.match_substring_regex(table.column("swhid"), f"^({SWHID.pattern})?$")
        self._files.expect(where, table, named, column="swhid", what="a SWHID of a content or none")
        self._check_evidence(where, table.column("evidence"))
        for row in table.group_by(list(_CLASS)).aggregate([([], "count_all")]).to_pylist():
            self.totals.classes[tuple(row[name] for name in _CLASS)] += row["count_all"]
        for kind in KINDS:
            for name, number in not_known(table.filter(pc.equal(table.column("kind"), kind))).items():
                self.totals.not_known[name][kind] += number

    def _check_evidence(self, where: str, column: pa.ChunkedArray) -> None:
        """Whether every id is that of its evidence. Documents of a repository share theirs: each is looked at once."""
        pieces = column.combine_chunks().flatten()
        for item in pa.Table.from_struct_array(pieces).group_by(list(_EVIDENCE)).aggregate([]).to_pylist():
            expected = Evidence(*(item[name] for name in _EVIDENCE[1:])).id
            if item["id"] != expected:
                said = item["id"][:80]
                self._files.found(f"{where}: evidence {said!r}: expected {expected} as the id of what it says")
                return

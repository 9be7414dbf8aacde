"""What the attribution of a shard says, held against the shard's documents and the manifest's counts.

Each document of the shard has one row, sorted by id within a row group; no field is null; a licence is named; a SWHID
has the form of one; an evidence's id is that of what it says. What a row claims about the world (that this repository
holds that file) cannot be told from a release.

Cost: 1 s for 300,000 rows. Memory: a row group some ten times over, and 32 bytes for each document of a shard.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.licence_evidence import Evidence
from filters.swhid import SWHID
from manifests.document import ID_BYTES
from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.verify_rows import KINDS, Digests, MalformedRowsError, check_sound, digests, header_faults
from stages.attribution import EVIDENCE, NOT_KNOWN, attribution_schema, not_known
from stages.exchange import lexsorted, sortable

# Fixed here and not the writer's own settings, so that a release stays sound when those are tuned.
MAXIMUM_ROW_GROUP_ROWS = 1 << 20
MAXIMUM_ROW_GROUP_BYTES = 1 << 30

_CLASS = ("kind", "source", "subset", "licence")
_EVIDENCE = tuple(item.name for item in EVIDENCE)


@dataclass(slots=True)
class AttributionTotals:
    """What the files of a release hold, added up as they are looked into.

    Attributes:
        classes: documents by kind, source, subset and licence.
        not_known: documents by what is not known of them, then by kind.
        complete: False once something could not be counted.
    """

    classes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    not_known: dict[str, dict[str, int]] = field(
        default_factory=lambda: {name: dict.fromkeys(KINDS, 0) for name in NOT_KNOWN}
    )
    complete: bool = True


class AttributionCheck:
    """Looks into the files one after another, adds up what they hold, and takes down what is false."""

    def __init__(self, manifest: Manifest, findings: Findings, progress: Callable[[int], None]) -> None:
        self.totals = AttributionTotals()
        self._manifest = manifest
        self._findings = findings
        self._progress = progress
        self._path = ""

    def check(self, release: Storage, listed: ReleaseFile, documents: Digests | None) -> None:
        """Look into a file; `progress` is told its size.

        Args:
            documents: of its shard, each once; None where they could not be read.
        """
        self._path = listed.path
        try:
            with pq.ParquetFile(release.path(listed.path)) as file:
                self._check_header(file, listed)
                parts = [self._counted(group, table) for group, table in _row_groups(file)]
            if documents is not None:
                self._check_ids(np.concatenate([*parts, np.empty(0, dtype=f"V{ID_BYTES}")]), documents)
        except (MalformedRowsError, pa.ArrowException, OSError) as error:
            self.totals.complete = False
            known = isinstance(error, MalformedRowsError)
            self._found(str(error) if known else f"expected a Parquet file, got {str(error).partition(chr(10))[0]}")
        self._progress(listed.num_bytes)

    def check_totals(self) -> None:
        """Hold what was added up against the manifest."""
        if not self.totals.complete:
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

    def _found(self, what: str) -> None:
        self._findings.add(f"{self._path}: {what}")

    def _check_header(self, file: pq.ParquetFile, listed: ReleaseFile) -> None:
        expected = attribution_schema(f"{self._manifest.name} {self._manifest.version}")
        for fault in header_faults(file, listed.rows, expected):
            self._found(fault)

    def _counted(self, group: int, table: pa.Table) -> Digests:
        """Look at the rows of a row group and add them to the totals; returns their ids."""
        where = f"row group {group}"
        names = table.column("doc_id").combine_chunks()
        ids = digests(names, 0, np.arange(len(names)))
        if len(names) > 1 and not pc.all(pc.less(names[:-1], names[1:])).as_py():
            self._found(f"{where}: expected rows sorted by doc_id, each once, got others")
        self._expect(where, table, pc.not_equal(table.column("licence"), ""), "a licence", "licence")
        named = pc.match_substring_regex(table.column("swhid"), f"^({SWHID.pattern})?$")
        self._expect(where, table, named, "a SWHID of a content or none", "swhid")
        self._expect(where, table, pc.is_in(table.column("kind"), pa.array(KINDS)), " or ".join(KINDS), "kind")
        self._check_evidence(where, table.column("evidence"))
        for row in table.group_by(list(_CLASS)).aggregate([([], "count_all")]).to_pylist():
            self.totals.classes[tuple(row[name] for name in _CLASS)] += row["count_all"]
        for kind in KINDS:
            for name, number in not_known(table.filter(pc.equal(table.column("kind"), kind))).items():
                self.totals.not_known[name][kind] += number
        return ids

    def _expect(self, where: str, table: pa.Table, holds: pa.ChunkedArray, what: str, column: str) -> None:
        wrong = np.flatnonzero(~holds.to_numpy())
        if len(wrong):
            row = table.slice(int(wrong[0]), 1).to_pylist()[0]
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            self._found(f"{where}: document {row['doc_id']}{more}: expected {what}, got {row[column][:80]!r}")

    def _check_evidence(self, where: str, column: pa.ChunkedArray) -> None:
        """Whether every id is that of its evidence. Documents of a repository share theirs: each is looked at once."""
        pieces = column.combine_chunks().flatten()
        for item in pa.Table.from_struct_array(pieces).group_by(list(_EVIDENCE)).aggregate([]).to_pylist():
            expected = Evidence(*(item[name] for name in _EVIDENCE[1:])).id
            if item["id"] != expected:
                self._found(f"{where}: evidence {item['id'][:80]!r}: expected {expected} as the id of what it says")
                return

    def _check_ids(self, found: Digests, expected: Digests) -> None:
        """Whether the rows are of the documents of the shard, each once."""
        ordered, wanted = (ids[lexsorted(sortable(ids))] for ids in (found, expected))
        if ordered.tobytes() == wanted.tobytes():
            return
        rows, documents = Counter(ordered.tolist()), set(wanted.tolist())
        for what, wrong in (
            ("expected a row for it, got none", documents - rows.keys()),
            ("expected no row, for the shard has no such document, got one", rows.keys() - documents),
            ("expected one row, got more", {item for item, count in rows.items() if count > 1}),
        ):
            if wrong:
                more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
                self._found(f"document {min(wrong).hex()}{more}: {what}")


def _row_groups(file: pq.ParquetFile) -> Iterator[tuple[int, pa.Table]]:
    """The row groups that memory can take, proven to hold no null anywhere and no text that is not UTF-8."""
    for group in range(file.num_row_groups):
        metadata = file.metadata.row_group(group)
        if metadata.num_rows > MAXIMUM_ROW_GROUP_ROWS or metadata.total_byte_size > MAXIMUM_ROW_GROUP_BYTES:
            raise MalformedRowsError(
                f"row group {group}: expected at most {MAXIMUM_ROW_GROUP_ROWS} rows and {MAXIMUM_ROW_GROUP_BYTES} "
                f"bytes, got {metadata.num_rows} rows and {metadata.total_byte_size} bytes"
            )
        table = file.read_row_group(group)
        columns = {name: table.column(name).combine_chunks() for name in table.column_names}
        check_sound(group, columns)
        for name, column in columns.items():
            if _has_null(column):
                raise MalformedRowsError(f"row group {group}: expected no null, got some in {name}")
        yield group, table


def _has_null(column: pa.Array) -> bool:
    if column.null_count:
        return True
    if pa.types.is_list(column.type):
        return _has_null(column.flatten())
    return pa.types.is_struct(column.type) and any(map(_has_null, column.flatten()))

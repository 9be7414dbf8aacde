"""Files with one row for each document of a shard, looked into row group by row group, and held against the shard.

Of every such file: columns and metadata are as they should be, rows are sorted by id within a row group, nothing is
null, text is UTF-8, and there is a row for each document of the shard and no other. What else rows must say, the caller
looks at. Texts may be JSON lines: there a frame is what a row group is in Parquet, and there are no metadata.

Memory: a row group some ten times over, and 32 bytes for each document of a shard.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from manifests.release import ReleaseFile
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.verify_rows import KINDS, Digests, MalformedRowsError, check_sound, digests, header_faults
from stages.exchange import lexsorted, sortable
from stages.parquet_files import ParquetFile
from stages.text_lines import MalformedLinesError, read_lines

# Fixed here and not the writers' own settings, so that a release stays sound when those are tuned.
MAXIMUM_ROW_GROUP_ROWS = 1 << 20
MAXIMUM_ROW_GROUP_BYTES = 1 << 30


class DocumentFiles:
    """Looks into the files of a folder one after another and takes down what is false.

    Attributes:
        complete: False once something could not be looked at.
    """

    def __init__(
        self,
        schema: pa.Schema,
        look: Callable[[str, pa.Table], None],
        findings: Findings,
        progress: Callable[[int], None],
    ) -> None:
        """Make it ready for the files of one folder.

        Args:
            schema: with the metadata that each file should have.
            look: given each row group or frame, and where it stands as messages say it.
        """
        self.complete = True
        self._schema = schema
        self._look = look
        self._findings = findings
        self._progress = progress
        self._path = ""

    def check(self, release: Storage, listed: ReleaseFile, documents: Digests | None) -> Digests | None:
        """Look into a file; `progress` is told its size.

        Args:
            documents: of its shard, each once; None where they could not be read, or are not known from elsewhere.

        Returns:
            The ids of its rows; None where they could not be read.
        """
        self._path = listed.path
        ids = None
        try:
            tables = self._row_groups if listed.path.endswith(".parquet") else self._frames
            parts = [self._ids(where, table) for where, table in tables(release, listed)]
            ids = np.concatenate([*parts, np.empty(0, dtype=f"V{ID_BYTES}")])
            for fault in [] if documents is None else id_faults(ids, documents, of="the shard"):
                self.found(fault)
        except (MalformedRowsError, MalformedLinesError, pa.ArrowException, OSError) as error:
            self.complete = False
            self.found(why_unreadable(error))
        self._progress(listed.num_bytes)
        return ids

    def _row_groups(self, release: Storage, listed: ReleaseFile) -> Iterator[tuple[str, pa.Table]]:
        """The row groups of a Parquet file, and where they stand."""
        with ParquetFile(release.source(listed.path)) as file:
            for fault in header_faults(file, listed.rows, self._schema):
                self.found(fault)
            for group, table in row_groups(file):
                yield f"row group {group}", table

    def _frames(self, release: Storage, listed: ReleaseFile) -> Iterator[tuple[str, pa.Table]]:
        """The frames of a file of JSON lines, and where they stand."""
        rows = 0
        with release.open(listed.path) as file:
            for table in read_lines(file, self._schema):
                yield f"lines {rows + 1} to {rows + table.num_rows}", table
                rows += table.num_rows
        if rows != listed.rows:
            self.found(f"expected {listed.rows} rows, got {rows}")

    def found(self, what: str) -> None:
        """Take down what is wrong in the file that is looked at."""
        self._findings.add(f"{self._path}: {what}")

    def expect(self, where: str, table: pa.Table, holds: pa.ChunkedArray, *, column: str, what: str) -> None:
        """Take down the first row for which something does not hold, and how many more there are."""
        wrong = np.flatnonzero(~holds.to_numpy())
        if len(wrong):
            row = table.slice(int(wrong[0]), 1).to_pylist()[0]
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            self.found(f"{where}: document {row['doc_id']}{more}: expected {what}, got {_short(row[column])!r}")

    def expect_kind_and_licence(self, where: str, table: pa.Table) -> None:
        """Take down a kind that is none and a licence that is empty."""
        licensed = pc.not_equal(table.column("licence"), "")
        self.expect(where, table, licensed, column="licence", what="a licence")
        known = pc.is_in(table.column("kind"), pa.array(KINDS))
        self.expect(where, table, known, column="kind", what=" or ".join(KINDS))

    def _ids(self, where: str, table: pa.Table) -> Digests:
        """Look at the rows of a row group or frame; returns their ids."""
        names = table.column("doc_id").combine_chunks()
        ids = digests(names, 0, np.arange(len(names)))
        if len(names) > 1 and not pc.all(pc.less(names[:-1], names[1:])).as_py():
            self.found(f"{where}: expected rows sorted by doc_id, each once, got others")
        self._look(where, table)
        return ids


def _short(value: object) -> object:
    return value[:80] if isinstance(value, str) else value


def why_unreadable(error: Exception) -> str:
    """What a finding says of a file that cannot be looked into."""
    known = isinstance(error, MalformedRowsError | MalformedLinesError)
    return str(error) if known else f"expected a Parquet file, got {str(error).partition(chr(10))[0]}"


def id_faults(found: Digests, expected: Digests, *, of: str) -> Iterator[str]:
    """Where rows are not one for each of some documents, and none for others.

    Args:
        of: what has the documents, as messages say it.
    """
    ordered, wanted = (ids[lexsorted(sortable(ids))] for ids in (found, expected))
    if ordered.tobytes() == wanted.tobytes():
        return
    rows, documents = Counter(ordered.tolist()), set(wanted.tolist())
    for what, wrong in (
        ("expected a row for it, got none", documents - rows.keys()),
        (f"expected no row, for {of} has no such document, got one", rows.keys() - documents),
        ("expected one row, got more", {item for item, count in rows.items() if count > 1}),
    ):
        if wrong:
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            yield f"document {min(wrong).hex()}{more}: {what}"


def row_groups(
    file: ParquetFile, *, nullable: Collection[str] = (), columns: list[str] | None = None
) -> Iterator[tuple[int, pa.Table]]:
    """The row groups that memory can take, proven to hold no text that is not UTF-8 and no null but where they may.

    Args:
        file: opened.
        nullable: names of columns that may hold nulls.
        columns: names of those to read; None is all.
    """
    for group in range(file.num_row_groups):
        check_size(file, group)
        table = file.read_row_group(group, columns=columns)
        check_values(group, table, nullable)
        yield group, table


def check_size(file: ParquetFile, group: int) -> None:
    """Raise MalformedRowsError where a row group is one that memory cannot take, by its own word."""
    metadata = file.metadata.row_group(group)
    if metadata.num_rows > MAXIMUM_ROW_GROUP_ROWS or metadata.total_byte_size > MAXIMUM_ROW_GROUP_BYTES:
        raise MalformedRowsError(
            f"row group {group}: expected at most {MAXIMUM_ROW_GROUP_ROWS} rows and {MAXIMUM_ROW_GROUP_BYTES} "
            f"bytes, got {metadata.num_rows} rows and {metadata.total_byte_size} bytes"
        )


def check_values(group: int, table: pa.Table, nullable: Collection[str]) -> None:
    """Raise MalformedRowsError where there is text that is not UTF-8, or a null where there may be none."""
    arrays = {name: table.column(name).combine_chunks() for name in table.column_names}
    check_sound(group, arrays)
    for name, column in arrays.items():
        if name not in nullable and _has_null(column):
            raise MalformedRowsError(f"row group {group}: expected no null, got some in {name}")


def _has_null(column: pa.Array) -> bool:
    if column.null_count:
        return True
    if pa.types.is_list(column.type):
        return _has_null(column.flatten())
    return pa.types.is_struct(column.type) and any(map(_has_null, column.flatten()))

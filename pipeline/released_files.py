"""Files of a release, read by whoever makes another release of it, or looks into one that somebody else made.

Each is read only if it is the one that the manifest lists, has the columns and metadata that its folder should have,
and row groups that memory can take. What is not so is an error that names the file: `corpusmill verify` says more. A
bucket's files are read twice, once for their sha256; local ones mostly come from the page cache the second time.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pyarrow as pa

from manifests.errors import IntegrityError
from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage, file_sha256
from pipeline.release_folders import DATA, POSITIONS
from pipeline.released_schemas import nullable_in, released_schema
from pipeline.verify_documents import MAXIMUM_ROW_GROUP_BYTES, check_size, check_values
from pipeline.verify_rows import MAXIMUM_ROW_GROUP_BYTES as MAXIMUM_TOKEN_BYTES
from pipeline.verify_rows import MalformedRowsError, header_faults
from stages.parquet_files import ParquetFile
from stages.parquet_headers import MalformedPagesError
from stages.parquet_pages import WatchedParquet
from stages.text_lines import MalformedLinesError, read_lines

_SEARCHED = frozenset({"documents", "lookup", "index", "bands"})
"""Folders whose pages are watched: they are read of releases that nobody has verified, and no real value in them is so
large that it could not be repeated in every row. Of others the footer's word is taken."""
_MAXIMUM_VALUES = MAXIMUM_TOKEN_BYTES // 4  # of a column of a row group of tokens


class ReleasedFiles:
    """The files of a release.

    Args:
        storage: its folder.
        manifest: what is listed there counts.

    Attributes:
        listed: by path.
        opened: how many files were opened, by folder; each counts once.
    """

    def __init__(self, storage: Storage, manifest: Manifest) -> None:
        self.storage = storage
        self.manifest = manifest
        self.listed = {file.path: file for file in manifest.files}
        self.opened: Counter[str] = Counter()
        self._proven: set[str] = set()

    def __getitem__(self, path: str) -> ReleaseFile:
        """What is listed of a file.

        Raises:
            IntegrityError: it is not listed.
        """
        if path not in self.listed:
            raise self.damaged(path, "expected a file that the manifest lists, found none")
        return self.listed[path]

    def __contains__(self, path: str) -> bool:
        return path in self.listed

    def __iter__(self) -> Iterator[ReleaseFile]:
        return iter(self.listed.values())

    def folder(self, name: str) -> list[str]:
        """The files of a folder, in order."""
        return sorted(path for path in self.listed if path.startswith(f"{name}/"))

    def check_sizes(self) -> None:
        """Raise IntegrityError unless every file is there in its size."""
        present = self.storage.list("")
        for path, file in sorted(self.listed.items()):
            if present.get(path) != file.num_bytes:
                got = f"{present[path]:,} bytes" if path in present else "none"
                raise self.damaged(path, f"expected a file of {file.num_bytes:,} bytes, got {got}")

    def prove(self, path: str) -> None:
        """Raise IntegrityError unless a file has the bytes that are listed; once for each."""
        if path in self._proven:
            return
        listed = self[path]
        self.opened[path.partition("/")[0]] += 1
        with self.storage.open(path) as file:
            digest = file_sha256(file)
        if digest != listed.sha256:
            raise self.damaged(path, f"expected sha256 {listed.sha256}, got {digest}")
        self._proven.add(path)

    @contextmanager
    def parquet(self, path: str) -> Iterator[ParquetFile]:
        """A Parquet file, proven, with the columns of its folder; each row group that is read of it is looked at.

        Raises:
            IntegrityError: it is not the file that the manifest lists, not one of such rows, or one that memory cannot
                take; or what is read of it is not as it should be.
        """
        self.prove(path)
        try:
            with self._opened(path) as file:
                yield file
        except (pa.ArrowException, MalformedRowsError, MalformedPagesError, KeyError, ValueError) as error:
            raise self.damaged(path, str(error).partition("\n")[0][:500]) from error

    def tables(self, path: str) -> Iterator[pa.Table]:
        """The rows of a file, as row groups or frames of lines, checked before the first of them.

        Raises:
            IntegrityError: as `parquet` does.
        """
        if path.endswith(".parquet"):
            with self.parquet(path) as file:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group)
            return
        self.prove(path)
        try:
            with self.storage.open(path) as lines:
                yield from read_lines(lines, released_schema(self.manifest, path.partition("/")[0]))
        except (OSError, pa.ArrowException, MalformedRowsError, MalformedLinesError) as error:
            raise self.damaged(path, str(error).partition("\n")[0]) from error

    def damaged(self, path: str, what: str) -> IntegrityError:
        """The error of a file that is not what it should be."""
        hint = f"restore it from a copy; see what `corpusmill verify {self.storage.root}` says"
        return IntegrityError(f"{self.storage.path(path)}: {what}", hint=hint)

    @contextmanager
    def _opened(self, path: str) -> Iterator[ParquetFile]:
        folder = path.partition("/")[0]
        with self.storage.open(path) as opened:
            try:
                if folder in _SEARCHED:
                    file: _Checking = _CheckingPages(opened, maximum_bytes=MAXIMUM_ROW_GROUP_BYTES)
                else:
                    file = _Checking(opened)
            except OSError as error:
                raise MalformedRowsError(f"expected a Parquet file: {error}") from error
            for fault in header_faults(file, self[path].rows, released_schema(self.manifest, folder)):
                raise MalformedRowsError(fault)
            _check_row_groups(file, of_tokens=folder.startswith((DATA, POSITIONS)))
            file.nullable = nullable_in(folder)
            yield file


class _Checking(ParquetFile):
    """A file whose row groups are looked at as they are read.

    Attributes:
        nullable: columns that may have nulls.
    """

    nullable: Collection[str] = ()

    def read_row_group(self, i: int, columns: list[str] | None = None, **_options: object) -> pa.Table:
        """Read a row group; raises MalformedRowsError where it is not sound."""
        try:
            table = super().read_row_group(i, columns)
        except OSError as error:
            raise MalformedRowsError(f"row group {i}: expected to read it: {error}") from error
        check_values(i, table, self.nullable)
        return table


class _CheckingPages(_Checking, WatchedParquet):
    """The same, with an eye on what pages claim."""


def _check_row_groups(file: ParquetFile, *, of_tokens: bool) -> None:
    """Raise MalformedRowsError where a row group is one that memory cannot take, by its own word."""
    for group in range(file.num_row_groups):
        check_size(file, group)
        metadata = file.metadata.row_group(group)
        values = max(metadata.column(column).num_values for column in range(metadata.num_columns))
        if of_tokens and max(values, metadata.num_rows) > _MAXIMUM_VALUES:
            raise MalformedRowsError(f"row group {group}: expected at most {_MAXIMUM_VALUES} values, got more")

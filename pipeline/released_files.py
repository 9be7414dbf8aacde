"""Files of a release, read by whoever makes another release of it: each only if it is the one that its manifest lists.

Rows come row group by row group, or frame by frame, with the columns that the file should have. What is not so is an
error that names the file: `corpusmill verify` says more.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from manifests.errors import IntegrityError
from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage, file_sha256
from pipeline.verify_documents import row_groups
from pipeline.verify_rows import MAXIMUM_ROW_GROUP_BYTES, MalformedRowsError, header_faults
from stages.parquet_files import ParquetFile
from stages.text_lines import MalformedLinesError, read_lines

_MAXIMUM_VALUES = MAXIMUM_ROW_GROUP_BYTES // 4  # of a column of a row group


@dataclass(frozen=True)
class ReleasedFiles:
    """The files of a release."""

    release: Storage
    manifest: Manifest

    @cached_property
    def listed(self) -> dict[str, ReleaseFile]:
        """By path."""
        return {file.path: file for file in self.manifest.files}

    def check(self, path: str) -> None:
        """Raise IntegrityError where a file is not there or its bytes are not those that the manifest lists."""
        if path not in self.listed or not self.release.exists(path):
            raise self.damaged(path, "expected a file that the manifest lists, found none")
        with self.release.open(path) as file:
            digest = file_sha256(file)
        if digest != self.listed[path].sha256:
            raise self.damaged(path, f"expected sha256 {self.listed[path].sha256}, got {digest}")

    def tables(self, path: str, schema: pa.Schema, *, nullable: Collection[str] = ()) -> Iterator[pa.Table]:
        """The rows of a file, checked before the first of them.

        Args:
            schema: with the metadata that a Parquet file should have.
            nullable: columns that may have nulls.

        Raises:
            IntegrityError: it is not the file that the manifest lists, or not one of such rows.
        """
        self.check(path)
        try:
            yield from self._groups(path, schema, nullable) if path.endswith(".parquet") else self._lines(path, schema)
        except (OSError, pa.ArrowException, MalformedRowsError, MalformedLinesError) as error:
            raise self.damaged(path, str(error).partition("\n")[0]) from error

    @contextmanager
    def packed(self, path: str, schema: pa.Schema) -> Iterator[ParquetFile]:
        """A shard or its positions, opened; checked before, and of such columns.

        Raises:
            IntegrityError: it is not the file that the manifest lists, or one that memory cannot take.
        """
        self.check(path)
        try:
            with ParquetFile(self.release.source(path)) as file:
                self._check_header(file, path, schema)
                _check_sizes(file)
                yield file
        except (OSError, pa.ArrowException, MalformedRowsError) as error:
            raise self.damaged(path, str(error).partition("\n")[0]) from error

    def _groups(self, path: str, schema: pa.Schema, nullable: Collection[str]) -> Iterator[pa.Table]:
        with ParquetFile(self.release.source(path)) as file:
            self._check_header(file, path, schema)
            for _, table in row_groups(file, nullable=nullable):
                yield table

    def _lines(self, path: str, schema: pa.Schema) -> Iterator[pa.Table]:
        with self.release.open(path) as file:
            yield from read_lines(file, schema)

    def _check_header(self, file: ParquetFile, path: str, schema: pa.Schema) -> None:
        for fault in header_faults(file, self.listed[path].rows, schema):
            raise MalformedRowsError(fault)

    def damaged(self, path: str, what: str) -> IntegrityError:
        """The error of a file that is not what it should be."""
        hint = f"see what `corpusmill verify {self.release.root}` says"
        return IntegrityError(f"{self.release.path(path)}: {what}", hint=hint)


def _check_sizes(file: ParquetFile) -> None:
    """Raise MalformedRowsError where a row group is one that memory cannot take."""
    for group in range(file.num_row_groups):
        metadata = file.metadata.row_group(group)
        values = max(metadata.column(column).num_values for column in range(metadata.num_columns))
        if max(values, metadata.num_rows) > _MAXIMUM_VALUES:
            raise MalformedRowsError(f"row group {group}: expected at most {_MAXIMUM_VALUES} values, got more")

"""Rows of a release about a document, found without reading the files whole, nor the manifest.

`lookup/` says in which shards a name is found: the one file of it that has the name, and of that one row group. Rows of
`documents/` are sorted by id, so by id one row group is read. `attribution/` and `positions/` are sorted otherwise: of
them the ids are read, and then the row groups that have the document.

Cost, by id: four files, some 13 MB where a shard has 100,000 documents and 300,000 positions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.errors import IntegrityError, RecipeError
from manifests.opt_out_values import path_key, repository_key, url_key
from manifests.storage import Storage
from pipeline.document_names import Name
from pipeline.release_folders import SHARD_FILE
from pipeline.verify_documents import MAXIMUM_ROW_GROUP_BYTES, MAXIMUM_ROW_GROUP_ROWS
from stages.exchange import block_of_hash
from stages.parquet_files import ParquetFile
from stages.release_index import rows_with_keys
from stages.released_documents import lookup_keys

_COLUMNS = {"id": "doc_id", "content": "content_hash"}
_KEYS = {"repository": repository_key, "url": url_key}


class ReleasedRows:
    """The rows of one release.

    Attributes:
        shards: how many it has.
    """

    def __init__(self, release: Storage) -> None:
        """Count its shards by the names of the files in `lookup/`.

        Raises:
            RecipeError: there is no such folder.
        """
        self._release = release
        self.shards = sum(SHARD_FILE.fullmatch(name) is not None for name in release.list("lookup"))
        if not self.shards:
            raise RecipeError(
                f"{release.root}: expected a release with lookup/, found none",
                hint="name the release that a packed set was made from, or make one with this version",
            )

    def file(self, folder: str, shard: int) -> str:
        """The name of a shard's file in a folder."""
        return f"{folder}/shard-{shard:05d}-of-{self.shards:05d}.parquet"

    def shards_with(self, name: Name) -> list[int]:
        """The shards in which something so named is found: one file is opened."""
        high, low = lookup_keys(name.kind, [_value(name)])
        with self._opened("lookup", int(block_of_hash(high, self.shards)[0])) as file:
            list(_known_groups(file))
            tables = list(rows_with_keys(file, high, "key_high"))
        shards = {
            shard
            for table in tables
            for shard in table.filter(np.equal(table.column("key_low").to_numpy(), low[0])).column("shard").to_pylist()
        }
        return sorted(shard for shard in shards if shard < self.shards)

    def documents(self, shard: int, name: Name) -> Iterator[dict[str, Any]]:
        """The rows of a shard's documents that are so named."""
        column = _COLUMNS.get(name.kind, name.kind)
        with self._opened("documents", shard) as file:
            if name.kind == "id":
                yield from self._rows_by_id(file, name.value)
                return
            yield from _rows_with(file, column, name)

    def attribution(self, shard: int, doc_id: str) -> dict[str, Any] | None:
        """The row of a document's attribution."""
        with self._opened("attribution", shard) as file:
            return next(_rows_with(file, "doc_id", Name("id", doc_id)), None)

    def positions(self, shard: int, doc_id: str) -> list[dict[str, Any]]:
        """Where a document lies in the sequences of the first context length, copy by copy, in order."""
        with self._opened("positions", shard) as file:
            return positions_in(file, doc_id)

    def _rows_by_id(self, file: ParquetFile, doc_id: str) -> Iterator[dict[str, Any]]:
        place = file.schema_arrow.names.index("doc_id")
        for group in _known_groups(file):
            statistics = file.metadata.row_group(group).column(place).statistics
            if statistics is None or not statistics.has_min_max or statistics.min <= doc_id <= statistics.max:
                table = file.read_row_group(group)
                yield from table.filter(pc.equal(table.column("doc_id"), doc_id)).to_pylist()

    @contextmanager
    def _opened(self, folder: str, shard: int) -> Iterator[ParquetFile]:
        """A shard's file of a folder; raises IntegrityError where it cannot be read."""
        path = self.file(folder, shard)
        try:
            with self._release.open_parts(path) as opened, ParquetFile(opened) as file:
                yield file
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise IntegrityError(
                f"{self._release.path(path)}: cannot be read: {str(error).partition(chr(10))[0]}",
                hint=f"see what `corpusmill verify {self._release.root}` says",
            ) from error


def positions_in(file: ParquetFile, doc_id: str) -> list[dict[str, Any]]:
    """The rows of `POSITIONS` about a document, copy by copy, in order."""
    rows = list(_rows_with(file, "doc_id", Name("id", doc_id)))
    return sorted(rows, key=lambda row: (row["copy"], row["doc_offset"]))


def _rows_with(file: ParquetFile, column: str, name: Name) -> Iterator[dict[str, Any]]:
    """The rows of which a column has a value: the column is read, and then the row groups in which it has it."""
    for group in _known_groups(file):
        values = file.read_row_group(group, columns=[column]).column(column)
        same = _keyed(values, name.kind) if name.kind in _KEYS else values
        here = pa.array(np.flatnonzero(pc.equal(same, _value(name)).to_numpy(zero_copy_only=False)))
        if not len(here):
            continue
        others = [other for other in file.schema_arrow.names if other != column]
        rows = file.read_row_group(group, columns=others).take(here).append_column(column, values.take(here))
        for row in rows.to_pylist():
            if name.path is None or path_key(row["path"]) == path_key(name.path):
                yield row


def _value(name: Name) -> str:
    """What a name has in common with others of the same, as the keys of `lookup/` have it."""
    return _KEYS[name.kind](name.value) if name.kind in _KEYS else name.value


def _keyed(values: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """The same of a whole column."""
    encoded = values.combine_chunks().dictionary_encode()
    names = pa.array([_KEYS[kind](value) for value in encoded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([names.take(encoded.indices)])


def _known_groups(file: ParquetFile) -> Iterator[int]:
    """The row groups; raises ValueError at one that memory should not be given to."""
    for group in range(file.num_row_groups):
        metadata = file.metadata.row_group(group)
        if metadata.num_rows > MAXIMUM_ROW_GROUP_ROWS or metadata.total_byte_size > MAXIMUM_ROW_GROUP_BYTES:
            raise ValueError(f"row group {group} is too large")
        yield group

"""Columns of one file held against those of another by hash, so that what is remembered does not grow with the values.

Memory: 16 bytes for each row, and 8 for each column of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from manifests.document import ID_BYTES
from manifests.storage import Storage
from pipeline.verify_rows import Bools, Digests, digests
from stages.exchange import fixed_binary_array
from stages.parquet_files import ParquetFile

U64 = npt.NDArray[np.uint64]
TEXT = "text"  # as the column of the other file: its length in bytes


@dataclass(frozen=True, slots=True, eq=False)
class ToldColumns:
    """What a file says of documents.

    Attributes:
        ids: of its rows.
        values: by name of the column in `documents/`, a hash of each value, or a number itself.
    """

    ids: Digests
    values: dict[str, U64]

    @classmethod
    def of(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a file as one."""
        if not parts:
            return cls(np.empty(0, dtype=f"V{ID_BYTES}"), {})
        values = {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values}
        return cls(np.concatenate([part.ids for part in parts]), values)

    def differing(self, others: "ToldColumns", name: str) -> Digests:
        """Ids of the documents of which the two say something else in a column; those that one lacks are not told."""
        if name not in self.values or name not in others.values:
            return self.ids[:0]
        places = pc.index_in(fixed_binary_array(others.ids), value_set=fixed_binary_array(self.ids))
        here: Bools = places.is_valid().to_numpy(zero_copy_only=False)
        rows = places.drop_null().to_numpy()
        differing: Digests = self.ids[rows[self.values[name][rows] != others.values[name][here]]]
        return differing


def told_columns(table: pa.Table, columns: Mapping[str, str]) -> ToldColumns:
    """What a table with a column doc_id says; `columns`: by name in `documents/` the name that they have in it.

    Raises:
        MalformedRowsError: a doc_id is none.
    """
    names = table.column("doc_id").combine_chunks()
    ids = digests(names, 0, np.arange(len(names)))
    return ToldColumns(ids, {name: _hashes(table.column(column), column) for name, column in columns.items()})


def read_told(release: Storage, path: str, columns: Mapping[str, str]) -> Iterator[ToldColumns]:
    """What a Parquet file says, row group by row group, of a file that was looked into and found sound."""
    with ParquetFile(release.source(path)) as file:
        for group in range(file.num_row_groups):
            yield told_columns(file.read_row_group(group, columns=["doc_id", *columns.values()]), columns)


def _hashes(column: pa.ChunkedArray, name: str) -> U64:
    if name == TEXT:
        column = pc.binary_length(column)
    if pa.types.is_boolean(column.type) or pa.types.is_integer(column.type):
        numbers: U64 = column.cast(pa.int64()).to_numpy().view(np.uint64)
        return numbers
    encoded = column.combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    plain = (value.hex().encode() if isinstance(value, bytes) else str(value).encode() for value in values)
    hashes = np.array([xxhash.xxh3_64_intdigest(value) for value in plain], dtype=np.uint64)
    found: U64 = hashes[encoded.indices.to_numpy()]
    return found

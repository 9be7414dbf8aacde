"""`lookup/`, recomputed from all of `documents/`.

A file has rows of a range of keys, those of all shards, so no shard tells what a file must hold. Both are added up as
they pass by, a count and two sums of 64 mixed bits for each file; where these differ, the documents are read once more
for that file, and a row is named.

Cost: 1 s for 500,000 rows. Memory: a row group, 100 bytes for each document of a shard, 24 bytes for each file.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.verify_documents import row_groups, why_unreadable
from pipeline.verify_rows import MalformedRowsError, header_faults
from stages.exchange import block_of_hash
from stages.parquet_files import ParquetFile
from stages.release_index import with_release
from stages.released_documents import LOOKUP, document_keys, sorted_keys

U64 = npt.NDArray[np.uint64]
_NAMING = ["doc_id", "blob", "sha256", "content_hash", "repository", "url"]
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))


def check_lookup(
    release: Storage,
    manifest: Manifest,
    documents: list[ReleaseFile],
    lookup: list[ReleaseFile],
    findings: Findings,
) -> None:
    """Take down what is false in `lookup/`.

    Args:
        documents: a file for each shard, in order, each of them looked into and found readable.
        lookup: a file for each shard, in order.
    """
    expected = np.zeros((len(documents), 3), dtype=np.uint64)
    for keys in _keys(release, documents):
        _add(expected, keys)
    schema = with_release(LOOKUP, manifest.label)
    for number, listed in enumerate(lookup):
        found = _File(release, listed, number, len(lookup))
        try:
            for fault in found.faults(schema):
                findings.add(f"{listed.path}: {fault}")
        except (MalformedRowsError, pa.ArrowException, OSError) as error:
            findings.add(f"{listed.path}: {why_unreadable(error)}")
            continue
        if not np.array_equal(found.sums, expected[number]):
            findings.add(f"{listed.path}: {_named(release, documents, number, found)}")


def _keys(release: Storage, documents: list[ReleaseFile]) -> Iterator[pa.Table]:
    """The rows of `LOOKUP` that each shard gives, each once."""
    for shard, listed in enumerate(documents):
        parts = [LOOKUP.empty_table()]
        with ParquetFile(release.source(listed.path)) as file:
            groups = (file.read_row_group(group, columns=_NAMING) for group in range(file.num_row_groups))
            parts.extend(document_keys(group, shard) for group in groups)
        yield sorted_keys(pa.concat_tables(parts))


class _File:
    """A file of `lookup/`; `sums` are those of its rows once its faults were asked for."""

    def __init__(self, release: Storage, listed: ReleaseFile, number: int, num_files: int) -> None:
        self._release = release
        self._listed = listed
        self._number = number
        self._num_files = num_files
        self.sums = np.zeros(3, dtype=np.uint64)

    def tables(self) -> Iterator[tuple[int, pa.Table]]:
        """Its row groups."""
        with ParquetFile(self._release.source(self._listed.path)) as file:
            yield from row_groups(file)

    def faults(self, schema: pa.Schema) -> Iterator[str]:
        """What is wrong with columns, order and range."""
        with ParquetFile(self._release.source(self._listed.path)) as file:
            yield from header_faults(file, self._listed.rows, schema)
        last = LOOKUP.empty_table()
        sums = np.zeros((self._num_files, 3), dtype=np.uint64)
        for group, table in self.tables():
            joined = pa.concat_tables([last, table.cast(LOOKUP)])
            if not sorted_keys(joined).equals(joined.combine_chunks()):
                yield f"row group {group}: expected rows sorted by key_high, key_low and shard, each once, got others"
            last = joined.slice(joined.num_rows - 1)
            ranges = block_of_hash(table.column("key_high").to_numpy(), self._num_files)
            if (ranges != self._number).any():
                yield f"row group {group}: expected keys of range {self._number} of {self._num_files}, got others"
            _add(sums, table)
        self.sums = sums.sum(axis=0)


def _add(sums: npt.NDArray[np.uint64], keys: pa.Table) -> None:
    """Add rows of `LOOKUP` to the count and the two sums of the files that have them."""
    high, low, shard = (keys.column(name).to_numpy().astype(np.uint64) for name in LOOKUP.names)
    files = block_of_hash(high, len(sums))
    for place, seed in enumerate((np.uint64(0), *_ODD[:2])):
        mixed = np.ones(len(high), dtype=np.uint64) if place == 0 else _mixed(high, low, shard ^ seed)
        np.add.at(sums[:, place], files, mixed)


def _mixed(high: U64, low: U64, shard: U64) -> U64:
    """uint64[n], 64 bits in which every bit of a row has its part; sums wrap."""
    mixed = high * _ODD[0] ^ (low + shard * _ODD[2])
    for shift, factor in ((np.uint64(32), _ODD[1]), (np.uint64(29), _ODD[0])):
        mixed = (mixed ^ (mixed >> shift)) * factor
    ended: U64 = mixed ^ (mixed >> np.uint64(32)) ^ low * _ODD[2]
    return ended


def _named(release: Storage, documents: list[ReleaseFile], number: int, found: _File) -> str:
    """The first row that a file lacks, or has beside those that it must have. Memory: 40 bytes for each of its rows."""
    parts = [LOOKUP.empty_table()]
    for keys in _keys(release, documents):
        here = block_of_hash(keys.column("key_high").to_numpy(), len(documents)) == number
        parts.append(keys.filter(pa.array(here)))
    expected, got = (set(_rows(tables)) for tables in (parts, (table for _, table in found.tables())))
    for what, wrong in (("lacks", expected - got), ("must not have", got - expected)):
        if wrong:
            high, low, shard = min(wrong)
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            key = f"key {high:016x}{low:016x} of shard {shard}{more}"
            return f"expected what names the documents of documents/; it {what} {key}"
    return f"expected each of its {len(expected)} rows once, got some more often"


def _rows(tables: Iterable[pa.Table]) -> Iterator[tuple[int, int, int]]:
    for table in tables:
        yield from zip(*(table.column(name).to_pylist() for name in LOOKUP.names), strict=True)

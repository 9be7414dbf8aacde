"""`lookup/` without what names removed documents alone. Files whose keys all stay are not written."""

from collections.abc import Iterator
from typing import IO, cast

import numpy as np
import pyarrow as pa

from manifests.release import ReleaseFile
from pipeline.removal_shards import Making
from stages.exchange import block_of_hash
from stages.parquet_files import ParquetFile
from stages.released_documents import LOOKUP, document_keys, write_lookup

Rows = set[tuple[int, int, int]]


def write_lookups(making: Making, removed: dict[int, pa.Table]) -> dict[str, ReleaseFile]:
    """Write the files that lose a key; returns what was written, by path.

    Args:
        removed: by shard, rows of `documents/`; the new files of these shards are written.
    """
    paths = making.files.folder("lookup")
    gone: dict[int, Rows] = {}
    for shard, rows in sorted(removed.items()):
        lost = sorted(_gone(making, shard, _rows_of(document_keys(rows, shard))))
        blocks = block_of_hash(np.array([row[0] for row in lost], dtype=np.uint64), len(paths))
        for block, row in zip(blocks.tolist(), lost, strict=True):
            gone.setdefault(block, set()).add(row)
    written = {}
    for block, own in sorted(gone.items()):
        path = paths[block]
        with making.files.parquet(path) as file, making.out.named_file(path) as sink:
            count = write_lookup(cast("IO[bytes]", sink), _without(file, own), making.manifest.label)
        written[path] = ReleaseFile(path, sink.num_bytes, sink.sha256, count)
    return written


def _gone(making: Making, shard: int, rows: Rows) -> Rows:
    """Those rows that name no document which is still in a shard."""
    path = making.files.folder("documents")[shard]
    with ParquetFile(making.out.source(path)) as file:
        for group in range(file.num_row_groups):
            keys = document_keys(file.read_row_group(group), shard)
            highs = np.array(sorted({row[0] for row in rows}), dtype=np.uint64)
            rows = rows - _rows_of(keys.filter(pa.array(np.isin(keys.column("key_high").to_numpy(), highs))))
    return rows


def _rows_of(keys: pa.Table) -> Rows:
    columns = (column.to_pylist() for column in keys.columns)
    return set(zip(*columns, strict=True))


def _without(file: ParquetFile, gone: Rows) -> Iterator[pa.Table]:
    highs = np.array(sorted({row[0] for row in gone}), dtype=np.uint64)
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        stays = ~np.isin(table.column("key_high").to_numpy(), highs)
        for place in np.flatnonzero(~stays).tolist():
            row = tuple(column[place].as_py() for column in table.columns)
            stays[place] = row not in gone
        yield table.filter(pa.array(stays)).cast(LOOKUP)

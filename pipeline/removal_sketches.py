"""Sketches of what is to go, and the documents of a release that are like it, told by index and bands alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from pipeline.released_files import ReleasedFiles
from stages.exchange import lexsorted
from stages.release_index import SKETCH, rows_at, rows_with_keys
from stages.suppression import Sketches, SuppressionList, sketches_of
from stages.suppression_files import Suppressed

SKETCHED = pa.schema(
    [
        pa.field("content_hash", pa.binary(ID_BYTES)),
        pa.field("bands", pa.list_(pa.uint64())),
        pa.field("values", SKETCH),
        pa.field("request", pa.int64()),
    ]
)
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


@dataclass(slots=True)
class Sketched:
    """What is remembered of documents: rows of `SKETCHED`; `request` is a place among requests."""

    tables: list[pa.Table] = field(default_factory=list)

    def add(self, table: pa.Table) -> None:
        """Add rows."""
        self.tables.append(table)

    def table(self) -> pa.Table:
        """All rows."""
        return pa.concat_tables([SKETCHED.empty_table(), *self.tables]).combine_chunks()


def sketched_rows(files: ReleasedFiles, shard: int, requests: Mapping[str, int]) -> pa.Table:
    """Rows of `SKETCHED` for some documents of a shard.

    Args:
        requests: by document id, the request for which it goes.
    """
    wanted = pa.array(sorted(requests), pa.string())
    places: list[I64] = []
    rows: list[pa.Table] = []
    first = 0
    with files.parquet(files.folder("index")[shard]) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["doc_id", "content_hash", "values"])
            here = np.flatnonzero(pc.is_in(table.column("doc_id"), value_set=wanted).to_numpy())
            places.append(first + here)
            rows.append(table.take(pa.array(here)))
            first += table.num_rows
    numbers, found = np.concatenate([np.empty(0, dtype=np.int64), *places]), pa.concat_tables(rows)
    bands = _bands(files, shard, numbers)
    columns = {
        "content_hash": found.column("content_hash"),
        "bands": bands,
        "values": found.column("values"),
        "request": [requests[doc_id] for doc_id in found.column("doc_id").to_pylist()],
    }
    return pa.table(columns, schema=SKETCHED)


class NearCopies:
    """Tells which documents of a release are like removed ones.

    Args:
        sketched: what goes now.
        suppressed: what went before, of the release's own setting.
    """

    def __init__(self, files: ReleasedFiles, sketched: Sketched, suppressed: Sequence[Suppressed]) -> None:
        table = sketched.table()
        own = sketches_of(table)
        earlier = _joined([sketches_of(SKETCHED.empty_table()), *(_of_suppressed(one) for one in suppressed)])
        self._files = files
        self._requests: I64 = table.column("request").to_numpy()
        self._keys: U64 = np.unique(np.concatenate([own.band_key, earlier.band_key]).astype(np.uint64))
        self._own, self._earlier = SuppressionList(own), SuppressionList(earlier)

    def of_shard(self, shard: int, known: Collection[str]) -> dict[str, int]:
        """By id the request for which a document goes: those that are not known.

        What is like something that goes now goes with it; only else -1, for what is like something that went before:
        so it is told in the same way once both are remembered.

        Args:
            known: ids of documents that go already.
        """
        if not len(self._keys):
            return {}
        with self._files.parquet(self._files.folder("bands")[shard]) as file:
            hits = [table for table in rows_with_keys(file, self._keys, "key") if table.num_rows]
        if not hits:
            return {}
        bands = pa.concat_tables(hits)
        keys, numbers = bands.column("key").to_numpy(), bands.column("row").to_numpy().astype(np.int64)
        order = np.lexsort((keys, numbers))
        keys, numbers = keys[order], numbers[order]
        rows = np.unique(numbers)
        with self._files.parquet(self._files.folder("index")[shard]) as file:
            tables = [table for _, table in rows_at(file, rows, ["doc_id", "content_hash", "values"])]
        table = pa.concat_tables(tables)
        place = np.searchsorted(rows, numbers)
        counts = np.bincount(place, minlength=len(rows))
        lists = pa.ListArray.from_arrays(pa.array(np.append(0, np.cumsum(counts)), pa.int32()), pa.array(keys))
        sketches = sketches_of(table.append_column("bands", lists))
        own, earlier = self._own.matches(sketches).by, self._earlier.matches(sketches).by
        names = table.column("doc_id").to_pylist()
        hit = [i for i in np.flatnonzero((own >= 0) | (earlier >= 0)).tolist() if names[i] not in known]
        return {names[i]: int(self._requests[own[i]]) if own[i] >= 0 else -1 for i in hit}


def _bands(files: ReleasedFiles, shard: int, numbers: I64) -> pa.Array:
    """Band keys of some rows of an index, ascending within each; `numbers` are ascending."""
    keys, rows = [np.empty(0, dtype=np.uint64)], [np.empty(0, dtype=np.int64)]
    with files.parquet(files.folder("bands")[shard]) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            row = table.column("row").to_numpy().astype(np.int64)
            here = np.isin(row, numbers)
            keys.append(table.column("key").to_numpy()[here])
            rows.append(row[here])
    key, row = np.concatenate(keys), np.searchsorted(numbers, np.concatenate(rows))
    order = lexsorted([row, key])
    counts = np.bincount(row, minlength=len(numbers))
    offsets = pa.array(np.append(0, np.cumsum(counts)), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(key[order], pa.uint64()))


def _of_suppressed(one: Suppressed) -> Sketches:
    order = np.argsort(one.band_rows, kind="stable")
    return Sketches(one.content, one.values, one.band_keys[order], one.band_rows[order])


def _joined(parts: Sequence[Sketches]) -> Sketches:
    """Sketches of several tables as those of one."""
    sizes = np.cumsum([0, *(len(part.content[0]) for part in parts)])
    return Sketches(
        (np.concatenate([part.content[0] for part in parts]), np.concatenate([part.content[1] for part in parts])),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.band_key for part in parts]).astype(np.uint64),
        np.concatenate([part.band_row + first for part, first in zip(parts, sizes, strict=False)]).astype(np.int64),
    )

"""The files of `lookup/` of a release that is made of another one: from the documents that it has.

Keys wait on disk, 20 bytes each, in a file for each file of `lookup/`; then one after another is sorted and written.
Memory: the keys of one file.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from stages.exchange import block_of_hash
from stages.released_documents import LOOKUP, document_keys, sorted_keys, write_lookup

_WAITING = np.dtype([("key_high", "<u8"), ("key_low", "<u8"), ("shard", "<u4")])


class WaitingKeys:
    """Whatever names a document, until all shards have told theirs.

    Args:
        folder: empty, for this alone.
        count: of the release's shards, and so of its files of `lookup/`.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count

    def add(self, documents: pa.Table, shard: int) -> None:
        """Take on what names some documents of a shard, rows of `RELEASED_DOCUMENTS`."""
        if not documents.num_rows:
            return
        keys = document_keys(documents, shard)
        rows = np.empty(keys.num_rows, dtype=_WAITING)
        for name in LOOKUP.names:
            rows[name] = keys.column(name).to_numpy()
        blocks = block_of_hash(rows["key_high"], self._count)
        order = np.argsort(blocks, kind="stable")
        present, starts = np.unique(blocks[order], return_index=True)
        for block, own in zip(present.tolist(), np.split(rows[order], starts[1:]), strict=True):
            with self._path(block).open("ab") as file:
                file.write(own.tobytes())

    def write(self, number: int, new_file: AbstractContextManager[IO[bytes]], label: str) -> int:
        """Write a file of `lookup/`; returns its rows. `label` is what its metadata call the release."""
        path = self._path(number)
        rows = np.fromfile(path, dtype=_WAITING) if path.exists() else np.empty(0, dtype=_WAITING)

        def ordered() -> Iterator[pa.Table]:
            columns = [np.ascontiguousarray(rows[name]) for name in LOOKUP.names]
            yield sorted_keys(pa.table(columns, schema=LOOKUP))

        with new_file as file:
            return write_lookup(file, ordered(), label)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.keys"

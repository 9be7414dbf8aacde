"""The table of a partition's documents and what names them, on their way to the release.

Rows of each slice are dealt to blocks that are ranges of ids, as many as there are slices, and block after block is
sorted: so the file is sorted as a whole, and what is held is about a slice's. Ids are hashes. Whatever names a document
goes to the partition whose file of `lookup/` has it. Cost: 0.4 kB a document in the work folder, written and read once.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from pipeline.steps import UnitContext
from stages.exchange import BlockWriter, block_of_hash, fixed_binary, sortable
from stages.packed_documents import hex_names
from stages.released_documents import LOOKUP, RELEASED_DOCUMENTS, document_keys, write_documents
from stages.texts import REWRITE

_BY_ID = "documents_by_id"
_AS_THEY_ARE = ("kind", "source", "subset", "language", "licence", "path", "num_bytes", "tokens", "copies")


class DocumentRows:
    """Rows of slices on their way to blocks by id; `writer` is that of `opened`."""

    def __init__(self, context: UnitContext, writer: BlockWriter) -> None:
        self._num_blocks = context.plan.slices_per_partition
        self._writer = writer

    def add(self, documents: pa.Table, indexed: pa.Table, *, held_out: bool) -> None:
        """Take on documents of a slice.

        Args:
            documents: `DOCUMENTS` with tokens, copies and rewrite, the modes of each rewrite.
            indexed: `INDEXED`, a row for each of them, and maybe for others.
        """
        identities = fixed_binary(documents.column("id"), ID_BYTES)
        places = pc.index_in(documents.column("id"), value_set=indexed.column("id").combine_chunks())
        named = indexed.take(places.combine_chunks())
        provenance = documents.column("attribution").combine_chunks()
        columns = {name: documents.column(name) for name in (*_AS_THEY_ARE, REWRITE.name)}
        columns |= {name: provenance.field(name) for name in ("revision", "swhid")}
        columns |= {name: _hex(named.column(name)) for name in ("blob", "sha256", "content_hash")}
        columns |= {"doc_id": hex_names(identities), "repository": documents.column("repo")}
        columns |= {"url": named.column("url"), "held_out": pa.array([held_out] * documents.num_rows, pa.bool_())}
        table = pa.table([columns[name] for name in RELEASED_DOCUMENTS.names], schema=RELEASED_DOCUMENTS)
        self._writer.write(table, block_of_hash(sortable(identities)[0], self._num_blocks))

    def add_held_out(self, documents: pa.Table, indexed: pa.Table) -> None:
        """Take on documents that were held out: nothing of them is packed. `documents` as clean wrote them."""
        none = np.zeros(documents.num_rows, dtype=np.int64)
        documents = documents.append_column("tokens", pa.array(none))
        documents = documents.append_column("copies", pa.array(none.astype(np.int32)))
        documents = documents.append_column(REWRITE, pa.array([""] * documents.num_rows, pa.string()))
        self.add(documents, indexed, held_out=True)


def document_blocks(context: UnitContext) -> AbstractContextManager[BlockWriter]:
    """Where `DocumentRows` writes."""
    return context.blocks(_BY_ID, RELEASED_DOCUMENTS, num_blocks=context.plan.slices_per_partition)


def write_sorted_documents(context: UnitContext, file: IO[bytes], *, release: str) -> int:
    """Write the file of documents, and the table `keys` to the partitions that have them; returns its documents."""

    def sorted_parts(keys: BlockWriter) -> Iterator[pa.Table]:
        for block in range(context.plan.slices_per_partition):
            table = context.written(_BY_ID, block, RELEASED_DOCUMENTS)
            table = table.take(pc.sort_indices(table.column("doc_id")))
            named = document_keys(table, context.unit)
            keys.write(named, block_of_hash(named.column("key_high").to_numpy(), context.plan.partitions))
            yield table

    with context.blocks("keys", LOOKUP, num_blocks=context.plan.partitions) as keys:
        return write_documents(file, sorted_parts(keys), release)


def _hex(column: pa.ChunkedArray) -> pa.Array:
    """Lower-case hex digits; empty for null."""
    return pa.array(["" if value is None else value.hex() for value in column.to_pylist()], pa.string())

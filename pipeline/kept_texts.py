"""Texts that clean keeps or sets aside, each written once to its slice, and what later releases will know them by."""

import numpy as np
import pyarrow as pa
import xxhash

from filters.copyrights import copyright_lines
from filters.swhid import swhid_of_blob
from manifests.document import ID_BYTES, Document
from pipeline.steps import UnitContext
from stages.attribution import PROVENANCE, provenances, stated_revision
from stages.content_names import CONTENT_NAMES
from stages.exchange import BlockWriter
from stages.release_index import SKETCHES

TEXTS = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("kind", pa.string()),
        pa.field("source", pa.string()),
        pa.field("subset", pa.string()),
        pa.field("language", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("repo", pa.string()),
        pa.field("path", pa.string()),
        pa.field("text", pa.large_string()),
        pa.field("num_bytes", pa.int64()),
        pa.field("attribution", PROVENANCE),
    ]
)
KEYED = pa.schema([pa.field("id", pa.binary(ID_BYTES)), pa.field("held_out", pa.bool_()), *SKETCHES])
INDEXED = pa.schema([*KEYED, *CONTENT_NAMES])
_BATCH_BYTES = 4 * 1024 * 1024
_ROW_BYTES = 512  # about what comes with a text: licence, evidence, copyright statements
_OF_DOCUMENT = ("kind", "source", "subset", "language", "repo", "path")


class KeptTexts:
    """Rows of `TEXTS` on their way to their slices; what `judged` says of them is never turned into Python's values.

    `judged`, with a column blob, is shared by all who take rows of it: give it in one piece, so that a row is found
    without a search.

    Attributes:
        kept: by ordinal, the slice of every document that was added.
    """

    def __init__(self, writer: BlockWriter, judged: pa.Table, num_slices: int) -> None:
        self._writer = writer
        self._judged = judged.select(["licence", "licence_declared", "evidence", "blob"])
        self._num_slices = num_slices
        self.kept: dict[int, int] = {}
        self._clear()

    def add(self, ordinal: int, document: Document, text: str) -> int:
        """Take a document on; returns the UTF-8 bytes of its cleaned text."""
        size = len(text) if text.isascii() else len(text.encode())
        names = tuple(getattr(document, name) for name in _OF_DOCUMENT)
        self._rows.append((bytes.fromhex(document.id), *names, text, size))
        self._ordinals.append(ordinal)
        self._provenance.append((stated_revision(document), copyright_lines(text)))
        self.kept[ordinal] = slice_of_document(document.repo, document.id, self._num_slices)
        self._slices.append(self.kept[ordinal])
        self._bytes += size + sum(map(len, names)) + _ROW_BYTES
        if self._bytes >= _BATCH_BYTES:
            self.flush()
        return size

    def flush(self) -> None:
        """Hand the rows to the writer."""
        if self._rows:
            self._writer.write(self._table(), np.array(self._slices, dtype=np.int64))
        self._clear()

    def _clear(self) -> None:
        self._rows: list[tuple[object, ...]] = []
        self._ordinals: list[int] = []
        self._provenance: list[tuple[str, list[str]]] = []
        self._slices: list[int] = []
        self._bytes = 0

    def _table(self) -> pa.Table:
        judged = self._judged.take(pa.array(self._ordinals))
        declared, evidence = (judged.column(name).combine_chunks() for name in ("licence_declared", "evidence"))
        swhids = map(swhid_of_blob, judged.column("blob").to_pylist())
        known = [(revision, swhid, said) for (revision, said), swhid in zip(self._provenance, swhids, strict=True)]
        own = dict(zip(("id", *_OF_DOCUMENT, "text", "num_bytes"), zip(*self._rows, strict=True), strict=True))
        joined = {
            "licence": judged.column("licence"),
            "attribution": provenances(known, declared, evidence),
        }
        return pa.table(own | joined, schema=TEXTS)


def slice_of_document(repo: str, identifier: str, num_slices: int) -> int:
    """The slice that has a document: all of a repository lie in one."""
    return xxhash.xxh3_64_intdigest((repo or identifier).encode()) % num_slices


def write_indexed(context: UnitContext, places: pa.Table, *, kept: dict[int, int], held_out: dict[int, int]) -> None:
    """What the unit's documents will be known by, in this release and later ones, each to the slice of its text.

    Args:
        places: of all documents of the unit.
        kept: by ordinal, the slice of every document that was kept.
        held_out: the same of those that were held out.
    """
    slices = kept | held_out
    start = 0
    with context.blocks("indexed", INDEXED, num_blocks=context.plan.num_slices) as out:
        for table in context.segments("sketches"):
            here = [ordinal for ordinal in range(start, start + table.num_rows) if ordinal in slices]
            rows = table.take(pa.array([ordinal - start for ordinal in here], pa.int64()))
            named = places.take(pa.array(here, pa.int64()))
            flags = pa.array([ordinal in held_out for ordinal in here], pa.bool_())
            names = (named.column(name) for name in CONTENT_NAMES.names)
            rows = pa.table([named.column("id"), flags, *rows.columns, *names], schema=INDEXED)
            out.write(rows, np.array([slices[ordinal] for ordinal in here], dtype=np.int64))
            start += table.num_rows

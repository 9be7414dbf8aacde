"""What pack writes beside a shard: tables of its documents, their texts, rewrites, held-out texts, and the index.

Slice by slice. The index and its bands are sorted by key over the whole partition, which is too large to be held: the
rows of each slice are dealt to blocks that are ranges of the key, as many as there are slices, and block after block is
sorted. Keys are hashes, so a block is about as large as a slice. Cost: 0.9 kB a document in the work folder, written
and read once.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Literal, NamedTuple, Self, cast, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.document import ID_BYTES, Kind
from pipeline.kept_texts import INDEXED, KEYED, TEXTS
from pipeline.overlays import Overlay
from pipeline.pack_documents import DocumentRows, document_blocks, write_sorted_documents
from pipeline.pack_rewrites import RewritesFile
from pipeline.rewriting_settings import rewrites
from pipeline.steps import UnitContext
from stages.attribution import NOT_KNOWN, attribution, attribution_schema, attribution_writer, not_known, row_groups
from stages.exchange import BlockWriter, block_of_hash, fixed_binary, sortable
from stages.packed_documents import hex_names
from stages.release_index import BAND_ROWS, INDEX, index_tables, sorted_bands, with_release, write_index
from stages.texts import REWRITE, TextsFormat, WriteRows, text_rows, texts_schema, texts_writer

_TEXT = pa.schema([TEXTS.field("id"), TEXTS.field("text")])


class _Files(NamedTuple):
    """Where rows go; None: the recipe does not ask for that file."""

    attributions: pq.ParquetWriter
    texts: WriteRows | None
    held_out: WriteRows | None
    rewrites: RewritesFile | None
    indexed: BlockWriter
    documents: BlockWriter


class DocumentFiles:
    """The files of a partition that have a row for each of its documents.

    Attributes:
        not_known: documents by what their attribution does not know, then by kind.
        counts: rows of the files that have another number of rows than the shard has documents.
        rewrites: the file of rewrites; None where the recipe has nothing rewritten.
    """

    def __init__(self, context: UnitContext, files: _Files) -> None:
        self.not_known = {name: dict.fromkeys(get_args(Kind), 0) for name in NOT_KNOWN}
        self.counts = {"held_out": 0, "indexed": 0, "bands": 0, "documents_told": 0}
        self.rewrites = files.rewrites
        self._context = context
        self._files = files
        self._rows = DocumentRows(context, files.documents)

    @classmethod
    @contextmanager
    def opened(cls, context: UnitContext, release: str) -> Iterator[Self]:
        """The outputs that the recipe asks for; they appear when the block ends well.

        Args:
            release: its name and version.
        """
        num_blocks, is_rewritten = context.plan.slices_per_partition, rewrites(context.recipe)
        with ExitStack() as stack:

            def new_file(table: str, suffix: str = "parquet") -> IO[bytes]:
                return cast("IO[bytes]", stack.enter_context(context.whole_file(table, f".{suffix}")))

            def texts(table: str, form: TextsFormat | Literal["off"]) -> WriteRows | None:
                if form == "off":
                    return None
                schema = texts_schema(release, rewritten=is_rewritten and table == "texts")
                return stack.enter_context(texts_writer(new_file(table, form), schema, form))

            def rewrites_file() -> RewritesFile | None:
                if not is_rewritten:
                    return None
                originals = context.recipe.release.texts != "off"
                return stack.enter_context(RewritesFile.opened(new_file("rewritten"), release, originals=originals))

            attributions = attribution_writer(new_file("attribution"), attribution_schema(release))
            keyed = context.blocks("indexed_by_key", KEYED, num_blocks=num_blocks)
            with keyed as indexed, document_blocks(context) as rows:
                own = _Files(
                    attributions=stack.enter_context(attributions),
                    texts=texts("texts", context.recipe.release.texts),
                    held_out=texts("held_texts", "parquet" if context.recipe.held_out else "off"),
                    rewrites=rewrites_file(),
                    indexed=indexed,
                    documents=rows,
                )
                files = cls(context, own)
                yield files
            with context.clock.during("index"):
                files.counts |= write_sorted(context, new_file("index"), new_file("bands"), release=release)
                rows_of = write_sorted_documents(context, new_file("documents"), release=release)
                files.counts["documents_told"] = rows_of

    def write(self, number: int, documents: pa.Table) -> None:
        """Write the rows of a slice.

        Args:
            number: of the slice.
            documents: those of it that the release has: `DOCUMENTS`, and copies, how many times each is packed.
        """
        doc_ids = hex_names(fixed_binary(documents.column("id"), ID_BYTES))
        table = attribution(documents, doc_ids)
        for kind in get_args(Kind):
            for name, lacking in not_known(table.filter(pc.equal(table.column("kind"), kind))).items():
                self.not_known[name][kind] += lacking
        for part in row_groups(table):
            self._files.attributions.write_table(part, row_group_size=part.num_rows)
        overlay = Overlay.of(self._context, number)
        self._write_texts(number, overlay, documents, doc_ids)
        indexed = self._context.rows(self._context.of_slice("indexed", number), INDEXED)
        modes = overlay.modes(documents.column("id"))
        self._rows.add(documents.append_column(REWRITE, modes), indexed, held_out=False)
        if self._files.held_out is not None:
            self._write_held_out(number, self._files.held_out, indexed)
        is_here = pc.is_in(indexed.column("id"), value_set=documents.column("id").combine_chunks())
        indexed = indexed.filter(pc.or_(is_here, indexed.column("held_out"))).select(KEYED.names)
        highs = sortable(fixed_binary(indexed.column("key"), ID_BYTES))[0]
        self._files.indexed.write(indexed, block_of_hash(highs, self._context.plan.slices_per_partition))

    def _write_texts(self, number: int, overlay: Overlay, documents: pa.Table, doc_ids: pa.Array) -> None:
        """Texts as they were tokenized, and how those came to be that are not as clean kept them."""
        ids = documents.column("id")
        if self.rewrites is not None:
            documents = documents.append_column(REWRITE, overlay.modes(ids))
        if self._files.texts is None:
            self._write_rewrites(overlay, ids, None)
            return
        for part in text_rows(documents, doc_ids, self._laid_texts(overlay, number, ids)):
            self._files.texts(part)
            self._context.progress(0)

    def _laid_texts(self, overlay: Overlay, number: int, ids: pa.ChunkedArray) -> pa.Table:
        originals = self._texts_of(number, ids)
        self._write_rewrites(overlay, ids, originals)
        return overlay.laid_over(originals)

    def _write_rewrites(self, overlay: Overlay, ids: pa.ChunkedArray, originals: pa.Table | None) -> None:
        if self.rewrites is not None:
            self.rewrites.write(overlay, ids, originals)

    def _write_held_out(self, number: int, write: WriteRows, indexed: pa.Table) -> None:
        context = self._context
        documents = context.rows(context.of_slice("held_out", number), TEXTS)
        self._rows.add_held_out(documents, indexed)
        documents = documents.append_column("copies", pa.array(np.zeros(documents.num_rows, dtype=np.int32)))
        names = hex_names(fixed_binary(documents.column("id"), ID_BYTES))
        for part in text_rows(documents, names, documents):
            write(part)
        self.counts["held_out"] += documents.num_rows

    def _texts_of(self, number: int, ids: pa.ChunkedArray) -> pa.Table:
        """Ids and originals of some documents of a slice. What mix left out of it is never held."""
        context = self._context
        blocks = context.of_slice("texts", number)
        wanted = ids.combine_chunks()
        parts = [
            part.filter(pc.is_in(part.column("id"), value_set=wanted))
            for part in context.parts(blocks, columns=_TEXT.names)
        ]
        return pa.concat_tables(parts) if parts else _TEXT.empty_table()


def write_sorted(context: UnitContext, index: IO[bytes], bands: IO[bytes], *, release: str) -> dict[str, int]:
    """Write the index of all slices from the rows that lie in blocks by key; returns the rows of its two files."""
    num_blocks = context.plan.slices_per_partition

    def documents(dealt: BlockWriter) -> Iterator[pa.Table]:
        first = 0
        for block in range(num_blocks):
            table, rows = index_tables(context.written("indexed_by_key", block, KEYED), first=first)
            dealt.write(rows, block_of_hash(rows.column("key").to_numpy(), num_blocks))
            first += table.num_rows
            yield table

    with context.blocks("bands_by_key", BAND_ROWS, num_blocks=num_blocks) as dealt:
        num_documents = write_index(index, documents(dealt), with_release(INDEX, release))
    by_key = (sorted_bands(context.written("bands_by_key", block, BAND_ROWS)) for block in range(num_blocks))
    return {"indexed": num_documents, "bands": write_index(bands, by_key, with_release(BAND_ROWS, release))}

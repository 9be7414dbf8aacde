"""What pack writes beside a shard: the attribution of its documents, their texts, held-out texts, and the index.

Slice by slice, but for the index, which is sorted by key over the whole partition: it is held until the last slice, at
0.6 kB a document.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Self, cast, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.document import Kind
from pipeline.kept_texts import INDEXED, TEXTS
from pipeline.steps import UnitContext
from stages.attribution import NOT_KNOWN, attribution, attribution_schema, attribution_writer, not_known, row_groups
from stages.exchange import read_segments, read_table
from stages.release_index import BAND_ROWS, INDEX, index_tables, with_release, write_index
from stages.texts import text_rows, texts_schema, texts_writer

_TEXT = pa.schema([TEXTS.field("id"), TEXTS.field("text")])


class DocumentFiles:
    """The files of a partition that have a row for each of its documents.

    Attributes:
        not_known: documents by what their attribution does not know, then by kind.
        counts: rows of the files that have another number of rows than the shard has documents.
    """

    def __init__(
        self,
        context: UnitContext,
        attributions: pq.ParquetWriter,
        *,
        texts: pq.ParquetWriter | None,
        held_out: pq.ParquetWriter | None,
    ) -> None:
        self.not_known = {name: dict.fromkeys(get_args(Kind), 0) for name in NOT_KNOWN}
        self.counts = {"held_out": 0, "indexed": 0, "bands": 0}
        self._context = context
        self._attributions = attributions
        self._texts = texts
        self._held_out = held_out
        self._indexed: list[pa.Table] = []

    @classmethod
    @contextmanager
    def opened(cls, context: UnitContext, release: str) -> Iterator[Self]:
        """The outputs that the recipe asks for; they appear when the block ends well.

        Args:
            release: its name and version.
        """
        with ExitStack() as stack:

            def new_file(table: str) -> IO[bytes]:
                return cast("IO[bytes]", stack.enter_context(context.whole_file(table, ".parquet")))

            def texts(table: str, *, asked_for: object) -> pq.ParquetWriter | None:
                if not asked_for:
                    return None
                return stack.enter_context(texts_writer(new_file(table), texts_schema(release)))

            attributions = attribution_writer(new_file("attribution"), attribution_schema(release))
            files = cls(
                context,
                stack.enter_context(attributions),
                texts=texts("texts", asked_for=context.recipe.release.texts),
                held_out=texts("held_texts", asked_for=context.recipe.held_out),
            )
            yield files
            files.write_index(new_file("index"), new_file("bands"), release)

    def write(self, number: int, documents: pa.Table) -> None:
        """Write the rows of a slice.

        Args:
            number: of the slice.
            documents: those of it that the release has: `TOKENS` without tokens, and doc_id, their ids as text.
        """
        doc_ids = documents.column("doc_id").combine_chunks()
        table = attribution(documents, doc_ids)
        for kind in get_args(Kind):
            for name, lacking in not_known(table.filter(pc.equal(table.column("kind"), kind))).items():
                self.not_known[name][kind] += lacking
        for part in row_groups(table):
            self._attributions.write_table(part, row_group_size=part.num_rows)
        if self._texts is not None:
            for part in text_rows(documents, doc_ids, self._texts_of(number, documents.column("id"))):
                self._texts.write_table(part, row_group_size=part.num_rows)
                self._context.progress(0)
        if self._held_out is not None:
            self._write_held_out(number, self._held_out)
        indexed = read_table(
            self._context.storage, self._context.of_slice("indexed", number), INDEXED, self._context.progress
        )
        is_here = pc.is_in(indexed.column("id"), value_set=documents.column("id").combine_chunks())
        self._indexed.append(indexed.filter(pc.or_(is_here, indexed.column("held_out"))))

    def _write_held_out(self, number: int, writer: pq.ParquetWriter) -> None:
        context = self._context
        documents = read_table(context.storage, context.of_slice("held_out", number), TEXTS, context.progress)
        names = pa.array([identifier.hex() for identifier in documents.column("id").to_pylist()], pa.string())
        for part in text_rows(documents, names, documents):
            writer.write_table(part, row_group_size=part.num_rows)
        self.counts["held_out"] += documents.num_rows

    def write_index(self, index: IO[bytes], bands: IO[bytes], release: str) -> None:
        """Write the index of all slices."""
        indexed = pa.concat_tables([INDEXED.empty_table(), *self._indexed])
        self._indexed = []
        documents, keys = index_tables(indexed)
        self.counts |= {"indexed": documents.num_rows, "bands": keys.num_rows}
        write_index(index, documents, with_release(INDEX, release))
        write_index(bands, keys, with_release(BAND_ROWS, release))

    def _texts_of(self, number: int, ids: pa.ChunkedArray) -> pa.Table:
        """Ids and texts of some documents of a slice. What mix left out of it is never held."""
        context = self._context
        blocks = context.of_slice("texts", number)
        wanted = ids.combine_chunks()
        parts = [
            part.filter(pc.is_in(part.column("id"), value_set=wanted))
            for part in read_segments(context.storage, blocks, context.progress, columns=_TEXT.names)
        ]
        return pa.concat_tables(parts) if parts else _TEXT.empty_table()

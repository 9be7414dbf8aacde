"""What pack writes beside a shard, slice by slice: the attribution of its documents and, if asked for, their texts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Self, cast, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.document import Kind
from pipeline.pass_3_clean import TEXTS
from pipeline.steps import UnitContext
from stages.attribution import NOT_KNOWN, attribution, attribution_schema, attribution_writer, not_known, row_groups
from stages.exchange import read_segments
from stages.texts import text_rows, texts_schema, texts_writer

_TEXT = pa.schema([TEXTS.field("id"), TEXTS.field("text")])


class DocumentFiles:
    """The files of a partition that have a row for each of its documents.

    Attributes:
        not_known: documents by what their attribution does not know, then by kind.
    """

    def __init__(self, context: UnitContext, attributions: pq.ParquetWriter, texts: pq.ParquetWriter | None) -> None:
        self.not_known = {name: dict.fromkeys(get_args(Kind), 0) for name in NOT_KNOWN}
        self._context = context
        self._attributions = attributions
        self._texts = texts

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

            texts = None
            if context.recipe.release.texts:
                texts = stack.enter_context(texts_writer(new_file("texts"), texts_schema(release)))
            attributions = attribution_writer(new_file("attribution"), attribution_schema(release))
            yield cls(context, stack.enter_context(attributions), texts)

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

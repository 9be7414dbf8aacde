"""Texts of a release: the cleaned text of every document beside its token ids, for whoever tokenizes in another way.

A table is written slice by slice, each one sorted by id, which is a hash: so rows are in random order within a slice,
and memory is that of a slice. The text is a plain `string` and no `large_string`: a row group is far below 2 GiB, and
`datasets` refuses to join a column of the one type with a column of the other, which nearly all published sets have.

Cost: 200 MB of real code a CPU second, nearly all of it zstd's at level 1, which leaves 27 % of its bytes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.errors import IntegrityError
from stages.row_groups import row_groups
from stages.text_lines import lines_writer

TextsFormat = Literal["parquet", "jsonl.zst"]  # also what a file's name ends in
WriteRows = Callable[[pa.Table], None]

_OF_DOCUMENT = ("kind", "source", "subset", "language", "licence", "repo", "path")
RELEASED_TEXTS = pa.schema(
    [*(pa.field(name, pa.string()) for name in ("doc_id", "text", *_OF_DOCUMENT)), pa.field("copies", pa.int32())]
)
REWRITE = pa.field("rewrite", pa.string())
"""The modes in which a model rewrote the text, as in "repair+style"; empty where it is the original."""
ROW_GROUP_BYTES = 16 * 1024 * 1024
ROW_GROUP_ROWS = 1 << 16

# Others hardly repeat, so a dictionary would cost time and bytes.
_REPEATED = ["kind", "source", "subset", "language", "licence", "repo", "copies", REWRITE.name]
_NO_BOUNDS = {"text"}  # the smallest and the largest text help nobody to find a row


def released_texts(*, rewritten: bool) -> pa.Schema:
    """Columns of a release's file; `rewritten`: its recipe has code rewritten."""
    return RELEASED_TEXTS.append(REWRITE) if rewritten else RELEASED_TEXTS


def texts_schema(release: str, *, rewritten: bool = False) -> pa.Schema:
    """Schema of a release's file; `release` is its name and version."""
    return released_texts(rewritten=rewritten).with_metadata({"corpusmill.release": release})


@contextmanager
def texts_writer(sink: IO[bytes], schema: pa.Schema, form: TextsFormat) -> Iterator[WriteRows]:
    """A function that appends rows: a row group, or a frame of lines, for each table of them, of `text_rows`.

    The bytes depend on what is written and on the libraries' versions alone. The file is whole when the block ends. Its
    metadata are the schema's; JSON lines have none.
    """
    if form == "jsonl.zst":
        with lines_writer(sink) as write_lines:
            yield write_lines
        return
    with pq.ParquetWriter(
        sink,
        schema,
        use_dictionary=[name for name in _REPEATED if name in schema.names],
        compression="zstd",
        compression_level=1,
        write_page_index=True,
        write_statistics=[name for name in schema.names if name not in _NO_BOUNDS],
    ) as writer:
        yield lambda rows: writer.write_table(rows, row_group_size=rows.num_rows)


def text_rows(documents: pa.Table, doc_ids: pa.Array, texts: pa.Table) -> Iterator[pa.Table]:
    """The rows of a release's table for some documents, sorted by id, in row groups of bounded rows and bytes.

    Args:
        documents: with the columns id, kind, source, subset, language, licence, repo, path and copies, how many times
            each is in the shard; with rewrite where the file has it.
        doc_ids: their ids as text, in the same order.
        texts: with the columns id and text, of these documents and maybe of others, in any order.

    Returns:
        Tables of `released_texts`, none for no documents. A row that is too large is alone in its table.

    Raises:
        IntegrityError: a document has no text.
    """
    order = pc.sort_indices(doc_ids)
    documents = documents.take(order)
    places = pc.index_in(documents.column("id").combine_chunks(), value_set=_in_one(texts.column("id")))
    if places.null_count:
        lost = doc_ids.take(order).filter(places.is_null())[0]
        raise IntegrityError(
            f"document {lost}: expected the text that its token ids were made of, found none",
            hint="delete the work folder and run again",
        )
    schema = released_texts(rewritten=REWRITE.name in documents.column_names)
    of_document = {name: documents.column(name) for name in schema.names if name not in ("doc_id", "text")}
    rows = pa.table({"doc_id": doc_ids.take(order)} | of_document)
    text = _in_one(texts.column("text"))
    del texts  # the pieces that it was put together from
    sizes = _sizes(rows) + pc.binary_length(text).take(places).to_numpy()
    for start, stop in row_groups(sizes, maximum_size=ROW_GROUP_BYTES, maximum_rows=ROW_GROUP_ROWS):
        part = rows.slice(start, stop - start)
        # A take makes offsets that begin anew: those of a slice's texts may lie beyond what a string can have.
        own = text.take(places.slice(start, stop - start)).cast(pa.string())
        yield part.append_column("text", own).select(schema.names)


def _in_one(column: pa.ChunkedArray) -> pa.Array:
    """All values as one array: no copy where they are."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _sizes(rows: pa.Table) -> npt.NDArray[np.int64]:
    """int64[rows], UTF-8 bytes of all strings of a row together."""
    sizes = np.zeros(rows.num_rows, dtype=np.int64)
    for field in rows.schema:
        if pa.types.is_string(field.type):
            sizes += pc.binary_length(rows.column(field.name)).to_numpy()
    return sizes

"""What lies beside a shard, written anew without some documents: their rows go, other rows stay in their order.

Row groups lose rows and stay apart; the index, its bands and the documents, which are sorted as a whole, are cut anew.
Memory: a row group, and for the index 9 bytes for each of its rows.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.storage import Storage
from stages.attribution import attribution_writer
from stages.evidence_paths import without_paths
from stages.parquet_files import ParquetFile
from stages.release_index import write_index
from stages.released_documents import write_documents
from stages.rewrite_provenance import rewrites_writer
from stages.text_lines import read_lines
from stages.texts import REWRITE, TextsFormat, released_texts, texts_writer

Look = Callable[[pa.Table], object]
Paths = Mapping[str, Set[str]]
I64 = npt.NDArray[np.int64]
NONE: Paths = {}


def write_attribution(
    file: ParquetFile, sink: IO[bytes], removed: pa.Array, look: Look, *, removed_files: Paths = NONE
) -> int:
    """Write `attribution/` without some documents; `look` is given their rows. Returns the rows that stay.

    Args:
        removed_files: by repository, paths that no evidence may name any more.
    """
    tables = (without_paths(table, removed_files) for table in _tables(file))
    with attribution_writer(sink, file.schema_arrow) as writer:
        return _write(tables, lambda part: writer.write_table(part, row_group_size=part.num_rows), removed, look)


def write_rewrites(file: ParquetFile, sink: IO[bytes], removed: pa.Array, look: Look) -> int:
    """Write `rewrites/` without some documents. See `write_attribution`."""
    with rewrites_writer(sink, file.schema_arrow) as writer:
        return _write(_tables(file), lambda part: writer.write_table(part, row_group_size=part.num_rows), removed, look)


def write_texts(file: ParquetFile, sink: IO[bytes], removed: pa.Array, look: Look) -> int:
    """Write a file of `texts/` or `held_out/` in Parquet without some documents. See `write_attribution`."""
    with texts_writer(sink, file.schema_arrow, "parquet") as write:
        return _write(_tables(file), write, removed, look)


def write_lines(release: Storage, path: str, sink: IO[bytes], removed: pa.Array, *, rewritten: bool) -> int:
    """Write a file of `texts/` as JSON lines without some documents; returns the rows that stay.

    Raises:
        MalformedLinesError: it is none.
    """
    form: TextsFormat = "jsonl.zst"
    schema = released_texts(rewritten=rewritten)
    with release.open(path) as file, texts_writer(sink, schema, form) as write:
        return _write(read_lines(file, schema), write, removed, lambda _rows: None)


def write_kept_documents(
    file: ParquetFile, sink: IO[bytes], removed: pa.Array, tokens: Mapping[str, int], release: str
) -> int:
    """Write `documents/` without some documents; returns the rows that stay.

    Args:
        tokens: by id, what others have now.
        release: its name and version, as files say it.
    """

    def kept() -> Iterator[pa.Table]:
        changed = pa.array(sorted(tokens), pa.string())
        numbers = pa.array([tokens[name] for name in sorted(tokens)], pa.int64())
        place = file.schema_arrow.get_field_index("tokens")
        for table in _tables(file):
            rows = table.filter(pc.invert(pc.is_in(table.column("doc_id"), value_set=removed)))
            known = pc.index_in(rows.column("doc_id"), value_set=changed)
            now = pc.coalesce(numbers.take(known.combine_chunks()), rows.column("tokens").combine_chunks())
            yield rows.set_column(place, rows.schema.field(place), now)

    return write_documents(sink, kept(), release)


def write_kept_index(file: ParquetFile, sink: IO[bytes], removed: pa.Array) -> tuple[int, I64]:
    """Write `index/` without some documents; returns the rows that stay, and of each old row its new number or -1."""
    stays: list[npt.NDArray[np.bool_]] = [np.empty(0, dtype=np.bool_)]

    def kept() -> Iterator[pa.Table]:
        for table in _tables(file):
            own = ~pc.is_in(table.column("doc_id"), value_set=removed).to_numpy()
            stays.append(own)
            yield table.filter(pa.array(own))

    num_rows = write_index(sink, kept(), file.schema_arrow)
    stay = np.concatenate(stays)
    return num_rows, np.where(stay, np.cumsum(stay) - 1, -1)


def write_kept_bands(file: ParquetFile, sink: IO[bytes], numbers: I64) -> int:
    """Write `bands/` for the rows of an index that stay; returns its rows.

    Args:
        numbers: of each old row of the index its new number; -1 for one that went.
    """

    def kept() -> Iterator[pa.Table]:
        for table in _tables(file):
            rows = numbers[table.column("row").to_numpy()]
            changed = table.set_column(1, "row", pa.array(rows.astype(np.uint32)))
            yield changed.filter(pa.array(rows >= 0))

    return write_index(sink, kept(), file.schema_arrow)


def _tables(file: ParquetFile) -> Iterator[pa.Table]:
    for group in range(file.num_row_groups):
        yield file.read_row_group(group)


def _write(tables: Iterator[pa.Table], write: Callable[[pa.Table], Any], removed: pa.Array, look: Look) -> int:
    num_rows = 0
    for table in tables:
        goes = pc.is_in(table.column("doc_id"), value_set=removed)
        gone = table.filter(goes)
        if gone.num_rows:
            look(gone)
        part = table.filter(pc.invert(goes))
        if part.num_rows:
            write(part)
            num_rows += part.num_rows
    return num_rows


def says_rewritten(documents: pa.Table) -> pa.Table:
    """The rows of `documents/` that are packed as a model rewrote them."""
    return documents.filter(pc.not_equal(documents.column(REWRITE.name), ""))

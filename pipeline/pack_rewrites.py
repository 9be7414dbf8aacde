"""The file of rewrites that pack writes beside a shard: a row for each document that a model rewrote."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.document import ID_BYTES
from pipeline.overlays import Overlay
from stages.attribution import row_groups
from stages.exchange import fixed_binary
from stages.packed_documents import hex_names
from stages.rewrite_provenance import rewrite_rows, rewrites_schema, rewrites_writer


class RewritesFile:
    """Writes the rows of a partition, slice by slice."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._sums: dict[str, list[int]] = {}

    @classmethod
    @contextmanager
    def opened(cls, sink: IO[bytes], release: str, *, originals: bool) -> Iterator[Self]:
        """The file, which is whole when the block ends.

        Args:
            release: its name and version.
            originals: whether rows have the originals' texts.
        """
        with rewrites_writer(sink, rewrites_schema(release, originals=originals)) as writer:
            yield cls(writer)

    def write(self, overlay: Overlay, ids: pa.ChunkedArray, originals: pa.Table | None) -> None:
        """Write those rewrites of a slice that are packed.

        Args:
            ids: of all documents of the slice that are packed.
            originals: id and text of each of them, as clean kept it; None where the release has no texts.
        """
        is_here = pc.is_in(overlay.rewrites.column("id"), value_set=ids.combine_chunks())
        rewrites = overlay.rewrites.filter(is_here)
        texts = None if originals is None else _texts_of(rewrites, originals)
        rows = rewrite_rows(rewrites, hex_names(fixed_binary(rewrites.column("id"), ID_BYTES)), texts)
        for part in row_groups(rows):
            self._writer.write_table(part, row_group_size=part.num_rows)
        for language, num_bytes in zip(
            *(rows.column(name).to_pylist() for name in ("language", "text_bytes")), strict=True
        ):
            sums = self._sums.setdefault(language, [0, 0])
            sums[0] += 1
            sums[1] += num_bytes

    def counts(self) -> dict[str, Any]:
        """What goes into the record: rows; and documents and bytes of text by language."""
        return {
            "rewrites": sum(documents for documents, _ in self._sums.values()),
            "rewrites_by_language": dict(sorted(self._sums.items())),
        }


def _texts_of(rewrites: pa.Table, originals: pa.Table) -> list[str]:
    places = pc.index_in(rewrites.column("id"), value_set=originals.column("id").combine_chunks())
    found: list[str] = originals.column("text").take(places).to_pylist()
    return found

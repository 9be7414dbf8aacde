"""Reading the shards of a unit, in every pass that needs their rows: ingest, the verification of pairs, clean.

The bytes are hashed as they pass by and held against the plan, so a shard replaced under a run is found out.
"""

from collections.abc import Container, Iterator, Mapping
from hashlib import sha256
from typing import BinaryIO, cast

import pyarrow as pa

from manifests.document import ID_BYTES, Document, Rejected
from manifests.errors import IntegrityError, UnitError
from pipeline.plan import Shard
from pipeline.steps import UnitContext
from stages.exchange import Progress, fixed_binary
from stages.readers import ShardSource, read_documents


def unit_rows(context: UnitContext, only: Mapping[str, Container[int]] | None = None) -> Iterator[Document | Rejected]:
    """One item for every row of the unit's shards, shard by shard, row by row.

    Args:
        only: rows to read by shard, the others are passed over unparsed; None for all. Every byte is read anyway.

    Raises:
        UnitError: a shard is gone, truncated or corrupt; the rows before that were yielded.
        IntegrityError: a shard's bytes are not those that the plan listed.
    """
    sources = {source.name: source for source in context.recipe.sources}
    for shard in context.plan.units[context.unit]:
        source = sources[shard.source]
        layout = ShardSource(source=source.name, format=source.format, kind=source.kind, kinds=source.kinds)
        with _open(shard) as file:
            watched = _Watched(file, context.progress)
            yield from read_documents(
                cast("BinaryIO", watched),
                shard=shard.name,
                source=layout,
                maximum_line_bytes=context.recipe.limits.maximum_line_bytes,
                only=None if only is None else only.get(shard.name, ()),
            )
            watched.check(shard)


def documents_again(context: UnitContext, places: pa.Table, wanted: Container[int]) -> Iterator[tuple[int, Document]]:
    """Some documents of the unit, read a second time: (ordinal, document), in order.

    Args:
        places: where ingest saw the unit's documents, one row for each.
        wanted: ordinals, row numbers of `places`.

    Raises:
        IntegrityError: another document stands where ingest saw one.
    """
    ordinals: dict[str, dict[int, int]] = {}
    columns = (places.column(name).to_pylist() for name in ("shard", "row"))
    for ordinal, (shard, row) in enumerate(zip(*columns, strict=True)):
        if ordinal in wanted:
            ordinals.setdefault(shard, {})[row] = ordinal
    if not ordinals:
        return
    ids = fixed_binary(places.column("id"), ID_BYTES)
    for item in unit_rows(context, ordinals):
        ordinal = ordinals[item.shard][item.row]
        if not isinstance(item, Document) or item.id != ids[ordinal].tobytes().hex():
            raise IntegrityError(
                f"{item.shard}:{item.row}: another document than ingest saw here",
                hint="run again: what depends on this shard is made again",
            )
        yield ordinal, item


def _open(shard: Shard) -> BinaryIO:
    try:
        return open(shard.path, "rb")  # noqa: PTH123 - the caller closes it
    except OSError as error:
        raise UnitError(
            f"{shard.name}: expected the shard that was planned, got {error.strerror}", hint="restore it and run again"
        ) from error


class _Watched:
    """A file that reports progress and hashes what is read."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress
        self._digest = sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        self._progress(len(data))
        return data

    def check(self, shard: Shard) -> None:
        while self.read(1 << 20):
            pass
        if self._digest.hexdigest() != shard.sha256:
            raise IntegrityError(
                f"{shard.name}: the file changed since the run was planned; "
                f"expected sha256 {shard.sha256[:12]}, got {self._digest.hexdigest()[:12]}",
                hint="run again: what depends on this shard is made again",
            )

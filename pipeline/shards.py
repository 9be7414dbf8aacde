"""Reading the shards of a unit, in every pass that needs their rows: ingest, the verification of pairs, clean.

The bytes are hashed as they pass by and held against the plan, so a shard replaced under a run is found out.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO, cast

from manifests.document import Document, Rejected
from manifests.errors import IntegrityError, UnitError
from pipeline.plan import Shard
from pipeline.steps import UnitContext
from stages.exchange import Progress
from stages.readers import ShardSource, read_documents


def unit_rows(context: UnitContext) -> Iterator[Document | Rejected]:
    """One item for every row of the unit's shards, shard by shard, row by row.

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
            )
            watched.check(shard)


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

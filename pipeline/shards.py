"""Reading the shards of a unit, in every pass that needs their rows: ingest, the verification of pairs, clean.

The bytes are hashed as they pass by and held against the plan, so a shard replaced under a run is found out. Parquet is
read at random: such a shard is hashed first, and its time of change is looked at again when its rows were read. An
object of a bucket is read under the ETag that the plan listed; ingest, which reads it first, writes down its sha256.
"""

import os
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import BinaryIO, cast

import pyarrow as pa

from manifests.document import ID_BYTES, Document, Rejected
from manifests.errors import DamagedShardError, IntegrityError, UnitError
from manifests.inputs import open_input
from manifests.objects import find_object
from pipeline.contents import contents_of
from pipeline.plan import Shard
from pipeline.recipe import Recipe, Source
from pipeline.steps import UnitContext
from stages.decompression import maximum_rows
from stages.exchange import Progress, fixed_binary
from stages.readers import ShardSource, is_parquet, read_documents
from stages.row_layouts import Columns
from stages.software_heritage import BLOB_FAULTS
from stages.text_forms import in_form


def unit_rows(
    context: UnitContext,
    only: Mapping[str, Mapping[int, Container[int]]] | None = None,
    digests: dict[str, str] | None = None,
) -> Iterator[Document | Rejected]:
    """One item for every row of the unit's shards, or for every file in a row, shard by shard, row by row.

    Args:
        only: rows to read by shard, and of each the parts; the others are passed over unparsed. None for all. Every
            byte is hashed anyway.
        digests: gets the sha256 of each shard that was read to its end; None where nobody asks.

    Raises:
        UnitError: a shard is gone, truncated or corrupt; the rows before that were yielded.
        IntegrityError: a shard's bytes are not those that the plan listed.
    """
    recipe, beat = context.recipe, partial(context.progress, 0)
    sources = {one.name: replace(shard_source(one), contents=contents_of(recipe, one, beat)) for one in recipe.sources}
    for shard in context.plan.units[context.unit]:
        read = partial(
            read_documents,
            shard=shard.name,
            source=sources[shard.source],
            maximum_line_bytes=recipe.limits.maximum_line_bytes,
            only=None if only is None else only.get(shard.name, {}),
        )
        with _open(shard, recipe) as file:
            watched = _Watched(file, context.progress)
            if not is_parquet(shard.name):
                yield from _few_enough(shard, read(cast("BinaryIO", watched)))
                watched.check(shard)
            else:
                if shard.sha256 or digests is not None:  # what has an ETag is not read twice for nothing
                    watched.check(shard)
                yield from _unchanged(shard, file, read(file), context.progress)
        if digests is not None:
            digests[shard.name] = watched.sha256


def _few_enough(shard: Shard, items: Iterator[Document | Rejected]) -> Iterator[Document | Rejected]:
    """Rows of lines, as long as a shard of so many bytes can have them; Parquet says how many it has."""
    most = maximum_rows(shard.num_bytes)
    for item in items:
        if item.row >= most:
            raise DamagedShardError(
                f"{shard.name}: expected at most {most} rows in {shard.num_bytes} bytes, got more",
                hint="it was made to take time: leave it out",
            )
        yield item


def _unchanged(
    shard: Shard, file: BinaryIO, rows: Iterator[Document | Rejected], progress: Progress
) -> Iterator[Document | Rejected]:
    """Rows that are read at random, of a file that stays as it is meanwhile."""
    changed = None if shard.etag else os.fstat(file.fileno()).st_ctime_ns
    for item in rows:
        progress(0)
        yield item
    if changed is not None and os.fstat(file.fileno()).st_ctime_ns != changed:
        raise _replaced(shard, "a later change of the file")


def shard_source(source: Source) -> ShardSource:
    """How the shards of a source of the recipe are to be read, apart from where texts are fetched."""
    columns = None if source.columns is None else Columns(**source.columns.model_dump())
    return ShardSource(source.name, source.format, source.kind, source.kinds, columns, source.prose_files)


def shard_rows(
    recipe: Recipe, shard: Shard, only: Mapping[int, Container[int]] | None = None
) -> Iterator[Document | Rejected]:
    """Rows of a shard, all or some parts of some, as they were read; raises OSError where it is not there."""
    [stated] = (source for source in recipe.sources if source.name == shard.source)
    source = replace(shard_source(stated), contents=contents_of(recipe, stated))
    limit = recipe.limits.maximum_line_bytes
    with open_input(shard.found, recipe.s3.access) as file:
        yield from read_documents(file, shard=shard.name, source=source, maximum_line_bytes=limit, only=only)


def documents_again(context: UnitContext, places: pa.Table, wanted: Container[int]) -> Iterator[tuple[int, Document]]:
    """Some documents of the unit, read a second time: (ordinal, document as ingest measured it), in order.

    Args:
        places: where ingest saw the unit's documents, one row for each.
        wanted: ordinals, row numbers of `places`.

    Raises:
        UnitError: the content of one could be fetched by ingest and cannot be now.
        IntegrityError: another document stands where ingest saw one, or none.
    """
    ordinals: dict[str, dict[tuple[int, int], int]] = {}
    parts: dict[str, dict[int, set[int]]] = {}
    columns = (places.column(name).to_pylist() for name in ("shard", "row", "part"))
    for ordinal, (shard, row, part) in enumerate(zip(*columns, strict=True)):
        if ordinal in wanted:
            ordinals.setdefault(shard, {})[row, part] = ordinal
            parts.setdefault(shard, {}).setdefault(row, set()).add(part)
    if not ordinals:
        return
    ids = fixed_binary(places.column("id"), ID_BYTES)
    kinds, languages = (places.column(name).to_pylist() for name in ("kind", "language"))
    notebooks, form = context.recipe.text_forms.notebooks, context.clock.timing("form", in_form)
    for item in context.clock.timed("read", unit_rows(context, parts)):
        found = ordinals[item.shard].pop((item.row, item.part))
        if isinstance(item, Rejected) and item.reason in BLOB_FAULTS:
            raise _lost(item)
        formed = form(item, notebooks=notebooks) if isinstance(item, Document) else item
        if isinstance(formed, Rejected) or item.id != ids[found].tobytes().hex():
            raise _another(item.shard, item.row)
        yield found, replace(formed.document, kind=kinds[found], language=languages[found])
    for shard, unseen in ordinals.items():
        for row, _ in unseen:
            raise _another(shard, row)


def _another(shard: str, row: int) -> IntegrityError:
    return IntegrityError(
        f"{shard}:{row}: another document than ingest saw here",
        hint="run again: what depends on this shard is made again",
    )


def _lost(item: Rejected) -> UnitError:
    return UnitError(
        f"{item.shard}:{item.row}: expected the content that ingest fetched, got {item.reason}: {item.detail}",
        hint="contents must stay as they are until the run is done, or be kept in software_heritage.cache: restore it, "
        "or remove the folder `ingest` of the work folder to have it decided anew, and run again",
    )


def _open(shard: Shard, recipe: Recipe) -> BinaryIO:
    access = recipe.s3.access
    try:
        if shard.etag:
            there = find_object(shard.path, access)
            if there is None:
                raise FileNotFoundError(2, "no such object", shard.path)
            if there.etag != shard.etag:
                raise _replaced(shard, f"ETag {there.etag}")
        return open_input(shard.found, access)
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
        if shard.sha256 and self.sha256 != shard.sha256:
            raise _replaced(shard, f"sha256 {self.sha256[:12]}")

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def _replaced(shard: Shard, found: str) -> IntegrityError:
    return IntegrityError(
        f"{shard.name}: the file changed since the run was planned; expected {_identity(shard)}, got {found}",
        hint="run again: what depends on this shard is made again",
    )


def _identity(shard: Shard) -> str:
    return f"sha256 {shard.sha256[:12]}" if shard.sha256 else f"ETag {shard.etag}"

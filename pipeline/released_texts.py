"""Texts of a release, slice by slice, with what a renderer needs to know of each document."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.errors import IntegrityError
from manifests.release import Manifest
from manifests.storage import Storage, file_sha256
from pipeline.release_folders import rewrites_code, texts_format
from stages.exchange import RowStream
from stages.parquet_files import ParquetFile
from stages.text_lines import MalformedLinesError, read_lines
from stages.texts import REWRITE, released_texts

_REVISIONS = pa.schema([pa.field("doc_id", pa.string()), pa.field("revision", pa.string())])


def text_slices(release: Storage, manifest: Manifest, shard: str) -> Iterator[pa.Table]:
    """The documents of a shard, a table for each slice: `released_texts`, rewrite, id (16 bytes), revision, num_bytes.

    Rows of a slice are sorted by id, so a slice ends where ids fall. (A slice whose ids all lie above those of the one
    before it would be taken for a part of that; of slices of many documents none ever does.)

    Args:
        shard: what the names of its files share, such as `shard-00000-of-00001`.

    Raises:
        IntegrityError: texts or attribution are damaged, or are not about the same documents.
    """
    form = texts_format(manifest.recipe)
    path, attribution = f"texts/{shard}.{form}", f"attribution/{shard}.parquet"
    _check_bytes(release, manifest, path, attribution)
    schema = released_texts(rewritten=rewrites_code(manifest.recipe))
    tables = _lines(release, path, schema) if form == "jsonl.zst" else _groups(release, path, schema.names)
    revisions = RowStream(_groups(release, attribution, _REVISIONS.names), _REVISIONS)
    parts: list[pa.Table] = []
    last = ""
    for table in tables:
        if not table.num_rows:
            continue
        ids = table.column("doc_id")
        told = revisions.take(table.num_rows)
        if not told.column("doc_id").equals(pa.chunked_array(ids.chunks)):
            raise _damaged(release, path, "its documents are not those of the attribution beside it")
        table = table.append_column("revision", told.column("revision"))  # noqa: PLW2901 - with one column more
        if parts and ids[0].as_py() <= last:
            yield _slice(parts)
            parts = []
        parts.append(table)
        last = ids[-1].as_py()
    if parts:
        yield _slice(parts)


def _check_bytes(release: Storage, manifest: Manifest, *paths: str) -> None:
    """Raise IntegrityError where a file is not the one that the manifest lists."""
    listed = {file.path: file.sha256 for file in manifest.files}
    for path in paths:
        if path not in listed or not release.exists(path):
            raise _damaged(release, path, "expected a file that the manifest lists, found none")
        with release.open(path) as file:
            digest = file_sha256(file)
        if digest != listed[path]:
            raise _damaged(release, path, f"expected sha256 {listed[path]}, got {digest}")


def _slice(parts: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(parts)
    ids = np.frombuffer(bytes.fromhex("".join(table.column("doc_id").to_pylist())), dtype="V16")
    table = table.append_column("id", pa.array(ids.tolist(), pa.binary(16)))
    sizes = pa.array(pc.binary_length(table.column("text")).to_numpy().astype(np.int64))
    if REWRITE.name not in table.column_names:
        table = table.append_column(REWRITE, pa.array([""] * table.num_rows))
    return table.append_column("num_bytes", sizes)


def _groups(release: Storage, path: str, columns: list[str]) -> Iterator[pa.Table]:
    try:
        with release.open(path) as opened, ParquetFile(opened) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(release, path, str(error).partition("\n")[0]) from error


def _lines(release: Storage, path: str, schema: pa.Schema) -> Iterator[pa.Table]:
    try:
        with release.open(path) as file:
            yield from read_lines(file, schema)
    except (OSError, MalformedLinesError) as error:
        raise _damaged(release, path, str(error)) from error


def _damaged(release: Storage, path: str, what: str) -> IntegrityError:
    return IntegrityError(f"{release.path(path)}: {what}", hint=f"see what `corpusmill verify {release.root}` says")

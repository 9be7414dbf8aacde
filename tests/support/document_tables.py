"""Releases whose `documents/` a test wrote: what is compared are these tables and manifests, so no other file is."""

import shutil
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from signing import signed

from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from stages.release_index import with_release
from stages.released_documents import RELEASED_DOCUMENTS

Rows = list[dict[str, Any]]


def document(name: object, **changed: object) -> dict[str, Any]:
    """A row of `documents/`; some name gives it its id."""
    row = dict.fromkeys(RELEASED_DOCUMENTS.names, "") | {"num_bytes": 100, "tokens": 40, "copies": 1, "held_out": False}
    said = {"doc_id": sha256(str(name).encode()).hexdigest()[:32], "kind": "code", "source": "stack", "licence": "MIT"}
    return row | said | {"language": "C"} | changed


def with_documents(release: Path, shards: Sequence[Rows], **changes: object) -> Path:
    """The release with these documents, shard by shard, signed."""
    manifest = Manifest.read(Storage(str(release)))
    shutil.rmtree(release / "documents", ignore_errors=True)
    (release / "documents").mkdir()
    files = [file for file in manifest.files if not file.path.startswith("documents/")]
    schema = with_release(RELEASED_DOCUMENTS, "small 0.1.0")
    for number, rows in enumerate(shards):
        path = f"documents/shard-{number:05d}-of-{len(shards):05d}.parquet"
        ordered = sorted(rows, key=lambda row: str(row["doc_id"]))
        pq.write_table(pa.Table.from_pylist(ordered, schema=schema), release / path)
        files.append(msgspec.structs.replace(ReleaseFile.of(path, b""), rows=len(rows)))
    return signed(release, files=files, **changes)


def changed_release(release: Path, to: Path, change: Callable[[list[Rows]], object], **changes: object) -> Path:
    """A copy of a release with changed documents and fields of the manifest, signed."""
    copy = Path(shutil.copytree(release, to))
    shards = [pq.read_table(path).to_pylist() for path in sorted((copy / "documents").iterdir())]
    change(shards)
    return with_documents(copy, shards, **changes)

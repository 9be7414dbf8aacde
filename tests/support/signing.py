"""Signing a changed release: its manifest, summary and card are made right for the files as they are."""

from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.release_pages import pages


def signed(release: Path, **changes: object) -> Path:
    """The release, with some fields of the manifest changed, and the size, sha256 and rows that every file now has."""
    manifest = msgspec.structs.replace(Manifest.read(Storage(str(release))), **changes)
    files = []
    for file in manifest.files:
        data = (release / file.path).read_bytes()
        rows = None if file.rows is None else pq.ParquetFile(release / file.path).metadata.num_rows
        files.append(msgspec.structs.replace(ReleaseFile.of(file.path, data), rows=rows))
    written = pages(manifest.with_files(files))
    for path, page in written.items():
        (release / path).write_bytes(page)
    files = [file for file in files if file.path not in written]
    manifest = manifest.with_files([*files, *map(ReleaseFile.of, written, written.values())])
    (release / "manifest.json").write_bytes(manifest.to_bytes())
    return release

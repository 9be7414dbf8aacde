"""Signing a changed release: its manifest, summary and card are made right for the files as they are."""

from hashlib import sha256
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.release_texts import card, summary


def signed(release: Path, **changes: object) -> Path:
    """The release, with some fields of the manifest changed, and the size, sha256 and rows that every file now has."""
    manifest = msgspec.structs.replace(Manifest.read(Storage(str(release))), **changes)
    texts = msgspec.structs.replace(manifest, files=[])
    (release / "SUMMARY.md").write_text(summary(texts))
    (release / "README.md").write_text(card(texts))
    files = []
    for file in manifest.files:
        data = (release / file.path).read_bytes()
        rows = None if file.rows is None else pq.ParquetFile(release / file.path).metadata.num_rows
        files.append(ReleaseFile(file.path, len(data), sha256(data).hexdigest(), rows))
    (release / "manifest.json").write_bytes(msgspec.structs.replace(manifest, files=files).to_bytes())
    return release

"""A release of many shards: only those that a request concerns are read and written."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from synthetic_release import CODE_FILES, TEXTS, repository_of, write_release

from manifests.opt_out_registry import Registry
from manifests.opt_outs import By, Request
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.removing import apply_opt_outs

pytestmark = pytest.mark.servers

SHARDS, CONCERNED = 50, (3, 17, 18, 42)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "many-0.1.0"
    write_release(folder, SHARDS)
    return folder


def test_only_the_shards_concerned_are_read_and_written(release: Path, tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    asked: list[tuple[By, str]] = [("repository", repository_of(shard)) for shard in CONCERNED[:2]]
    asked += [("path", f"{repository_of(CONCERNED[2])}:src/*1.py")]
    asked += [
        ("document", pq.read_table(sorted(release.glob("documents/*"))[CONCERNED[3]]).column("doc_id")[0].as_py())
    ]
    asked += [("repository", f"nobody/nothing{number}") for number in range(200)]
    registry.append([Request(f"T-{n}", "2026-03-04", by, value, "asked") for n, (by, value) in enumerate(asked)])
    done = apply_opt_outs(registry, str(release))
    assert done.shards == len(CONCERNED)
    shards = {f"shard-{number:05d}-of-{SHARDS:05d}.parquet" for number in CONCERNED}
    old, new = (Manifest.read(Storage(folder)) for folder in (str(release), done.folder))
    before = {file.path: file.sha256 for file in old.files}
    changed = {file.path for file in new.files if before.get(file.path, file.sha256) != file.sha256}
    of_shards = {path for path in changed if "/" in path and not path.startswith("lookup/")}
    folders = ("data", "positions", "attribution", "texts", "documents", "index", "bands")
    assert of_shards == {f"{folder}/{name}" for folder in folders for name in shards}
    assert done.written == dict.fromkeys(folders, len(CONCERNED)) | {"lookup": done.written["lookup"]}
    # Any shard may hold a copy: bands are looked at everywhere, and keys lie where their hash says.
    assert done.opened == dict.fromkeys(folders, len(CONCERNED)) | {"lookup": done.opened["lookup"], "bands": SHARDS}
    gone = 2 * CODE_FILES + 1 + 1
    assert new.removals.documents == gone
    assert sum(row.documents for row in new.documents) == SHARDS * (CODE_FILES + TEXTS) - gone

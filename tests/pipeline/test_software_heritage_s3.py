"""The same real repositories with their contents in a bucket of a real S3 server, through faults and without keys."""

import hashlib
import json
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from fault_proxy import Fault as Broken
from fault_proxy import FaultProxy, Kind, fault_proxy

from manifests.buckets import Access, BucketAccess
from manifests.document import Document, Rejected
from manifests.errors import RetryableError, StorageError
from manifests.storage import Storage
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill
from pipeline.units import Mill
from stages.blob_cache import BlobCache
from stages.readers import ShardSource, read_documents
from stages.rows import Fault
from stages.software_heritage import Contents

if TYPE_CHECKING:
    from object_store import ObjectStore

pytestmark = pytest.mark.servers

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2].parent / "shared"))
ENTRIES = f"cache/???/{'?' * 40}"  # and not what a killed writer left in cache/tmp
NUM_FILES, NUM_MISSING, NUM_CONTENTS = 487, 4, 473

RECIPE = """\
name: repositories
version: 0.1.0
sources:
- {{name: stack, format: stack-v2-ids, paths: ["{data}/part-*.jsonl.zst"]}}
tokenizer: {{path: {tokenizer}}}
mixture: {{code: 1, text: 0}}
software_heritage: {{contents: "{contents}", cache: cache}}
"""


class SilentProgress:
    def start(self, *_: object, **__: object) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, *_: object, **__: object) -> None: ...


@pytest.fixture(scope="module")
def data() -> Path:
    folder = SHARED / "data/stack_v2_repos"
    if not folder.exists():
        pytest.skip(f"shared data absent: {folder}")
    return folder.resolve()


@pytest.fixture(scope="module")
def served(store: "ObjectStore", data: Path) -> str:
    """The contents in a bucket that may be read without keys."""
    place: str = store.fill("content", data / "content", bucket=store.public_bucket)
    return place


@pytest.fixture
def unsigned(store: "ObjectStore") -> Access:
    return Access(BucketAccess(endpoint=store.endpoint, region="us-east-1", unsigned=True))


def read(data: Path, contents: Contents) -> list[tuple[dict[str, Any], Document | Rejected]]:
    """Every file of the rows beside what became of it."""
    source = ShardSource("stack", "stack-v2-ids", "code", contents=contents)
    found: list[tuple[dict[str, Any], Document | Rejected]] = []
    for shard in sorted(data.glob("part-*.jsonl.zst")):
        with shard.open("rb") as file:
            items = list(read_documents(file, shard=shard.name, source=source))
        with shard.open("rb") as file:
            rows = map(json.loads, zstandard.ZstdDecompressor().stream_reader(file).read().splitlines())
            found += zip((entry for row in rows for entry in row["files"]), items, strict=True)
    return found


def contents_of(place: str, access: Access, cache: Path | None = None, concurrency: int = 16) -> Contents:
    kept = None if cache is None else BlobCache(str(cache))
    return Contents(Storage(place, access), kept, concurrency=concurrency, maximum_bytes=1 << 24)


def through(proxy: FaultProxy) -> Access:
    return Access(BucketAccess(endpoint=proxy.endpoint, region="us-east-1", unsigned=True))


def release_of(mill: Mill) -> dict[str, bytes]:
    folder = Path(mill.recipe.release.path, "repositories-0.1.0")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("concurrency", [1, 16])
def test_every_present_blob_is_fetched_and_verified_and_every_missing_one_counted(
    data: Path, served: str, unsigned: Access, concurrency: int
) -> None:
    missing = set((data / "missing_blobs.txt").read_text().split())
    found = read(data, contents_of(served, unsigned, concurrency=concurrency))
    assert len(found) == NUM_FILES
    lost = {row["blob_id"]: item.reason for row, item in found if isinstance(item, Rejected)}
    assert lost == dict.fromkeys(missing, "blob_missing")
    for row, item in found:
        if isinstance(item, Document):
            raw = item.text.encode(row["src_encoding"])
            assert hashlib.sha1(raw, usedforsecurity=False).hexdigest() == row["blob_id"]


def test_what_is_in_the_cache_is_not_asked_for_again(
    data: Path, served: str, unsigned: Access, tmp_path: Path, store: "ObjectStore"
) -> None:
    first = read(data, contents_of(served, unsigned, tmp_path))
    store.kill()
    try:
        present = [entry["blob_id"] for entry, item in first if isinstance(item, Document)]
        again = contents_of(served, unsigned, tmp_path)
        assert all(isinstance(again.blob(blob), bytes) for blob in present)
    finally:
        store.start()


def test_an_object_that_lies_is_not_believed(store: "ObjectStore", s3_folder: str) -> None:
    raw = b"print('a')\n"
    name = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    contents = Contents(Storage(s3_folder), concurrency=1, maximum_bytes=1 << 20)
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    expected = {b"": "blob_corrupt", b"junk": "blob_corrupt", bomb: "blob_too_large", bytes(4 << 20): "blob_too_large"}
    for body, reason in expected.items():
        store.client().put_object(
            Bucket=store.bucket, Key=f"{s3_folder.removeprefix(f's3://{store.bucket}/')}/{name}", Body=body
        )
        found = contents.blob(name)
        assert isinstance(found, Fault)
        assert found.reason == reason


def test_a_refusal_is_an_error_and_no_missing_blob(store: "ObjectStore", data: Path, s3_folder: str) -> None:
    nobody = Access(BucketAccess(endpoint=store.endpoint, region="us-east-1", unsigned=True))
    with pytest.raises(StorageError, match="access refused"):
        read(data, contents_of(s3_folder, nobody))


@pytest.mark.parametrize("kind", ["503", "500", "reset", "truncate"])
def test_a_servers_faults_cost_no_file(data: Path, served: str, store: "ObjectStore", kind: Kind) -> None:
    with fault_proxy(store.port) as proxy:
        proxy.inject(Broken(kind, method="GET", target="content/", every=9, times=None))
        found = read(data, contents_of(served, through(proxy)))
    assert sum(isinstance(item, Document) for _, item in found) == NUM_FILES - NUM_MISSING
    assert len(proxy.broken()) > 40


def test_a_server_that_stays_ill_fails_the_unit(data: Path, served: str, store: "ObjectStore") -> None:
    with fault_proxy(store.port) as proxy:
        proxy.inject(Broken("truncate", method="GET", target="content/", first=100, times=None))
        with pytest.raises(RetryableError):
            read(data, contents_of(served, through(proxy)))


def test_keys_that_are_taken_back_fail_the_unit(data: Path, served: str, store: "ObjectStore") -> None:
    with fault_proxy(store.port) as proxy:
        proxy.inject(Broken("403", method="GET", target="content/", first=100, times=None))
        with pytest.raises(StorageError, match="access refused"):
            read(data, contents_of(served, through(proxy)))


def test_a_run_that_was_killed_fetches_what_it_lacks(
    data: Path, served: str, store: "ObjectStore", tmp_path: Path
) -> None:
    with fault_proxy(store.port) as proxy:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(RECIPE.format(data=data, tokenizer="none", contents=served))
        access = f"s3={{endpoint: '{proxy.endpoint}', region: us-east-1, unsigned: true}}"
        command = [sys.executable, "-c", "from pipeline.cli import main; main()", "run", str(recipe)]
        command += ["--until", "ingest", "--set", access, "--set", "software_heritage.concurrency=1"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
            deadline = time.monotonic() + 120
            while proxy.count("GET", "content/") < 100 and time.monotonic() < deadline:
                time.sleep(0.01)
            killed.kill()
        time.sleep(0.5)  # its children end with it
        kept, asked = len(list(tmp_path.glob(ENTRIES))), proxy.count("GET", "content/")
        assert 90 <= kept <= asked < NUM_FILES
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        # With one request at a time a content that several files share is asked for once.
        assert proxy.count("GET", "content/") - asked == NUM_CONTENTS - kept + NUM_MISSING
    assert len(list(tmp_path.glob(ENTRIES))) == NUM_CONTENTS


@pytest.mark.real
def test_a_run_gives_the_release_that_a_local_folder_gives(
    data: Path, served: str, store: "ObjectStore", tmp_path: Path
) -> None:
    tokenizer = (SHARED / "tokenizers/qwen2_5/tokenizer.json").resolve()
    releases = []
    for number, contents in enumerate([str(data / "content"), served]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "recipe.yaml").write_text(RECIPE.format(data=data, tokenizer=tokenizer, contents=contents))
        access = f"s3={{endpoint: '{store.endpoint}', region: us-east-1, unsigned: true}}"
        mill = open_mill(load_recipe(folder / "recipe.yaml", [access]))
        run_mill(mill, workers=2, progress=SilentProgress())
        releases.append(release_of(mill))
        assert len(list(folder.glob(ENTRIES))) == NUM_CONTENTS
    assert releases[0] == releases[1]

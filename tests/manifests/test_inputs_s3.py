"""Inputs of a bucket: found by the same patterns as files, read as they were found, or not at all."""

import random
from pathlib import Path

import pytest
from fault_proxy import Fault, FaultProxy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from object_store import ObjectStore

from manifests.buckets import ENVIRONMENT, Access, BucketAccess, ChangedError
from manifests.errors import RecipeError, StorageError
from manifests.inputs import find_inputs, open_input
from manifests.objects import BLOCK_BYTES, Found

pytestmark = pytest.mark.servers

BIG = random.Random(7).randbytes(2 * BLOCK_BYTES + 12_345)
NAMES = ("a.gz", "b.gz", "b.zst", "deep/a.gz", "deep/er/a.gz", "deep/er/c.gz", "x-1/p.gz", "x-2/p.gz", "sp ace/ü.gz")
PATTERNS = (
    "*",
    "*.gz",
    "**/*.gz",
    "deep/**/*.gz",
    "**",
    "?.gz",
    "[ab].zst",
    "x-[0-9]/*.gz",
    "x-*/p.gz",
    "*/a.gz",
    "a.gz",
)


@pytest.fixture
def shard(s3_folder: str, store: ObjectStore, tmp_path: Path) -> str:
    """An object of several blocks."""
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/big").write_bytes(BIG)
    return f"{store.fill(s3_folder.split('/')[3], tmp_path / 'shards')}/big"


def put(store: ObjectStore, url: str, data: bytes) -> None:
    _, _, bucket, key = url.split("/", 3)
    store.client().put_object(Bucket=bucket, Key=key, Body=data)


def found(url: str, access: Access = ENVIRONMENT) -> Found:
    [one] = find_inputs(url, access)
    return one


def read(one: Found, access: Access = ENVIRONMENT) -> bytes:
    with open_input(one, access) as file:
        return file.read()


# Finding


def test_patterns_match_what_they_match_among_files(s3_folder: str, store: ObjectStore, tmp_path: Path) -> None:
    for name in NAMES:
        path = tmp_path / "shards" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    root = store.fill(s3_folder.split("/")[3], tmp_path / "shards")
    for pattern in PATTERNS:
        there = sorted(one.path for one in find_inputs(f"{root}/{pattern}", ENVIRONMENT))
        here = sorted(one.path for one in find_inputs(f"{tmp_path}/shards/{pattern}", ENVIRONMENT))
        names = [path.removeprefix(f"{root}/") for path in there]
        assert names == [path.removeprefix(f"{tmp_path}/shards/") for path in here], pattern
    assert find_inputs(f"{root}/nothing*", ENVIRONMENT) == []
    assert find_inputs(f"{root}/deep", ENVIRONMENT) == []


def test_what_is_found_has_the_size_and_etag_of_the_object(shard: str, store: ObjectStore) -> None:
    _, _, bucket, key = shard.split("/", 3)
    answer = store.client().head_object(Bucket=bucket, Key=key)
    assert found(shard) == Found(shard, len(BIG), answer["ETag"])
    assert found(shard.replace("/big", "/b*")) == found(shard)


def test_a_key_with_brackets_is_itself(s3_folder: str, store: ObjectStore) -> None:
    put(store, f"{s3_folder}/a[1].gz", b"brackets")
    put(store, f"{s3_folder}/a1.gz", b"none")
    assert read(found(f"{s3_folder}/a[1].gz")) == b"brackets"


def test_finding_costs_a_listing_whatever_the_number(s3_folder: str, store: ObjectStore, proxy: FaultProxy) -> None:
    for number in range(30):
        put(store, f"{s3_folder}/{number}.gz", b"x")
    access = Access(BucketAccess(endpoint=proxy.endpoint))
    assert len(find_inputs(f"{s3_folder}/*.gz", access)) == 30
    assert proxy.count() <= 2


# Reading


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
@given(st.lists(st.tuples(st.integers(0, len(BIG) + 10), st.integers(0, 20_000)), min_size=1, max_size=5))
def test_ranges_are_those_of_the_whole(shard: str, ranges: list[tuple[int, int]]) -> None:
    with open_input(Found(shard, len(BIG), ""), ENVIRONMENT) as file:
        for start, length in ranges:
            assert file.seek(start) == start
            assert file.read(length) == BIG[start : start + length]


def test_reading_to_the_end_is_reading_the_whole(shard: str) -> None:
    with open_input(found(shard), ENVIRONMENT) as file:
        assert b"".join(iter(lambda: file.read(999_999), b"")) == BIG
        file.seek(-10, 2)
        assert file.read() == BIG[-10:]
        assert file.tell() == len(BIG)


@pytest.mark.parametrize("size", [100_000, -1])
def test_reading_from_front_to_back_asks_once_for_each_block(shard: str, proxy: FaultProxy, size: int) -> None:
    access = Access(BucketAccess(endpoint=proxy.endpoint))
    with open_input(found(shard), access) as file:
        for _ in iter(lambda: file.read(size), b""):
            pass
    assert proxy.count("GET") == 3
    assert max(request.num_bytes for request in proxy.requests) == BLOCK_BYTES


def test_faults_in_every_other_answer_change_nothing(shard: str, proxy: FaultProxy) -> None:
    access = Access(BucketAccess(endpoint=proxy.endpoint))
    for number, kind in enumerate(("500", "503", "reset", "lost_answer", "reset_body", "truncate")):
        proxy.inject(Fault(kind, every=2, times=None))  # type: ignore[arg-type]
        assert read(found(shard, access), access) == BIG, kind
        assert len(proxy.broken()) > number


# What changed


@pytest.mark.parametrize("data", [b"short", BIG[::-1]])
def test_an_object_replaced_since_it_was_found_is_an_error(shard: str, store: ObjectStore, data: bytes) -> None:
    one = found(shard)
    put(store, shard, data)
    with pytest.raises(ChangedError, match="another object is there than the one that was found before"):
        read(one)


def test_an_object_replaced_while_it_is_read_is_an_error_and_no_mixture(shard: str, store: ObjectStore) -> None:
    with open_input(found(shard), ENVIRONMENT) as file:
        assert file.read(1_000) == BIG[:1_000]
        put(store, shard, BIG[::-1])
        with pytest.raises(ChangedError):
            file.read()


def test_an_object_written_again_with_the_same_bytes_is_the_same(shard: str, store: ObjectStore) -> None:
    one = found(shard)
    put(store, shard, BIG)
    assert read(one) == BIG


def test_an_object_that_is_gone_is_no_file(shard: str, store: ObjectStore) -> None:
    one = found(shard)
    _, _, bucket, key = shard.split("/", 3)
    store.client().delete_object(Bucket=bucket, Key=key)
    with pytest.raises(FileNotFoundError):
        read(one)
    assert find_inputs(shard, ENVIRONMENT) == []


# Who asks


def test_a_public_bucket_is_read_without_credentials(store: ObjectStore, s3_folder: str) -> None:
    put(store, f"s3://{store.public_bucket}/in/a.gz", b"for all")
    put(store, f"{s3_folder}/a.gz", b"for some")
    access = Access(BucketAccess(unsigned=True))
    assert read(found(f"s3://{store.public_bucket}/in/*.gz", access), access) == b"for all"
    with pytest.raises(StorageError, match="access refused"):
        find_inputs(f"{s3_folder}/*.gz", access)


def test_a_profile_says_endpoint_and_keys(
    store: ObjectStore, shard: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    config.write_text(
        f"[profile whole-{tmp_path.name}]\nregion = us-east-1\nendpoint_url = {store.endpoint}\n"
        f"aws_access_key_id = {store.key}\naws_secret_access_key = {store.secret}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    access = Access(BucketAccess(profile=f"whole-{tmp_path.name}"))
    assert read(found(shard, access), access) == BIG


@pytest.mark.parametrize("name", ["a.gz", "*.gz"])
@pytest.mark.usefixtures("s3_folder")
def test_a_bucket_that_is_not_there_is_not_taken_for_an_empty_one(name: str) -> None:
    with pytest.raises(RecipeError, match="s3://no-such-bucket/: no such bucket"):
        find_inputs(f"s3://no-such-bucket/{name}", ENVIRONMENT)


def test_an_address_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:8333")
    with pytest.raises(RecipeError, match=r"Invalid endpoint: localhost:8333; expected an address such as https://"):
        find_inputs("s3://mill/a.gz", Access(BucketAccess(region="nowhere-1")))  # of a client that nobody has made

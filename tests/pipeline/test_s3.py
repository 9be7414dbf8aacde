"""A whole run with inputs, work folder and release in a bucket makes the bytes that a run on a disk makes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bucket_mill import BucketMill, bucket_mill, local_files
from fault_proxy import Fault
from object_store import ObjectStore

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def done(store: ObjectStore, small_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketMill]:
    """A mill whose release is made."""
    with bucket_mill(store, inputs=small_release.parents[1], folder=tmp_path_factory.mktemp("bucket-mill")) as mill:
        mill.run()
        yield mill


@pytest.fixture
def own(store: ObjectStore, small_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketMill]:
    """A mill that has not run."""
    with bucket_mill(store, inputs=small_release.parents[1], folder=tmp_path_factory.mktemp("bucket-mill")) as mill:
        yield mill


def test_the_release_has_the_bytes_of_one_made_on_a_disk(done: BucketMill, small_release: Path) -> None:
    assert done.released() == local_files(small_release)


def test_of_bucket_and_endpoint_nothing_stands_in_the_release(done: BucketMill) -> None:
    texts = [data for name, data in done.released().items() if not name.endswith(".parquet")]
    for word in (b"s3://", b"127.0.0.1", done.root.encode(), done.store.key.encode()):
        assert not any(word in data for data in texts)


def test_no_key_stands_in_the_work_folder(done: BucketMill) -> None:
    work = done.released(done.work)
    assert {"plan.json", "recipe.json"} <= work.keys()
    assert not any(done.store.secret.encode() in data or done.store.key.encode() in data for data in work.values())


def test_a_finished_run_leaves_no_lock_no_probe_and_no_upload(done: BucketMill) -> None:
    assert {"lock", "writable"} & set(done.keys("work")) == set()
    assert done.store.uploads(done.work.split("/", 3)[3]) == []
    assert "removed 0 files" in done.call("gc", done.work)


def test_gc_clears_what_no_record_names_and_uploads_that_nobody_completed(done: BucketMill) -> None:
    work = done.work.split("/", 3)[3]
    unnamed = f"data/{'0' * 32}.arrows"
    done.store.client().put_object(Bucket=done.store.bucket, Key=f"{work}/clean/{unnamed}", Body=b"12345")
    done.store.client().create_multipart_upload(Bucket=done.store.bucket, Key=f"{work}/clean/data/{'f' * 32}.arrows")
    shard = f"{done.release.split('/', 3)[3]}/data/shard-00000-of-00002.parquet"
    done.store.client().create_multipart_upload(Bucket=done.store.bucket, Key=shard)
    others = [f"{work}-2/data/another's", f"{work}/notes/another's"]
    begun = [done.store.client().create_multipart_upload(Bucket=done.store.bucket, Key=key) for key in others]
    assert "would remove 3 files, 5 bytes" in done.call("gc", done.work, "--dry-run")
    assert "removed 3 files, 5 bytes" in done.call("gc", done.work)
    assert unnamed not in done.keys("work/clean")
    assert done.store.uploads(work) == others
    assert done.store.uploads(shard) == []
    for upload in begun:
        done.store.client().abort_multipart_upload(**{name: upload[name] for name in ("Bucket", "Key", "UploadId")})


def test_a_second_run_makes_nothing_again(done: BucketMill, small_release: Path) -> None:
    before = done.keys("work")
    said = done.run()
    assert said.count("done before") == 23
    assert done.keys("work") == before
    assert done.released() == local_files(small_release)


def test_the_release_is_verified_where_it_lies(done: BucketMill) -> None:
    assert f"{done.release} is what its manifest says: 28 files" in done.call("verify", done.release)


def test_a_changed_object_of_the_release_is_found(done: BucketMill) -> None:
    client, key = done.store.client(), f"{done.release.split('/', 3)[3]}/SUMMARY.md"
    good = client.get_object(Bucket=done.store.bucket, Key=key)["Body"].read()
    client.put_object(Bucket=done.store.bucket, Key=key, Body=good[:-1] + b"?")
    try:
        assert "SUMMARY.md" in done.call("verify", done.release, code=3)
    finally:
        client.put_object(Bucket=done.store.bucket, Key=key, Body=good)


def test_status_plan_show_and_explain_answer(done: BucketMill) -> None:
    assert f"release: {done.release}" in done.call("status", done.work)
    assert "2 decide    look_up" in done.call("plan", str(done.recipe))
    shown = done.call("show", done.work, "-n", "1")
    identifier = shown.split()[1]
    assert len(identifier) == 32
    assert identifier in done.call("explain", done.work, identifier[:8])
    assert "files/part-0.jsonl.zst" in done.call("explain", done.work, "files/part-0.jsonl.zst:0")


def test_a_release_in_a_bucket_is_tokenized_again(done: BucketMill, small_release: Path, tmp_path: Path) -> None:
    more = ("--tokenizer", str(small_release / "tokenizer/tokenizer.json"))
    out = f"{done.root}/again"
    assert out in done.call("tokenize", "--release", done.release, *more, "--output", out)
    done.call("tokenize", "--release", str(small_release), *more, "--output", str(tmp_path / "again"))
    assert done.released(out) == local_files(tmp_path / "again")


def test_inputs_in_a_bucket_and_all_else_on_a_disk(own: BucketMill, small_release: Path, tmp_path: Path) -> None:
    own.run("--work", str(tmp_path / "work"), "--set", f"release.path={tmp_path}/releases")
    assert local_files(tmp_path / "releases/small-0.1.0") == local_files(small_release)
    assert own.keys("work") == []


# Inputs that change


def test_an_input_replaced_after_the_plan_is_an_error_and_then_read_anew(own: BucketMill, small_release: Path) -> None:
    good = (small_release.parents[1] / "texts.jsonl").read_bytes()
    own.put("texts.jsonl", b'{"text": "for a moment another object stands in its place"}\n')
    own.proxy.inject(Fault("stall", method="PUT", target=r"work/plan\.json", seconds=4))
    with own.started() as command:
        while not own.proxy.broken():
            assert command.poll() is None
        own.put("texts.jsonl", good)
        said, _ = command.communicate(timeout=120)
    assert command.returncode == 3, said
    assert "texts/texts.jsonl: the file changed since the run was planned" in said
    own.run()
    assert own.released() == local_files(small_release)


def test_an_input_replaced_between_runs_costs_what_depends_on_it(
    own: BucketMill, small_inputs: Path, tmp_path: Path
) -> None:
    own.run("--until", "ingest")
    before = ingest_times(own)
    text = (small_inputs.parent / "texts.jsonl").read_text().splitlines(keepends=True)[3:]
    own.put("texts.jsonl", "".join(text).encode())
    said = own.run("--until", "ingest")
    assert "1 ingest: 1 of 2 done before" in said
    after = ingest_times(own)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False]


def ingest_times(mill: BucketMill) -> list[object]:
    client = mill.store.client()
    keys = [key for key in mill.store.keys(mill.work.split("/", 3)[3]) if "/ingest/records/" in key]
    return [client.head_object(Bucket=mill.store.bucket, Key=key)["LastModified"] for key in keys]

"""Storage on a bucket that is ill or says no: asked again where that may help, and otherwise an error by name."""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fault_proxy import Fault, FaultProxy
from object_store import ObjectStore

from manifests.buckets import Access, BucketAccess
from manifests.errors import CorpusmillError, IntegrityError, RecipeError, RetryableError, StorageError
from manifests.storage import Storage

pytestmark = pytest.mark.servers

ANY = re.compile(".*")
BIG = bytes(range(256)) * 4096 * 40  # 40 MiB: two parts


@pytest.fixture
def profile(
    store: ObjectStore, s3_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Storage]:
    """A storage by the credentials that a profile of the AWS configuration file holds."""

    def made(credentials: str) -> Storage:
        name = f"profile-{tmp_path.name}"
        config = tmp_path / "config"
        config.write_text(f"[profile {name}]\nregion = us-east-1\n{credentials}")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        return Storage(s3_folder, Access(BucketAccess(profile=name)))

    return made


@pytest.fixture
def storage(s3_folder: str) -> Storage:
    return Storage(s3_folder)


# Faults of the network


@pytest.mark.parametrize("kind", ["500", "503", "reset", "lost_answer"])
def test_a_fault_of_any_request_is_tried_again(through: Storage, proxy: FaultProxy, kind: str) -> None:
    proxy.inject(Fault(kind, every=2, times=None))  # type: ignore[arg-type]
    through.write("a", b"data")
    with through.new_file("data", ".bin") as file:
        file.write(BIG)
    assert through.read("a") == b"data"
    assert through.read(file.name) == BIG
    assert through.list("") == {"a": 4, file.name: len(BIG)}
    through.delete("a")
    assert not through.exists("a")
    assert len(proxy.broken()) >= 7


@pytest.mark.parametrize("kind", ["reset_body", "truncate", "stall_body"])
def test_a_body_that_breaks_off_is_read_again(through: Storage, proxy: FaultProxy, kind: str) -> None:
    through.write("a", BIG)
    proxy.inject(Fault(kind, method="GET", every=2, times=None, seconds=0.5))  # type: ignore[arg-type]
    assert through.read("a") == BIG
    with through.open("a") as file:
        assert b"".join(iter(lambda: file.read(1_000_000), b"")) == BIG
    assert through.read_range("a", 5, 10_000_000) == BIG[5:10_000_005]
    assert through.list("") == {"a": len(BIG)}
    assert len(proxy.broken()) >= 4


@pytest.mark.parametrize("kind", ["reset_body", "truncate"])
def test_an_error_that_breaks_off_is_asked_for_again(through: Storage, proxy: FaultProxy, kind: str) -> None:
    through.write("b", b"x")
    proxy.inject(Fault(kind, method="GET", every=2, times=None))  # type: ignore[arg-type]
    assert through.read_many(["a", "b"]) == {"b": b"x"}
    with pytest.raises(IntegrityError, match="a: expected a file, found none"):
        through.read("a")
    assert len(proxy.broken()) >= 2


@pytest.mark.parametrize("kind", ["reset_body", "truncate"])
def test_a_listing_that_breaks_off_is_asked_for_again(through: Storage, proxy: FaultProxy, kind: str) -> None:
    for name in "abc":
        through.write(name, b"x")
    proxy.inject(Fault(kind, method="GET", every=2, times=None))  # type: ignore[arg-type]
    assert through.list("") == {"a": 1, "b": 1, "c": 1}
    assert through.unfinished(ANY) == {}
    assert len(proxy.broken()) == 2


def test_an_upload_that_is_reset_is_sent_again(through: Storage, proxy: FaultProxy) -> None:
    proxy.inject(Fault("reset_upload", method="PUT", every=2, times=None))
    with through.new_file("data", ".bin") as file:
        file.write(BIG)
    assert through.read(file.name) == BIG


def test_a_server_that_stays_ill_is_a_failure_by_name(
    through: Storage, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("manifests.buckets._ATTEMPTS", 2)  # seven of them take half a minute
    proxy.inject(Fault("503", times=None))
    with pytest.raises(RetryableError, match=r"/a: the server says 503 SlowDown") as caught:
        through.write("a", b"x")
    assert "run the same command again" in caught.value.hint
    proxy.inject(Fault("reset", times=None))
    with pytest.raises(RetryableError, match="/a: cannot be reached"):
        through.read("a")


# Refusals


def test_a_bucket_that_is_not_there(s3_folder: str) -> None:
    storage = Storage("s3://no-such-bucket/x")
    doings: list[Callable[[], object]] = [
        lambda: storage.write("a", b"x"),
        lambda: storage.list(""),
        lambda: storage.read("a"),
        lambda: storage.write_new("a", b"x"),
        storage.check_writable,
        lambda: storage.unfinished(ANY),
    ]
    for doing in doings:
        with pytest.raises(RecipeError, match=r"s3://no-such-bucket/.*no such bucket"):
            doing()


def test_a_wrong_key_is_refused_by_name(profile: Callable[[str], Storage]) -> None:
    storage = profile("aws_access_key_id = not-a-real-key\naws_secret_access_key = wrong\n")
    with pytest.raises(StorageError, match=r"/a: access refused; the server says SignatureDoesNotMatch") as caught:
        storage.write("a", b"x")
    assert "credentials" in caught.value.hint
    with pytest.raises(StorageError, match="access refused"):
        storage.exists("a")


def test_without_credentials_nothing_is_asked(profile: Callable[[str], Storage]) -> None:
    with pytest.raises(RecipeError, match=r"/a: no credentials found") as caught:
        profile("").read("a")
    assert "AWS_PROFILE" in caught.value.hint


def test_a_profile_that_is_not_there(s3_folder: str) -> None:
    with pytest.raises(RecipeError, match="none-of-that-name"):
        Storage(s3_folder, Access(BucketAccess(profile="none-of-that-name"))).read("a")


def test_keys_of_a_profile_are_used(profile: Callable[[str], Storage], store: ObjectStore) -> None:
    storage = profile(f"aws_access_key_id = {store.key}\naws_secret_access_key = {store.secret}\n")
    storage.write("a", b"x")
    assert storage.read("a") == b"x"


def test_a_public_bucket_is_read_without_credentials_and_not_written(store: ObjectStore, s3_folder: str) -> None:
    store.client().put_object(Bucket=store.public_bucket, Key="open/a", Body=b"x")
    unsigned = Access(buckets={store.public_bucket: BucketAccess(unsigned=True)})
    storage = Storage(f"s3://{store.public_bucket}/open", unsigned)
    assert storage.list("") == {"a": 1}
    assert storage.read("a") == b"x"
    with pytest.raises(CorpusmillError, match="access refused"):
        storage.write("b", b"x")


def test_rights_that_end_in_the_middle_are_told(through: Storage, proxy: FaultProxy) -> None:
    through.write("a", b"x")
    proxy.inject(Fault("403", first=2, times=None))
    assert through.read("a") == b"x"
    with pytest.raises(StorageError, match="the server says InvalidAccessKeyId"):
        through.read("a")


# Processes and threads


def test_threads_that_ask_first_at_the_same_time_all_get_an_answer(storage: Storage) -> None:
    storage.write("a", b"x")
    for number in range(5):
        fresh = Storage(storage.root, Access(BucketAccess(region=f"us-east-{number + 2}")))
        with ThreadPoolExecutor(16) as readers:
            assert set(readers.map(fresh.read, ["a"] * 16)) == {b"x"}


def test_a_forked_process_has_connections_of_its_own(storage: Storage) -> None:
    storage.write("a", BIG[: 1 << 20])
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            os._exit(0 if all(storage.read("a") == BIG[: 1 << 20] for _ in range(5)) else 1)
        children.append(child)
    assert all(storage.read("a") == BIG[: 1 << 20] for _ in range(5))
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4

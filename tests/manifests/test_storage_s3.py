"""What a storage promises and only a bucket can break: names, parts, pages, conditions, killed uploads.

What holds of folders and buckets alike is tested on both in `test_storage.py`.
"""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from fault_proxy import Fault, FaultProxy
from object_store import ObjectStore

from manifests.buckets import ENVIRONMENT, Access, BucketAccess
from manifests.errors import IntegrityError
from manifests.objects import Found, open_object
from manifests.storage import Storage

pytestmark = pytest.mark.servers

ANY = re.compile(".*")
BIG = bytes(range(256)) * 4096 * 40  # 40 MiB: two parts


@pytest.fixture
def storage(s3_folder: str) -> Storage:
    return Storage(s3_folder)


def key_of(storage: Storage, name: str = "") -> str:
    return storage.path(name).split("/", 3)[3]


# Names


@pytest.mark.parametrize("name", ["a b", "ü/ñ.txt", "a+b=c&d", "100%25", "#1?x", "~(x)*'!"])
def test_a_name_comes_back_as_it_was_given(storage: Storage, name: str) -> None:
    storage.write(name, b"x")
    assert storage.list("") == {name: 1}
    assert storage.read(name) == b"x"
    storage.delete(name)
    assert storage.list("") == {}


def test_a_neighbour_whose_name_begins_alike_is_another(storage: Storage) -> None:
    storage.write("a/1", b"x")
    Storage(storage.root + "0").write("a/2", b"x")
    storage.write("ab/3", b"x")
    assert storage.list("") == {"a/1": 1, "ab/3": 1}
    assert storage.list("a") == {"a/1": 1}


def test_a_whole_bucket_is_a_storage(storage: Storage, store: ObjectStore) -> None:
    storage.write("a", b"x")
    whole = Storage(f"s3://{store.bucket}/")
    assert whole.read(key_of(storage, "a")) == b"x"
    assert key_of(storage, "a") in whole.list("")


def test_what_a_console_calls_a_folder_is_no_file(storage: Storage, store: ObjectStore) -> None:
    store.client().put_object(Bucket=store.bucket, Key=key_of(storage, "a/"), Body=b"")
    storage.write("a/1", b"x")
    assert storage.list("") == {"a/1": 1}


def test_a_listing_of_several_pages_is_whole(storage: Storage) -> None:
    names = [f"records/{number:04}" for number in range(1_100)]
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda name: storage.write(name, name.encode()), names))
    assert list(storage.list("records")) == names
    assert storage.read_many([*names, "records/none"]) == {name: name.encode() for name in names}


def test_of_many_files_only_those_that_are_there_are_asked_for(through: Storage, proxy: FaultProxy) -> None:
    """A run that has just begun has no record at all, of 100,000 units and more."""
    through.write("records/000007.json", b"7")
    names = [f"records/{number:06d}.json" for number in range(100)]
    assert through.read_many(names) == {"records/000007.json": b"7"}
    assert proxy.count("GET", "records/0") == 1


# Large files


def test_a_large_file_goes_up_in_parts_and_appears_at_the_end(through: Storage, proxy: FaultProxy) -> None:
    with through.new_file("data", ".bin") as file:
        for start in range(0, len(BIG), 1 << 20):
            file.write(BIG[start : start + (1 << 20)])
        assert through.list("") == {}
    assert file.name == f"data/{sha256(BIG).hexdigest()[:32]}.bin"
    assert proxy.count("PUT", "partNumber=") == 2
    assert through.list("") == {file.name: len(BIG)}
    assert through.read(file.name) == BIG
    assert through.unfinished(ANY) == {}


def test_a_large_file_is_not_held_in_memory_on_its_way_up(storage: Storage) -> None:
    num_bytes = 6 * (32 << 20)
    child = os.fork()
    if child == 0:
        try:
            storage.write("first", b"x")  # so that a client is there
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            with storage.new_file("data", ".bin") as file:
                for _ in range(num_bytes >> 20):
                    file.write(bytes(1 << 20))
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            os._exit(0 if 1024 * grown < num_bytes // 3 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(storage.list("data").values()) == [num_bytes]


def test_a_range_of_a_large_file_is_all_that_is_asked_for(through: Storage, proxy: FaultProxy) -> None:
    through.write("a", BIG)
    assert through.read_range("a", 10_000_000, 1_000) == BIG[10_000_000:10_001_000]
    [request] = [one for one in proxy.requests if one.method == "GET"]
    assert request.num_bytes == 1_000


def test_an_object_that_is_shorter_than_it_was_does_not_just_end(storage: Storage) -> None:
    """Some servers do not hold to the ETag of a request."""
    storage.write("a", b"123")
    with open_object(Found(storage.path("a"), 1 << 24, ""), ENVIRONMENT) as file:
        assert file.read(3) == b"123"
        with pytest.raises(IntegrityError, match=r"expected 16777216 bytes, found no more than 3"):
            file.read()


def test_a_failing_writer_of_a_large_file_sends_nothing(through: Storage, proxy: FaultProxy) -> None:
    def write_half() -> None:
        with through.new_file("data", ".bin") as file:
            file.write(BIG)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write_half()
    assert proxy.requests == []


def test_a_killed_upload_shows_nothing_and_is_cleared(
    through: Storage, proxy: FaultProxy, store: ObjectStore, tmp_path: Path
) -> None:
    proxy.inject(Fault("stall", target="partNumber=2", times=None, seconds=60))
    program = (
        "import sys; from manifests.storage import Storage\n"
        f"with Storage(sys.argv[1]).new_file('data', '.bin') as file: file.write(bytes({len(BIG)}))"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, through.root],
        env=os.environ | store.environment(proxy.endpoint),
        cwd=tmp_path,
    )
    deadline = time.monotonic() + 60
    while not (proxy.broken() and any(one.status == 200 and "partNumber=1" in one.target for one in proxy.requests)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert through.list("") == {}
    assert through.unfinished(re.compile("other/.*")) == {}
    through.clear_temporary(re.compile("other/.*"))
    [(upload, num_bytes)] = through.unfinished(ANY).items()
    assert upload.startswith(f"data/{sha256(bytes(len(BIG))).hexdigest()[:32]}.bin?")
    assert num_bytes == 32 << 20
    through.clear_temporary(ANY)
    assert through.unfinished(ANY) == {}
    assert store.uploads(key_of(through)) == []


# Copies


def test_files_are_copied_between_a_folder_and_a_bucket(storage: Storage, tmp_path: Path) -> None:
    local, second = Storage(str(tmp_path / "local")), Storage(storage.root + "/second")
    digest = sha256(BIG).hexdigest()
    local.write("a", BIG)
    local.copy_to("a", storage, "data/b", digest=digest)
    storage.copy_to("data/b", second, "c", digest=digest)
    second.copy_to("c", local, "d", digest=digest)
    assert local.read("d") == BIG
    assert local.list("") == {"a": len(BIG), "d": len(BIG)}


@pytest.mark.parametrize("to_bucket", [True, False])
def test_a_copy_of_changed_bytes_leaves_nothing(storage: Storage, tmp_path: Path, to_bucket: bool) -> None:
    local = Storage(str(tmp_path / "local"))
    source, target = (local, storage) if to_bucket else (storage, local)
    source.write("a", b"changed")
    with pytest.raises(IntegrityError, match="a: the bytes are not those that were written"):
        source.copy_to("a", target, "b", digest=sha256(b"written").hexdigest())
    assert target.list("") == {}


@pytest.mark.parametrize("num_bytes", [0, 5, len(BIG)])
def test_the_server_copies_what_is_shared(
    storage: Storage, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, num_bytes: int
) -> None:
    monkeypatch.setattr("manifests.bucket_files._COPIED_BYTES", 8 << 20)  # so that one copy is of several parts
    name = "data/ü +%.bin"
    storage.write(name, BIG[:num_bytes])
    storage.write(name, BIG[:num_bytes])
    proxy.requests.clear()
    access = Access(BucketAccess(endpoint=proxy.endpoint))
    assert Storage(storage.root, access).share_with(Storage(storage.root + "/second", access), name)
    assert proxy.count("PUT") == (5 if num_bytes > 8 << 20 else 1)
    assert proxy.count("GET") == 0
    assert Storage(storage.root + "/second").read(name) == BIG[:num_bytes]
    assert storage.unfinished(ANY) == {}


def test_what_is_not_there_or_elsewhere_cannot_be_shared(storage: Storage, tmp_path: Path) -> None:
    second = Storage(storage.root + "/second")
    assert not storage.share_with(second, "a")
    storage.write("a", b"x")
    assert not storage.share_with(Storage(str(tmp_path)), "a")
    assert not storage.share_with(Storage(second.root, Access(BucketAccess(region="elsewhere-1"))), "a")
    assert second.list("") == {}


# Writing where nothing is


def test_of_many_writers_of_a_new_file_one_wins(storage: Storage) -> None:
    with ThreadPoolExecutor(8) as writers:
        results = list(writers.map(lambda number: storage.write_new("lock", b"%d" % number), range(8)))
    assert results.count(True) == 1
    assert storage.read("lock") == b"%d" % results.index(True)
    assert not storage.write_new("lock", b"later")


def test_a_new_file_whose_answer_is_lost_is_the_writers_own(through: Storage, proxy: FaultProxy) -> None:
    proxy.inject(Fault("lost_answer", method="PUT"))
    assert through.write_new("lock", b"mine")
    assert [one.fault for one in proxy.broken()] == ["lost_answer"]
    assert not through.write_new("lock", b"another's")
    assert through.read("lock") == b"mine"


def test_an_update_whose_answer_is_lost_is_done_once(through: Storage, proxy: FaultProxy) -> None:
    def add(before: bytes) -> bytes | None:
        return None if b"mine" in before else before + b"mine"

    through.update("list", lambda before: before + b"theirs ")
    proxy.inject(Fault("lost_answer", method="PUT", target="/list"))
    through.update("list", add)
    assert [one.fault for one in proxy.broken()] == ["lost_answer"]
    assert through.read("list") == b"theirs mine"


def test_an_update_leaves_only_its_file(storage: Storage) -> None:
    storage.update("list", lambda _before: b"1")
    assert storage.list("") == {"list": 1}

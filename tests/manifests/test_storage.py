import io
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import IntegrityError, RecipeError, UnitError
from manifests.storage import NewFile, Storage, file_sha256

ANY = re.compile(".*")


class BrokenError(Exception):
    pass


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.servers)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A storage of either kind: what is promised of one holds of the other."""
    return Storage(str(tmp_path / "store") if request.param == "local" else request.getfixturevalue("s3_folder"))


@pytest.fixture
def local(tmp_path: Path) -> Storage:
    """A folder, for what only a folder can be."""
    return Storage(str(tmp_path / "store"))


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("not root: cannot mount a small tmpfs")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no right to mount a small tmpfs: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_written_file_is_read(storage: Storage) -> None:
    storage.write("a/b/c.json", b"{}")
    assert storage.exists("a/b/c.json")
    assert storage.read("a/b/c.json") == b"{}"


def test_an_update_sees_the_whole_file_and_replaces_it(storage: Storage) -> None:
    storage.update("a/list", lambda before: before + b"1")
    storage.update("a/list", lambda before: before + b"2")
    storage.update("a/list", lambda _before: None)
    assert storage.read("a/list") == b"12"


def test_updates_that_meet_come_one_after_the_other(storage: Storage) -> None:
    def add(number: int) -> None:
        storage.update("list", lambda before: before + b"%d " % number)

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(add, range(20)))
    assert sorted(map(int, storage.read("list").split())) == list(range(20))


def test_an_update_that_fails_changes_nothing_and_keeps_nobody_out(storage: Storage) -> None:
    def fail(_before: bytes) -> bytes:
        raise BrokenError

    storage.update("list", lambda _before: b"1")
    with pytest.raises(BrokenError):
        storage.update("list", fail)
    storage.update("list", lambda before: before + b"2")
    assert storage.read("list") == b"12"


def test_a_second_write_replaces_the_first(storage: Storage) -> None:
    storage.write("a", b"first")
    storage.write("a", b"second")
    assert storage.read("a") == b"second"


def test_a_list_names_every_file_below_a_folder_with_its_size(storage: Storage) -> None:
    for name in ("a/2", "a/1", "a/deep/er/3", "b/4"):
        storage.write(name, name.encode())
    assert storage.list("a") == {"a/1": 3, "a/2": 3, "a/deep/er/3": 11}
    assert list(storage.list("a")) == ["a/1", "a/2", "a/deep/er/3"]
    assert set(storage.list("")) == {"a/1", "a/2", "a/deep/er/3", "b/4"}


def test_a_folder_that_is_not_there_lists_nothing(storage: Storage) -> None:
    assert storage.list("a") == {}
    assert storage.list("") == {}


def test_a_slash_at_the_end_changes_nothing(tmp_path: Path) -> None:
    storage = Storage(f"{tmp_path}/")
    storage.write("a", b"x")
    assert storage.path("a") == f"{tmp_path}/a"
    assert storage.list("") == {"a": 1}


def test_a_folder_does_not_exist_as_a_file(storage: Storage) -> None:
    storage.write("a/b", b"x")
    assert not storage.exists("a")


@pytest.mark.parametrize("root", ["gs://bucket/key", "memory://x", "http://host/"])
def test_other_storage_is_refused(root: str) -> None:
    with pytest.raises(RecipeError, match="expected a local folder or s3://"):
        Storage(root)


@pytest.mark.parametrize(
    "read", [lambda s: s.read("gone"), lambda s: s.open("gone"), lambda s: s.read_range("gone", 0, 1)]
)
def test_a_file_that_is_gone(storage: Storage, read: object) -> None:
    assert callable(read)
    with pytest.raises(IntegrityError, match="gone: expected a file, found none"):
        read(storage)


def test_parts_of_a_file(storage: Storage) -> None:
    data = bytes(range(256)) * 4096
    storage.write("a", data)
    with storage.open_parts("a") as file:
        file.seek(-10, 2)
        assert file.read() == data[-10:]
        file.seek(3)
        assert file.read(200_000) == data[3:200_003]
    with pytest.raises(IntegrityError, match="b: expected a file, found none"):
        storage.open_parts("b")


def test_a_range(storage: Storage) -> None:
    storage.write("a", b"0123456789")
    assert storage.read_range("a", 3, 4) == b"3456"
    assert storage.read_range("a", 10, 0) == b""


@pytest.mark.parametrize(("offset", "length"), [(8, 3), (10, 1), (99, 1)])
def test_a_range_beyond_the_end(storage: Storage, offset: int, length: int) -> None:
    storage.write("a", b"0123456789")
    with pytest.raises(IntegrityError, match=f"expected {length} bytes at {offset}"):
        storage.read_range("a", offset, length)


# Files named by their content


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_a_new_file_knows_what_was_written(chunks: list[bytes]) -> None:
    sink = io.BytesIO()
    file = NewFile(sink)
    for chunk in chunks:
        assert file.write(chunk) == len(chunk)
    assert sink.getvalue() == b"".join(chunks)
    assert file.num_bytes == file.tell() == len(sink.getvalue())
    assert file.sha256 == sha256(sink.getvalue()).hexdigest()


def test_a_new_file_is_named_by_its_content(storage: Storage) -> None:
    with storage.new_file("data", ".bin") as file:
        file.write(b"con")
        assert file.name == ""
        file.write(b"tent")
    assert file.name == f"data/{sha256(b'content').hexdigest()[:32]}.bin"
    assert storage.read(file.name) == b"content"


def test_the_same_content_is_the_same_file(storage: Storage) -> None:
    for chunks in ([b"con", b"tent"], [b"content"]):
        with storage.new_file("data", ".bin") as file:
            for chunk in chunks:
                file.write(chunk)
    assert len(storage.list("data")) == 1


def test_pyarrow_writes_into_a_new_file(storage: Storage) -> None:
    table = pa.table({"a": [1, 2, 3]})
    with storage.new_file("data", ".parquet") as file:
        pq.write_table(table, file)
    assert pq.read_table(storage.source(file.name)) == table
    assert storage.list("data") == {file.name: file.num_bytes}


# Nothing half written is ever seen


def test_an_unfinished_file_is_not_seen(storage: Storage) -> None:
    with storage.new_file("data", ".bin") as file:
        file.write(b"half")
        assert storage.list("data") == {}
    assert len(storage.list("data")) == 1


def test_a_failing_writer_leaves_nothing(storage: Storage) -> None:
    def write_half() -> None:
        with storage.new_file("data", ".bin") as file:
            file.write(b"half")
            raise BrokenError

    with pytest.raises(BrokenError):
        write_half()
    assert storage.list("") == {}


def test_a_failing_write_leaves_the_old_file(storage: Storage) -> None:
    storage.write("a", b"old")
    with pytest.raises(TypeError):
        storage.write("a", "no bytes")  # type: ignore[arg-type]
    assert storage.list("") == {"a": 3}
    assert storage.read("a") == b"old"


def test_a_copy_is_the_same_file(storage: Storage, tmp_path: Path) -> None:
    other = Storage(str(tmp_path / "other"))
    data = b"x" * 5_000_000
    storage.write("a", data)
    storage.copy_to("a", other, "data/b", digest=sha256(data).hexdigest())
    assert other.read("data/b") == data
    assert other.list("") == {"data/b": len(data)}


def test_a_copy_of_changed_bytes_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    other = Storage(str(tmp_path / "other"))
    storage.write("a", b"changed")
    with pytest.raises(IntegrityError, match="a: the bytes are not those that were written"):
        storage.copy_to("a", other, "b", digest=sha256(b"written").hexdigest())
    assert other.list("") == {}


def test_a_copy_of_nothing_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    other = Storage(str(tmp_path / "other"))
    with pytest.raises(IntegrityError, match="found none"):
        storage.copy_to("a", other, "b", digest="")
    assert other.list("") == {}


def test_a_reader_sees_the_old_file_or_the_new_one(storage: Storage) -> None:
    versions = {bytes([number]) * 100_000 for number in range(2)}
    storage.write("a", min(versions))
    done = threading.Event()
    seen: set[bytes] = set()

    def look() -> None:
        while not done.is_set():
            seen.add(storage.read("a"))

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(20):
        for version in versions:
            storage.write("a", version)
    done.set()
    reader.join()
    assert seen <= versions


def test_writers_at_the_same_time_do_not_disturb_each_other(storage: Storage) -> None:
    def write(number: int) -> None:
        for _ in range(20):
            with storage.new_file("data", ".bin") as file:
                file.write(bytes([number]) * 1000)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    names = {f"data/{sha256(bytes([number]) * 1000).hexdigest()[:32]}.bin" for number in range(4)}
    assert set(storage.list("")) == names


def test_a_full_disk_fails_the_unit_and_leaves_nothing(tiny_disk: Path) -> None:
    storage = Storage(str(tiny_disk))

    def write_more_than_fits() -> None:
        with storage.new_file("data", ".bin") as file:
            for _ in range(100):
                file.write(b"x" * 4096)

    with pytest.raises(UnitError, match="no space left") as caught:
        write_more_than_fits()
    assert "free some space" in caught.value.hint
    assert storage.list("") == {}


def test_a_full_disk_leaves_the_old_file(tiny_disk: Path) -> None:
    storage = Storage(str(tiny_disk))
    storage.write("a", b"old")
    with pytest.raises(UnitError, match="no space left"):
        storage.write("a", b"x" * 200_000)
    assert storage.read("a") == b"old"
    assert storage.list("") == {"a": 3}


def test_another_error_of_the_system_is_not_called_a_full_disk(local: Storage) -> None:
    local.write("a/b", b"x")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        local.write("a/b/c", b"x")
    assert local.list("") == {"a/b": 1}


# Clearing


def test_deleting_many(storage: Storage) -> None:
    names = [f"data/{number}" for number in range(40)]
    for name in names:
        storage.write(name, b"x")
    storage.delete_many(name for name in [*names[1:], "none"])
    assert list(storage.list("")) == names[:1]


def test_deleting(storage: Storage) -> None:
    storage.write("a", b"x")
    storage.delete("a")
    storage.delete("a")
    assert storage.list("") == {}


def test_clearing_removes_what_killed_writers_left(local: Storage) -> None:
    local.write("a", b"x")
    Path(local.path("tmp/17-0123456789abcdef")).write_bytes(b"half")
    local.clear_temporary(ANY)
    local.clear_temporary(ANY)
    assert [path.name for path in Path(local.root).iterdir()] == ["a"]


def test_clearing_leaves_what_is_not_ours(storage: Storage) -> None:
    storage.write("tmp/notes.txt", b"mine")
    storage.clear_temporary(ANY)
    assert storage.read("tmp/notes.txt") == b"mine"


def test_after_clearing_there_is_writing(storage: Storage) -> None:
    storage.clear_temporary(ANY)
    storage.write("a", b"x")
    assert storage.read("a") == b"x"


@given(st.binary(max_size=100), st.integers(0, 100))
def test_a_digest_covers_what_is_left_in_a_file(data: bytes, start: int) -> None:
    file = io.BytesIO(data)
    file.seek(start)
    assert file_sha256(file) == sha256(data[start:]).hexdigest()


def test_the_start_of_a_file_is_read_where_there_is_one(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    storage.write("x", b"0123456789")
    assert storage.read_start("x", 4) == b"0123"
    assert storage.read_start("x", 40) == b"0123456789"
    assert storage.read_start("y", 4) is None

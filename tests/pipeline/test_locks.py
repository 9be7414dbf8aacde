"""Locks of work folders in buckets that go away, and of releases that are made; all else is in test_s3_lock."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from manifests.errors import CorpusmillError, RecipeError, RetryableError, UnitError
from manifests.storage import Storage
from pipeline.locks import locked, locked_beside
from pipeline.retokenizing import tokenize_release
from pipeline.selecting import select_documents


class Bucket:
    """As much of a storage as a lock needs, of a server that goes away."""

    root, folder, gone = "s3://lab/work", None, False

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def read(self, name: str) -> bytes:
        if self.gone:
            raise RetryableError(f"{self.path(name)}: cannot be reached", hint="check the network")
        return self.data[name]

    def write_new(self, name: str, data: bytes) -> bool:
        return self.data.setdefault(name, data) == data

    def delete(self, name: str) -> None:
        del self.data[name]


def lose_bucket(error: CorpusmillError | None) -> None:
    """A run whose bucket goes away, and which then ends with an error or well."""
    bucket = Bucket()
    with locked(cast("Storage", bucket)):
        bucket.gone = True
        if error:
            raise error


def test_a_run_that_ends_well_leaves_no_lock() -> None:
    bucket = Bucket()
    with locked(cast("Storage", bucket)):
        assert "lock" in bucket.data
    assert not bucket.data


def test_the_error_of_the_run_is_told_where_the_lock_cannot_be_taken_away() -> None:
    with pytest.raises(UnitError, match="1 of 2 units failed") as caught:
        lose_bucket(UnitError("1 of 2 units failed", hint="run again"))
    assert caught.value.hint.startswith("run again; its lock could not be taken away")
    assert "--take-over" in caught.value.hint


def test_a_lock_that_stays_after_all_is_done_is_told() -> None:
    with pytest.raises(CorpusmillError, match="s3://lab/work/lock: cannot be reached") as caught:
        lose_bucket(None)
    assert "--take-over" in caught.value.hint


def test_a_release_is_made_by_one_command_at_a_time_and_the_lock_goes(tmp_path: Path) -> None:
    out = Storage(str(tmp_path / "above/small-0.1.1"))
    for _ in range(2):
        with (
            locked_beside(out, "removal"),
            pytest.raises(RecipeError, match=r"small-0\.1\.1: another removal is working here") as caught,
            locked_beside(out, "removal"),
        ):
            pass
        assert (caught.value.exit_code, "--output" in caught.value.hint) == (2, True)
        assert list((tmp_path / "above").iterdir()) == []


def test_a_lock_that_was_taken_away_while_it_was_opened_holds_nobody_off(tmp_path: Path) -> None:
    out, lock = Storage(str(tmp_path / "small")), tmp_path / ".small.lock"
    lock.touch()
    with locked_beside(out, "removal"):
        before = lock.stat().st_ino
        lock.unlink()
        lock.touch()
        with locked_beside(out, "removal"):
            assert lock.stat().st_ino != before


def test_where_nothing_can_be_written_beside_a_release_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecipeError, match="cannot be written"), locked_beside(Storage(f"{tmp_path}/file/x"), "removal"):
        pass


def test_a_whole_bucket_is_no_folder_of_a_release() -> None:
    with (
        pytest.raises(RecipeError, match="expected a folder in a bucket"),
        locked_beside(Storage("s3://lab"), "removal"),
    ):
        pass


def test_in_a_bucket_whoever_makes_the_release_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket()
    out = Storage("s3://lab/releases/small-0.1.1")
    monkeypatch.setattr("pipeline.locks.Storage", lambda _root: bucket)
    with (
        locked_beside(out, "removal"),
        pytest.raises(RecipeError, match=r"another removal is working here.*\(process \d+ on ") as caught,
        locked_beside(out, "removal"),
    ):
        pass
    assert "if it is gone, delete s3://lab/work/.small-0.1.1.lock" in caught.value.hint
    assert not bucket.data


@pytest.mark.parametrize("command", ["selection", "packing"])
def test_parts_and_packed_sets_are_made_once_at_a_time(small_release: Path, tmp_path: Path, command: str) -> None:
    out = str(tmp_path / "made")
    commands: dict[str, Callable[[], str]] = {
        "selection": lambda: select_documents(str(small_release), "kind = 'code'", out),
        "packing": lambda: tokenize_release(
            str(small_release), str(small_release / "tokenizer/tokenizer.json"), output=out
        ),
    }
    with locked_beside(Storage(out), command), pytest.raises(RecipeError, match=f"another {command} is working here"):
        commands[command]()
    assert not Path(out).exists()

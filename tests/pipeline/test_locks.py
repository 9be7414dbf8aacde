"""The lock of a work folder in a bucket that cannot be reached when a run ends; all else is in test_s3_lock."""

from typing import cast

import pytest

from manifests.errors import CorpusmillError, RetryableError, UnitError
from manifests.storage import Storage
from pipeline.locks import locked


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

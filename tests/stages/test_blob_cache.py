"""An entry is there whole or not at all; what killed writers left is cleared, what others write is not."""

import os
import time
from pathlib import Path

import pytest

from manifests.errors import RecipeError
from stages.blob_cache import BlobCache

BLOB = "ab" * 20


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_an_entry_is_found_again(tmp_path: Path) -> None:
    cache = BlobCache(str(tmp_path / "cache"))
    assert cache.read(BLOB, maximum_bytes=10) is None
    cache.write(BLOB, b"packed")
    assert cache.read(BLOB, maximum_bytes=10) == b"packed"
    assert files(tmp_path / "cache") == {f"{BLOB[:3]}/{BLOB}"}


def test_a_later_entry_replaces_an_earlier_one_and_no_more_is_read_than_asked_for(tmp_path: Path) -> None:
    cache = BlobCache(str(tmp_path))
    cache.write(BLOB, b"damaged")
    cache.write(BLOB, b"sound")
    assert cache.read(BLOB, maximum_bytes=3) == b"sou"


def test_a_folder_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = BlobCache(str(tmp_path / "file"))
    assert cache.read(BLOB, maximum_bytes=3) is None
    with pytest.raises(RecipeError, match="expected a folder for fetched contents"):
        cache.check_writable()
    with pytest.raises(RecipeError, match="expected a folder for fetched contents"):
        cache.write(BLOB, b"packed")


def test_only_what_was_left_long_ago_is_cleared(tmp_path: Path) -> None:
    cache = BlobCache(str(tmp_path))
    cache.write(BLOB, b"packed")
    for name in ("old", "new"):
        (tmp_path / "tmp" / name).write_bytes(b"half")
    long_ago = time.time() - 7 * 24 * 3600
    os.utime(tmp_path / "tmp/old", (long_ago, long_ago))
    cache.check_writable()
    assert files(tmp_path) == {f"{BLOB[:3]}/{BLOB}", "tmp/new"}

"""Blob cache: gzip objects that were fetched once, in a local folder, by name.

An entry is written beside its place and renamed, so no half one is seen, and whoever reads it verifies it like one that
was fetched: nothing is synced to disk, and damage costs one more request. Any number of processes and hosts may share
the folder. Cost: one file for each blob, as large as in the archive; 4,096 folders.
"""

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from manifests.errors import NoSpaceError, RecipeError

_TEMPORARY = "tmp"
_STALE_SECONDS = 24 * 3600


class BlobCache:
    """A folder of objects by blob id, which must be 40 hexadecimal digits.

    Args:
        folder: made at the first entry.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def read(self, blob_id: str, *, maximum_bytes: int) -> bytes | None:
        """The object as it was written, or its first `maximum_bytes`; None where it is not there or cannot be read."""
        try:
            with self._place(blob_id).open("rb") as file:
                return file.read(maximum_bytes)
        except OSError:
            return None

    def write(self, blob_id: str, packed: bytes) -> None:
        """Keep an object; one of that name is replaced.

        Raises:
            NoSpaceError: the disk is full.
            RecipeError: the folder cannot be written.
        """
        place = self._place(blob_id)
        temporary = self._folder / _TEMPORARY / f"{os.getpid()}-{os.urandom(8).hex()}"
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            temporary.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(packed)
                temporary.replace(place)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise self._cannot_write(error) from error

    def check_writable(self) -> None:
        """Raise as `write` does where nothing could be kept; makes the folder, clears what killed writers left."""
        folder = self._folder / _TEMPORARY
        probe = folder / f"{os.getpid()}-{os.urandom(8).hex()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise self._cannot_write(error) from error
        for left in folder.iterdir():
            with suppress(OSError):  # another run clears it, too
                if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                    left.unlink()

    def _place(self, blob_id: str) -> Path:
        return self._folder / blob_id[:3] / blob_id

    def _cannot_write(self, error: OSError) -> NoSpaceError | RecipeError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return NoSpaceError(
                f"{self._folder}: no space left: {error.strerror}; this is the folder of fetched contents",
                hint="free some space there, or name a folder elsewhere as software_heritage.cache, and run again",
            )
        return RecipeError(
            f"{self._folder}: cannot be written: {error.strerror}; expected a folder for fetched contents",
            hint="name another folder as software_heritage.cache in the recipe, or make this one writable",
        )

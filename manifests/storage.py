"""Storage: the one place that knows where files lie: a local folder or a prefix of a bucket. No half file ever shows.

Everything else in corpusmill names files relative to a Storage and does not notice which it is. A file becomes visible
whole, by rename, by one PUT or by an upload completed last. Data files are named by their content, so that writing the
same bytes twice is the same file, and a file that no record names is garbage.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from manifests.bucket_files import BucketFiles
from manifests.buckets import ENVIRONMENT, SCHEME, Access
from manifests.errors import IntegrityError, RecipeError
from manifests.local_files import TEMPORARY_NAME, LocalFiles

__all__ = ["TEMPORARY_NAME", "NewFile", "Storage", "file_sha256", "user_cache_folder"]


class NewFile:
    """A file being written: `write` it, then ask for its size and digest.

    Attributes:
        num_bytes: bytes written so far.
        name: the final, content-derived name; empty until the file is complete.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = sha256()
        self.num_bytes = 0
        self.name = ""

    def write(self, data: bytes) -> int:
        """Append bytes."""
        self._file.write(data)
        self._digest.update(data)
        self.num_bytes += len(data)
        return len(data)

    @property
    def sha256(self) -> str:
        """Hex digest of what was written so far."""
        return self._digest.hexdigest()

    # What pyarrow asks of a file that it writes to.
    closed = False

    def tell(self) -> int:
        """Bytes written so far."""
        return self.num_bytes

    def flush(self) -> None:
        """Do nothing: the storage flushes before it publishes."""

    def close(self) -> None:
        """Do nothing: the storage closes the file."""


class Storage:
    """A local folder or `s3://bucket/prefix`. Names are relative, with forward slashes.

    Args:
        access: how buckets are reached.

    Attributes:
        root: without a slash at the end.
        folder: the folder where it is local; None where it is a bucket.
    """

    def __init__(self, root: str, access: Access = ENVIRONMENT) -> None:
        self._files: LocalFiles | BucketFiles
        if root.startswith(SCHEME):
            self._files = BucketFiles(root, access)
            self.folder = None
        elif root.startswith(SCHEME[:3]) or ("://" in root and not root.startswith("file://")):
            raise RecipeError(
                f"{root}: expected a local folder or s3://bucket/path, got another kind of storage",
                hint="copy the data to a local disk or to a bucket",
            )
        else:
            path = os.path.abspath(root.removeprefix("file://"))  # noqa: PTH100 - resolves no link
            self._files = LocalFiles(path)
            self.folder = Path(path)
        self.root = self._files.root

    def path(self, name: str) -> str:
        """The full name, for messages and for libraries that open files themselves."""
        return self._files.path(name)

    def source(self, name: str) -> str | BinaryIO:
        """What a library reads a file from: its path, or where that is not local an open file.

        Raises:
            IntegrityError: an object is gone; of a local file the library itself will say so.
        """
        return self.path(name) if self.folder is not None else self.open(name)

    def exists(self, name: str) -> bool:
        """Whether a file of that name is there."""
        return self._files.is_file(name)

    def list(self, folder: str) -> dict[str, int]:
        """Every file below `folder`, name relative to the root -> size in bytes; empty where there is none."""
        return self._files.list(folder)

    def open(self, name: str) -> BinaryIO:
        """Open for reading; raises IntegrityError where the file is gone."""
        with self._there(name):
            return self._files.open(name)

    def open_parts(self, name: str) -> BinaryIO:
        """Open for reading a few parts of it: no more is fetched than is asked for; raises as `open` does."""
        with self._there(name):
            return self._files.open_parts(name)

    def read(self, name: str) -> bytes:
        """The whole file; raises IntegrityError where it is gone."""
        with self._there(name):
            return self._files.read(name)

    def read_start(self, name: str, maximum_bytes: int) -> bytes | None:
        """A file's bytes, up to so many, in one request; None where there is none of that name."""
        try:
            return self._files.read(name, 0, maximum_bytes)
        except FileNotFoundError:
            return None

    def read_many(self, names: Iterable[str]) -> dict[str, bytes]:
        """Whole small files, from a bucket several at a time; one that is not there is left out."""
        return self._files.read_many(names)

    def read_range(self, name: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; raises IntegrityError where the file is shorter or gone."""
        with self._there(name):
            data = self._files.read(name, offset, length)
        if len(data) != length:
            raise IntegrityError(
                f"{self.path(name)}: expected {length} bytes at {offset}, got {len(data)}",
                hint="the file was cut: delete it and run again",
            )
        return data

    def write(self, name: str, data: bytes) -> None:
        """Put a whole file in place atomically; an older one of that name is replaced.

        Raises:
            NoSpaceError: the disk is full.
        """
        self._files.write(name, data)

    def write_new(self, name: str, data: bytes) -> bool:
        """Put a whole file in place where there is none of that name; whether there was none."""
        return self._files.write_new(name, data)

    def update(self, name: str, change: Callable[[bytes], bytes | None]) -> None:
        """Put in a file's place what `change` makes of its bytes; no other `update` of it comes between.

        Args:
            change: given the whole file, empty where there is none; None leaves it as it is. In a bucket it may be
                called again, with what others wrote meanwhile.

        Raises:
            NoSpaceError: the disk is full.
            IntegrityError: a bucket does not hold to conditional writes.
            RetryableError: others replaced an object again and again.
        """
        self._files.update(name, change)

    @contextmanager
    def new_file(self, folder: str, suffix: str) -> Iterator[NewFile]:
        """Write a file that appears as `<folder>/<first 128 bits of its sha256><suffix>` when the block ends well.

        Raises:
            NoSpaceError: the disk is full.
        """
        with self._files.spool() as spool:
            new = NewFile(spool.file)
            yield new
            name = f"{folder}/{new.sha256[:32]}{suffix}"
            spool.publish(name)
            new.name = name

    @contextmanager
    def named_file(self, name: str) -> Iterator[NewFile]:
        """Write a file that appears under a name when the block ends well; an older one of that name is replaced.

        Raises:
            NoSpaceError: the disk is full.
        """
        with self._files.spool() as spool:
            new = NewFile(spool.file)
            yield new
            spool.publish(name)
            new.name = name

    def share_with(self, other: "Storage", name: str) -> bool:
        """Give another storage a file under the same name without its bytes passing here; whether that can be done.

        It can within one disk, where both names then are the same file, which nobody may write to any more; and between
        buckets that are reached in the same way, where the server copies. The bytes are not looked at.
        """
        if isinstance(self._files, LocalFiles) and isinstance(other._files, LocalFiles):
            return self._files.link(name, other._files)
        if isinstance(self._files, BucketFiles) and isinstance(other._files, BucketFiles):
            return self._files.copy_within(name, other._files)
        return False

    def copy_to(self, name: str, other: "Storage", other_name: str, *, digest: str) -> None:
        """Copy a file into another storage; it appears there whole, or not at all where its sha256 is not `digest`.

        Raises:
            IntegrityError: the file is gone, or its bytes are not those that were written.
        """
        found = sha256()
        with self.open(name) as source, other._files.spool() as spool:
            while chunk := source.read(1 << 22):
                found.update(chunk)
                spool.file.write(chunk)
            if found.hexdigest() != digest:
                raise IntegrityError(
                    f"{self.path(name)}: the bytes are not those that were written; expected sha256 {digest[:12]}, "
                    f"got {found.hexdigest()[:12]}",
                    hint="delete the file and run again: it is made again",
                )
            spool.publish(other_name)

    def delete(self, name: str) -> None:
        """Remove a file; nothing happens where there is none."""
        self._files.delete(name)

    def delete_many(self, names: Iterable[str]) -> None:
        """Remove files, from a bucket several at a time."""
        self._files.delete_many(names)

    def check_writable(self) -> None:
        """Raise RecipeError or StorageError where no file can be written here; makes a local folder."""
        self._files.check_writable()

    def unfinished(self, ours: re.Pattern[str]) -> dict[str, int]:
        """What killed writers left: half files, or uploads that nobody completed, and their bytes.

        Args:
            ours: what names of files match that are written here; uploads of other names are somebody else's.
        """
        return self._files.unfinished(ours)

    def clear_temporary(self, ours: re.Pattern[str]) -> None:
        """Remove what killed writers left; nobody may be writing here."""
        self._files.clear_unfinished(ours)

    @contextmanager
    def _there(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise IntegrityError(
                f"{self.path(name)}: expected a file, found none", hint="run again: what is missing is made again"
            ) from error


def file_sha256(file: BinaryIO) -> str:
    """Hex sha256 of everything left in an open file."""
    digest = sha256()
    while chunk := file.read(1 << 22):
        digest.update(chunk)
    return digest.hexdigest()


def user_cache_folder(name: str) -> Path:
    """The user's folder for files of one kind that can be made again: `$XDG_CACHE_HOME`, else `~/.cache`.

    Raises:
        RuntimeError: this user's home folder is not known.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "corpusmill", name)

"""Storage: the one module that knows where files lie: a folder, written so that no half file is ever seen.

Local folders only in this version; everything else in corpusmill names files relative to a Storage and would not notice
a bucket. A file becomes visible whole, by rename. Data files are named by their content, so that writing the same
bytes twice is the same file, and a file that no record names is garbage.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

import fsspec

from manifests.errors import IntegrityError, NoSpaceError, RecipeError

_TEMPORARY = "tmp"
TEMPORARY_NAME = re.compile(r"tmp/\d+-[0-9a-f]{16}")


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
    """A folder, local in this version. Names are relative, with forward slashes."""

    def __init__(self, root: str) -> None:
        if "://" in root and not root.startswith("file://"):
            raise RecipeError(
                f"{root}: not in this version; expected a local folder, got another kind of storage",
                hint="copy the data to a local disk; object stores come with a later version",
            )
        self._fs, path = fsspec.core.url_to_fs(root)
        self.root = str(path)

    def path(self, name: str) -> str:
        """The full name, for messages and for libraries that open files themselves."""
        return f"{self.root}/{name}"

    def exists(self, name: str) -> bool:
        """Whether a file of that name is there."""
        return bool(self._fs.isfile(self.path(name)))

    def list(self, folder: str) -> dict[str, int]:
        """Every file below `folder`, name relative to the root -> size in bytes; empty where there is none."""
        if not self._fs.isdir(self.path(folder)):
            return {}
        found = self._fs.find(self.path(folder), detail=True)
        start = len(self.root) + 1
        return {name[start:]: int(info["size"]) for name, info in sorted(found.items())}

    def open(self, name: str) -> BinaryIO:
        """Open for reading; raises IntegrityError where the file is gone."""
        try:
            return cast("BinaryIO", self._fs.open(self.path(name), "rb"))
        except FileNotFoundError as error:
            raise IntegrityError(
                f"{self.path(name)}: expected a file, found none", hint="run again: what is missing is made again"
            ) from error

    def read(self, name: str) -> bytes:
        """The whole file."""
        with self.open(name) as file:
            return file.read()

    def read_range(self, name: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; raises IntegrityError where the file is shorter."""
        with self.open(name) as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) != length:
            raise IntegrityError(
                f"{self.path(name)}: expected {length} bytes at {offset}, got {len(data)}",
                hint="the file was cut: delete it and run again",
            )
        return data

    def write(self, name: str, data: bytes) -> None:
        """Put a whole file in place atomically; an older one of that name is replaced."""
        with self._temporary() as (file, temporary):
            file.write(data)
            _settle(file)
            self._publish(temporary, name)

    @contextmanager
    def new_file(self, folder: str, suffix: str) -> Iterator[NewFile]:
        """Write a file that appears as `<folder>/<first 128 bits of its sha256><suffix>` when the block ends well.

        Raises:
            NoSpaceError: the disk is full.
        """
        with self._temporary() as (file, temporary):
            new = NewFile(file)
            yield new
            _settle(file)
            new.name = f"{folder}/{new.sha256[:32]}{suffix}"
            self._publish(temporary, new.name)

    def copy_to(self, name: str, other: "Storage", other_name: str, *, digest: str) -> None:
        """Copy a file into another storage; it appears there whole, or not at all where its sha256 is not `digest`.

        Raises:
            IntegrityError: the file is gone, or its bytes are not those that were written.
        """
        found = sha256()
        with self.open(name) as source, other._temporary() as (file, temporary):
            while chunk := source.read(1 << 22):
                found.update(chunk)
                file.write(chunk)
            if found.hexdigest() != digest:
                raise IntegrityError(
                    f"{self.path(name)}: the bytes are not those that were written; expected sha256 {digest[:12]}, "
                    f"got {found.hexdigest()[:12]}",
                    hint="delete the file and run again: it is made again",
                )
            _settle(file)
            other._publish(temporary, other_name)

    def delete(self, name: str) -> None:
        """Remove a file; nothing happens where there is none."""
        if self.exists(name):
            self._fs.rm_file(self.path(name))

    def check_writable(self) -> None:
        """Raise RecipeError where no file can be written here; makes the folder."""
        try:
            with self._temporary() as (file, _):
                file.write(b"x")
        except OSError as error:
            raise RecipeError(
                f"{self.root}: cannot be written: {error.strerror}; expected a folder for files of ours",
                hint="choose another folder, or make this one writable",
            ) from error
        self.clear_temporary()

    def clear_temporary(self) -> None:
        """Remove half files that killed writers left, and the folder they lay in; nobody may be writing here."""
        for name in self.list(_TEMPORARY):
            if TEMPORARY_NAME.fullmatch(name):
                self.delete(name)
        with suppress(OSError):  # it is not there, or holds something that is not ours
            Path(self.root, _TEMPORARY).rmdir()

    @contextmanager
    def _temporary(self) -> Iterator[tuple[BinaryIO, str]]:
        folder = Path(self.root, _TEMPORARY)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A random name never reaches an output: the file is renamed to its content or removed.
            temporary = str(folder / f"{os.getpid()}-{os.urandom(8).hex()}")
            try:
                with self._fs.open(temporary, "wb") as file:
                    yield cast("BinaryIO", file), temporary
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise NoSpaceError(
                f"{self.root}: no space left; expected room for one more file, got {error.strerror}",
                hint="free some space (`corpusmill gc WORK` clears what no record names) and run again",
            ) from error

    def _publish(self, temporary: str, name: str) -> None:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        Path(temporary).replace(target)


def _settle(file: BinaryIO) -> None:
    """Have the bytes on disk, and every late error of the disk reported, before the file gets its name."""
    file.flush()
    os.fsync(file.fileno())
    file.close()


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

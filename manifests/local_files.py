"""Local files: a folder in which a file appears whole, by rename, or not at all."""

import errno
import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from manifests.errors import NoSpaceError, RecipeError
from manifests.spool import Spool

TEMPORARY = "tmp"
TEMPORARY_NAME = re.compile(r"tmp/\d+-[0-9a-f]{16}")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class LocalFiles:
    """The files of a folder; names are relative, with forward slashes."""

    def __init__(self, root: str) -> None:
        self.root = root

    def path(self, name: str) -> str:
        """The full name."""
        return f"{self.root}/{name}"

    def is_file(self, name: str) -> bool:
        """Whether a file of that name is there."""
        return Path(self.path(name)).is_file()

    def list(self, folder: str) -> dict[str, int]:
        """Every file below a folder with its size, in order of names."""
        top = Path(self.root, folder)
        start = len(self.root) + 1
        found = {}
        for place, _folders, names in os.walk(top):
            for name in names:
                path = Path(place, name)
                with suppress(FileNotFoundError):  # it went while we looked
                    found[path.as_posix()[start:]] = path.stat().st_size
        return dict(sorted(found.items()))

    def open(self, name: str) -> BinaryIO:
        """Open for reading; raises FileNotFoundError."""
        return Path(self.path(name)).open("rb")

    def open_parts(self, name: str) -> BinaryIO:
        """As `open`."""
        return self.open(name)

    def read(self, name: str, first: int = 0, length: int | None = None) -> bytes:
        """Some bytes, fewer at the end; raises FileNotFoundError."""
        with self.open(name) as file:
            file.seek(first)
            return file.read(-1 if length is None else length)

    def read_many(self, names: Iterable[str]) -> dict[str, bytes]:
        """Whole files; one that is not there is left out."""
        found = {}
        for name in names:
            with suppress(FileNotFoundError):
                found[name] = self.read(name)
        return found

    @contextmanager
    def spool(self) -> Iterator[Spool]:
        """A file that can be published when it is complete.

        Raises:
            NoSpaceError: the disk is full.
        """
        folder = Path(self.root, TEMPORARY)
        with self._room():
            folder.mkdir(parents=True, exist_ok=True)
            # A random name never reaches an output: the file is renamed to its content or removed.
            temporary = folder / f"{os.getpid()}-{os.urandom(8).hex()}"
            try:
                with temporary.open("wb") as file:
                    yield Spool(file, lambda name: self._publish(temporary, file, name))
            finally:
                temporary.unlink(missing_ok=True)

    def _publish(self, temporary: Path, file: BinaryIO, name: str) -> None:
        # The bytes are on disk, and every late error of the disk is told, before the file gets its name.
        file.flush()
        os.fsync(file.fileno())
        file.close()
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(target)

    def write(self, name: str, data: bytes) -> None:
        """Put a whole file in place."""
        with self.spool() as spool:
            spool.file.write(data)
            spool.publish(name)

    def write_new(self, name: str, data: bytes) -> bool:
        """Put a file in place where there is none; whether there was none."""
        folder = Path(self.root, TEMPORARY)
        with self._room():
            folder.mkdir(parents=True, exist_ok=True)
            temporary = folder / f"{os.getpid()}-{os.urandom(8).hex()}"
            target = Path(self.path(name))
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(data)
                target.hardlink_to(temporary)
            except FileExistsError:
                return False
            finally:
                temporary.unlink(missing_ok=True)
        return True

    def link(self, name: str, other: "LocalFiles") -> bool:
        """Put a file into another folder under the same name as well; False where the disk does not let us."""
        target = Path(other.path(name))
        with other._room():
            target.parent.mkdir(parents=True, exist_ok=True)
            folder = Path(other.root, TEMPORARY)
            folder.mkdir(parents=True, exist_ok=True)
            temporary = folder / f"{os.getpid()}-{os.urandom(8).hex()}"
            try:
                temporary.hardlink_to(self.path(name))
                temporary.replace(target)
            except OSError as error:
                if error.errno in _NO_SPACE:
                    raise
                return False
            finally:
                temporary.unlink(missing_ok=True)
        return True

    def update(self, name: str, change: Callable[[bytes], bytes | None]) -> None:
        """Put what `change` makes of a file in its place; one process at a time, waited for.

        What locks is a file beside it, which stays: whoever deletes a locked one lets two in.
        """
        lock = Path(self.path(f"{name}.lock"))
        with self._room():
            lock.parent.mkdir(parents=True, exist_ok=True)
            with lock.open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                try:
                    before = self.read(name)
                except FileNotFoundError:
                    before = b""
                if (after := change(before)) is not None:
                    self.write(name, after)

    def delete(self, name: str) -> None:
        """Remove a file; nothing happens where there is none."""
        if self.is_file(name):
            Path(self.path(name)).unlink(missing_ok=True)

    def delete_many(self, names: Iterable[str]) -> None:
        """Remove files."""
        for name in names:
            self.delete(name)

    def check_writable(self) -> None:
        """Raise RecipeError where no file can be written here; makes the folder."""
        try:
            with self.spool() as spool:
                spool.file.write(b"x")
        except OSError as error:
            raise RecipeError(
                f"{self.root}: cannot be written: {error.strerror}; expected a folder for files of ours",
                hint="choose another folder, or make this one writable",
            ) from error
        self.clear_unfinished(TEMPORARY_NAME)

    def unfinished(self, ours: re.Pattern[str]) -> dict[str, int]:
        """Half files that killed writers left, with their sizes; nobody may be writing here."""
        del ours  # they have names that only we give, whatever they were to become
        return {name: size for name, size in self.list(TEMPORARY).items() if TEMPORARY_NAME.fullmatch(name)}

    def clear_unfinished(self, ours: re.Pattern[str]) -> None:
        """Remove half files, and the folder they lay in."""
        for name in self.unfinished(ours):
            self.delete(name)
        with suppress(OSError):  # it is not there, or holds something that is not ours
            Path(self.root, TEMPORARY).rmdir()

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _NO_SPACE:
                raise
            raise no_space(self.root, error) from error


def no_space(where: str, error: OSError) -> NoSpaceError:
    """What to say of a full disk."""
    return NoSpaceError(
        f"{where}: no space left; expected room for one more file, got {error.strerror}",
        hint="free some space (`corpusmill gc WORK` clears what no record names) and run again",
    )

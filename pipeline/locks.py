"""Lock: one run for each work folder, and one command for each release that is being made.

A local folder is locked by the kernel, which lets go however the run ends. A bucket knows no locks: there an object
names who holds the folder, put in place by a conditional request. What a killed run leaves of it stays until somebody
who knows that the run is gone takes over; a run that was only believed dead notices before its next step.
"""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from manifests.errors import CorpusmillError, IntegrityError, RecipeError
from manifests.storage import Storage

_LOCK = "lock"
_LOCK_SECONDS = 3


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who holds a work folder.

    Attributes:
        token: random, so that two holders are never taken for one.
    """

    host: str
    pid: int
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@contextmanager
def locked(work: Storage, *, take_over: bool = False) -> Iterator[Callable[[], None]]:
    """Hold a work folder; what is given raises RecipeError where it is held no longer.

    Args:
        take_over: take it from whoever holds it, on a bucket alone.

    Raises:
        RecipeError: another run holds it.
    """
    if work.folder is None:
        with _locked_bucket(work, take_over=take_over) as check:
            yield check
    else:
        with _locked_folder(work.folder):
            yield lambda: None


@contextmanager
def _locked_folder(folder: Path) -> Iterator[None]:
    """Processes of a run that was just killed hold it until they are gone, too: that moment is waited for."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as file:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _lock(file):
            if time.monotonic() > deadline:
                raise RecipeError(
                    f"{folder}: another run is working here; expected the folder to be free",
                    hint="wait for it, or choose another folder with --work",
                )
            time.sleep(0.05)
        yield


@contextmanager
def locked_beside(out: Storage, what: str) -> Iterator[None]:
    """Hold a release's folder while it is made, by a file beside it: nothing in it is not of the release.

    Args:
        what: is done here, as messages say it: "removal".

    Raises:
        RecipeError: somebody holds it, or nothing can be written beside it.
    """
    above, _, last = out.root.rpartition("/")
    if above.endswith(":/"):
        raise RecipeError(
            f"{out.root}: expected a folder in a bucket, got all of it", hint=f"as in {out.root}/demo-0.1.1"
        )
    beside, name = Storage(above or "/"), f".{last}.lock"
    said = f"{out.root}: another {what} is working here; expected nobody else to make this release"
    hint = "wait for it, or choose another folder with --output"
    if beside.folder is None:
        own = Holder(socket.gethostname(), os.getpid(), os.urandom(8).hex())
        if not beside.write_new(name, msgspec.json.encode(own)):
            hint = f"wait for it; if it is gone, delete {beside.path(name)}; or choose another folder with --output"
            raise RecipeError(f"{said} ({_holder(beside, name) or 'unknown'})", hint=hint)
        try:
            yield
        finally:
            _let_go(beside, own, name)
    else:
        path = beside.folder / name
        with _locked_file(path) as held:
            if not held:
                raise RecipeError(said, hint=hint)
            yield


@contextmanager
def _locked_file(path: Path) -> Iterator[bool]:
    """Hold a file that is there as long as it is held; whether nobody else does."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w")
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
                raise
            raise RecipeError(
                f"{path}: cannot be written: {error.strerror}; expected a folder to keep a lock in",
                hint="choose another folder with --output, or make the one above it writable",
            ) from error
        with file:
            if not _lock(file):
                yield False
                return
            # Whoever held it took it away before letting go: that file holds nobody off any more.
            if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                continue
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)
            return


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _locked_bucket(work: Storage, *, take_over: bool) -> Iterator[Callable[[], None]]:
    own = Holder(socket.gethostname(), os.getpid(), os.urandom(8).hex())
    data = msgspec.json.encode(own)
    if take_over:
        work.write(_LOCK, data)
    elif not work.write_new(_LOCK, data):
        raise RecipeError(
            f"{work.root}: {_holder(work) or 'another run'} is working here; expected the folder to be free",
            hint="wait for it; if it is gone, `corpusmill run RECIPE --take-over`; or choose another folder",
        )

    def check() -> None:
        if (holder := _holder(work)) != own:
            raise RecipeError(
                f"{work.root}: {holder or 'somebody'} took the folder over; expected to hold it to the end",
                hint="let one run work here: what is finished stays finished",
            )

    try:
        yield check
    except BaseException as error:
        # What stopped the run may keep the lock from being taken away: the run's own error is the one to tell.
        try:
            _let_go(work, own)
        except CorpusmillError:
            if isinstance(error, CorpusmillError):
                left = f"its lock could not be taken away: when {work.root} can be reached, run with --take-over"
                error.hint = f"{error.hint}; {left}" if error.hint else left
        raise
    try:
        _let_go(work, own)
    except CorpusmillError as error:
        error.hint = f"all is done but for this lock: the next run here needs --take-over, or delete {work.path(_LOCK)}"
        raise


def _let_go(work: Storage, own: Holder, name: str = _LOCK) -> None:
    if _holder(work, name) == own:
        work.delete(name)


def _holder(work: Storage, name: str = _LOCK) -> Holder | None:
    try:
        return msgspec.json.decode(work.read(name), type=Holder)
    except (IntegrityError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None

"""Lock: one run for each work folder.

A local folder is locked by the kernel, which lets go however the run ends. A bucket knows no locks: there an object
names who holds the folder, put in place by a conditional request. What a killed run leaves of it stays until somebody
who knows that the run is gone takes over; a run that was only believed dead notices before its next step.
"""

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


def _let_go(work: Storage, own: Holder) -> None:
    if _holder(work) == own:
        work.delete(_LOCK)


def _holder(work: Storage) -> Holder | None:
    try:
        return msgspec.json.decode(work.read(_LOCK), type=Holder)
    except (IntegrityError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None

"""Endings: how a unit's process may end without a record, what is said of it, and which ending deserves a second try.

The kernel's out-of-memory killer sends SIGKILL, a cluster does the same at its limit, and C++ and Rust abort where an
allocation fails; nothing tells these from a kill by hand. Such a unit runs once more when the others of its step (or of
its task) have ended, so that it has the machine's memory for itself, and fails by name only then. A unit that hangs or
ends in any other way fails at once: it would do the same again.
"""

import os
import signal
from dataclasses import dataclass

from manifests.errors import OutOfMemoryError, RetryableError

NO_SPACE = 28
NO_MEMORY = 12
"""Exit codes of a unit's process: those that errno has for the same."""

_OF_MEMORY = (signal.SIGKILL, signal.SIGABRT)


@dataclass(frozen=True, slots=True)
class Ending:
    """What was wrong with a unit's process.

    Attributes:
        may_be_memory: whether it may do better with more memory, alone.
    """

    what: str
    may_be_memory: bool = False

    def error(self, where: str, *, peak_bytes: int, second_try: bool) -> RetryableError:
        """The failure of the unit that `where` names; until its second try it is one of its first."""
        if not self.may_be_memory:
            return RetryableError(f"{where}: {self.what}", hint="run again: only this unit is made again")
        seen = f"{peak_bytes / 1e6:,.0f} MB of memory of its own seen" if peak_bytes else "its memory was not seen"
        when = "so it was beside others before, and now alone" if second_try else "it is to run once more, alone"
        return OutOfMemoryError(
            f"{where}: {self.what}; {seen}; {when}",
            hint="run again with fewer --workers, a smaller limits.slice_bytes or limits.unit_bytes, or more memory",
        )


LOST_WORKER = Ending("its worker was ended from outside; expected it to finish", may_be_memory=True)


def hung(seconds: int) -> Ending:
    """The watcher ended it."""
    return Ending(f"no progress for {seconds} s; expected some, ended it")


def ending(status: int) -> Ending | None:
    """What a wait status says; None where nothing was wrong."""
    if os.WIFSIGNALED(status):
        number = signal.Signals(os.WTERMSIG(status))
        return Ending(f"its process was ended by signal {number.value} ({number.name})", number in _OF_MEMORY)
    code = os.WEXITSTATUS(status)
    if code == NO_MEMORY:
        return Ending("it was refused memory that it asked for", may_be_memory=True)
    if code == NO_SPACE:
        return Ending("no space left for its record; expected room for a small file")
    return Ending(f"its process ended with code {code} before it could write a record") if code else None

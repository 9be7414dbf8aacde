"""The exception tree. A class says how the runner reacts, and with which exit code the command ends.

    CorpusmillError
    ├── RecipeError      stop before any work: usage or recipe is wrong             exit 2
    ├── SourceError      stop the run: an input cannot be read as the recipe says   exit 1
    ├── UnitError        mark this unit failed, go on with the others               exit 1
    │   ├── DamagedShardError   an input's own bytes are damaged; may be left out    exit 1
    │   ├── NoSpaceError     the disk is full                                       exit 1
    │   ├── StorageError     a bucket refuses: rights, credentials                  exit 1
    │   └── RetryableError   the same, and trying once more may help                exit 1
    │       └── OutOfMemoryError   was killed or had no memory, beside others and alone   exit 1
    └── IntegrityError   never ignored: bytes, counts or digests disagree           exit 3

Every message says what and where, what was expected and what was found; `hint` is the user's next move. Names of shards
and what stands in them are hostile: a message is made printable here, so that no terminal, log or record sees them raw.
"""

from collections.abc import Iterable

from manifests.printable import printable

# What every command may end with, as `corpusmill --help` and docs/errors.md say it.
EXIT_CODES = {
    0: "done",
    1: "units failed or an input cannot be read, or --check or `optout check` found something",
    2: "the command line or the recipe is wrong, nothing was started",
    3: "bytes, counts or digests are not those written down, or records are missing",
    75: "stopped by the cluster before its time was up, run again to go on",
    130: "stopped by Ctrl-C or SIGTERM, run again to go on",
}


class CorpusmillError(Exception):
    """Root of every error that corpusmill raises on purpose.

    Attributes:
        hint: one sentence, the next move; empty when there is none.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", items: Iterable[str] = ()) -> None:
        """Say what is wrong: one line, and below it a line for each of the items."""
        self._lines = [printable(message), *map(printable, items)]
        self.message = "\n  ".join(self._lines)
        self.hint = printable(hint)
        super().__init__(self.message)

    def as_integrity_error(self) -> "IntegrityError":
        """The same words, where what is wrong means that records do not hold."""
        return IntegrityError(self._lines[0], hint=self.hint, items=self._lines[1:])

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self._lines, self.hint))

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class RecipeError(CorpusmillError):
    """The command line or the recipe is wrong; nothing was started."""

    exit_code = 2


class SourceError(CorpusmillError):
    """An input named by the recipe is absent, unreadable or not what its format says."""


class UnitError(CorpusmillError):
    """One unit of work cannot be finished; the others go on."""


class DamagedShardError(UnitError):
    """An input shard is cut or damaged: the one failure that `failed_units: leave_out` goes on without."""


class NoSpaceError(UnitError):
    """The disk that holds the work or the release is full."""


class StorageError(UnitError):
    """A bucket refuses what is asked of it; trying again does not help before somebody mends the rights."""


class RetryableError(UnitError):
    """One unit of work failed for a reason that may pass (a dead worker, a server's hiccup)."""


class OutOfMemoryError(RetryableError):
    """A unit's process was killed, aborted or got no memory, and so it was when the unit ran once more, alone.

    Nobody but the kernel knows who sent SIGKILL: its out-of-memory killer, a cluster's limit, or a person.
    """


class IntegrityError(CorpusmillError):
    """Bytes, counts or digests disagree with what was written down."""

    exit_code = 3


def _rebuild(error: type[CorpusmillError], lines: list[str], hint: str) -> CorpusmillError:
    return error(lines[0], hint=hint, items=lines[1:])

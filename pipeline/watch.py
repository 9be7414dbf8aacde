"""Watching: every unit runs in a forked child of the process that answers for it.

The child may be killed, hang or run out of memory; its watcher sees that and writes the failed record, so nothing ever
raises inside a worker pool and nothing waits for ever. The board is memory shared by launcher, workers and children:
bytes done, the child's heartbeats, the worker's process id, whether the unit has ended, and how.
"""

import ctypes
import mmap
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from manifests.errors import CorpusmillError, NoSpaceError, RetryableError
from manifests.isolation import die_with_parent
from pipeline.endings import LOST_WORKER, NO_MEMORY, NO_SPACE, Ending, ending, hung
from pipeline.steps import Step
from pipeline.units import Mill, fail_unit, run_unit

_BYTES, _BEATS, _WORKER, _ENDED, _PRIVATE, _AGAIN, _SECOND, _DONE, _FIELDS = 0, 1, 2, 3, 4, 5, 6, 7, 8
_M_MMAP_THRESHOLD = -3
_LOOK_SECONDS = 0.2


class Board:
    """One row for every unit of a submission, in memory that forked processes share."""

    def __init__(self, num_units: int) -> None:
        self._rows = np.frombuffer(mmap.mmap(-1, max(1, num_units) * _FIELDS * 8), dtype=np.int64).reshape(-1, _FIELDS)
        self._loaded = np.frombuffer(mmap.mmap(-1, 8), dtype=np.int64)

    def start(self, row: int) -> None:
        """The calling process takes the unit on."""
        self._rows[row, _WORKER] = os.getpid()

    def forget(self, rows: list[int]) -> None:
        """No process answers for these units any more: they are to be run in a new pool, which has loaded nothing."""
        self._rows[rows, _WORKER] = 0
        self._loaded[0] = 0

    def load(self) -> None:
        """The pool has loaded what its units need: from here on silence is no loading."""
        self._loaded[0] = 1

    def loaded(self) -> bool:
        """Whether it has."""
        return bool(self._loaded[0])

    def advance(self, row: int, num_bytes: int) -> None:
        """Heartbeat: this many bytes more are done; 0 says that work goes on which reads nothing."""
        self._rows[row, _BYTES] += num_bytes
        self._rows[row, _BEATS] += 1

    def end(self, row: int, *, again: bool = False) -> None:
        """The unit has a record, good or failed; `again`: it may do better alone."""
        self._rows[row, _AGAIN] = again and not self._rows[row, _SECOND]
        self._rows[row, _ENDED] = 1

    def finish(self, row: int) -> None:
        """The unit has a good record."""
        self._rows[row, _DONE] = 1

    def num_done(self) -> int:
        """Units that have a good record of this submission."""
        return int(self._rows[:, _DONE].sum())

    def take_second_tries(self) -> list[int]:
        """Rows to run once more, one by one; they count as not begun from here on."""
        rows = np.flatnonzero(self._rows[:, _AGAIN]).tolist()
        self._rows[rows] = 0
        self._rows[rows, _SECOND] = 1
        return rows

    def failure(self, row: int, where: str, end: Ending) -> RetryableError:
        """What is said of a unit, that `where` names, whose process ended so."""
        return end.error(where, peak_bytes=self.private_bytes(row), second_try=bool(self._rows[row, _SECOND]))

    def measured(self, row: int) -> dict[str, float]:
        """What is known of a unit that could not say it itself."""
        return {"peak_private_bytes": float(self.private_bytes(row))}

    def ended(self, row: int) -> bool:
        """Whether the unit has a record of this submission."""
        return bool(self._rows[row, _ENDED])

    def bytes_done(self) -> int:
        """Bytes dealt with by all units."""
        return int(self._rows[:, _BYTES].sum())

    def beats(self, row: int) -> int:
        """Heartbeats of a unit so far."""
        return int(self._rows[row, _BEATS])

    def private_bytes(self, row: int, seen: int = 0) -> int:
        """Largest private memory seen of the unit's process; takes a new sighting into account."""
        self._rows[row, _PRIVATE] = max(seen, int(self._rows[row, _PRIVATE]))
        return int(self._rows[row, _PRIVATE])

    def running(self) -> list[int]:
        """Rows that a worker has taken on and not ended."""
        return np.flatnonzero((self._rows[:, _WORKER] != 0) & (self._rows[:, _ENDED] == 0)).tolist()

    def orphaned(self) -> list[int]:
        """Rows whose worker is gone though the unit has not ended."""
        return [row for row in self.running() if not _alive(int(self._rows[row, _WORKER]))]


class Heartbeat:
    """The child's progress callback; also samples the memory that is its own."""

    def __init__(self, board: Board, row: int) -> None:
        self._board = board
        self._row = row
        self._looked = time.monotonic()  # a look takes as long as a small unit

    @property
    def peak_private_bytes(self) -> int:
        """Largest private memory seen so far, by this process or by its watcher."""
        return self._board.private_bytes(self._row)

    def finish(self) -> None:
        """Report that the unit has a good record."""
        self._board.finish(self._row)

    def __call__(self, num_bytes: int) -> None:
        """Report progress."""
        self._board.advance(self._row, num_bytes)
        now = time.monotonic()
        if now - self._looked > _LOOK_SECONDS:
            self._looked = now
            self._board.private_bytes(self._row, private_bytes(os.getpid()))


def private_bytes(process: int) -> int:
    """Bytes of a process's memory that no other process shares (USS); 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_bytes().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith((b"Private_Clean", b"Private_Dirty")))


def run_watched(mill: Mill, step: Step, unit: int, *, board: Board, row: int) -> None:
    """Run one unit in a child and see to it that a record is there afterwards.

    Whoever calls it asks `Board.take_second_tries` when all units have ended, and runs those one after the other.
    """
    board.start(row)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _be_child(mill, step, unit, heartbeat=Heartbeat(board, row), parent=parent)
    end = _watch(child, board, row, mill.recipe.limits.progress_seconds)
    if end is not None:
        try:
            fail_unit(
                mill, step, unit, board.failure(row, f"{step.name}, unit {unit}", end), measured=board.measured(row)
            )
        except (CorpusmillError, OSError) as failure:  # nothing may be raised in the pool: the launcher will say it
            _log(failure)
            return
    board.end(row, again=end is not None and end.may_be_memory)


def fail_lost(mill: Mill, step: Step, units: Sequence[int], *, rows: Sequence[int], board: Board) -> None:
    """Write failed records for the rows whose worker is gone, and have their units run once more."""
    for row in rows:
        error = board.failure(row, f"{step.name}, unit {units[row]}", LOST_WORKER)
        fail_unit(mill, step, units[row], error, measured=board.measured(row))
        board.end(row, again=True)


def _log(error: BaseException) -> None:
    """Where an error came from; what it says only where it is ours or the system's, for others may quote a document."""
    traceback.print_tb(error.__traceback__)
    said = f": {error}" if isinstance(error, CorpusmillError | OSError) else ""
    sys.stderr.write(f"{type(error).__name__}{said}\n")


def _be_child(mill: Mill, step: Step, unit: int, *, heartbeat: Heartbeat, parent: int) -> None:
    code = 1
    try:
        die_with_parent(parent)
        _give_memory_back()
        if run_unit(mill, step, unit, heartbeat).done:
            heartbeat.finish()
        code = 0
    except BaseException as error:  # not even a failed record could be written: the log and the exit code are left
        code = NO_SPACE if isinstance(error, NoSpaceError) else NO_MEMORY if isinstance(error, MemoryError) else 1
        _log(error)
    finally:
        sys.stderr.flush()
        os._exit(code)  # never run the parent's exit handlers, whatever was raised


def _give_memory_back() -> None:
    """Have every large buffer returned to the system when it is freed, so that memory is that of one slice.

    Arrow's own pool keeps what it freed, and glibc's threshold for separate mappings grows with use.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc
        mallopt(_M_MMAP_THRESHOLD, 1 << 20)


def _watch(child: int, board: Board, row: int, progress_seconds: int) -> Ending | None:
    """Wait for the child; returns what was wrong with it, None for nothing."""
    watcher = select.poll()
    handle = os.pidfd_open(child)
    watcher.register(handle, select.POLLIN)
    last, since = -1, time.monotonic()
    too_long = False
    while not watcher.poll(1000 * _LOOK_SECONDS):
        beats = board.beats(row)
        board.private_bytes(row, private_bytes(child))
        if beats != last:
            last, since = beats, time.monotonic()
        elif time.monotonic() - since > progress_seconds:
            too_long = True
            os.kill(child, signal.SIGKILL)
    os.close(handle)
    _, status = os.waitpid(child, 0)
    return hung(progress_seconds) if too_long else ending(status)


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"

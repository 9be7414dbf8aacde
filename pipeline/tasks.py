"""Tasks: units of one step run in a clean process that is given no more than the work folder.

A cluster starts such a process, on any node: the recipe and the plan that the launcher left in the work folder, and the
records of earlier steps, say all that is to be known. Each unit runs watched in a forked child as in a local run, and
its record is all that comes out. What already has a valid record is not run again, so a task that a cluster starts
twice goes on where it was.

Told to stop (SIGUSR1, which a cluster sends before the time is up, or SIGTERM), the task ends at once with exit code
75. Units under way end with it, without a record: that costs what was done of these, and nothing else.

    python -m pipeline.tasks WORK STEP --units NAME --task T --of N --workers W --access JSON
"""

import argparse
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

import msgspec

from manifests.buckets import ENVIRONMENT, Access
from manifests.errors import CorpusmillError, IntegrityError, UnitError
from manifests.isolation import die_with_parent
from pipeline.complaints import complain
from pipeline.preparing import large_load, prepare, serve
from pipeline.proofs import check_units, inputs_of, is_left_out
from pipeline.runner import reopen_mill
from pipeline.steps import Step
from pipeline.units import Mill, step_named, units_to_run
from pipeline.watch import Board, fail_lost, run_watched

STOPPED = 75
"""Exit code of a task that was told to stop; EX_TEMPFAIL of sysexits.h."""

_ROW = struct.Struct("I")

OnStop = Callable[[int, int], None]
"""Called with the signal and the number of units that have got a good record in this process."""


@dataclass(frozen=True, slots=True)
class Share:
    """Which units a task runs: every `tasks`-th one, from number `task` on, of a JSON list in the work folder."""

    units: str
    task: int
    tasks: int

    def of(self, mill: Mill, step: Step) -> list[int]:
        """Numbers of the units; raises IntegrityError where this is no list of the step's units."""
        try:
            listed = msgspec.json.decode(mill.work.read(self.units), type=list[int])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            listed = [-1]
        num_units = step.num_units(mill.plan)
        if not all(0 <= unit < num_units for unit in listed):
            raise IntegrityError(
                f"{mill.work.path(self.units)}: not a list of units of {step.name}; expected numbers below {num_units}",
                hint="start the run again",
            )
        return listed[self.task :: self.tasks]


class Stopper:
    """How a process ends when it is told to stop, and what it has finished by then."""

    def __init__(self, on_stop: OnStop | None) -> None:
        self._on_stop = on_stop
        self._owner = os.getpid()
        self._boards: list[Board] = []

    def watch(self, board: Board) -> None:
        """Count what this board says is done; a failed unit would be run, and fail, each time anew."""
        self._boards.append(board)

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Handle the signal; a child that inherited this does nothing.

        Slurm signals every process of a task, and a unit must not learn of it: one that lost a process of its own to a
        signal would write a record of something else.
        """
        if os.getpid() != self._owner:
            return
        try:
            finished = sum(board.num_done() for board in self._boards)
            text = f"{signal.Signals(number).name}: stopped before its time was up, {finished} units finished\n"
            os.write(2, text.encode())  # sys.stderr may be in the midst of a line
            if self._on_stop is not None:
                self._on_stop(number, finished)
        finally:  # what is raised in here would come up in whatever was interrupted, and be taken for its error
            os._exit(STOPPED)


@contextmanager
def stoppable(on_stop: OnStop | None = None) -> Iterator[Stopper]:
    """Have SIGUSR1 and SIGTERM end this process, and with it every child that runs a unit, with exit code 75.

    That holds for one that was held back (blocked) and came before; afterwards they are held back as they were.
    """
    stopper = Stopper(on_stop)
    before = {number: signal.signal(number, stopper) for number in (signal.SIGUSR1, signal.SIGTERM)}
    held_back = signal.pthread_sigmask(signal.SIG_UNBLOCK, before)
    try:
        yield stopper
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held_back)
        for number, handler in before.items():
            signal.signal(number, handler)


def run_task(work: str, step: str, share: Share, *, workers: int = 1, access: Access = ENVIRONMENT) -> int:
    """Run a share of a step's units.

    Args:
        access: how the work folder is reached where it is a bucket.

    Returns:
        The exit code: 0 where every unit has a good record or may be left out, 1 where one failed, 3 where one met
        bytes that are not those written down. A process that is told to stop ends in here, with 75.

    Raises:
        RecipeError: there is no run in that folder.
        IntegrityError: plan, recipe or list cannot be read, or records that the step reads are missing.
    """
    with stoppable() as stopper:
        mill = reopen_mill(work, access)
        units = share.of(mill, step_named(step))
        return run_units(mill, step_named(step), units, workers=workers, stopper=stopper)


def run_units(mill: Mill, step: Step, units: Sequence[int], *, workers: int, stopper: Stopper) -> int:
    """Run those of some units that have no valid record, `workers` at a time; returns the exit code.

    Raises:
        IntegrityError: records that the step reads are missing.
    """
    if not units:
        return 0
    for name in inputs_of(mill, step):
        try:
            check_units(mill, step_named(name))
        except UnitError as error:
            raise error.as_integrity_error() from error
    todo = units_to_run(mill, step, units)
    if not todo:
        return 0
    board = Board(len(todo))
    stopper.watch(board)
    prepare(mill, step)
    large_load(mill, step, todo)()

    def run(row: int) -> None:
        run_watched(mill, step, todo[row], board=board, row=row)

    with serve(mill, step):
        _run_rows(range(len(todo)), min(workers, len(todo)), run)
        fail_lost(mill, step, todo, rows=board.orphaned(), board=board)
        _run_rows(board.take_second_tries(), 1, run)
    return max(_judge(mill, step, unit, ended=board.ended(row)) for row, unit in enumerate(todo))


def _run_rows(rows: Sequence[int], workers: int, run: Callable[[int], None]) -> None:
    """Call a function for every row, in so many processes that end with this one; a pipe hands out the rows."""
    if workers == 1:
        for row in rows:
            run(row)
        return
    reader, writer = os.pipe()
    parent = os.getpid()
    children = []
    for _ in range(workers):
        child = os.fork()
        if child == 0:
            _be_worker(reader, writer, parent=parent, run=run)
        children.append(child)
    os.close(reader)
    with suppress(BrokenPipeError):  # no worker is left, and what they did not finish has no record
        for row in rows:
            os.write(writer, _ROW.pack(row))
    os.close(writer)
    for child in children:
        os.waitpid(child, 0)


def _be_worker(reader: int, writer: int, *, parent: int, run: Callable[[int], None]) -> None:
    try:
        die_with_parent(parent)
        os.close(writer)  # or the pipe would never end
        while data := os.read(reader, _ROW.size):
            run(_ROW.unpack(data)[0])
    finally:
        os._exit(0)  # what it did not finish has no record, which the parent sees


def _judge(mill: Mill, step: Step, unit: int, *, ended: bool) -> int:
    """What a unit makes of the exit code; says what was wrong."""
    record = mill.record(step, unit)
    if record is None or not ended:
        return complain(f"{step.name}, unit {unit}: no record", "the lines above say why none was written", 1)
    if record.failure is None:
        return 0
    code = 3 if record.failure.error == "IntegrityError" else 1
    complain(f"{step.name}, unit {unit}: {record.failure.message}", record.failure.hint, code)
    return 0 if is_left_out(mill, step, record) else code


def main() -> None:
    """Be a task of a cluster."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.tasks", description="Run units of one step of a mill.")
    parser.add_argument("work", metavar="WORK", help="the work folder")
    parser.add_argument("step", metavar="STEP", help="the step, such as ingest")
    parser.add_argument("--units", required=True, metavar="NAME", help="JSON list of units, in the work folder")
    parser.add_argument("--task", type=int, required=True, metavar="T", help="number of this task, from 0 on")
    parser.add_argument("--of", type=int, required=True, metavar="N", help="number of tasks")
    parser.add_argument("--workers", type=int, default=1, metavar="W", help="units that run at the same time")
    parser.add_argument("--access", default="{}", metavar="JSON", help="how the work folder is reached in a bucket")
    given = parser.parse_args()
    access = msgspec.json.decode(given.access, type=Access)
    share = Share(given.units, given.task, given.of)
    try:
        code = run_task(given.work, given.step, share, workers=given.workers, access=access)
    except CorpusmillError as error:
        code = complain(error.message, error.hint, error.exit_code)
    sys.exit(code)


if __name__ == "__main__":
    main()

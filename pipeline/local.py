"""The local executor: datatrove's LocalPipelineExecutor, in a process of its own that the launcher watches.

A killed pool worker would make the pool wait for ever; here the launcher sees it on the board, ends the pool, marks the
unit failed and goes on with the rest in a new pool. Where the worker had no unit, the board falls silent: a pool that
runs nothing for half a minute is ended, too. Units that may have lacked memory run once more at the end, one at a time.
Ctrl-C, SIGTERM and even SIGKILL of the launcher end every process it started; what has a record stays done.
"""

import contextlib
import os
import select
import shutil
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, wraps
from pathlib import Path
from typing import Any

from manifests.errors import UnitError
from manifests.isolation import die_with_parent
from pipeline.preparing import large_load, prepare, serve
from pipeline.steps import Step
from pipeline.units import Mill, step_named
from pipeline.watch import Board, fail_lost, run_watched

_LOOK_MILLISECONDS = 100
_IDLE_SECONDS = 30
_LOADING_SECONDS = 120

# Set before the pool forks, so that workers find what cannot travel by pickle.
_shared: dict[str, tuple[Mill, Board]] = {}


class UnitTask:
    """The datatrove pipeline of a step: rank r runs the r-th unit of the submission."""

    def __init__(self, step: str, units: Sequence[int], rows: Sequence[int]) -> None:
        self.step = step
        self.units = list(units)
        self.rows = list(rows)

    def __call__(self, data: object, rank: int, world_size: int) -> object:
        """Run one unit, watched; `data` goes through untouched, as datatrove asks."""
        del world_size
        mill, board = _shared["run"]
        run_watched(mill, step_named(self.step), self.units[rank], board=board, row=self.rows[rank])
        return data


def run_step(
    mill: Mill, step: Step, units: Sequence[int], *, workers: int, tell: Callable[[int], None] = lambda _bytes: None
) -> None:
    """Run some units of a step; afterwards each has a record, good or failed.

    Args:
        tell: called about ten times a second with the bytes dealt with so far.

    Raises:
        UnitError: the executor itself could not start.
        NoSpaceError: for want of room.
    """
    # Once here, not in the processes of every step.
    import datatrove.executor  # noqa: F401

    _remember_paths()
    prepare(mill, step)
    board = Board(len(units))
    _shared["run"] = (mill, board)
    # A large load is silence, too, and a short limit for units is none for it.
    loading = max(mill.recipe.limits.progress_seconds, _LOADING_SECONDS) if step.prepare_for else _IDLE_SECONDS
    load = large_load(mill, step, units)

    def load_and_say() -> None:
        load()
        board.load()

    with serve(mill, step), _logs(mill) as logs:
        pending = list(range(len(units)))
        submission = barren = 0
        while pending:
            task = UnitTask(step.name, [units[row] for row in pending], pending)
            log = logs / f"{step.name}-{os.getpid()}-{submission}"
            board.forget(pending)
            runner = _start_runner(task, workers, log=log, load=load_and_say)
            fail_lost(mill, step, units, rows=_attend(runner, board, tell, loading), board=board)
            left = [row for row in pending if not board.ended(row)]
            barren = barren + 1 if len(left) == len(pending) else 0  # once: it may have been killed before it began
            if barren > 1:
                mill.work.check_writable()  # where there is no room, the executor cannot begin, and says so in no log
                hint = f"its log is {log}.log; where that ends in the middle, look whether the disk is full"
                raise UnitError(f"{step.name}: the executor ended twice, and ran no unit", hint=hint)
            if not left:
                left, workers = board.take_second_tries(), 1
            pending = left
            submission += 1
    tell(board.bytes_done())
    mill.records(step, fresh=True)


@contextlib.contextmanager
def _logs(mill: Mill) -> Iterator[Path]:
    """Where datatrove logs; beside a work folder in a bucket, only for as long as somebody is told to look there."""
    if mill.work.folder is not None:
        yield mill.work.folder / "logs"
        return
    folder = Path(tempfile.mkdtemp(prefix="corpusmill-logs-"))
    try:
        yield folder
    except UnitError:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _start_runner(task: UnitTask, workers: int, *, log: Path, load: Callable[[], None]) -> int:
    launcher = os.getpid()
    runner = os.fork()
    if runner == 0:
        _be_runner(task, workers, log=log, launcher=launcher, load=load)
    return runner


def _remember_paths() -> None:
    """Have the paths of Python's installation worked out once, and not three times for each unit.

    loguru asks for the paths of all schemes whenever a sink is added, which takes 10 ms, and datatrove adds three sinks
    for each task.
    """
    if hasattr(sysconfig.get_path, "__wrapped__"):
        return
    asked = sysconfig.get_path
    remembered = cache(asked)

    @wraps(asked)
    def get_path(*of: Any, **more: Any) -> str:
        try:
            return remembered(*of, **more)
        except TypeError:  # variables of the caller's own, in a dictionary, which nothing can be remembered by
            return asked(*of, **more)

    sysconfig.get_path = get_path
    for scheme in sysconfig.get_scheme_names():
        for name in ("stdlib", "platstdlib", "platlib", "purelib"):
            sysconfig.get_path(name, scheme)


def _be_runner(task: UnitTask, workers: int, *, log: Path, launcher: int, load: Callable[[], None]) -> None:
    code = 1
    try:
        os.setpgid(0, 0)  # a Ctrl-C at the terminal reaches the launcher alone, which ends this group
        die_with_parent(launcher)
        _end_all_with(os.getpid())
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        log.parent.mkdir(parents=True, exist_ok=True)
        sink = os.open(f"{log}.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        sys.stdout = sys.stderr = os.fdopen(sink, "w", buffering=1)  # the launcher's may be anything
        load()
        _execute(task, workers, log)
        code = 0
    finally:
        os._exit(code)


def _end_all_with(runner: int) -> None:
    """Tie every process that datatrove's pool and manager fork to the one that forked it."""
    forking = [runner]
    os.register_at_fork(
        before=lambda: forking.__setitem__(0, os.getpid()), after_in_child=lambda: die_with_parent(forking[0])
    )


def _execute(task: UnitTask, workers: int, log: Path) -> None:
    from datatrove.executor import LocalPipelineExecutor
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr)
    LocalPipelineExecutor(
        pipeline=[task],
        tasks=len(task.units),
        workers=min(workers, len(task.units)),
        logging_dir=str(log),
        skip_completed=False,  # our records are the only truth
        start_method="fork",  # workers inherit loaded kernels and tables
    ).run()


def _attend(runner: int, board: Board, tell: Callable[[int], None], loading_seconds: float) -> list[int]:
    """Wait for the runner; returns the rows of units whose worker died, after ending what was left of the pool.

    A worker that dies between two units takes the pool's lock or a result with it: no row is orphaned, and yet the pool
    never ends. That it runs nothing is what shows it; the units left over go to a new pool.
    """
    watcher = select.poll()
    handle = os.pidfd_open(runner)
    watcher.register(handle, select.POLLIN)
    dead: list[int] = []
    busy = time.monotonic()
    loaded = False
    try:
        while not watcher.poll(_LOOK_MILLISECONDS):
            tell(board.bytes_done())
            dead = board.orphaned()
            if board.running() or board.loaded() != loaded:
                busy, loaded = time.monotonic(), board.loaded()
            if dead or time.monotonic() - busy > (_IDLE_SECONDS if loaded else loading_seconds):
                break
        else:
            dead = board.orphaned()
    finally:
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                end(runner, signal.SIGKILL)
        os.waitpid(runner, 0)
        os.close(handle)
    return dead

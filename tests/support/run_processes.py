"""Runs of the command in processes of their own, and their processes: to be looked at, stopped and killed by number.

Nothing here is ended by name: every process is one of a session that this test began.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.cli import main
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.units import step_named

BOUND_SECONDS = 120


@dataclass
class Command:
    """A `corpusmill run` in a process and a session of its own; once waited for, its number may be another's."""

    process: int
    recipe: Path
    log: Path
    ended: bool = False

    def wait(self, hit: "Hit | None" = None) -> int:
        """Its exit code (minus the signal where one ended it); fails where it goes on for longer than the bound.

        Args:
            hit: let what was stopped there go on.
        """
        deadline = time.monotonic() + BOUND_SECONDS
        while time.monotonic() < deadline:
            if hit is not None:
                hit.let_go()
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process:
                self.ended = True
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        self.end()
        raise AssertionError(f"hangs:\n{self.log.read_text()}")

    def end(self) -> None:
        if self.ended:
            return
        for process in session(self.process):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        self.ended = True


@dataclass(frozen=True)
class Hit:
    """A running unit, everything stopped: the pool's group, the worker that answers for the unit, the unit itself."""

    pool: int
    worker: int
    unit: int

    def let_go(self) -> None:
        """Let what was stopped go on; to be repeated, for a process born in the moment of the stop may miss it once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pool, signal.SIGCONT)


Start = Callable[..., Command]
"""`start(recipe, *arguments)`, the fixture."""


def start_run(recipe: Path, log: Path, *more: str) -> Command:
    """Start `corpusmill run`: this process, forked, because it has loaded everything already."""
    process = os.fork()
    if process == 0:
        _be_command(["corpusmill", "run", str(recipe), *more], log)
    return Command(process, recipe, log)


def _be_command(arguments: list[str], log: Path) -> None:
    code: object = 1
    try:
        os.setsid()
        file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.stdout = sys.stderr = os.fdopen(file, "w", buffering=1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = arguments
        main()
        code = 0
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        os._exit(code if isinstance(code, int) else int(bool(code)))


def children(process: int) -> list[int]:
    """In the order of their birth."""
    lists = sorted(Path(f"/proc/{process}/task").glob("*/children"))
    found: list[int] = []
    for path in lists:
        with suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return found


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def stopped(process: int) -> bool:
    """Stop a process for a while; whether it had not ended before."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGSTOP)
    while alive(process):
        with suppress(OSError):
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T":
                return True
    return False


def session(number: int) -> list[int]:
    """Living processes of a session, whoever their parent is by now."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, member_of, *_ = path.read_text().rpartition(")")[2].split()
            if int(member_of) == number and state not in "ZX":
                found.append(int(path.parent.name))
    return found


def living(processes: list[int]) -> list[int]:
    """Those that are still there after ten seconds; death takes its time on a busy machine."""
    deadline = time.monotonic() + 10
    while (left := [process for process in processes if alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.005)
    return left


def left_over(command: Command, hit: Hit) -> list[int]:
    """Processes of an ended run that are still there after ten seconds, though they may go on."""
    deadline = time.monotonic() + 10
    while (left := session(command.process)) and time.monotonic() < deadline:
        hit.let_go()
        time.sleep(0.005)
    return left


def run_into(start: Start, recipe: Path, step: str, *more: str) -> tuple[Command, Hit]:
    """Start a run and stop it while a unit of a step runs; the launcher goes on."""
    for _ in range(5):
        for record in (recipe.parent / f"work/{step}/records").glob("*"):
            record.unlink()
        command = start(recipe, *more)
        hit = stop_in_unit(command, step)
        if hit is not None:
            return command, hit
        command.end()  # on a busy machine a small unit may be over before it is seen
    raise AssertionError(f"no unit of {step} was met")


def stop_in_unit(command: Command, step: str, *, submission: int = 0) -> Hit | None:
    """None where every unit was over already; the launcher is stopped then.

    Args:
        submission: 1 for the second tries of a step whose pool was not lost.
    """
    log = command.recipe.parent / f"work/logs/{step}-{command.process}-{submission}.log"
    deadline = time.monotonic() + BOUND_SECONDS
    while not log.exists():
        assert time.monotonic() < deadline, f"{step} never began:\n{command.log.read_text()}"
        assert alive(command.process), command.log.read_text()
        time.sleep(0.0005)
    os.kill(command.process, signal.SIGSTOP)
    (pool,) = children(command.process)
    alone = submission > 0 or step_named(step).num_units(open_mill(load_recipe(command.recipe)).plan) == 1
    while alive(pool):
        os.killpg(pool, signal.SIGSTOP)
        family = children(pool)
        units = [Hit(pool, worker, unit) for worker in family for unit in children(worker)]
        if alone:  # a pool of one is its own worker, and the manager is its first child
            units = [Hit(pool, pool, unit) for unit in family[1:]]
        if units:
            os.kill(command.process, signal.SIGCONT)
            return units[0]
        os.killpg(pool, signal.SIGCONT)
        time.sleep(0.001)
    return None

"""A run whose processes are killed at random, again and again, comes to the same bytes and leaves nothing behind.

Whatever belongs to the run may be hit, at any moment: the launcher, the runner, datatrove's manager, a worker, a unit.
`CORPUSMILL_KILLS` says how often (20 here, 200 in `make soak`), `CORPUSMILL_KILLS_SEED` with which numbers: whom to
hit and how long to wait. What it is doing at that moment is up to the machine. A mill that comes to its end before the
last kill is begun anew.
"""

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from run_processes import Command, children, session, start_run

import pipeline.local
from pipeline.garbage import collect
from pipeline.passes import STEPS
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.verify import verify_release

pytestmark = pytest.mark.servers

NUM_KILLS = int(os.environ.get("CORPUSMILL_KILLS", "20"))
SEED = int(os.environ.get("CORPUSMILL_KILLS_SEED", "1"))
LONGEST_PAUSE_SECONDS = 0.8
KILLED_AT_A_LOOK = 0.2
ROLES = ("launcher", "runner", "worker", "unit")
"""By their place: a process below the runner is a worker or datatrove's manager, and one below it a unit."""
BOUND_SECONDS = 120
KNOWN = {"plan.json", "recipe.json", "software.json", "inputs.json", "lock"}
Files = dict[str, bytes]


@dataclass
class Tally:
    """What was hit, how runs ended, and how many came to their end before the last kill."""

    kills: Counter[str] = field(default_factory=Counter)
    ends: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    def __str__(self) -> str:
        hit = ", ".join(f"{number} {role}" for role, number in sorted(self.kills.items()))
        ends = ", ".join(f"{number} with code {code}" for code, number in sorted(self.ends.items()))
        return f"{sum(self.kills.values())} kills in {self.seconds:.0f} s: {hit}; runs ended: {ends}"


def ended(command: Command) -> int | None:
    process, status = os.waitpid(command.process, os.WNOHANG)
    if not process:
        return None
    command.ended = True
    return os.waitstatus_to_exitcode(status)


def generations(launcher: int) -> list[list[int]]:
    """The run's processes by their place below the launcher, which is the first."""
    found = [[launcher]]
    while found[-1]:
        found.append([child for process in found[-1] for child in children(process)])
    return found


def kill_one(command: Command, role: str, tally: Tally) -> bool:
    """SIGKILL for a process of that role; False where there is none now."""
    found = generations(command.process)
    place = ROLES.index(role)
    if place >= len(found) or not found[place]:
        return False
    with suppress(ProcessLookupError):
        os.kill(found[place][-1], signal.SIGKILL)
        tally.kills[role] += 1
    return True


def run_under_fire(recipe: Path, log: Path, numbers: random.Random, tally: Tally) -> int:
    """Run until the run ends or enough kills were made; returns its exit code, 0 where nobody stopped it."""
    command = start_run(recipe, log)
    deadline = time.monotonic() + BOUND_SECONDS
    role, pause = numbers.choice(ROLES), time.monotonic() + numbers.uniform(0, LONGEST_PAUSE_SECONDS)
    try:
        while (code := ended(command)) is None:
            assert time.monotonic() < deadline, f"hangs:\n{log.read_text()}"
            under_fire = time.monotonic() > pause and tally.kills.total() < NUM_KILLS
            # Not at its first sight: a process is hit anywhere in its life.
            if under_fire and numbers.random() < KILLED_AT_A_LOOK and kill_one(command, role, tally):
                role, pause = numbers.choice(ROLES), time.monotonic() + numbers.uniform(0, LONGEST_PAUSE_SECONDS)
            time.sleep(0.005)
    finally:
        command.end()
    assert gone(command), f"processes left of a run that ended with code {code}"
    return code


def gone(command: Command) -> bool:
    deadline = time.monotonic() + 10
    while session(command.process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not session(command.process)


def unnamed(recipe: Path) -> set[str]:
    """Files of the work folder that neither records name nor a run always has."""
    mill = open_mill(load_recipe(recipe))
    named = {
        output.file
        for step in STEPS
        for record in mill.records(step)
        if record is not None
        for output in record.outputs.values()
    }
    records = {f"{step.name}/records/{unit:06d}.json" for step in STEPS for unit in range(step.num_units(mill.plan))}
    assert records <= set(mill.work.list(""))
    return set(mill.work.list("")) - named - records - KNOWN


def check(recipe: Path, files: Files, expected: Files) -> None:
    assert files == expected
    collect(str(recipe.parent / "work"), dry_run=False)
    assert unnamed(recipe) == set()


def test_random_kills_change_no_byte_and_leave_nothing_behind(
    tiny_recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    release_files: Callable[[Path], Files],
    expected_release: Files,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pipeline.local, "_IDLE_SECONDS", 3)  # a worker killed between two units costs that long
    numbers, tally, started = random.Random(SEED), Tally(), time.monotonic()
    code = -1
    while code != 0 or tally.kills.total() < NUM_KILLS:
        if code == 0:
            check(tiny_recipe, release_files(tiny_recipe), expected_release)
            shutil.rmtree(tiny_recipe.parent / "work")
            shutil.rmtree(tiny_recipe.parent / "releases")
        log = tmp_path / f"log-{tally.ends.total()}.txt"
        code = run_under_fire(tiny_recipe, log, numbers, tally)
        tally.ends[code] += 1
        assert code in (0, 1, -signal.SIGKILL), log.read_text()
    tally.seconds = time.monotonic() - started
    verify_release(str(tiny_recipe.parent / "releases/tiny-0.1.0"))
    check(tiny_recipe, release_files(tiny_recipe), expected_release)
    with capsys.disabled():
        print(f"\n{tally}")  # noqa: T201 - what `make soak` is run for

"""A run whose processes are killed at random, again and again, comes to the same bytes and leaves nothing behind.

Whatever belongs to the run may be hit, at any moment: the launcher, the runner, datatrove's manager, a worker, a unit.
`CORPUSMILL_KILLS` says how often (20 here, 200 in `make soak`), `CORPUSMILL_KILLS_SEED` with which numbers: whom to
hit and how long to wait. What it is doing at that moment is up to the machine. A mill that comes to its end before the
last kill is begun anew. With `CORPUSMILL_KILLS_WORK=s3` the work folder lies in a bucket of a real server.
"""

import os
import random
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
from run_processes import Command, children, session, start_run

import pipeline.local
from manifests.record import record_name
from pipeline.garbage import collect
from pipeline.passes import STEPS
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.units import Mill
from pipeline.verify import verify_release

pytestmark = pytest.mark.servers

NUM_KILLS = int(os.environ.get("CORPUSMILL_KILLS", "20"))
WORK = os.environ.get("CORPUSMILL_KILLS_WORK", "local")
SEED = int(os.environ.get("CORPUSMILL_KILLS_SEED", "1"))
LONGEST_PAUSE_SECONDS = 0.8
KILLED_AT_A_LOOK = 0.2  # not at its first sight: a process is hit anywhere in its life
ROLES = ("launcher", "runner", "worker", "unit")
"""By their place: a process below the runner is a worker or datatrove's manager, and one below it a unit."""
BOUND_SECONDS = 120
KNOWN = {"plan.json", "recipe.json", "software.json", "inputs.json", "lock"}
Files = dict[str, bytes]


class Kill(NamedTuple):
    """Whom to hit, so long after the last hit, or the start of the run, at the earliest."""

    role: str
    pause_seconds: float


Fire = list[Kill]


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


def run_under_fire(command: Command, fire: Fire, tally: Tally) -> int:
    """Hit a run until it ends or enough kills were made; returns its exit code, 0 where nobody stopped it."""
    deadline = time.monotonic() + BOUND_SECONDS
    begun = time.monotonic()
    try:
        while (code := ended(command)) is None:
            assert time.monotonic() < deadline, f"hangs:\n{command.log.read_text()}"
            due = fire and time.monotonic() > begun + fire[-1].pause_seconds
            if due and random.random() < KILLED_AT_A_LOOK and kill_one(command, fire[-1].role, tally):
                fire.pop()
                begun = time.monotonic()
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


def unnamed(mill: Mill) -> set[str]:
    """Files of the work folder that neither records name nor a run always has."""
    named = {
        output.file
        for step in STEPS
        for record in mill.records(step)
        if record is not None
        for output in record.outputs.values()
    }
    units = [(step.name, unit) for step in STEPS for unit in range(step.num_units(mill.plan))]
    records = {record_name(step, unit) for step, unit in units}
    logs = {f"{step}/logs/{unit:06d}.jsonl" for step, unit in units}
    there = set(mill.work.list(""))
    assert records <= there
    return there - named - records - logs - KNOWN


def check(mill: Mill, files: Files, expected: Files) -> None:
    assert files == expected
    collect(mill.work.root, dry_run=False)
    assert unnamed(mill) == set()
    assert mill.work.unfinished(re.compile(".*")) == {}


@pytest.fixture
def work(tiny_recipe: Path, request: pytest.FixtureRequest) -> str:
    """The work folder's address."""
    return str(request.getfixturevalue("s3_folder")) if WORK == "s3" else str(tiny_recipe.parent / "work")


def test_random_kills_change_no_byte_and_leave_nothing_behind(
    tiny_recipe: Path, tmp_path: Path, work: str, monkeypatch: pytest.MonkeyPatch, *,
    release_files: Callable[[Path], Files], expected_release: Files, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(pipeline.local, "_IDLE_SECONDS", 3)  # a worker killed between two units costs that long
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # executors' logs of a run whose work folder is in a bucket
    mill = open_mill(load_recipe(tiny_recipe), work)
    numbers, tally, started = random.Random(SEED), Tally(), time.monotonic()
    fire = [Kill(numbers.choice(ROLES), numbers.uniform(0, LONGEST_PAUSE_SECONDS)) for _ in range(NUM_KILLS)]
    code = -1
    while code != 0 or fire:
        if code == 0:
            check(mill, release_files(tiny_recipe), expected_release)
            for name in mill.work.list(""):
                mill.work.delete(name)
            shutil.rmtree(tiny_recipe.parent / "releases")
        log = tmp_path / f"log-{tally.ends.total()}.txt"
        command = start_run(tiny_recipe, log, "--work", work, "--take-over")
        code = run_under_fire(command, fire, tally)
        tally.ends[code] += 1
        assert code in (0, 1, -signal.SIGKILL), log.read_text()
    tally.seconds = time.monotonic() - started
    verify_release(str(tiny_recipe.parent / "releases/tiny-0.1.0"))
    check(mill, release_files(tiny_recipe), expected_release)
    with capsys.disabled():
        print(f"\n{tally}")  # noqa: T201 - what `make soak` is run for

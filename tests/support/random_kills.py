"""Random kills: a run of the command in a process of its own, whose processes are hit one after another.

Whatever belongs to the run may be hit, at any moment; what it is doing then is up to the machine.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from run_processes import Command, children, session

LONGEST_PAUSE_SECONDS = 0.8
KILLED_AT_A_LOOK = 0.2  # not at its first sight: a process is hit anywhere in its life
ROLES = ("launcher", "runner", "worker", "unit")
"""By their place: a process below the runner is a worker or datatrove's manager, and one below it a unit."""
BOUND_SECONDS = 120


class Kill(NamedTuple):
    """Whom to hit, so long after the last hit, or the start of the run, at the earliest."""

    role: str
    pause_seconds: float


Fire = list[Kill]


def random_fire(seed: int, number: int, *, longest_pause_seconds: float = LONGEST_PAUSE_SECONDS) -> Fire:
    """So many kills, the same for the same seed."""
    numbers = random.Random(seed)
    return [Kill(numbers.choice(ROLES), numbers.uniform(0, longest_pause_seconds)) for _ in range(number)]


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


def run_under_fire(
    command: Command, fire: Fire, tally: Tally, *, after_kill: Callable[[], object] = lambda: None
) -> int:
    """Hit a run until it ends or enough kills were made; returns its exit code, 0 where nobody stopped it."""
    deadline = time.monotonic() + BOUND_SECONDS
    begun = time.monotonic()
    try:
        while (code := ended(command)) is None:
            assert time.monotonic() < deadline, f"hangs:\n{command.log.read_text()}"
            due = fire and time.monotonic() > begun + fire[-1].pause_seconds
            if due and random.random() < KILLED_AT_A_LOOK and kill_one(command, fire[-1].role, tally):
                fire.pop()
                after_kill()
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

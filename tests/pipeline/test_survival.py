"""Killed anywhere, a run ends soon, says what happened, leaves no process behind, and goes on to the same bytes.

Every step is hit while a unit of it runs: the pool's process group is stopped as soon as it is there, and let go for a
millisecond at a time until the unit's process shows up among its descendants.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from run_processes import BOUND_SECONDS, Command, Hit, Start, children, left_over, living, run_into, session

import pipeline.local
from manifests.errors import UnitError
from pipeline.passes import steps_of
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill
from pipeline.steps import Step
from pipeline.units import Mill, step_named, units_to_run

pytestmark = pytest.mark.servers

Files = dict[str, bytes]
Run = Callable[..., None]
ReleaseFiles = Callable[[Path], Files]


def kill_unit(command: Command, hit: Hit, step: str) -> None:
    os.kill(hit.unit, signal.SIGKILL)
    goes_on(command, hit, step)


def kill_worker(command: Command, hit: Hit, step: str) -> None:
    os.kill(hit.worker, signal.SIGKILL)
    goes_on(command, hit, step)


def goes_on(command: Command, hit: Hit, step: str) -> None:
    """Wait until every unit of the step has a good record, then end the run."""
    mill = open_mill(load_recipe(command.recipe))
    deadline = time.monotonic() + BOUND_SECONDS
    while units_to_run(mill, step_named(step)) and step != "release":
        assert time.monotonic() < deadline, f"{step}: {command.log.read_text()}"
        hit.let_go()
        time.sleep(0.02)
    if step == "release":
        assert command.wait(hit) == 0
    else:
        command.end()


def kill_launcher(command: Command, hit: Hit, step: str) -> None:
    assert {hit.pool, hit.worker, hit.unit} < set(session(command.process))
    os.kill(command.process, signal.SIGKILL)
    assert command.wait() == -signal.SIGKILL
    assert living([hit.pool, hit.worker]) == [], step  # though nobody let them go on


def test_everything_can_be_killed_in_every_step_and_leaves_no_process(
    tiny_recipe: Path, start: Start, run_alone: Run, *, release_files: ReleaseFiles, expected_release: Files
) -> None:
    """The launcher in every step; unit and worker in one step of each kind of pool, which alone tells them apart.

    A run whose unit or worker was killed once goes on by itself.
    The unit of every step dies so, too, with its launcher, and what it wrote is in the way of those that follow, which
    are run here: a pool takes longer to begin than all units of a step to end.
    """
    steps = steps_of(load_recipe(tiny_recipe))
    # A step of each kind: units by input, slice, reader and partition, one unit alone, and one with a load of its own.
    of_each_kind = {(step.grain, step.prepare_for): step.name for step in steps}.values()
    for step in (step.name for step in steps):
        run_alone(tiny_recipe, before=step)
        for kill in (kill_unit, kill_worker, kill_launcher) if step in of_each_kind else (kill_launcher,):
            command, hit = run_into(start, tiny_recipe, step)
            kill(command, hit, step)
            assert left_over(command, hit) == [], step
    assert start(tiny_recipe).wait() == 0
    assert release_files(tiny_recipe) == expected_release


def test_an_interrupted_run_says_how_to_go_on_and_does(
    tiny_recipe: Path, start: Start, run_alone: Run, *, release_files: ReleaseFiles, expected_release: Files
) -> None:
    for step, number in (("pair", signal.SIGINT), ("verify", signal.SIGTERM)):
        run_alone(tiny_recipe, before=step)
        command, hit = run_into(start, tiny_recipe, step)
        os.kill(command.process, number)
        assert command.wait() == 130
        assert "run the same command again to go on" in " ".join(command.log.read_text().split())
        assert left_over(command, hit) == [], step
    run_alone(tiny_recipe)
    assert release_files(tiny_recipe) == expected_release


def test_a_work_folder_takes_one_run_at_a_time(tiny_recipe: Path, start: Start) -> None:
    first, hit = run_into(start, tiny_recipe, "ingest", "--until", "ingest")
    second = start(tiny_recipe)
    assert second.wait() == 2
    text = " ".join(second.log.read_text().split())
    assert "error: " in text
    assert "/work: another run is working here" in text
    assert "hint: wait for it, or choose another folder with --work" in text
    assert first.wait(hit) == 0


class _Silent:
    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, step: Step, *, failed: int) -> None: ...


def blocked_shard(recipe: Path) -> tuple[Path, bytes]:
    """A shard replaced by a pipe that nobody writes into; returns it and the bytes it had."""
    path = recipe.parent / "stack/part-00000.jsonl.zst"
    data = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    return path, data


def test_a_hanging_unit_is_ended_and_named_and_the_others_go_on(
    tiny_recipe: Path, run_recipe: Run, run_alone: Run, *, release_files: ReleaseFiles, expected_release: Files
) -> None:
    mill = open_mill(load_recipe(tiny_recipe, ["limits.progress_seconds=1", "licences.text_seconds=0.5"]))
    path, data = blocked_shard(tiny_recipe)
    with pytest.raises(
        UnitError, match=r"1 of 5 units of ingest failed:\n  unit 2: ingest, unit 2: no progress for 1 s"
    ):
        run_recipe(mill)
    assert sorted(mill.work.list("ingest/records")) == [f"ingest/records/{unit:06d}.json" for unit in range(5)]
    path.unlink()
    path.write_bytes(data)
    run_alone(tiny_recipe)
    assert release_files(tiny_recipe) == expected_release


def test_a_worker_killed_while_it_waits_does_not_hang_the_run(
    tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.local, "_IDLE_SECONDS", 1)
    mill = open_mill(load_recipe(tiny_recipe))
    path, data = blocked_shard(tiny_recipe)
    launcher = os.fork()
    if launcher == 0:
        _be_silent_run(mill)
    deadline = time.monotonic() + BOUND_SECONDS
    while len(mill.work.list("ingest/records")) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)  # so that the other worker has come to wait for work
    (pool,) = children(launcher)
    waiting = [process for process in children(pool)[1:] if not children(process)]
    assert waiting
    for process in waiting:
        os.kill(process, signal.SIGKILL)
    path.write_bytes(data)
    assert Command(launcher, tiny_recipe, tiny_recipe).wait() == 0
    assert units_to_run(mill, step_named("ingest")) == []


def _be_silent_run(mill: Mill) -> None:
    code = 1
    try:
        os.setsid()
        run_mill(mill, workers=2, progress=_Silent(), until="ingest")
        code = 0
    finally:
        os._exit(code)

"""Units of a step in a clean process: which ones a task runs, what it does not do twice, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from run_processes import children, living, stopped

from manifests.errors import IntegrityError
from pipeline.plan import write_plan
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.tasks import Share, run_task, stoppable
from pipeline.units import Mill, step_named

UNITS = "units.json"


@pytest.fixture
def mill(tiny_recipe: Path) -> Mill:
    return left_by_a_launcher(tiny_recipe)


def left_by_a_launcher(recipe: Path, *overrides: str) -> Mill:
    """A work folder with all that a task is given: plan, recipe, and the list of ingest's units."""
    mill = open_mill(load_recipe(recipe, overrides))
    write_plan(mill.work, mill.plan)
    mill.work.write("recipe.json", mill.recipe.model_dump_json().encode())
    mill.work.write(UNITS, msgspec.json.encode(list(range(len(mill.plan.units)))))
    return mill


def written(mill: Mill) -> dict[int, int]:
    """When each of ingest's records was put in place."""
    folder = Path(mill.work.path("ingest/records"))
    return {int(path.stem): path.stat().st_mtime_ns for path in folder.glob("*.json")}


def test_tasks_share_the_units_of_the_list(mill: Mill) -> None:
    num_units = len(mill.plan.units)

    assert run_task(mill.work.root, "ingest", Share(UNITS, task=1, tasks=3)) == 0
    assert sorted(written(mill)) == list(range(1, num_units, 3))
    first = written(mill)
    assert run_task(mill.work.root, "ingest", Share(UNITS, task=0, tasks=1), workers=2) == 0
    assert sorted(written(mill)) == list(range(num_units))
    assert {unit: written(mill)[unit] for unit in first} == first


def test_a_task_without_a_unit_ends_well(mill: Mill) -> None:
    assert run_task(mill.work.root, "ingest", Share(UNITS, task=100, tasks=101)) == 0
    assert not written(mill)


@pytest.mark.parametrize(("failed_units", "code"), [("stop", 1), ("leave_out", 0)])
def test_a_failed_unit_is_told_and_the_others_are_run(
    tiny_recipe: Path, capsys: pytest.CaptureFixture[str], failed_units: str, code: int
) -> None:
    shard = tiny_recipe.parent / "stack/part-00000.jsonl.zst"
    shard.write_bytes(shard.read_bytes()[:-20])
    mill = left_by_a_launcher(tiny_recipe, f"failed_units={failed_units}")

    assert run_task(mill.work.root, "ingest", Share(UNITS, task=0, tasks=2)) == code
    assert "stack/part-00000.jsonl.zst" in capsys.readouterr().err
    failed = [record is not None and record.failure is not None for record in mill.records(step_named("ingest"))]
    assert sum(failed) == 1
    assert sorted(written(mill)) == list(range(0, len(mill.plan.units), 2))


def test_a_task_whose_inputs_have_no_record_names_them(mill: Mill) -> None:
    run_task(mill.work.root, "ingest", Share(UNITS, task=0, tasks=2))
    mill.work.write(UNITS, b"[0]")

    with pytest.raises(IntegrityError, match="unit 1: no record"):
        run_task(mill.work.root, "look_up", Share(UNITS, task=0, tasks=1))


@pytest.mark.parametrize("listed", [b"[0, 999]", b"[-1]", b'["a"]', b"{", b"\xff"])
def test_what_is_no_list_of_units_is_refused(mill: Mill, listed: bytes) -> None:
    mill.work.write(UNITS, listed)

    with pytest.raises(IntegrityError, match="not a list of units of ingest"):
        run_task(mill.work.root, "ingest", Share(UNITS, task=0, tasks=1))


@pytest.mark.servers
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_task_that_is_told_to_stop_ends_with_its_unit_and_goes_on_later(mill: Mill, number: signal.Signals) -> None:
    """The unit's process is held still, so that it is certain to be under way; every process gets the signal."""
    command = [sys.executable, "-m", "pipeline.tasks", mill.work.root, "ingest", "--units", UNITS]
    task = subprocess.Popen([*command, "--task", "0", "--of", "1"])
    deadline = time.monotonic() + 60
    while not (written(mill) and (units := [unit for unit in children(task.pid) if stopped(unit)])):
        assert time.monotonic() < deadline
    before = written(mill)
    for member in (units[0], task.pid):
        os.kill(member, number)

    assert task.wait(timeout=30) == 75
    assert not living(units)
    assert written(mill) == before
    assert subprocess.run([*command, "--task", "0", "--of", "1"], check=False).returncode == 0
    assert sorted(written(mill)) == list(range(len(mill.plan.units)))
    assert {unit: written(mill)[unit] for unit in before} == before


def test_a_task_that_cannot_say_why_it_stops_stops_all_the_same() -> None:
    """What is raised in a signal's handler comes up anywhere, and may be taken for an error that is passed over."""

    def on_stop(_number: int, _finished: int) -> None:
        raise FileNotFoundError("no scontrol here")

    child = os.fork()
    if child == 0:
        with suppress(OSError), stoppable(on_stop):
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(5)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 75


@pytest.mark.parametrize(("early", "code"), [(True, 75), (False, 0)])
def test_a_signal_that_is_held_back_ends_a_task_that_came_to_its_work_and_none_that_has_done_it(
    early: bool, code: int
) -> None:
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        if early:
            os.kill(os.getpid(), signal.SIGUSR1)
        with stoppable():
            pass
        os.kill(os.getpid(), signal.SIGUSR1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code


@pytest.mark.servers
def test_a_task_of_another_folder_ends_with_exit_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.tasks", str(tmp_path), "ingest", "--units", UNITS, "--task", "0"]

    ended = subprocess.run([*command, "--of", "1"], capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "not a work folder" in ended.stderr

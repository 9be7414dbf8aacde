"""Tasks on a real Slurm that are told to stop before their time is up."""

import os
import signal
from pathlib import Path

import pytest
from slurm_cluster import SlurmCluster
from slurm_runs import (
    SilentProgress,
    command,
    files_of,
    on_slurm,
    records_of,
    states,
    stopped_unit,
    submission_of,
    task_processes,
    tasks,
)

from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill
from pipeline.slurm_submission import Submission

pytestmark = pytest.mark.servers


def test_a_task_near_the_end_of_its_time_stops_and_goes_on_by_itself(cluster: SlurmCluster, tiny_recipe: Path) -> None:
    """The unit is stopped, so that it is certain to be under way when Slurm sends its signal.

    The time is short just then: a busy machine may take long to start a task.
    """
    recipe = on_slurm(tiny_recipe, ", tasks: 1, signal_seconds: 15")
    expected = tiny_recipe.parent / "local"
    assert command("run", recipe, "--until", "ingest").code == 0
    submission = submission_of(recipe)
    with stopped_unit(recipe, "01-ingest") as unit:
        done = records_of(recipe, "ingest")
        limit_minutes(cluster, submission, 1)
        cluster.wait(lambda: not Path(f"/proc/{unit}").exists(), seconds=90)
        limit_minutes(cluster, submission, 10)
    cluster.wait(lambda: not cluster.queued())

    assert states(cluster, submission, 0) == {"COMPLETED"}
    assert [entry["Restarts"] for entry in tasks(cluster, submission, 0)] == ["1"]
    log = next((Path(submission.logs) / "01-ingest").glob("*.out")).read_text()
    assert "SIGUSR1: stopped before its time was up" in log
    after = records_of(recipe, "ingest")
    assert {name: after[name] for name in done} == done
    run_mill(open_mill(load_recipe(recipe), str(expected)), workers=2, progress=SilentProgress(), until="ingest")
    assert files_of(recipe.parent / "work/ingest/data") == files_of(expected / "ingest/data")


def test_a_task_that_finished_nothing_in_its_time_says_so_and_ends(cluster: SlurmCluster, small_inputs: Path) -> None:
    """Its time is so long that Slurm's own signal, which may be 30 s early, does not come before this one."""
    recipe = on_slurm(small_inputs, ", tasks: 1, signal_seconds: 15, passes: {ingest: {time: '00:01:40'}}")
    assert command("run", recipe, "--until", "ingest").code == 0
    submission = submission_of(recipe)
    with stopped_unit(recipe, "01-ingest", after=0):
        cluster.call("scancel", "--signal=USR1", submission.jobs[0].id)  # not for as long as Slurm takes to send it
        cluster.wait(lambda: not cluster.queued())

    assert {entry["ExitCode"] for entry in tasks(cluster, submission, 0)} == {"75:0"}
    assert states(cluster, submission, 1) == {"CANCELLED"}
    told = command("status", recipe.parent / "work").out
    assert "01-ingest: stopped before its time was up, and no unit was finished" in told
    assert not records_of(recipe, "ingest")


def test_a_task_that_is_told_to_stop_while_it_starts_goes_on_by_itself(
    cluster: SlurmCluster, tiny_recipe: Path
) -> None:
    """It is stopped while it imports, so that it is certain to get the signal before it can heed it."""
    recipe = on_slurm(tiny_recipe, ", tasks: 1")
    assert command("run", recipe, "--until", "ingest").code == 0
    submission = submission_of(recipe)
    cluster.wait(lambda: any(signals(task, "SigBlk") for task in task_processes(recipe, "01-ingest")))
    [task] = task_processes(recipe, "01-ingest")
    os.kill(task, signal.SIGSTOP)
    cluster.call("scancel", "--signal=USR1", submission.jobs[0].id)
    cluster.wait(lambda: signals(task, "ShdPnd"))
    os.kill(task, signal.SIGCONT)
    cluster.wait(lambda: not cluster.queued())

    assert states(cluster, submission, 0) == {"COMPLETED"}
    assert [entry["Restarts"] for entry in tasks(cluster, submission, 0)] == ["1"]
    log = next((Path(submission.logs) / "01-ingest").glob("*.out")).read_text()
    assert "SIGUSR1: stopped before its time was up, 0 units finished" in log


def limit_minutes(cluster: SlurmCluster, submission: Submission, minutes: int) -> None:
    """Change the time of the first job."""
    cluster.call("scontrol", "update", f"JobId={submission.jobs[0].id}", f"TimeLimit={minutes}")


def signals(process: int, kind: str) -> bool:
    """Whether SIGUSR1 is among the signals of a process that are blocked (SigBlk) or pending (ShdPnd)."""
    [line] = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith(kind)]
    return bool(int(line.split()[1], 16) & 1 << signal.SIGUSR1 - 1)

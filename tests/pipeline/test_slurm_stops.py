"""Tasks on a real Slurm that are told to stop before their time is up."""

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
    tasks,
)

from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill

pytestmark = pytest.mark.servers


def test_a_task_near_the_end_of_its_time_stops_and_goes_on_by_itself(cluster: SlurmCluster, tiny_recipe: Path) -> None:
    """The unit is stopped, so that it is certain to be under way when Slurm sends its signal."""
    recipe = on_slurm(tiny_recipe, ", tasks: 1, signal_seconds: 15, passes: {ingest: {time: '00:01:00'}}")
    expected = tiny_recipe.parent / "local"
    assert command("run", recipe, "--until", "ingest").code == 0
    submission = submission_of(recipe)
    with stopped_unit(recipe, "01-ingest") as unit:
        done = records_of(recipe, "ingest")
        cluster.wait(lambda: not Path(f"/proc/{unit}").exists(), seconds=90)
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
    recipe = on_slurm(small_inputs, ", tasks: 1, signal_seconds: 15, passes: {ingest: {time: '00:01:00'}}")
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

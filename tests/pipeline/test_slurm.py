"""Runs on a real Slurm of two nodes: the same bytes as a local run, and what becomes of everything that goes wrong."""

import sys
from pathlib import Path

import pytest
from object_store import ObjectStore
from slurm_cluster import PARTITION, SlurmCluster
from slurm_runs import SilentProgress, command, files_of, on_slurm, records_of, states, submission_of, tasks

from manifests.buckets import Access, BucketAccess
from manifests.storage import Storage
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill

pytestmark = pytest.mark.servers
MAXIMUM_ARRAY = 3  # of the cluster


def test_a_whole_run_on_both_nodes_ends_in_the_bytes_of_a_local_one(cluster: SlurmCluster, small_inputs: Path) -> None:
    """With one partition, so that most steps are one unit, and a barrier runs many of them: it takes half the time."""
    recipe = on_slurm(small_inputs)
    overrides = ("--set", "partitions=1", "--set", "limits.unit_bytes=1000")

    ended = command("run", recipe, *overrides, "--wait")

    assert ended.code == 0, ended.err
    assert "submitted to Slurm: 10 jobs, each after the one before; 5 arrays" in ended.out
    assert f"follow it: corpusmill status {recipe.parent}/work" in ended.out
    aside = recipe.parent / "aside"
    local = ("executor=local", f"release.path={aside}", *overrides[1::2])
    run_mill(open_mill(load_recipe(recipe, local), f"{aside}/work"), workers=2, progress=SilentProgress())
    assert files_of(recipe.parent / "releases/small-0.1.0") == files_of(aside / "small-0.1.0")
    assert {entry["NodeList"] for entry in tasks(cluster, submission_of(recipe), 0)} == set(cluster.nodes)
    assert {entry["ExitCode"] for entry in cluster.jobs()} == {"0:0"}
    told = command("status", recipe.parent / "work").out
    assert told.splitlines()[-1] == f"release: {recipe.parent}/releases/small-0.1.0"
    again = command("run", recipe, *overrides, "--wait")
    assert again.code == 0
    assert "submitted to Slurm: 1 job," in again.out
    assert [job.runs for job in submission_of(recipe).jobs] == [["release"]]


def test_a_failed_unit_ends_what_depends_on_it_and_only_it_is_made_again(
    cluster: SlurmCluster, small_inputs: Path
) -> None:
    recipe = on_slurm(small_inputs)
    shard = recipe.parent / "files/part-1.jsonl.zst"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-20])

    ended = command("run", recipe, "--until", "decide", "--wait")

    submission = submission_of(recipe)
    assert ended.code == 1
    assert "units of ingest failed" in ended.err
    assert "files/part-1.jsonl.zst" in ended.err
    assert states(cluster, submission, 0) == {"COMPLETED", "FAILED"}
    assert {state for job in range(1, len(submission.jobs)) for state in states(cluster, submission, job)} == {
        "CANCELLED"
    }
    told = command("status", recipe.parent / "work").out
    assert "ingest: unit 0: " in told
    assert "files/part-1.jsonl.zst" in told
    assert "next: 1 ingest: ingest; `corpusmill run` goes on there" in told
    before = records_of(recipe, "ingest")

    shard.write_bytes(whole)
    mended = command("run", recipe, "--until", "ingest", "--wait")

    assert mended.code == 0, mended.err
    assert submission_of(recipe).jobs[0].tasks == 1
    after = records_of(recipe, "ingest")
    assert [name for name in before if before[name] != after[name]] == ["000000.json"]


def test_a_damaged_shard_may_be_left_out(cluster: SlurmCluster, small_inputs: Path) -> None:
    recipe = on_slurm(small_inputs)
    shard = recipe.parent / "files/part-1.jsonl.zst"
    shard.write_bytes(shard.read_bytes()[:-20])

    ended = command("run", recipe, "--until", "ingest", "--wait", "--set", "failed_units=leave_out")

    assert ended.code == 0, ended.err
    assert states(cluster, submission_of(recipe), 1) == {"COMPLETED"}


def test_a_barrier_ends_with_code_3_and_names_the_missing_record(cluster: SlurmCluster, small_inputs: Path) -> None:
    recipe = on_slurm(small_inputs)
    assert command("run", recipe, "--until", "ingest").code == 0
    submission = submission_of(recipe)
    cluster.call("scontrol", "hold", submission.jobs[1].id)
    cluster.wait(lambda: states(cluster, submission, 0) == {"COMPLETED"})
    told = command("status", recipe.parent / "work").out
    (recipe.parent / "work/ingest/records/000001.json").unlink()
    cluster.call("scontrol", "release", submission.jobs[1].id)
    cluster.wait(lambda: not cluster.queued())

    assert "on Slurm: 1 waiting (JobHeldAdmin)" in told
    assert {entry["ExitCode"] for entry in tasks(cluster, submission, 1)} == {"3:0"}
    told = command("status", recipe.parent / "work").out
    assert f"job {submission.jobs[1].id}, 02-end: 1 of 2 units of ingest failed:" in told
    assert "unit 1: no record" in told


def test_a_run_that_is_started_inside_another_array_submits(cluster: SlurmCluster, small_inputs: Path) -> None:
    recipe = on_slurm(small_inputs)
    outer = " ".join([sys.executable, "-c", "'from pipeline.cli import main; main()'", "run", str(recipe)])
    log = recipe.parent / "outer.log"
    cluster.call(
        *("sbatch", "--array=1-1", "--mem=1G", f"--output={log}", f"--chdir={recipe.parent}"),
        f"--wrap={outer} --until ingest",
    )
    cluster.wait(lambda: (recipe.parent / "work/slurm/submission.json").exists() and not cluster.queued())

    assert "submitted to Slurm: 2 jobs" in log.read_text()
    submission = submission_of(recipe)
    assert states(cluster, submission, 1) == {"COMPLETED"}
    assert len(records_of(recipe, "ingest")) == 2


def test_no_second_run_while_jobs_of_the_work_folder_wait(cluster: SlurmCluster, small_inputs: Path) -> None:
    recipe = on_slurm(small_inputs)
    cluster.call("scontrol", "update", f"PartitionName={PARTITION}", "State=DOWN")
    try:
        assert command("run", recipe, "--until", "ingest").code == 0
        ids = submission_of(recipe).ids
        work = recipe.parent / "work"
        refused = [
            command("run", recipe),
            command("run", recipe, "--set", "executor=local"),
            command("gc", work),
        ]
    finally:
        cluster.call("scontrol", "update", f"PartitionName={PARTITION}", "State=UP")

    assert [ended.code for ended in refused] == [2, 2, 2]
    lines = (
        f"error: {work}: Slurm has jobs of this work folder, {', '.join(ids)}; expected none that waits or runs",
        f"hint: wait for them (`corpusmill status {work}`), or end them: scancel {' '.join(ids)}",
    )
    assert [tuple(ended.err.splitlines()) for ended in refused] == [lines] * 3


def test_where_sbatch_refuses_a_job_its_words_are_told_and_nothing_is_left_in_the_queue(
    cluster: SlurmCluster, small_inputs: Path
) -> None:
    recipe = on_slurm(small_inputs, ", passes: {clean: {partition: nowhere}}")

    ended = command("run", recipe, "--until", "clean")

    assert ended.code == 2
    assert "sbatch refused job" in ended.err
    assert "invalid partition specified: nowhere" in ended.err
    assert "hint: correct `slurm` in the recipe" in ended.err
    cluster.wait(lambda: not cluster.queued())


def test_an_array_is_no_larger_than_the_cluster_allows_and_its_tasks_share_the_units(
    cluster: SlurmCluster, tiny_recipe: Path
) -> None:
    recipe = on_slurm(tiny_recipe, ", cpus_per_task: 2")

    ended = command("run", recipe, "--until", "ingest", "--wait")

    submission = submission_of(recipe)
    num_units = len(open_mill(load_recipe(recipe)).plan.units)
    assert ended.code == 0, ended.err
    assert num_units > MAXIMUM_ARRAY
    assert len(tasks(cluster, submission, 0)) == MAXIMUM_ARRAY
    assert len(records_of(recipe, "ingest")) == num_units


def test_a_work_folder_in_a_bucket_asks_for_a_folder_of_logs_and_its_server_is_told_to_the_jobs(
    cluster: SlurmCluster, store: ObjectStore, s3_folder: str, small_inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")  # the recipe alone says where the server is
    recipe = on_slurm(small_inputs)
    arguments = ("run", recipe, "--work", s3_folder, "--until", "ingest", "--set", f"s3.endpoint={store.endpoint}")

    refused = command(*arguments)
    ended = command(*arguments, "--wait", "--set", f"slurm.logs={recipe.parent}/logs")

    assert refused.code == 2
    assert "slurm.logs: expected a folder that all nodes share" in refused.err
    assert ended.code == 0, ended.err
    records = Storage(s3_folder, Access(BucketAccess(store.endpoint))).list("ingest/records")
    assert len(records) == 2
    assert (recipe.parent / "logs/0001/01-ingest/launch_script.slurm").exists()
    assert not (recipe.parent / "work").exists()

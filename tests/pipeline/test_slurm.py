"""Runs on a real Slurm of two nodes: the same bytes as a local run, and what becomes of everything that goes wrong."""

import io
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from slurm_cluster import PARTITION, SlurmCluster, slurm_cluster

from manifests.storage import Storage
from pipeline.cli import main
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill
from pipeline.slurm_submission import Submission, read_submission
from pipeline.steps import Step

pytestmark = pytest.mark.servers

MAXIMUM_ARRAY = 3
PROGRAM = [sys.executable, "-c", "from pipeline.cli import main; main()"]


class Ended(NamedTuple):
    code: int
    out: str
    err: str


class SilentProgress:
    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, step: Step, *, failed: int) -> None: ...


@pytest.fixture(scope="module")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with slurm_cluster(tmp_path_factory.mktemp("slurm"), maximum_array=MAXIMUM_ARRAY) as started:
        yield started


@pytest.fixture(scope="module")
def _byte_code(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("byte-code"))


@pytest.fixture
def cluster(_cluster: SlurmCluster, _byte_code: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    """The cluster, which this process's clients find, without a job of another test."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # or every task compiles everything anew
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", _byte_code)
    for name, value in _cluster.environment().items():
        monkeypatch.setenv(name, value)
    yield _cluster
    _cluster.cancel_all()


def on_slurm(recipe: Path, text: str = "") -> Path:
    """The recipe, to be run on the cluster."""
    with recipe.open("a") as file:
        file.write(f"executor: slurm\nslurm: {{partition: {PARTITION}, time: '00:10:00', memory_gb: 1{text}}}\n")
    return recipe


def command(*arguments: object) -> Ended:
    """Run a command in this process."""
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        patch.setattr(sys, "argv", ["corpusmill", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def submission_of(recipe: Path) -> Submission:
    found = read_submission(Storage(str(recipe.parent / "work")))
    assert found is not None
    return found


def states(cluster: SlurmCluster, submission: Submission, job: int) -> set[str]:
    """States of the tasks of a job, by its place in the submission."""
    return {entry["JobState"] for entry in tasks(cluster, submission, job)}


def tasks(cluster: SlurmCluster, submission: Submission, job: int) -> list[dict[str, str]]:
    wanted = submission.jobs[job].id
    return [entry for entry in cluster.jobs() if wanted in (entry["JobId"], entry.get("ArrayJobId"))]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def records_of(recipe: Path, step: str) -> dict[str, int]:
    """When each record of a step was put in place."""
    return {path.name: path.stat().st_mtime_ns for path in (recipe.parent / f"work/{step}/records").glob("*.json")}


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
    assert outputs(recipe.parent / "work") == outputs(expected)


def outputs(work: Path) -> dict[str, bytes]:
    return files_of(work / "ingest/data")


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


@contextmanager
def stopped_unit(recipe: Path, job: str, *, after: int = 1) -> Iterator[int]:
    """Stop the process of a unit of a task, when `after` units have their records; let it go on afterwards."""
    deadline = time.monotonic() + 90
    while len(records_of(recipe, "ingest")) < after or not (units := unit_processes(f"{job}/executor.pik")):
        assert time.monotonic() < deadline, "no unit was seen"
    os.kill(units[0], signal.SIGSTOP)
    try:
        yield units[0]
    finally:
        with suppress(ProcessLookupError):
            os.kill(units[0], signal.SIGCONT)


def unit_processes(pickled: str) -> list[int]:
    """Children of the processes that run a job's tasks: all have the command line of the task."""
    parents = {}
    for process in psutil.process_iter(["cmdline", "ppid"]):
        line = process.info["cmdline"] or [""]
        if "python" in line[0] and line[-1].endswith(pickled):
            parents[process.pid] = process.info["ppid"]
    return [process for process, parent in parents.items() if parent in parents]

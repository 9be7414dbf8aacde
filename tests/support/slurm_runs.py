"""What tests of runs on Slurm share: the command in this process, a recipe for the cluster, and what became of jobs."""

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
from run_processes import children, stopped
from slurm_cluster import PARTITION, SlurmCluster

from manifests.storage import Storage
from pipeline.cli import main
from pipeline.slurm_submission import Submission, read_submission
from pipeline.steps import Step


class Ended(NamedTuple):
    code: int
    out: str
    err: str


class SilentProgress:
    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, step: Step, *, failed: int) -> None: ...


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


@contextmanager
def stopped_unit(recipe: Path, job: str, *, after: int = 1) -> Iterator[int]:
    """Stop the process of a unit of a job's one task when `after` units have their records; let it go on afterwards."""
    deadline = time.monotonic() + 90
    tasks: list[int] = []
    units: list[int] = []
    while not units:
        assert time.monotonic() < deadline, "no unit was seen"
        tasks = tasks or task_processes(recipe, job)  # a look at all processes takes longer than a small unit
        if tasks and len(records_of(recipe, "ingest")) >= after:
            units = [unit for unit in children(tasks[0]) if stopped(unit)]
    try:
        yield units[0]
    finally:
        with suppress(ProcessLookupError):
            os.kill(units[0], signal.SIGCONT)


def task_processes(recipe: Path, job: str) -> list[int]:
    """The processes that run tasks of a job of this recipe's, and of no other run on any cluster, but not units."""
    pickled = f"{submission_of(recipe).logs}/{job}/executor.pik"
    found = {
        process.pid: process.info["ppid"]
        for process in psutil.process_iter(["cmdline", "ppid"])
        if (line := process.info["cmdline"]) and "python" in line[0] and line[-1] == pickled
    }
    return [process for process, parent in found.items() if parent not in found]

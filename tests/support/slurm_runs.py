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

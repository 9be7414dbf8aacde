"""Slurm's own programs, asked: what the cluster allows, and what of some jobs waits and runs.

One call of squeue for all jobs of a run: it takes a lock of the controller that all users wait for.
"""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from shutil import which

from manifests.errors import RecipeError, RetryableError
from pipeline.slurm_jobs import job_variables

_CALL_SECONDS = 120
_FORMAT = "%F|%K|%T|%r|%N|%j"
_NOT_QUEUED = "Invalid job id specified"
ACTIVE = ("RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT", "SUSPENDED", "STOPPED", "SIGNALING")


@dataclass(frozen=True, slots=True)
class QueuedTask:
    """A task that waits or runs.

    Attributes:
        job: id of its job, or of its array.
        reason: why it waits; "None" for one that runs.
    """

    job: str
    number: str
    state: str
    reason: str
    node: str
    name: str

    @property
    def runs(self) -> bool:
        """Whether it has begun."""
        return self.state in ACTIVE


def clean_environment() -> dict[str, str]:
    """This process's environment without what an outer job left in it."""
    dropped = set(job_variables(list(os.environ)))
    return {name: value for name, value in os.environ.items() if name not in dropped}


def has_slurm() -> bool:
    """Whether Slurm's programs are here."""
    return which("sbatch") is not None and which("squeue") is not None


def call(*command: str) -> str:
    """Standard output of one of Slurm's programs.

    Raises:
        RecipeError: it is not installed here.
        RetryableError: it failed, or did not answer in two minutes.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the programs are named here, and ids come from sbatch
            command, env=clean_environment(), capture_output=True, text=True, timeout=_CALL_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise no_slurm(command[0]) from error
    except subprocess.TimeoutExpired as error:
        raise RetryableError(
            f"{command[0]}: no answer in {_CALL_SECONDS} s; expected Slurm's controller to answer",
            hint="try again when the cluster is less busy",
        ) from error
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise RetryableError(f"{command[0]}: {said}", hint="`sinfo` tells whether the cluster can be reached from here")
    return done.stdout


def no_slurm(program: str) -> RecipeError:
    """There is no Slurm on this machine."""
    return RecipeError(
        f"executor: slurm: {program} is not here; expected Slurm's programs on the machine that submits",
        hint="run the same command on a login node of the cluster, or with --set executor=local",
    )


def limits() -> tuple[int, int]:
    """MaxArraySize and MaxJobCount of the cluster."""
    text = call("scontrol", "show", "config")
    found = dict(re.findall(r"^(MaxArraySize|MaxJobCount)\s*=\s*(\d+)", text, re.MULTILINE))
    return int(found.get("MaxArraySize", 1001)), int(found.get("MaxJobCount", 10000))


def queued(jobs: Sequence[str]) -> list[QueuedTask]:
    """Every task of some jobs that waits or runs; one that has ended is not there any more."""
    if not jobs:
        return []
    try:
        text = call("squeue", "--noheader", "--array", f"--jobs={','.join(jobs)}", f"--format={_FORMAT}")
    except RetryableError as error:
        if _NOT_QUEUED in error.message:  # what it says of a single job that it has forgotten
            return []
        raise
    return list(parse_queue(text))


def parse_queue(text: str) -> Iterator[QueuedTask]:
    """What squeue printed, line by line; a job's name, which comes last, may hold anything."""
    for line in text.splitlines():
        cells = line.split("|", 5)
        if len(cells) == 6:
            yield QueuedTask(*(cell.strip() for cell in cells))


def in_words(tasks: Iterable[QueuedTask]) -> str:
    """How many run and wait, and why they wait: "3 running, 2 waiting (Resources)"."""
    counts = Counter("running" if task.runs else f"waiting ({task.reason})" for task in tasks)
    return ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))


def cancel(jobs: Sequence[str]) -> None:
    """Take jobs out of the queue and end what runs of them."""
    if jobs:
        call("scancel", *jobs)

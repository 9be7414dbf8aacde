"""Running a mill on Slurm: the whole run is submitted at once, by datatrove's executor, and goes on by itself.

What is done is not submitted where that is known; what is known only later, the barriers find out. Nothing of a
submission is needed for a result: records are the only truth, so another one takes up wherever the last one ended.
"""

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import which

import msgspec

from manifests.errors import CorpusmillError, RecipeError, RetryableError
from pipeline.proofs import check_step, check_units
from pipeline.recipe_executors import Slurm
from pipeline.runner import prepared
from pipeline.slurm_jobs import Job, maximum_tasks, plan_jobs, time_seconds
from pipeline.slurm_queue import limits, no_slurm
from pipeline.slurm_submission import (
    Submission,
    read_submission,
    sayings,
    still_queued,
)
from pipeline.steps import Step
from pipeline.units import Mill, step_named, units_to_run

# Every call of squeue takes a lock that all users wait for: whoever waits for days looks twice a minute.
_FIRST_LOOK_SECONDS, _LOOK_SECONDS = 2, 30
# Slurm looks at time limits every so often; what it sends to a task that has not begun is lost.
_EARLY_SECONDS = 30
_UNREACHABLE_SECONDS = 600
_PLAIN_PATH = re.compile(r"[\w./+=@:,-]+")


def submit(mill: Mill, *, until: str | None = None, take_over: bool = False) -> Submission | None:
    """Submit what is not done of the passes up to `until`; None where everything is.

    Args:
        take_over: take a work folder in a bucket from a launcher that is gone.

    Raises:
        RecipeError: the recipe cannot be run, there is no Slurm here, jobs of this work folder are still in its queue,
            or sbatch refuses.
        UnitError: what is done already does not allow to go on.
    """
    if which("sbatch") is None:
        raise no_slurm("sbatch")
    slurm = _settings(mill)
    with prepared(mill, until, take_over=take_over) as ready:
        left = _unfinished(mill, ready.steps)
        return _submit(mill, slurm, left) if left else None


def _submit(mill: Mill, slurm: Slurm, left: Sequence[Step]) -> Submission:
    todo = units_to_run(mill, left[0])
    sizes = [(step, step.num_units(mill.plan)) for step in left]
    array_size, job_count = limits()
    most = maximum_tasks(sizes, array_size=array_size, job_count=job_count)
    submission = _new_submission(mill, slurm, plan_jobs(sizes, slurm, maximum_tasks=most, first_units=len(todo)))
    if submission.jobs[0].tasks is not None:
        mill.work.write(submission.units_name(submission.jobs[0]), msgspec.json.encode(todo))
    from pipeline.slurm_executor import launch  # datatrove takes half a second, and refusals should not

    return launch(mill, slurm, submission)


def _unfinished(mill: Mill, steps: Sequence[Step]) -> Sequence[Step]:
    """The steps from the first one on that is not done; those before it must allow to go on."""
    for number, step in enumerate(steps):
        if units_to_run(mill, step):
            return steps[number:]
        check_step(mill, step)
    return []


def _settings(mill: Mill) -> Slurm:
    slurm = mill.recipe.slurm
    assert slurm is not None  # noqa: S101 - the recipe was checked
    times = {"time": slurm.time, **{f"passes.{name}.time": given.time for name, given in slurm.passes.items()}}
    for key, limit in times.items():
        if limit is not None and time_seconds(limit) < slurm.signal_seconds + _EARLY_SECONDS:
            raise RecipeError(
                f"slurm.{key}: {limit}: expected {_EARLY_SECONDS} s more than slurm.signal_seconds, "
                f"{slurm.signal_seconds}, at least: every task would be told to stop as it starts",
                hint="raise the time, or lower slurm.signal_seconds",
            )
    return slurm


def _new_submission(mill: Mill, slurm: Slurm, jobs: list[Job]) -> Submission:
    """A submission with a number, and a logging folder, of its own."""
    logs = Path(slurm.logs or _default_logs(mill))
    if not _PLAIN_PATH.fullmatch(str(logs)):
        raise RecipeError(
            f"slurm.logs: {logs}: Slurm's scripts cannot name it; expected letters, digits and ./_+=@:,-",
            hint="name another folder that all nodes share, as slurm.logs in the recipe",
        )
    earlier = read_submission(mill.work)
    number = earlier.number + 1 if earlier else 1
    while (logs / f"{number:04d}").exists():
        number += 1
    folder = logs / f"{number:04d}"
    folder.mkdir(parents=True)
    return Submission(number=number, title=mill.recipe.name, logs=str(folder), jobs=jobs)


def _default_logs(mill: Mill) -> str:
    if mill.work.folder is None:
        raise RecipeError(
            f"slurm.logs: expected a folder that all nodes share, got null, and the work folder, {mill.work.root}, is "
            "none",
            hint="name one as slurm.logs in the recipe: scripts and logs of the jobs go there",
        )
    return f"{mill.work.folder.absolute()}/slurm"


def wait(mill: Mill, submission: Submission) -> None:
    """Wait until no job of a submission is left; returns where the run is done.

    Raises:
        CorpusmillError: it is not, by the class that says why.
    """
    began = reached = time.monotonic()
    while time.monotonic() - reached < _UNREACHABLE_SECONDS:
        with suppress(RetryableError):  # a controller that restarts is no end of a run
            if not still_queued(submission):
                break
            reached = time.monotonic()
        time.sleep(look_seconds(time.monotonic() - began))
    for job, said in sayings(mill.work, submission):
        raise _said(f"{job.name}: {said.message}", hint=said.hint, exit_code=said.exit_code)
    for name in dict.fromkeys(name for job in submission.jobs for name in (*job.proves, *job.runs)):
        mill.records(step_named(name), fresh=True)
        check_units(mill, step_named(name))


def look_seconds(waited_seconds: float) -> float:
    """How long to wait for the next look at the queue: a twentieth of the time so far, half a minute at most."""
    return min(_LOOK_SECONDS, max(_FIRST_LOOK_SECONDS, waited_seconds / 20))


def _said(message: str, *, hint: str, exit_code: int) -> CorpusmillError:
    first, *items = message.split("\n  ")
    error = CorpusmillError(first, hint=hint, items=items)
    error.exit_code = exit_code
    return error

"""What runs inside a job on Slurm: a task of an array, or a barrier. Pickled by name, so nothing of `__main__` is here.

Told to stop before its time is up (SIGUSR1), a job that finished a unit goes back into the queue by itself, and goes on
where it was: a run of weeks needs nobody who submits it again. One that finished none would do so for ever, so it ends,
and says that its time is too short. SIGTERM, which scancel sends, ends a job for good.
"""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from manifests.buckets import Access
from manifests.errors import CorpusmillError, RetryableError
from manifests.storage import Storage
from pipeline.complaints import complain
from pipeline.proofs import prove, prove_inputs
from pipeline.runner import reopen_mill
from pipeline.slurm_jobs import Job
from pipeline.slurm_submission import Submission, say
from pipeline.tasks import STOPPED, Share, Stopper, run_units, stoppable
from pipeline.units import step_named, units_to_run

_REQUEUE_SECONDS = 60
# Slurm promises no more than that its signal comes within the minute before its time.
_EARLY_SECONDS = 90


@dataclass(frozen=True, slots=True, repr=False)
class JobTask:
    """The datatrove pipeline of a job: rank t is task t.

    Attributes:
        access: how the work folder is reached where it is a bucket.
        workers: units that run at the same time in one task.
        stop_seconds: after so long Slurm says that the time is nearly up.
    """

    work: str
    access: Access
    submission: Submission
    job: Job
    workers: int
    stop_seconds: int

    def __repr__(self) -> str:
        """What datatrove writes into every log."""
        return f"corpusmill {self.work} {self.job.name}"

    def __call__(self, data: object, rank: int, world_size: int) -> object:
        """Run the task; ends the process with the task's exit code where that is not 0."""
        started = time.monotonic()

        def on_stop(number: int, finished: int) -> None:
            if number != signal.SIGUSR1:
                return
            if goes_on(finished, after_seconds=time.monotonic() - started, stop_seconds=self.stop_seconds):
                requeue()
            else:
                say_too_short(self, rank)

        def run(stopper: Stopper) -> int:
            if self.job.tasks is None:
                return self._barrier(stopper)
            mill = reopen_mill(self.work, self.access)
            step = step_named(self.job.runs[0])
            units = Share(self.submission.units_name(self.job), rank, world_size).of(mill, step)
            return run_units(mill, step, units, workers=self.workers, stopper=stopper)

        with stoppable(on_stop) as stopper:
            code = self._told(rank, lambda: run(stopper))
        if code:
            sys.exit(code)
        return data

    def say(self, rank: int, error: CorpusmillError, exit_code: int) -> None:
        """Leave word in the work folder of why a task ends."""
        say(Storage(self.work, self.access), self.submission.said_name(self.job, rank), error, exit_code)

    def _told(self, rank: int, run: Callable[[], int]) -> int:
        """The exit code of what runs; where it raises, the reason is left in the work folder."""
        try:
            return run()
        except CorpusmillError as error:
            self.say(rank, error, error.exit_code)
            return complain(error.message, error.hint, error.exit_code)

    def _barrier(self, stopper: Stopper) -> int:
        """Prove, run what is of one unit, and list the units of the array that comes next."""
        mill = reopen_mill(self.work, self.access)
        for name in self.job.proves:
            prove(mill, step_named(name))
        for name in self.job.runs:
            step = step_named(name)
            prove_inputs(mill, step)
            code = run_units(mill, step, units_to_run(mill, step), workers=1, stopper=stopper)
            mill.records(step, fresh=True)
            if code:
                return code
            prove(mill, step)
        if self.job.lists:
            step = step_named(self.job.lists)
            prove_inputs(mill, step)
            [array] = [job for job in self.submission.jobs if job.runs == [step.name] and job.tasks is not None]
            mill.work.write(self.submission.units_name(array), msgspec.json.encode(units_to_run(mill, step)))
        return 0


def goes_on(finished: int, *, after_seconds: float, stop_seconds: float) -> bool:
    """Whether a job that is told to stop should go back into the queue.

    Told long before its time is up, it has to make way for another job, which says nothing about its own time.
    """
    return finished > 0 or after_seconds < stop_seconds - _EARLY_SECONDS


def requeue() -> None:
    """Have Slurm put this job back into the queue; it says itself where it does not."""
    command = ["scontrol", "requeue", os.environ.get("SLURM_JOB_ID", "")]
    subprocess.run(command, timeout=_REQUEUE_SECONDS, check=False)  # noqa: S603


def say_too_short(task: JobTask, rank: int) -> None:
    """Leave word that no unit fits into the time, from a clean process: this one was interrupted anywhere."""
    command = [sys.executable, "-c", f"from {__name__} import leave_word; leave_word()", str(rank)]
    subprocess.run(command, input=pickle.dumps(task), timeout=_REQUEUE_SECONDS, check=False)  # noqa: S603


def leave_word() -> None:
    """Be the process that `say_too_short` starts."""
    task: JobTask = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the process that started this one
    error = RetryableError(
        "stopped before its time was up, and no unit was finished; expected one at least in `slurm.time`",
        hint="raise slurm.time (slurm.passes: of this pass alone), or lower limits.unit_bytes, and run again",
    )
    task.say(int(sys.argv[1]), error, STOPPED)

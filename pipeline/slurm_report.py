"""What a person sees of a run on Slurm: what was submitted, and what of it waits, runs or has ended."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console

from manifests.errors import CorpusmillError
from pipeline.passes import STEPS
from pipeline.slurm import submit, wait
from pipeline.slurm_jobs import Job
from pipeline.slurm_queue import QueuedTask, has_slurm, in_words
from pipeline.slurm_submission import Said, Submission, read_submission, sayings, still_queued
from pipeline.steps import Step
from pipeline.units import Mill

_INTERRUPTED = 130
_PASS_OF = {step.name: f"{step.number} {step.pass_name}" for step in STEPS}


def submit_and_tell(mill: Mill, *, until: str | None, wait_for_it: bool, take_over: bool) -> None:
    """Submit a run before the user's eyes, and wait for its end if asked to; SIGTERM is as good as Ctrl-C."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        submission = submit(mill, until=until, take_over=take_over)
    except KeyboardInterrupt:
        console.print("stopped; what was submitted so far was taken back")
        sys.exit(_INTERRUPTED)
    if submission is None:
        print("nothing to submit: every unit has its record")  # noqa: T201 - this is what the command is for
        return
    for line in submitted_lines(mill, submission):
        print(line)  # noqa: T201
    if not wait_for_it:
        return
    try:
        wait(mill, submission)
    except KeyboardInterrupt:
        console.print("no longer waiting; the jobs go on")
        sys.exit(_INTERRUPTED)
    print("done: every unit has its record")  # noqa: T201


def submitted_lines(mill: Mill, submission: Submission) -> Iterator[str]:
    """What was submitted, pass by pass; how to follow and to stop it."""
    jobs = submission.jobs
    arrays = sum(job.tasks is not None for job in jobs)
    yield f"submitted to Slurm: {_counted(len(jobs), 'job')}, each after the one before; {_counted(arrays, 'array')}"
    passes: dict[str, list[Job]] = {}
    for job in jobs:
        passes.setdefault(_PASS_OF[job.steps[-1]], []).append(job)
    for name, members in passes.items():
        tasks = max((job.tasks or 1) for job in members)
        ids = members[0].id if len(members) == 1 else f"{members[0].id} to {members[-1].id}"
        yield f"  {name}: {_counted(len(members), 'job')}, {ids}, of at most {_counted(tasks, 'task')}"
    yield f"follow it: corpusmill status {mill.work.root}"
    yield f"stop it: scancel {' '.join(submission.ids)}"
    yield f"scripts and logs: {submission.logs}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class QueueView:
    """A submission, and what is left of it in Slurm's queue.

    Attributes:
        tasks: that wait or run; None where this machine has no Slurm to ask, or it does not answer.
        listed: whether the units of an array were listed, by its barrier, before it could begin.
        problem: why it was not asked.
    """

    submission: Submission
    tasks: list[QueuedTask] | None
    said: list[tuple[Job, Said]]
    listed: Callable[[Job], bool]
    problem: str = ""

    def of_step(self, step: Step) -> str:
        """How many tasks of a step run and wait, and why they wait; empty for none."""
        ids = {job.id for job in self.submission.jobs if step.name in job.steps}
        return in_words(task for task in self.tasks or [] if task.job in ids)

    def lines(self, unfinished: Sequence[tuple[Step, int]]) -> Iterator[str]:
        """What went wrong, as far as no failed record says it.

        Args:
            unfinished: steps, each with its number of units that have no record at all.
        """
        if self.problem:
            yield self.problem
        names = {step.name for step, _ in unfinished}
        said = [(job, said) for job, said in self.said if names.intersection(job.steps)]  # of others it is past
        for job, word in said:
            yield from f"job {job.id}, {job.name}: {word.message} ({word.hint})".splitlines()
        if self.tasks is None or said:
            return
        active = {task.job for task in self.tasks}
        for step, missing in unfinished:
            ended = [job for job in self.submission.jobs if step.name in job.steps and job.id not in active]
            if missing and ended and not self.of_step(step):
                last = ended[-1]
                if last.tasks is not None and not self.listed(last):
                    last = ended[0]  # its barrier did not end well, and Slurm cancelled the array
                yield (
                    f"{step.name}: {missing:,} units have no record, and job {last.id} is not in the queue any more; "
                    f"its logs: {self.submission.logs}/{last.name}"
                )
            break  # what comes after it was cancelled with it

    @property
    def next_line(self) -> str:
        """What is going on; empty where nothing waits or runs."""
        return f"on Slurm: {in_words(self.tasks)}" if self.tasks else ""


def queue_view(mill: Mill) -> QueueView | None:
    """The last submission of a work folder and its queue, for which squeue is asked once; None for no submission."""
    submission = read_submission(mill.work)
    if submission is None:
        return None
    said = list(sayings(mill.work, submission))

    def listed(job: Job) -> bool:
        return mill.work.exists(submission.units_name(job))

    if not has_slurm():
        return QueueView(
            submission, None, said, listed, "squeue is not here: what waits and runs on Slurm is not known"
        )
    try:
        return QueueView(submission, still_queued(submission), said, listed)
    except CorpusmillError as error:
        return QueueView(submission, None, said, listed, f"what waits and runs on Slurm is not known: {error.message}")

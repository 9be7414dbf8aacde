"""What a submission leaves in the work folder: its jobs, the units that each array runs, and what jobs said.

slurm/submission.json        the last submission
slurm/<number>/<job>.json    the units of an array, a JSON list
slurm/<number>/<job>.said    why a job ended otherwise than well, where no record of a unit can tell
"""

from collections.abc import Iterator

import msgspec

from manifests.errors import CorpusmillError, IntegrityError, RecipeError, RetryableError
from manifests.storage import Storage
from pipeline.slurm_jobs import Job
from pipeline.slurm_queue import QueuedTask, has_slurm, queued

_NAME = "slurm/submission.json"


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One call of `corpusmill run`.

    Attributes:
        number: 1 for the first of a work folder.
        title: what the names of its jobs begin with.
        logs: folder of this submission's logs and scripts.
        jobs: in order; those that are submitted have an id.
    """

    number: int
    title: str
    logs: str
    jobs: list[Job]

    @property
    def ids(self) -> list[str]:
        """Of the jobs that were submitted."""
        return [job.id for job in self.jobs if job.id]

    def units_name(self, job: Job) -> str:
        """The file that lists the units of an array."""
        return f"slurm/{self.number:04d}/{job.name}.json"

    def said_name(self, job: Job, task: int = 0) -> str:
        """The file for what a task of a job has to say."""
        return f"slurm/{self.number:04d}/{job.name}-{task}.said"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job ended otherwise than well."""

    message: str
    hint: str
    exit_code: int


def read_submission(work: Storage) -> Submission | None:
    """The last submission; None where there was none."""
    if not work.exists(_NAME):
        return None
    try:
        return msgspec.json.decode(work.read(_NAME), type=Submission)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(
            f"{work.path(_NAME)}: not a submission; expected what `corpusmill run` writes there",
            hint="see with squeue that none of its jobs is left, delete the file, and run again",
        ) from error


def old_files(work: Storage) -> dict[str, int]:
    """Files of submissions before the last one, and their sizes: lists, logs, scripts."""
    submission = read_submission(work)
    if submission is None:
        return {}
    numbers = {f"slurm/{number:04d}" for number in range(1, submission.number)}
    return {name: size for name, size in work.list("slurm").items() if "/".join(name.split("/")[:2]) in numbers}


def write_submission(work: Storage, submission: Submission) -> None:
    """Put it where `status`, and whoever would start another run, finds it."""
    work.write(_NAME, msgspec.json.format(msgspec.json.encode(submission)))


def say(work: Storage, name: str, error: CorpusmillError, exit_code: int) -> None:
    """Leave word of why a job ends."""
    said = Said(message=error.message, hint=error.hint, exit_code=exit_code)
    work.write(name, msgspec.json.encode(said))


def sayings(work: Storage, submission: Submission) -> Iterator[tuple[Job, Said]]:
    """What jobs of a submission said, in order of the jobs."""
    present = [name for name in work.list(f"slurm/{submission.number:04d}") if name.endswith(".said")]
    for job in submission.jobs:
        for name in present:
            if name.rpartition("/")[2].rpartition("-")[0] == job.name:
                yield job, _said(work, name)


def _said(work: Storage, name: str) -> Said:
    try:
        return msgspec.json.decode(work.read(name), type=Said)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(
            f"{work.path(name)}: not what a job says; expected why it ended", hint="delete that file"
        ) from error


def still_queued(submission: Submission) -> list[QueuedTask]:
    """Tasks of a submission that wait or run; ids are used again after years, so names must fit, too."""
    return [task for task in queued(submission.ids) if task.name.startswith(f"{submission.title}-")]


def refuse_while_submitted(work: Storage) -> None:
    """Make sure that no job of this work folder waits or runs.

    Raises:
        RecipeError: some do, or this machine has no Slurm to ask.
        RetryableError: Slurm does not answer.
    """
    submission = read_submission(work)
    if submission is None or not submission.ids:
        return
    unknown = f"so it is not known whether jobs of {work.root} wait or run"
    delete = f"where none of them can be left, delete {work.path(_NAME)}"
    if not has_slurm():
        raise RecipeError(f"squeue is not here; {unknown}", hint=f"run this on a login node, or, {delete}")
    try:
        left = still_queued(submission)
    except RetryableError as error:
        raise RetryableError(f"{error.message}; {unknown}", hint=f"try again, or, {delete}") from error
    jobs = sorted({task.job for task in left}, key=int)
    if jobs:
        shown = ", ".join(jobs[:5]) + (f" and {len(jobs) - 5} more" if len(jobs) > 5 else "")
        raise RecipeError(
            f"{work.root}: Slurm has jobs of this work folder, {shown}; expected none that waits or runs",
            hint=f"wait for them (`corpusmill status {work.root}`), or end them: scancel {' '.join(jobs)}",
        )

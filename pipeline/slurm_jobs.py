"""The jobs of a run on Slurm, planned before anything is known but how many units each step has.

Which units of a step have no valid record is known only when all that it reads is there. So jobs alternate: a *barrier*
proves the records of what has ended, runs the steps of a single unit that come next, and lists the units of the step
after them; an *array* runs those, task t of n every n-th one from t on. Each job waits for the one before it.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from pipeline.recipe_executors import Slurm, SlurmResources
from pipeline.steps import Step


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job, which Slurm knows by `id` once it is submitted.

    Attributes:
        name: unique within a submission, in order.
        runs: steps whose units it runs: those of one unit of a barrier, the one of an array.
        proves: steps that a barrier finds done, or ends.
        lists: the step whose units a barrier lists.
        tasks: of an array; None for a barrier.
    """

    name: str
    runs: list[str]
    proves: list[str] = []
    lists: str = ""
    tasks: int | None = None
    id: str = ""

    @property
    def steps(self) -> list[str]:
        """The steps that cannot go on without this job."""
        return self.runs or [self.lists or self.proves[-1]]


def plan_jobs(
    steps: Sequence[tuple[Step, int]], slurm: Slurm, *, maximum_tasks: int, first_units: int | None = None
) -> list[Job]:
    """The jobs for some steps, each with its number of units: every array has its barrier, but one that comes first.

    Args:
        maximum_tasks: that an array of this cluster may have, whatever the recipe says.
        first_units: how many of the first step's units are to be run; None where all may have to.
    """
    jobs: list[Job] = []
    proves: list[str] = []
    ones: list[Step] = []

    def barrier(lists: str = "") -> None:
        nonlocal proves
        what = (
            "-to-".join(dict.fromkeys((ones[0].name, ones[-1].name))) if ones else f"before-{lists}" if lists else "end"
        )
        jobs.append(_job(jobs, what, runs=[step.name for step in ones], proves=proves, lists=lists))
        proves = []
        ones.clear()

    for step, num_units in steps:
        if num_units == 1:
            if ones and slurm.resources(ones[-1].pass_name) != slurm.resources(step.pass_name):
                barrier()
            ones.append(step)
            continue
        if jobs or ones:
            barrier(step.name)
        to_run = num_units if jobs or first_units is None else first_units
        most = slurm.resources(step.pass_name).tasks or maximum_tasks
        jobs.append(_job(jobs, step.name, runs=[step.name], tasks=min(to_run, most, maximum_tasks)))
        proves = [step.name]
    barrier()
    return jobs


def _job(jobs: list[Job], what: str, **fields: object) -> Job:
    return msgspec.convert({"name": f"{len(jobs) + 1:02d}-{what}", **fields}, Job)


def maximum_tasks(steps: Sequence[tuple[Step, int]], *, array_size: int, job_count: int) -> int:
    """How many tasks an array may have on a cluster: every task of every array that waits counts as one of its jobs.

    Half of what the cluster holds is left to others.

    Args:
        array_size: MaxArraySize of the cluster.
        job_count: MaxJobCount of the cluster.
    """
    num_arrays = sum(num_units > 1 for _, num_units in steps)
    return max(1, min(array_size, job_count // 2 // max(1, num_arrays)))


def resources(job: Job, slurm: Slurm, steps: Mapping[str, Step]) -> SlurmResources:
    """What each task of a job asks for: as its pass does.

    A barrier only looks and adds up, so it asks for no GPU; but the one unit of a small run may ask a model in it.
    """
    stated = slurm.resources(steps[job.runs[-1]].pass_name) if job.runs else slurm.resources("")
    needs_gpus = job.tasks is not None or any(steps[name].needs_server for name in job.runs)
    return stated if needs_gpus else stated.model_copy(update={"gpus": 0})


_SECONDS = {1: (60,), 2: (60, 1), 3: (3600, 60, 1)}


def time_seconds(time: str) -> int:
    """Seconds of a time as sbatch takes it: minutes, minutes:seconds, hours:minutes:seconds, days-hours and so on."""
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    scale = (3600, 60, 1) if dash else _SECONDS[len(parts)]
    return 86400 * int(days or 0) + sum(part * size for part, size in zip(parts, scale, strict=False))


_KEPT = {"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT", "SBATCH_ACCOUNT", "SBATCH_RESERVATION", "SBATCH_WCKEY"}
_OF_JOBS = ("SLURM_", "SLURMD_", "SBATCH_", "SRUN_", "SALLOC_")


def job_variables(names: Sequence[str]) -> Iterator[str]:
    """Those environment variables that an outer job, or somebody's settings for other jobs, would force on ours.

    Sbatch takes a variable before what stands in a script, and hands all of them on; datatrove would take a launcher
    that has SLURM_ARRAY_TASK_ID for a task. What says where the cluster is and who pays stays.
    """
    return (name for name in names if name.startswith(_OF_JOBS) and name not in _KEPT)

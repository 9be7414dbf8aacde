"""datatrove's Slurm executor as the mill needs it, and the launch of a run's jobs by it.

It differs in four ways: memory is asked for each task and not for each CPU; the id of a job is read strictly; a task
starts by a program of ours; and no job merges datatrove's statistics. These would say nothing: each of our pipelines is
one function that moves no datatrove documents, and what a unit counted and measured stands in its record.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from subprocess import CalledProcessError
from tempfile import TemporaryFile

from datatrove.executor.slurm import SlurmPipelineExecutor
from loguru import logger
from msgspec.structs import replace

from manifests.errors import RecipeError
from pipeline.passes import STEPS
from pipeline.recipe_executors import Slurm
from pipeline.slurm_jobs import Job, job_variables, resources, time_seconds
from pipeline.slurm_queue import cancel
from pipeline.slurm_submission import Submission, write_submission
from pipeline.slurm_tasks import JobTask
from pipeline.units import Mill

_SUBMITTED = re.compile(r"Submitted batch job (\d+)")
_STEPS = {step.name: step for step in STEPS}


class MillExecutor(SlurmPipelineExecutor):  # type: ignore[misc]
    """One job; `memory_gb` is that of each task, whatever its CPUs."""

    def __init__(self, *, memory_gb: int, **given: object) -> None:
        super().__init__(job_id_retriever=submitted_id, **given)
        self.memory_gb = memory_gb

    def get_sbatch_args(self, max_array: int = 1) -> dict[str, object]:
        """Options of sbatch; those of the recipe win."""
        options: dict[str, object] = super().get_sbatch_args(max_array)
        del options["mem-per-cpu"]
        return {"mem": f"{self.memory_gb}G"} | options

    def get_launch_file_contents(self, sbatch_args: dict[str, object], run_script: str) -> str:
        """The script of a job; its task starts by `pipeline.slurm_start`."""
        ours = run_script.replace("launch_pickled_pipeline", "python3 -P -m pipeline.slurm_start", 1)
        return str(super().get_launch_file_contents(sbatch_args, ours))

    def launch_merge_stats(self) -> None:
        """Launch nothing."""

    def get_distributed_env(self, node_rank: int = -1) -> dict[str, str]:
        """What datatrove puts into a task's environment; each of ours has one node, and need not ask for its name."""
        del node_rank
        return {
            "datatrove_node_ips": os.environ.get("SLURMD_NODENAME", ""),
            "datatrove_cpus_per_task": str(self.cpus_per_task),
            "datatrove_mem_per_cpu": str(self.mem_per_cpu_gb),
            "datatrove_gpus_on_node": str(self.gpus_per_task),
            "datatrove_executor": "SLURM",
        }


def submitted_id(said: str) -> str:
    """The id in what sbatch printed, among which may be lines of a site's own."""
    found = _SUBMITTED.search(said)
    if found is None:
        raise RecipeError(
            f"slurm: expected sbatch to say 'Submitted batch job ...', got {said.strip()[:200]!r}",
            hint="see with squeue whether it was submitted, and cancel it",
        )
    return found.group(1)


def launch(mill: Mill, slurm: Slurm, submission: Submission) -> Submission:
    """Submit job after job, each waiting for the one before; takes all of them back where one is refused.

    What is submitted stands in the work folder after every job, however the launch ends.

    Raises:
        RecipeError: sbatch refused a job.
    """
    logger.disable("datatrove")
    jobs = list(submission.jobs)
    before: MillExecutor | None = None
    try:
        for place, job in enumerate(submission.jobs):
            executor = _executor(mill, slurm, submission, job)
            executor.depends = before
            _launch(executor, job)
            jobs[place] = replace(job, id=str(executor.job_id))
            submission = replace(submission, jobs=list(jobs))
            write_submission(mill.work, submission)
            before = executor
    except BaseException:
        cancel(submission.ids)
        raise
    return submission


def _executor(mill: Mill, slurm: Slurm, submission: Submission, job: Job) -> MillExecutor:
    asked = resources(job, slurm, _STEPS)
    stop_seconds = time_seconds(str(asked.time)) - slurm.signal_seconds
    folder = f"{submission.logs}/{job.name}"
    task = JobTask(
        work=mill.work.root,
        access=mill.recipe.s3.access,
        submission=submission,
        job=job,
        workers=asked.cpus_per_task or 1,
        stop_seconds=stop_seconds,
    )
    return MillExecutor(
        pipeline=[task],
        tasks=job.tasks or 1,
        time=asked.time,
        partition=asked.partition,
        cpus_per_task=asked.cpus_per_task,
        memory_gb=asked.memory_gb or 1,
        gpus_per_task=asked.gpus,
        workers=slurm.workers or -1,
        job_name=f"{submission.title}-{job.name}",
        qos=slurm.qos,
        env_command=_activation(slurm),
        sbatch_args={
            "kill-on-invalid-dep": "yes",  # or what waits for a failed job would wait for ever
            "open-mode": "append",  # a task that goes on later keeps its log
            "signal": f"USR1@{slurm.signal_seconds}",
            **slurm.sbatch,
        },
        max_array_size=job.tasks or 1,
        logging_dir=folder,
        slurm_logs_folder=folder,
        skip_completed=False,  # our records are the only truth
        requeue_signals=None,  # JobTask knows better when to go on
        srun_args={"cpus-per-task": asked.cpus_per_task},  # since Slurm 22.05 srun does not take it from the job
    )


def _activation(slurm: Slurm) -> str:
    """What a job does first, so that it has this environment's programs."""
    script = Path(slurm.activate) if slurm.activate else Path(sys.prefix, "bin/activate")
    if slurm.activate or script.is_file():
        return f"source {quote(str(script))}"
    return f"export PATH={quote(f'{sys.prefix}/bin')}:$PATH"


def _launch(executor: MillExecutor, job: Job) -> None:
    with _own_environment(), TemporaryFile() as said:
        try:
            with _stderr_into(said.fileno()):
                executor.launch_job()
        except CalledProcessError as error:
            said.seek(0)
            message = " ".join(said.read().decode(errors="replace").split())
            raise RecipeError(
                f"slurm: sbatch refused job {job.name}: {message or f'exit code {error.returncode}'}; nothing is left "
                "in the queue",
                hint="correct `slurm` in the recipe (`sinfo` shows partitions and their limits) and run again",
            ) from error


@contextmanager
def _own_environment() -> Iterator[None]:
    """Take away what an outer job or settings for other jobs left: sbatch obeys it, and hands it on."""
    taken = {name: os.environ.pop(name) for name in list(job_variables(list(os.environ)))}
    try:
        yield
    finally:
        os.environ.update(taken)


@contextmanager
def _stderr_into(sink: int) -> Iterator[None]:
    """Catch what a child that inherits standard error says there: datatrove does not."""
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)

"""What jobs a run makes of its steps, what each asks for, and what of the environment goes along."""

from contextlib import nullcontext
from dataclasses import replace
from typing import get_args

import pytest

from pipeline.passes import PASSES, STEPS
from pipeline.recipe_executors import PassName, Slurm, SlurmResources
from pipeline.slurm_jobs import Job, job_variables, maximum_tasks, plan_jobs, resources, time_seconds
from pipeline.steps import Step
from pipeline.units import step_named

CPU = Slurm(partition="cpu")
BY_NAME = {step.name: step for step in STEPS}


def steps(**num_units: int) -> list[tuple[Step, int]]:
    return [(step_named(name), number) for name, number in num_units.items()]


def told(jobs: list[Job]) -> list[tuple[str, int | None]]:
    return [(job.name, job.tasks) for job in jobs]


def test_a_barrier_stands_before_every_array_but_the_first_and_after_the_last() -> None:
    jobs = plan_jobs(steps(ingest=7, look_up=4, detect=4), CPU, maximum_tasks=1000)

    assert told(jobs) == [
        ("01-ingest", 7),
        ("02-before-look_up", None),
        ("03-look_up", 4),
        ("04-before-detect", None),
        ("05-detect", 4),
        ("06-end", None),
    ]
    assert [job.lists for job in jobs] == ["", "look_up", "", "detect", "", ""]
    assert [job.proves for job in jobs] == [[], ["ingest"], [], ["look_up"], [], ["detect"]]


def test_steps_of_one_unit_run_in_the_barrier_before_the_next_array() -> None:
    jobs = plan_jobs(steps(clean=3, mix=1, tokenize=4, settle=1, pack=2, release=1), CPU, maximum_tasks=1000)

    assert told(jobs) == [
        ("01-clean", 3),
        ("02-mix", None),
        ("03-tokenize", 4),
        ("04-settle", None),
        ("05-pack", 2),
        ("06-release", None),
    ]
    assert [(job.proves, job.runs, job.lists) for job in jobs[1::2]] == [
        (["clean"], ["mix"], "tokenize"),
        (["tokenize"], ["settle"], "pack"),
        (["pack"], ["release"], ""),
    ]


def test_a_run_of_single_units_is_one_job() -> None:
    jobs = plan_jobs([(step, 1) for step in STEPS], CPU, maximum_tasks=1000)

    assert told(jobs) == [("01-ingest-to-release", None)]
    assert jobs[0].runs == [step.name for step in STEPS]


def test_single_units_of_passes_that_ask_for_different_things_are_different_jobs() -> None:
    slurm = Slurm(partition="cpu", passes={"mix": SlurmResources(memory_gb=64)})

    jobs = plan_jobs(steps(clean=1, mix=1, tokenize=1), slurm, maximum_tasks=1000)

    assert told(jobs) == [("01-clean", None), ("02-mix", None), ("03-tokenize", None)]


def test_every_step_of_a_run_is_run_and_proved_once() -> None:
    jobs = plan_jobs([(step, 5 if step.grain != "one" else 1) for step in STEPS], CPU, maximum_tasks=1000)

    arrays = [job.runs[0] for job in jobs if job.tasks is not None]
    assert [name for job in jobs for name in job.runs] == [step.name for step in STEPS]
    assert [name for job in jobs for name in job.proves] == arrays
    assert [job.lists for job in jobs if job.lists] == arrays[1:]


@pytest.mark.parametrize(("tasks", "cluster", "expected"), [(1000, 1001, 300), (50, 1001, 50), (1000, 20, 20)])
def test_an_array_has_no_more_tasks_than_units_recipe_and_cluster_allow(
    tasks: int, cluster: int, expected: int
) -> None:
    jobs = plan_jobs(steps(ingest=300), Slurm(partition="cpu", tasks=tasks), maximum_tasks=cluster)

    assert jobs[0].tasks == expected


def test_a_first_array_has_no_more_tasks_than_units_to_run() -> None:
    jobs = plan_jobs(steps(ingest=300, look_up=4), CPU, maximum_tasks=1000, first_units=1)

    assert told(jobs) == [("01-ingest", 1), ("02-before-look_up", None), ("03-look_up", 4), ("04-end", None)]


def test_all_tasks_of_a_run_fit_into_half_of_what_the_cluster_holds() -> None:
    arrays = [(step, 5000) for step in STEPS if step.grain != "one"]

    most = maximum_tasks(arrays, array_size=4001, job_count=10000)

    assert most * len(arrays) <= 5000
    assert maximum_tasks(steps(ingest=5000), array_size=1001, job_count=10000) == 1001


def test_a_pass_asks_for_what_the_recipe_says_of_it_and_a_barrier_for_no_gpu() -> None:
    slurm = Slurm(partition="gpu", gpus=4, memory_gb=8, passes={"decide": SlurmResources(memory_gb=32)})
    array, barrier = Job(name="01-judge", runs=["judge"], tasks=3), Job(name="02-last_rounds", runs=["last_rounds"])
    bare = Job(name="03-before-clean", runs=[], proves=["judge"], lists="clean")

    assert resources(array, slurm, BY_NAME) == slurm.resources("decide")
    assert (resources(array, slurm, BY_NAME).gpus, resources(array, slurm, BY_NAME).memory_gb) == (4, 32)
    assert (resources(barrier, slurm, BY_NAME).gpus, resources(barrier, slurm, BY_NAME).memory_gb) == (0, 32)
    assert (resources(bare, slurm, BY_NAME).gpus, resources(bare, slurm, BY_NAME).memory_gb) == (0, 8)


def test_what_asks_a_model_has_gpus_in_a_barrier_too() -> None:
    slurm = Slurm(partition="gpu", passes={"rewrite": SlurmResources(gpus=4)})
    asking = replace(step_named("tokenize"), name="ask", pass_name="rewrite", serve=lambda _recipe: nullcontext())
    adding = replace(step_named("settle"), name="add", pass_name="rewrite")

    def gpus(*runs: str, tasks: int | None = None) -> int | None:
        return resources(Job(name="01", runs=list(runs), tasks=tasks), slurm, {"ask": asking, "add": adding}).gpus

    assert (gpus("ask", tasks=3), gpus("ask", "add"), gpus("add")) == (4, 4, 0)


def test_an_array_of_a_pass_has_as_many_tasks_as_the_recipe_says_of_it() -> None:
    slurm = Slurm(partition="cpu", tasks=500, passes={"decide": SlurmResources(tasks=4)})

    jobs = plan_jobs(steps(ingest=300, look_up=300), slurm, maximum_tasks=1000)

    assert told(jobs) == [("01-ingest", 300), ("02-before-look_up", None), ("03-look_up", 4), ("04-end", None)]


def test_the_recipe_knows_the_passes() -> None:
    assert get_args(PassName) == PASSES


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("90", 5400),
        ("1:30", 90),
        ("24:00:00", 86400),
        ("2-12", 216000),
        ("1-00:30", 88200),
        ("7-00:00:00", 604800),
        ("0-00:01:10", 70),
    ],
)
def test_times_are_read_as_sbatch_reads_them(time: str, seconds: int) -> None:
    assert time_seconds(time) == seconds


def test_what_an_outer_job_left_is_taken_away_and_the_way_to_the_cluster_stays() -> None:
    names = [
        *("SLURM_ARRAY_TASK_ID", "SLURM_JOB_ID", "SLURM_MEM_PER_NODE", "SLURMD_NODENAME", "SBATCH_PARTITION"),
        *("SLURM_CONF", "SBATCH_ACCOUNT", "PATH", "AWS_PROFILE"),
    ]

    assert list(job_variables(names)) == names[:5]

"""What the mill asks of sbatch beside what datatrove does, and how the answer is read."""

import sys
from pathlib import Path

import pytest

from manifests.errors import RecipeError
from pipeline.recipe_executors import Slurm
from pipeline.slurm_executor import MillExecutor, _activation, submitted_id


def executor(folder: Path, **given: object) -> MillExecutor:
    told = {"tasks": 3, "time": "01:00:00", "partition": "cpu", "qos": None} | given
    folders = {"logging_dir": str(folder), "slurm_logs_folder": str(folder)}
    return MillExecutor(pipeline=[], memory_gb=16, **told, **folders)


def test_memory_is_that_of_a_task_and_options_of_the_recipe_win(tmp_path: Path) -> None:
    options = executor(tmp_path, cpus_per_task=4, sbatch_args={"account": "lab", "nodes": "2"}).get_sbatch_args(3)

    assert (options["mem"], options["cpus-per-task"], options["array"]) == ("16G", 4, "0-2")
    assert (options["account"], options["nodes"]) == ("lab", "2")
    assert {"mem-per-cpu", "qos", "gpus"}.isdisjoint(options)


def test_gpus_are_asked_for_where_a_task_needs_them(tmp_path: Path) -> None:
    assert executor(tmp_path, gpus_per_task=2).get_sbatch_args()["gpus"] == 2


def test_a_task_starts_with_its_signal_held_back(tmp_path: Path) -> None:
    script = executor(tmp_path).get_launch_file_contents({}, f"srun -n 1 launch_pickled_pipeline {tmp_path}/x.pik")
    assert script.endswith(f"\nsrun -n 1 python3 -P -m pipeline.slurm_start {tmp_path}/x.pik\n")


def test_an_id_is_found_among_the_words_of_a_site() -> None:
    assert submitted_id("Welcome to the lab!\nSubmitted batch job 4711\n") == "4711"
    with pytest.raises(RecipeError, match="expected sbatch to say 'Submitted batch job"):
        submitted_id("4711;cluster\n")


def test_a_job_finds_this_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "a b"))
    assert _activation(Slurm(partition="cpu")) == f"export PATH='{tmp_path}/a b/bin':$PATH"
    script = tmp_path / "a b/bin/activate"
    script.parent.mkdir(parents=True)
    script.touch()
    assert _activation(Slurm(partition="cpu")) == f"source '{script}'"
    assert _activation(Slurm(partition="cpu", activate="/lab/env.sh")) == "source /lab/env.sh"

from collections.abc import Callable
from pathlib import Path

import pytest

from manifests.errors import RecipeError
from manifests.storage import Storage
from pipeline.garbage import collect
from pipeline.recipe_file import load_recipe
from pipeline.runner import locked, open_mill, states
from pipeline.slurm_jobs import Job
from pipeline.slurm_submission import Submission, write_submission

Files = dict[str, bytes]


@pytest.fixture
def work(finished_recipe: Path) -> Path:
    """The work folder of a finished run, with the leftovers of a killed one; without the logs of the run itself."""
    folder = finished_recipe.parent / "work"
    collect(str(folder), dry_run=False)
    return folder


def leave(folder: Path) -> Files:
    """What a killed run leaves."""
    names = {
        "tmp/4711-0123456789abcdef": b"half a file",
        "tmp/4712-fedcba9876543210": b"",
        f"clean/data/{'0' * 32}.arrows": b"of another recipe",
        f"pack/data/{'f' * 32}.parquet": b"x" * 1000,
        f"pack/data/{'e' * 32}.jsonl.zst": b"texts",
        "ingest/logs/999999.jsonl": b"of a unit that the plan no longer has",
        "rewrite/live/000003.json": b"of a unit that was killed",
        "logs/clean-4711-0.log": b"stopped",
        "logs/clean-ray-4711.json": b"[0, 1]",
        "logs/ray-4711.log": b"stopped",
        "logs/clean-4711-0/logs/task_00000.log": b"stopped",
    }
    for name, data in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return names


def files(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_no_record_names_goes_and_nothing_else(work: Path) -> None:
    before = files(work)
    garbage = leave(work)
    assert collect(str(work), dry_run=False) == (len(garbage), sum(map(len, garbage.values())))
    assert files(work) == before


def test_the_log_of_a_unit_stays_with_its_record(work: Path) -> None:
    logs = list(work.glob("*/logs/*.jsonl"))
    assert {path.stem for path in logs} == {path.stem for path in work.glob("*/records/*.json")}
    (work / "ingest/records/000001.json").unlink()
    collect(str(work), dry_run=False)
    assert [path.name for path in logs if not path.exists()] == ["000001.jsonl"]


def test_a_second_time_there_is_nothing_left(work: Path) -> None:
    leave(work)
    collect(str(work), dry_run=False)
    assert collect(str(work), dry_run=False) == (0, 0)


def test_a_dry_run_counts_the_same_and_removes_nothing(work: Path) -> None:
    leave(work)
    before = files(work)
    counted = collect(str(work), dry_run=True)
    assert files(work) == before
    assert counted == collect(str(work), dry_run=False)


def test_a_run_after_it_has_nothing_to_do_and_makes_the_same_release(
    finished_recipe: Path,
    run_recipe: Callable[..., None],
    release_files: Callable[[Path], Files],
    expected_release: Files,
) -> None:
    work = finished_recipe.parent / "work"
    leave(work)
    collect(str(work), dry_run=False)
    mill = open_mill(load_recipe(finished_recipe))
    assert [state.step.name for state in states(mill) if state.todo and not state.step.always] == []
    run_recipe(finished_recipe)
    assert release_files(finished_recipe) == expected_release


def test_what_an_older_recipe_left_goes(finished_recipe: Path, run_recipe: Callable[..., None]) -> None:
    work = finished_recipe.parent / "work"
    old = {name for name in files(work) if name.endswith(".parquet")}
    run_recipe(finished_recipe, "packing.sequence_tokens=256", "version=0.2.0")
    collect(str(work), dry_run=False)
    left = {name for name in files(work) if name.endswith(".parquet")}
    assert len(left) == len(old)
    assert not left & old


def test_a_file_of_somebody_else_stays(work: Path) -> None:
    mine = {"tmp/notes.txt": b"mine", "logs/mine.log": b"mine", "clean/data/mine.arrows": b"mine", "notes": b"mine"}
    for name, data in mine.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_bytes(data)
    assert collect(str(work), dry_run=False) == (0, 0)
    assert mine.items() <= files(work).items()


def test_no_empty_folder_of_a_log_stays(work: Path) -> None:
    leave(work)
    collect(str(work), dry_run=False)
    assert list((work / "logs").rglob("*")) == []


def test_nothing_is_removed_under_a_run(work: Path) -> None:
    leave(work)
    before = files(work)
    with locked(Storage(str(work))), pytest.raises(RecipeError, match="another run is working here"):
        collect(str(work), dry_run=False)
    assert files(work) == before


def test_nothing_is_removed_where_nobody_knows_whether_jobs_of_the_folder_run(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that was submitted on a cluster, looked at from a machine that shares the folder and has no Slurm."""
    leave(work)
    job = Job(name="01-ingest", runs=["ingest"], tasks=1, id="7")
    write_submission(Storage(str(work)), Submission(number=1, title="small", logs=str(work / "slurm"), jobs=[job]))
    monkeypatch.setenv("PATH", "")
    before = files(work)
    with pytest.raises(RecipeError, match="squeue is not here; so it is not known whether jobs"):
        collect(str(work), dry_run=False)
    assert files(work) == before


def test_a_folder_that_is_no_work_folder_is_left_alone(tmp_path: Path) -> None:
    leave(tmp_path)
    before = files(tmp_path)
    with pytest.raises(RecipeError, match="not a work folder"):
        collect(str(tmp_path), dry_run=False)
    assert files(tmp_path) == before

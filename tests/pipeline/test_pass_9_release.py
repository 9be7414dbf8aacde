from collections.abc import Callable
from pathlib import Path

import pytest

from manifests.errors import RecipeError
from manifests.release import Manifest
from manifests.storage import Storage

Run = Callable[..., None]
Files = Callable[[Path], dict[str, bytes]]


@pytest.mark.parametrize("name", ["data/mine.csv", "attribution/mine.csv", "texts/mine.csv", "notes.txt"])
def test_a_folder_with_files_of_others_is_refused_before_any_work(
    tiny_recipe: Path, run_recipe: Run, name: str
) -> None:
    theirs = tiny_recipe.parent / "releases/tiny-0.1.0" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    with pytest.raises(RecipeError, match="no part of a release"):
        run_recipe(tiny_recipe)
    assert theirs.read_text() == "mine"
    assert not (tiny_recipe.parent / "work/ingest").exists()


def test_a_release_folder_that_is_a_file_is_refused_before_any_work(tiny_recipe: Path, run_recipe: Run) -> None:
    (tiny_recipe.parent / "releases").write_text("")
    with pytest.raises(RecipeError, match="cannot be written"):
        run_recipe(tiny_recipe)


def test_a_release_that_was_stopped_is_finished(
    finished_recipe: Path, run_recipe: Run, expected_release: dict[str, bytes], release_files: Files
) -> None:
    release = finished_recipe.parent / "releases/tiny-0.1.0"
    (release / "manifest.json").unlink()
    (release / "attribution/shard-00000-of-00002.parquet").write_bytes(b"half")
    for folder in ("data", "attribution", "texts"):
        (release / folder / "shard-00002-of-00003.parquet").write_bytes(b"of an earlier plan")
    run_recipe(finished_recipe)
    assert release_files(finished_recipe) == expected_release


def test_a_release_that_lacks_attribution_gets_it_again(
    finished_recipe: Path, run_recipe: Run, expected_release: dict[str, bytes], release_files: Files
) -> None:
    (finished_recipe.parent / "releases/tiny-0.1.0/attribution/shard-00001-of-00002.parquet").unlink()
    run_recipe(finished_recipe)
    assert release_files(finished_recipe) == expected_release


def test_the_manifest_names_no_folder_of_this_machine(tiny_recipe: Path, run_alone: Run) -> None:
    cache = tiny_recipe.parent / "answers"
    run_alone(tiny_recipe, f"licences.cache={cache}")
    manifest = Manifest.read(Storage(str(tiny_recipe.parent / "releases/tiny-0.1.0")))
    assert "allow" in manifest.recipe["licences"]
    assert str(tiny_recipe.parent) not in manifest.to_bytes().decode()

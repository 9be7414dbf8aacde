from collections.abc import Callable
from pathlib import Path

import pytest

from manifests.errors import RecipeError

Run = Callable[..., None]


@pytest.mark.parametrize("name", ["data/mine.csv", "notes.txt"])
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

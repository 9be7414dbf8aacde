"""The recipe's sections on duplicates and on documents that are held out."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.recipe import Recipe, Source
from pipeline.recipe_duplicates import Deduplication, HeldOut
from pipeline.recipe_file import load_recipe

SOURCE = Source(name="code", format="jsonl", paths=["*.jsonl"], kind="code")


def test_a_measure_counts_once() -> None:
    assert Deduplication(keep=[]).keep == []
    assert Deduplication(keep=["length", "stars"]).keep == ["length", "stars"]
    with pytest.raises(ValidationError, match="expected each of stars, recency, length at most once, got stars, stars"):
        Deduplication(keep=["stars", "stars"])
    with pytest.raises(ValidationError, match="'stars', 'recency' or 'length'"):
        Deduplication.model_validate({"keep": ["size"]})


@pytest.mark.parametrize(
    ("subset", "language", "fraction"),
    [("Github", "", 0.5), ("Github", "C", 0.5), ("", "C", 0.0), ("Books", "C", 0.25), ("", "", 0.25)],
)
def test_a_subset_or_else_a_language_may_have_a_fraction_of_its_own(
    subset: str, language: str, fraction: float
) -> None:
    choice = HeldOut(fraction=0.25, subsets={"Github": 0.5, "C": 0.0})
    assert choice.fraction_of(subset, language) == fraction


@pytest.mark.parametrize("choice", [{"fraction": 1.1}, {"fraction": -0.1}, {"subsets": {"a": 2}}, {"releases": [""]}])
def test_what_is_no_fraction_or_folder_is_refused(choice: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HeldOut.model_validate(choice)


def test_a_source_that_is_held_out_must_be_there() -> None:
    def recipe(name: str) -> Recipe:
        return Recipe(name="small", version="0.1.0", sources=[SOURCE], held_out=HeldOut(sources=[name]))

    assert recipe("code").held_out == HeldOut(sources=["code"])
    with pytest.raises(ValidationError, match=r"held_out\.sources: 'cod': expected one of the sources, code"):
        recipe("cod")


def test_folders_of_releases_are_relative_to_the_recipe(tmp_path: Path) -> None:
    text = (
        "name: small\nversion: 0.1.0\nsources: [{name: a, format: jsonl, kind: text, paths: ['*.jsonl']}]\n"
        "deduplication: {against: [old, /other]}\nheld_out: {fraction: 0.1, releases: [old]}\n"
    )
    (tmp_path / "recipe.yaml").write_text(text)
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert recipe.deduplication.against == [f"{tmp_path}/old", "/other"]
    assert recipe.held_out == HeldOut(fraction=0.1, releases=[f"{tmp_path}/old"])

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from manifests.errors import RecipeError
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.recipe_template import template, write_template


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    write_template(path)
    return path


def test_the_template_is_a_recipe_of_the_defaults(written: Path) -> None:
    recipe = load_recipe(written)
    folder = written.parent
    needed = {"name": recipe.name, "version": recipe.version, "sources": [s.model_dump() for s in recipe.sources]}
    defaults = Recipe.model_validate(needed)
    places = {"work": f"{folder}/work", "release": defaults.release.model_dump() | {"path": f"{folder}/releases"}}
    expected = defaults.model_dump() | places
    expected["tokenizer"]["path"] = f"{folder}/tokenizer.json"
    assert recipe.model_dump() == expected


def test_every_key_of_the_schema_stands_in_the_template() -> None:
    text = template()
    schema = Recipe.model_json_schema()
    # Of what is null or empty in the template.
    sections = ("Columns", "RuleSection", "LimitsSection", "Benchmark", "Decontamination", "HeldOut", "Domain")
    rewriting = ("Rewriting", "Model", "Sampling", "Selection", "Budget", "Gates")
    for section in (*sections, *rewriting, "Slurm", "SlurmResources"):
        del schema["$defs"][section]
    missing = [key for key in _keys(schema) if f"{key}: " not in text and f"{key}:\n" not in text]
    assert missing == []


def test_every_section_is_commented() -> None:
    blocks = template().split("\n\n")
    assert [block for block in blocks if not block.startswith("#")] == []


def test_the_template_fits_a_wide_terminal() -> None:
    assert max(map(len, template().splitlines())) <= 120


def test_a_file_that_is_there_is_left_alone(written: Path) -> None:
    written.write_text("mine")
    with pytest.raises(RecipeError, match="there is a file already"):
        write_template(written)
    assert written.read_text() == "mine"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be written: No such file"):
        write_template(tmp_path / "none" / "recipe.yaml")


def _keys(schema: dict[str, Any]) -> Iterator[str]:
    yield from schema.get("properties", {})
    for section in schema.get("$defs", {}).values():
        yield from section.get("properties", {})

"""What is looked at before a run begins."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from manifests.errors import RecipeError
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, run_mill
from pipeline.steps import Step


class _Silent:
    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, step: Step, *, failed: int) -> None: ...


def test_a_cache_that_cannot_be_written_stops_a_run_before_its_first_pass(
    tiny_recipe: Path, run_recipe: Callable[..., None]
) -> None:
    cache = tiny_recipe.parent / "tokenizer.json"  # a file, not a folder
    mill = open_mill(load_recipe(tiny_recipe, [f"licences.cache={cache}"]))
    with pytest.raises(RecipeError, match="cannot be written") as caught:
        run_recipe(mill)
    assert str(cache) in caught.value.message
    assert "licences.cache" in caught.value.hint
    assert mill.work.list("ingest") == {}


@pytest.mark.parametrize(
    ("override", "name", "key"),
    [
        ("rendering.template=starcoder2", "<fim_prefix>", "rendering.template"),
        ("tokenizer.end_of_document=<|endoftxt|>", "<|endoftxt|>", "tokenizer.end_of_document"),
        ("tokenizer.beginning_of_document=<s>", "<s>", "tokenizer.beginning_of_document"),
    ],
)
def test_a_control_token_that_is_absent_stops_a_run_before_its_first_pass(
    tiny_recipe: Path, run_recipe: Callable[..., None], override: str, name: str, key: str
) -> None:
    mill = open_mill(load_recipe(tiny_recipe, [override]))
    with pytest.raises(RecipeError, match=re.escape(f"no control token '{name}'")) as caught:
        run_recipe(mill)
    assert key in caught.value.hint
    assert mill.work.list("ingest") == {}


def test_a_run_that_ends_before_the_detector_needs_no_cache(tiny_recipe: Path) -> None:
    mill = open_mill(load_recipe(tiny_recipe, ["licences.cache=tokenizer.json"]))
    run_mill(mill, workers=1, progress=_Silent(), until="ingest")
    assert mill.work.list("ingest/records")

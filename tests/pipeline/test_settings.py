"""What of a recipe the outputs of a step depend on: a key that is missing there would leave stale outputs in place."""

import json

import pytest

from pipeline.passes import steps_of
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.recipe_file import with_overrides
from pipeline.software import software_versions

PLAN = Plan([], 1, 1)
SOURCE = {"name": "a", "format": "jsonl", "kind": "text", "paths": ["*.jsonl"]}
OWN = {"num_words": {"minimum": 5}, "num_lines": {"minimum": 2}}
MODEL = "rewriting={engine: vllm, model: {name: lab/coder, revision: '1', licence: Apache-2.0}}"


def recipe(**profiles: object) -> Recipe:
    filters = {"assign": {"text": ["own"]}, "profiles": {"own": OWN, **profiles}}
    return Recipe.model_validate({"name": "x", "version": "1.0.0", "sources": [SOURCE], "filters": filters})


def changed(one: Recipe, other: Recipe) -> set[str]:
    """Steps whose settings differ."""
    return {
        step.name
        for step in steps_of(one)
        if json.dumps(step.settings(one, PLAN), sort_keys=True)
        != json.dumps(step.settings(other, PLAN), sort_keys=True)
    }


@pytest.fixture(autouse=True)
def _no_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pass_3_clean", "pass_6_tokenize", "pass_8_pack"):
        monkeypatch.setattr(f"pipeline.{module}.tokenizer_settings", lambda _recipe: {"sha256": ""}, raising=False)


@pytest.mark.parametrize(
    ("override", "steps", "others"),
    [
        ("text_forms.notebooks=drop", {"ingest", "shingle", "clean"}, {"judge"}),
        ("languages.programming.from_content=true", {"ingest"}, {"clean"}),
        ("languages.programming.deny=[C]", {"judge"}, {"ingest", "clean"}),
        ("languages.natural.allow=[en]", {"judge"}, {"ingest", "clean"}),
        ("languages.natural.minimum_confidence=0.1", {"judge"}, {"ingest", "clean"}),
        ("filters.profiles.own.num_words.minimum=9", {"judge"}, {"ingest", "clean"}),
        ("filters.profiles.own.num_words.languages.C.minimum=9", {"ingest", "judge"}, {"clean"}),
        ("filters.profiles.own.num_words.languages={'': {minimum: 5}}", {"ingest", "judge"}, {"clean"}),
        ("filters.profiles.own.num_words=null", {"ingest", "judge"}, {"clean"}),
        ("filters.profiles.own.mean_line_characters={}", {"ingest"}, {"clean"}),
        ("filters.assign.HackerNews=[own]", {"ingest", "judge"}, {"clean"}),
        ("filters.measure.code=[own]", {"ingest"}, {"clean"}),
    ],
)
def test_a_key_makes_the_steps_run_again_that_depend_on_it(override: str, steps: set[str], others: set[str]) -> None:
    found = changed(recipe(), with_overrides(recipe(), [override]))
    assert steps <= found
    assert not others & found


@pytest.mark.parametrize(
    ("override", "steps"),
    [
        ("rewriting.selection.minimum_bytes=500", {"survey"}),
        ("rewriting.selection.share=0.5", {"choose"}),
        ("rewriting.selection.hopeless_errors=0.5", {"survey", "tokenize"}),
        ("rewriting.budget.tokens=1000", {"choose"}),
        ("rewriting.maximum_share=0.4", {"choose", "overlay"}),
        ("rewriting.failed=drop", {"overlay"}),
        ("rewriting.near_duplicate_similarity=0.9", {"overlay"}),
        ("rewriting.modes=[repair]", {"choose", "rewrite"}),
        ("rewriting.model.revision='2'", {"rewrite"}),
        ("rewriting.sampling.seed=7", {"rewrite"}),
        ("rewriting.gates.minimum_length=0.6", {"rewrite"}),
        ("rewriting.engine=sglang", set()),
        ("rewriting.concurrency=8", set()),
        ("rewriting.request_seconds=8", set()),
        ("rewriting.cache=elsewhere", set()),
        ("rewriting.model.path=elsewhere", set()),
        ("rewriting.model.tensor_parallel=2", set()),
    ],
)
def test_a_key_of_rewriting_makes_the_steps_run_again_that_depend_on_it(override: str, steps: set[str]) -> None:
    rewriting = with_overrides(recipe(), [MODEL])
    assert changed(rewriting, with_overrides(rewriting, [override])) - {"release"} == steps


def test_the_order_of_rules_decides_reasons_and_so_is_a_setting() -> None:
    assert "judge" in changed(recipe(), recipe(own=dict(reversed(OWN.items()))))


@pytest.mark.parametrize(
    "name", ["magika", "onnxruntime", "pycld2", "tree-sitter", "tree-sitter-python", "numba", "pyarrow"]
)
def test_every_library_that_measures_is_part_of_the_fingerprint(name: str) -> None:
    assert name in software_versions()


def test_settings_are_the_same_of_a_recipe_that_a_task_reads_back() -> None:
    """A launcher reads YAML, a task on another node what the launcher left of it in JSON: 5 and 5.0 are two things."""
    one = recipe()

    assert changed(one, Recipe.model_validate_json(one.model_dump_json())) == set()

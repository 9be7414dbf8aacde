"""Who answers, and how fast, decides no byte: it is in no fingerprint and in no release."""

from typing import Any

import pytest

from pipeline.recipe import Recipe
from pipeline.recipe_rewriting import Rewriting
from pipeline.release_manifest import released_recipe
from pipeline.rewriting_settings import rewrite_settings

MODEL = {"name": "org/model", "revision": "1", "licence": "MIT"}
PLACES: dict[str, dict[str, Any]] = {
    "engine": {"engine": "sglang"},
    "endpoint": {"engine": "endpoint", "endpoint": "http://gpu-7:8000/v1"},
    "api_key_variable": {"api_key_variable": "OTHER_KEY"},
    "engine_environment": {"engine_environment": "/home/somebody/vllm"},
    "concurrency": {"concurrency": 7},
    "request_seconds": {"request_seconds": 7},
    "cache": {"cache": "/home/somebody/answers"},
    "model.path": {"model": MODEL | {"path": "/home/somebody/model"}},
    "model.tensor_parallel": {"model": MODEL | {"tensor_parallel": 2}},
    "model.data_parallel": {"model": MODEL | {"data_parallel": 2}},
}
OF_BYTES = {"modes", "sampling", "gates", "model"}
OF_CHOICE = {"allow_licences", "selection", "budget", "failed", "near_duplicate_similarity", "maximum_share"}


def recipe(**rewriting: Any) -> Recipe:
    source = {"name": "stack", "format": "stack-v2", "paths": ["*.jsonl"]}
    given = {"engine": "vllm", "model": MODEL} | rewriting
    return Recipe.model_validate({"name": "r", "version": "0.1.0", "sources": [source], "rewriting": given})


def settings(of: Recipe) -> list[object]:
    return [rewrite_settings(of), released_recipe(of)]


@pytest.mark.parametrize("key", PLACES)
def test_who_answers_is_in_no_fingerprint_and_in_no_release(key: str) -> None:
    assert settings(recipe(**PLACES[key])) == settings(recipe())


def test_every_key_is_known_to_decide_bytes_or_not() -> None:
    assert set(Rewriting.model_fields) == {key.partition(".")[0] for key in PLACES} | OF_BYTES | OF_CHOICE

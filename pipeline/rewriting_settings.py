"""What of the recipe decides the bytes of rewrites, and what makes neither them nor a release differ.

Engine, address, concurrency and cache are how answers come to be there; the answers themselves are an input that no
recipe names. So a run on another engine makes nothing again, and a release does not say which one it was.
"""

from typing import Any

from filters.redaction_rules import rules_digest
from pipeline.benchmark_files import benchmark_settings
from pipeline.recipe import Recipe
from pipeline.recipe_duplicates import NearDuplicates
from pipeline.recipe_rewriting import Rewriting

# Of section `rewriting`, as pydantic leaves keys out.
NOT_IN_BYTES: Any = {
    "engine": True,
    "endpoint": True,
    "api_key_variable": True,
    "engine_environment": True,
    "concurrency": True,
    "request_seconds": True,
    "cache": True,
    "model": {"path", "tensor_parallel", "data_parallel"},
}
_BEFORE = {"selection", "budget", "allow_licences"}  # by whom the documents were chosen
_AFTER = {"failed", "near_duplicate_similarity", "maximum_share"}  # what becomes of what was written


def rewriting_of(recipe: Recipe) -> Rewriting:
    """The section of a recipe whose steps of rewriting run."""
    assert recipe.rewriting is not None  # noqa: S101 - else none of them does
    return recipe.rewriting


def rewrites(recipe: Recipe) -> bool:
    """Whether a recipe has code rewritten."""
    return recipe.rewriting is not None


def near_settings(recipe: Recipe) -> NearDuplicates:
    """How rewrites are compared with each other: as documents are, or as they are by default where those are not."""
    return recipe.deduplication.near or NearDuplicates()


def rewrite_settings(recipe: Recipe) -> dict[str, object]:
    """What answers are asked for, and what they are held against; nothing where nothing is rewritten."""
    if recipe.rewriting is None:
        return {}
    dumped = recipe.rewriting.model_dump(mode="json", exclude=NOT_IN_BYTES)
    return {
        "rewriting": {name: value for name, value in dumped.items() if name not in _BEFORE | _AFTER},
        "near": near_settings(recipe).model_dump(),
        "redaction": recipe.redaction.model_dump() | {"rules": rules_digest()},
        "decontamination": benchmark_settings(recipe),
    }


def overlay_settings(recipe: Recipe) -> dict[str, object]:
    """Which of the rewrites stand; nothing where nothing is rewritten."""
    return {} if recipe.rewriting is None else recipe.rewriting.model_dump(include=_AFTER)

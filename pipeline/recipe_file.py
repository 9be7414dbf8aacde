"""Reading a recipe: YAML, `--set` overrides, and errors that say file, key path and the nearest valid key."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from manifests.errors import CorpusmillError, RecipeError
from pipeline.recipe import Recipe

# What the design has and this version lacks: key at the top of the recipe -> what it would do.
_LATER = {
    "rewriting": "rewriting by a model",
    "executor": "Slurm and Ray",
    "slurm": "Slurm arrays",
    "ray": "Ray",
    "held_out": "held-out splits",
    "decontamination": "decontamination",
    "opt_out": "the opt-out registry",
}
_LATER_FORMATS = ("parquet", "stack-v2-ids", "stack-v2-repositories", "pull-requests")


def load_recipe(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read, override and check a recipe; relative paths in it are taken from the recipe's folder.

    Args:
        overrides: `key.path=value` pairs, the value in YAML.

    Raises:
        RecipeError: unreadable file, YAML error, unknown key, wrong value, or a feature that this version lacks.
    """
    value = _yaml(path)
    for override in overrides:
        _set(value, override)
    _refuse_later(value, path)
    try:
        recipe = Recipe.model_validate(value)
    except ValidationError as error:
        raise _explain(error, path, value) from error
    except CorpusmillError as error:
        raise RecipeError(f"{path}: {error.message}", hint=error.hint) from error
    return _absolute(recipe, path.resolve().parent)


def _yaml(path: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: no such recipe", hint="`corpusmill init` writes one to start from") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}", hint="expected a UTF-8 text file") from error
    except (yaml.YAMLError, RecursionError) as error:
        where = " ".join(str(error).split())
        raise RecipeError(
            f"{path}: not YAML: {where}", hint="`corpusmill init` writes a recipe to compare with"
        ) from error
    if not isinstance(value, dict):
        raise RecipeError(f"{path}: expected keys and values, got {type(value).__name__}", hint="see docs/recipe.md")
    return value


def _set(value: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set {override}: expected key.path=value", hint="for example --set mixture.code=0.8")
    place: Any = value
    *parents, last = key.split(".")
    for parent in parents:
        place = place.setdefault(parent, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise RecipeError(f"--set {override}: {parent} has no keys below it", hint="see `corpusmill schema`")
    try:
        place[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {override}: the value is not YAML", hint="quote it, as in 'name=\"x\"'") from error


def _refuse_later(value: dict[str, Any], path: Path) -> None:
    def refuse(key: str, what: str) -> None:
        raise RecipeError(
            f"{path}: {key}: {what}: not in this version", hint="leave it out; see CHANGELOG.md for what is in"
        )

    for key, what in _LATER.items():
        if key in value and not (key == "executor" and value[key] == "local"):
            refuse(key, what)
    value.pop("executor", None)
    sources = value.get("sources")
    for number, source in enumerate(sources if isinstance(sources, list) else []):
        if isinstance(source, dict):
            if source.get("format") in _LATER_FORMATS:
                refuse(f"sources.{number}.format", f"reading {source['format']}")
            for name in source.get("paths") or []:
                if isinstance(name, str) and "://" in name:
                    refuse(f"sources.{number}.paths", f"{name.partition('://')[0]}:// storage")
    for key in ("work", "release.path"):
        place: Any = value
        for part in key.split("."):
            place = place.get(part) if isinstance(place, dict) else None
        if isinstance(place, str) and "://" in place:
            refuse(key, f"{place.partition('://')[0]}:// storage")


def _explain(error: ValidationError, path: Path, value: dict[str, Any]) -> RecipeError:
    first = error.errors(include_url=False)[0]
    location = [part for part in first["loc"] if not (isinstance(part, str) and part.startswith("function-"))]
    key = ".".join(str(part) for part in location)
    if first["type"] == "extra_forbidden":
        known = _keys_at(location[:-1])
        near = get_close_matches(str(location[-1]), known, n=1, cutoff=0.0)
        return RecipeError(
            f"{path}: {key}: unknown key; expected one of {', '.join(known)}", hint=f"did you mean `{near[0]}`?"
        )
    got: Any = value
    for part in location:
        try:
            got = got[part]
        except (KeyError, IndexError, TypeError):
            got = None
    message = str(first["msg"]).removeprefix("Value error, ")
    found = "" if first["type"] == "missing" else f", got {str(got)[:80]!r}"
    return RecipeError(f"{path}: {key}: {message}{found}", hint="`corpusmill schema` prints every key with its type")


def _keys_at(location: list[int | str]) -> list[str]:
    """Valid keys of the section that a location leads to."""
    model: type[BaseModel] = Recipe
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            model = _section(model.model_fields[part].annotation) or model
    return sorted(model.model_fields)


def _section(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if found := _section(argument):
            return found
    return None


def _absolute(recipe: Recipe, folder: Path) -> Recipe:
    def here(name: str) -> str:
        return str(folder / name)

    return recipe.model_copy(
        update={
            "work": here(recipe.work),
            "sources": [
                source.model_copy(update={"paths": [here(path) for path in source.paths]}) for source in recipe.sources
            ],
            "tokenizer": recipe.tokenizer.model_copy(update={"path": here(recipe.tokenizer.path)}),
            "release": recipe.release.model_copy(update={"path": here(recipe.release.path)}),
        }
    )

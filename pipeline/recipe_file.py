"""Reading a recipe: YAML, `--set` overrides, and errors that say file, key path and the nearest valid key.

YAML is read more strictly than usual: a key that stands twice and an alias (which can make a small file huge) are
errors. A recipe is a page of text, so reading it costs milliseconds.
"""

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from manifests.errors import RecipeError
from pipeline.recipe import Recipe
from pipeline.recipe_paths import REMOTE, absolute, named_paths
from pipeline.recipe_tokens import TokenSections
from pipeline.strict_yaml import StrictLoader

_NEAREST = "; did you mean "  # how our own checks end a message where they know a better name
_MISTYPED = re.compile(r"s3:(?!//)")
_SCHEMA = "`corpusmill schema` prints every key with its type"


def load_recipe(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read, override and check a recipe; relative paths in it are taken from the recipe's folder.

    Args:
        overrides: `key.path=value` pairs, the value in YAML.

    Raises:
        RecipeError: unreadable file, YAML error, unknown key, wrong value, or a feature that this version lacks.
    """
    value = _read(path)
    where = str(path)
    for override in overrides:
        _set(value, override)
        where = f"{path} with --set"
    _refuse_places(value, where)
    try:
        recipe = Recipe.model_validate(value)
    except ValidationError as error:
        raise _explain(error.errors(include_url=False), where, value) from error
    return absolute(recipe, path.resolve().parent)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), StrictLoader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError as error:
        raise RecipeError(
            f"{path}: expected a recipe, found no such file", hint=f"`corpusmill init {path}` writes one to start from"
        ) from error
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}", hint="expected a YAML file") from error
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"{path}: expected UTF-8 text, got other bytes at {error.start}", hint="give the recipe, a YAML file"
        ) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date or number that is none
        line, problem = _yaml_problem(error)
        raise RecipeError(
            f"{path}{line}: not a YAML recipe: {problem}", hint="`corpusmill init` writes a recipe to compare with"
        ) from error
    if not isinstance(value, dict):
        raise RecipeError(
            f"{path}: expected keys and values, got {'an empty file' if value is None else _shown(value)}",
            hint="`corpusmill init` writes a recipe to start from",
        )
    return value


def _yaml_problem(error: Exception) -> tuple[str, str]:
    """(":line" or nothing, what is wrong there)."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f":{error.problem_mark.line + 1}", " ".join(str(error.problem).split())
    if isinstance(error, yaml.reader.ReaderError):
        return "", f"a character that YAML does not allow at {error.position}"
    return "", "nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())


def _set(value: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set {override}: expected key.path=value", hint="for example --set mixture.code=0.8")
    place: Any = value
    *parents, last = key.split(".")
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise RecipeError(
                f"--set {override}: expected keys below `{parent}`, got {_shown(place)}",
                hint=f"edit the recipe, or set all of `{parent}` at once, in YAML",
            )
    try:
        place[last] = yaml.load(text, StrictLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RecipeError(
            f"--set {override}: expected a YAML value: {_yaml_problem(error)[1]}",
            hint="""put it in quotes, as in --set 'name="x"'""",
        ) from error


def _refuse_places(value: dict[str, Any], where: str) -> None:
    for key, path in named_paths(value):
        may_be_remote = key.startswith("sources.") or key in REMOTE
        if _MISTYPED.match(path):
            raise RecipeError(
                f"{where}: {key}: {path}: expected s3:// or a local path, got s3: with other slashes",
                hint=f"expected s3://bucket/path{'' if may_be_remote else ', and here a local path only'}; "
                "a local file of that name is ./s3:...",
            )
        if "://" in path and not (may_be_remote and path.startswith("s3://")):
            raise RecipeError(
                f"{where}: {key}: {path.partition('://')[0]}:// storage: not in this version",
                hint="expected a local path or s3://bucket/path" if may_be_remote else "expected a local path",
            )


def _explain(mistakes: list[ErrorDetails], where: str, value: dict[str, Any]) -> RecipeError:
    """The mistake to mend first: a mistyped key before the required key that it leaves missing."""
    # No default of `kind` was looked for, because of another mistake of its source.
    mistakes = [mistake for mistake in mistakes if mistake["type"] != "default_factory_not_called"]
    first = next((mistake for mistake in mistakes if mistake["type"] == "extra_forbidden"), mistakes[0])
    location = _location(first["loc"], value)
    of_key = location[-1:] == ("[key]",)  # the name itself is wrong, and not what stands there
    location = location[:-1] if of_key else location
    key = ".".join(str(part) for part in location)
    more = f" ({len(mistakes)} mistakes in all)" if len(mistakes) > 1 else ""
    if first["type"] == "extra_forbidden":
        known = _keys_at(location[:-1])
        near = get_close_matches(str(location[-1]), known, n=1, cutoff=0.0)
        message = f"unknown key; expected one of {', '.join(known)}"
        return RecipeError(f"{where}: {key}: {message}{more}", hint=f"did you mean `{near[0]}`?")
    got: Any = value
    for part in location:
        try:
            got = got[part]
        except (KeyError, IndexError, TypeError):
            got = None
    got = location[-1] if of_key else got
    message, nearest, name = _mistake(first, location, got).partition(_NEAREST)
    hint = nearest.removeprefix("; ") + name if nearest else _hint(first, key, got)
    # A check over several sections has no key of its own: its message names them.
    return RecipeError(f"{where}: {key}{': ' if key else ''}{message}{more}", hint=hint)


def _location(location: tuple[int | str, ...], value: Any) -> tuple[int | str, ...]:
    """The keys and places of a location, without the names of the types that a value may have."""
    parts: list[int | str] = []
    for part in location:
        if isinstance(part, int) or isinstance(value, dict):
            parts.append(part)
            inner = isinstance(value, dict) or (isinstance(value, list) and part in range(len(value)))
            value = (value.get(part) if isinstance(value, dict) else value[int(part)]) if inner else None
    return tuple(parts)


def _mistake(mistake: ErrorDetails, location: tuple[int | str, ...], got: object) -> str:
    """What is wrong in our words: expected this, got that."""
    if mistake["type"] == "missing":
        return "expected this key, found none"
    if mistake["type"] == "value_error":  # a check of ours, which says what it got
        return mistake["msg"].removeprefix("Value error, ")
    if mistake["type"] == "model_type":
        return f"expected keys ({', '.join(_keys_at(location))}), got {_shown(got)}"
    if mistake["type"] == "invalid_key":
        return f"expected a key that is text, got {_shown(location[-1])}"
    message = mistake["msg"].replace("Input should be", "expected").replace("String should match", "expected text like")
    return f"{message}, got {_shown(got)}"


def _hint(mistake: ErrorDetails, key: str, got: object) -> str:
    if mistake["type"] == "string_type" and isinstance(got, bool):
        return 'YAML reads no, off, yes and on as true or false: put the word in quotes, such as "no"'
    if (
        mistake["type"] == "string_type"
        and isinstance(got, int)
        and mistake["loc"][0] == "slurm"
        and key.endswith("time")
    ):
        return 'put it in quotes, as Slurm takes it, such as time: "24:00:00"; YAML reads 1:00:00 as the number 3600'
    if mistake["type"] == "string_type" and got is not None and not isinstance(got, list | dict):
        return f"put it in quotes: {_in_yaml(mistake['loc'], str(got))}"
    if mistake["type"] == "model_type" and isinstance(got, int | float) and "profiles" in mistake["loc"]:
        return f"a rule has a minimum or a maximum: {key.rpartition('.')[2]}: {{minimum: {got}}}"
    if mistake["type"] == "list_type" and isinstance(got, str):
        return f"a list has brackets: {_in_yaml((*mistake['loc'], 0), got)}"
    if mistake["type"] in ("model_type", "literal_error") and got is False and _may_be_null(mistake["loc"]):
        return f"null turns it off: {key.rpartition('.')[2]}: null"
    return _SCHEMA


def _in_yaml(location: tuple[int | str, ...], text: str) -> str:
    """How a text is written at a place of the recipe, within brackets where that is in a list; in quotes if need be."""
    try:
        plain = yaml.load(f"[{text}]", StrictLoader) == [text]  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError):
        plain = False
    written = text if plain else json.dumps(text, ensure_ascii=False)
    if isinstance(location[-1], int):
        return f"{location[-2]}: [{written}]"
    return f"{location[-1]}: {written}"


def _shown(value: object) -> str:
    """A value of the recipe in a message, short."""
    if isinstance(value, dict | list):
        return f"a {'list' if isinstance(value, list) else 'section'} of {len(value)}"
    return "null" if value is None else repr(value if isinstance(value, int | float) else str(value))[:80]


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """Valid keys of the section that a location leads to."""
    return sorted(_model_at(location).model_fields)


def _may_be_null(location: tuple[int | str, ...]) -> bool:
    field = _model_at(location[:-1]).model_fields.get(str(location[-1]))
    return field is not None and type(None) in get_args(field.annotation)


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Recipe
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            model = _section(model.model_fields[part].annotation) or model
    return model


def _section(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if found := _section(argument):
            return found
    return None


def with_overrides(recipe: Recipe, overrides: Iterable[str]) -> Recipe:
    """A recipe with some keys changed.

    Args:
        overrides: `key.path=value` pairs, the value in YAML.

    Raises:
        RecipeError: an unknown key or a wrong value.
    """
    value = recipe.model_dump(mode="json")
    for override in overrides:
        _set(value, override)
    try:
        return Recipe.model_validate(value)
    except ValidationError as error:
        raise _explain(error.errors(include_url=False), "--set", value) from error


def checked_token_sections(recipe: Mapping[str, Any], tokenizer: str, overrides: Iterable[str]) -> TokenSections:
    """The sections on token ids of a recipe that stands in a manifest, with another tokenizer and some keys changed.

    Args:
        tokenizer: path of its tokenizer.json.
        overrides: `key.path=value` pairs, the value in YAML.

    Raises:
        RecipeError: an unknown key, or one of another section, or a wrong value.
    """
    names = tuple(TokenSections.model_fields)
    value = {name: dict(recipe[name]) for name in names if isinstance(recipe.get(name), Mapping)}
    for override in overrides:
        section = override.partition("=")[0].partition(".")[0]
        if section not in names:
            raise RecipeError(f"--set {override}: expected a key of {', '.join(names)}, got one of {section!r}")
        _set(value, override)
    if isinstance(chosen := value.setdefault("tokenizer", {}), dict):  # else the check says what is wrong
        chosen["path"] = tokenizer
    try:
        return TokenSections.model_validate(value)
    except ValidationError as error:
        raise _explain(error.errors(include_url=False), "--set", value) from error

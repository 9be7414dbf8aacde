"""The recipe's benchmark files: read and indexed once a process, named by their hashes in every fingerprint.

They are the user's: nothing is downloaded, and of what is in them only hashes, names of tasks and counts are kept.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from filters.benchmark_matching import BenchmarkMatcher
from filters.benchmark_parts import Problem
from manifests.errors import RecipeError
from pipeline.recipe import Recipe
from pipeline.recipe_benchmarks import Benchmark, Decontamination

_TASK_CHARACTERS = 100
_KNOWN = {
    "humaneval": {"task": "task_id", "prompt": "prompt", "solution": "canonical_solution", "tests": "test"},
    "mbpp": {"task": "task_id", "prompt": "text", "solution": "code", "tests": "test_list"},
    "gsm8k": {"prompt": "question", "solution": "answer"},
}


def load_matcher(recipe: Recipe) -> BenchmarkMatcher | None:
    """What looks for the recipe's benchmarks; None where it names none.

    Raises:
        RecipeError: a file that cannot be read, a line that is no JSON object, or one without a field.
    """
    if recipe.decontamination is None:
        return None
    return _matcher(recipe.decontamination.model_dump_json(), tuple(_digests(recipe.decontamination)))


def benchmark_settings(recipe: Recipe) -> dict[str, Any] | None:
    """What fingerprints and the manifest need to know of the section: everything, with a hash for each path."""
    if recipe.decontamination is None:
        return None
    settings = recipe.decontamination.model_dump(mode="json", exclude={"benchmarks": {"__all__": {"path"}}})
    for benchmark, digest in zip(settings["benchmarks"], _digests(recipe.decontamination), strict=True):
        benchmark["sha256"] = digest
    return settings


def benchmark_accounts(recipe: Recipe) -> Iterator[tuple[Benchmark, str, dict[str, int]]]:
    """Each benchmark of the recipe with its file's sha256 and the numbers of what is looked for."""
    matcher = load_matcher(recipe)
    if recipe.decontamination is not None and matcher is not None:
        accounts = matcher.account()
        for benchmark, digest in zip(recipe.decontamination.benchmarks, _digests(recipe.decontamination), strict=True):
            yield benchmark, digest, asdict(accounts[benchmark.name])


def _digests(section: Decontamination) -> list[str]:
    return [sha256(_read(benchmark.name, benchmark.path)).hexdigest() for benchmark in section.benchmarks]


@cache
def _matcher(section: str, _of_files: tuple[str, ...]) -> BenchmarkMatcher:
    checked = Decontamination.model_validate_json(section)
    problems = [problem for benchmark in checked.benchmarks for problem in read_problems(benchmark)]
    return BenchmarkMatcher.build(problems, checked.bounds)


@cache
def _read(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise RecipeError(
            f"decontamination.benchmarks.{name}: {path}: cannot be read: {error.strerror}",
            hint="put the benchmark's file there, or correct `path`; nothing is downloaded",
        ) from error


def read_problems(benchmark: Benchmark) -> list[Problem]:
    """The problems of a benchmark, in the order of its file; blank lines are passed over.

    Raises:
        RecipeError: no file, no problem in it, a line that is no JSON object, or one without a field.
    """
    fields = _KNOWN.get(benchmark.format) or {
        name: field
        for name in ("task", "prompt", "solution", "tests")
        if (field := getattr(benchmark, name)) is not None
    }
    problems = []
    for number, line in enumerate(_read(benchmark.name, benchmark.path).split(b"\n"), 1):
        if line.strip():
            where = f"decontamination.benchmarks.{benchmark.name}: {benchmark.path}:{number}"
            row = _object(line, where)
            texts = {name: _text(row, field, where) for name, field in fields.items()}
            texts["task"] = (texts.get("task") or str(number))[:_TASK_CHARACTERS]
            problems.append(Problem(benchmark.name, **texts))
    if not problems:
        raise RecipeError(
            f"decontamination.benchmarks.{benchmark.name}: {benchmark.path}: expected a problem a line, found none",
            hint="give the benchmark's file, uncompressed JSON lines",
        )
    return problems


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecipeError(
            f"{where}: not JSON; expected one object a line, got {type(error).__name__}",
            hint="give the benchmark's file, uncompressed JSON lines",
        ) from error
    if not isinstance(row, dict):
        raise RecipeError(
            f"{where}: no problem; expected a JSON object, got {type(row).__name__}",
            hint="give the benchmark's file, uncompressed JSON lines",
        )
    return row


def _text(row: dict[str, Any], field: str, where: str) -> str:
    """A field as text; a list of texts is one, line by line."""
    value: Any = row
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    got = "none" if value is None else type(value).__name__
    raise RecipeError(
        f"{where}: field {field!r}: expected a text or a list of texts, got {got}",
        hint=f"fields of this line: {', '.join(sorted(row))[:200]}; choose `format`, or name the fields",
    )

import json
from pathlib import Path
from typing import Any

import pytest

from filters.benchmark_parts import Bounds, Problem
from manifests.errors import RecipeError
from pipeline.benchmark_files import benchmark_settings, load_matcher, read_problems
from pipeline.recipe import Recipe
from pipeline.recipe_benchmarks import Benchmark, Decontamination
from pipeline.recipe_file import load_recipe
from pipeline.runner import check_ready

BASE = "name: x\nversion: 0.1.0\nsources: [{name: x, format: jsonl, kind: text, paths: ['*.jsonl']}]\n"


def benchmark(path: Path, *rows: object, **keys: Any) -> Benchmark:
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    return Benchmark(name="b", path=str(path), **keys)


def mistake(path: Path, *rows: object, **keys: Any) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        read_problems(benchmark(path, *rows, **keys))
    return caught.value


def test_the_known_formats_are_read(tmp_path: Path) -> None:
    human = {"task_id": "H/0", "prompt": "p", "canonical_solution": "s", "test": "t", "entry_point": "e"}
    mbpp = {"task_id": 7, "text": "p", "code": "s", "test_list": ["t", "u"]}
    assert read_problems(benchmark(tmp_path / "h", human, format="humaneval")) == [Problem("b", "H/0", "p", "s", "t")]
    assert read_problems(benchmark(tmp_path / "m", mbpp, format="mbpp")) == [Problem("b", "7", "p", "s", "t\nu")]
    math = {"question": "p", "answer": "s"}
    problems = read_problems(benchmark(tmp_path / "g", math, "\n", math, format="gsm8k"))
    assert problems == [Problem("b", "1", "p", "s"), Problem("b", "3", "p", "s")]


def test_a_file_of_ones_own_names_its_fields(tmp_path: Path) -> None:
    row = {"meta": {"id": "a"}, "ask": "p", "say": "s"}
    [problem] = read_problems(benchmark(tmp_path / "x", row, task="meta.id", prompt="ask", solution="say"))
    assert problem == Problem("b", "a", "p", "s")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["{broken\n"], ":1: not JSON; expected one object a line, got JSONDecodeError"),
        (["[" * 100_000], ":1: not JSON; expected one object a line, got RecursionError"),
        ([{"ask": "p"}, ["p"]], ":2: no problem; expected a JSON object, got list"),
        ([{"other": "p"}], ":1: field 'ask': expected a text or a list of texts, got none"),
        ([{"ask": {"p": 1}}], ":1: field 'ask': expected a text or a list of texts, got dict"),
        ([], ": expected a problem a line, found none"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(tmp_path: Path, rows: list[object], message: str) -> None:
    error = mistake(tmp_path / "x.jsonl", *rows, prompt="ask")
    assert error.message == f"decontamination.benchmarks.b: {tmp_path}/x.jsonl{message}"
    assert error.hint


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{name: a, path: x}", "format: jsonl needs `prompt`"),
        ("{name: a, path: x, format: gsm8k, prompt: y}", "`prompt` goes with format: jsonl, got format: gsm8k"),
        ("{name: a, path: x, prompt: y}, {name: a, path: z, prompt: y}", "expected a name for each benchmark"),
        ("", "List should have at least 1 item"),
    ],
)
def test_what_is_wrong_with_the_section_is_said(tmp_path: Path, entry: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"{BASE}decontamination: {{benchmarks: [{entry}]}}\n")
    with pytest.raises(RecipeError, match="decontamination") as caught:
        load_recipe(path)
    assert message in caught.value.message


def test_a_file_that_is_not_there_stops_a_run_before_any_work(
    tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tiny_recipe.open("a") as file:
        file.write("decontamination: {benchmarks: [{name: a, path: absent.jsonl, format: gsm8k}]}\n")
    recipe = load_recipe(tiny_recipe)
    with pytest.raises(RecipeError) as caught:
        check_ready(recipe)
    where = f"{tiny_recipe.parent}/absent.jsonl"
    assert caught.value.message == f"decontamination.benchmarks.a: {where}: cannot be read: No such file or directory"
    check_ready(recipe, until="decide")


def test_without_the_section_nothing_is_looked_for(tiny_recipe: Path) -> None:
    recipe = load_recipe(tiny_recipe)
    assert load_matcher(recipe) is None
    assert benchmark_settings(recipe) is None


def test_settings_know_a_file_by_its_hash_alone(tmp_path: Path) -> None:
    section = Decontamination(benchmarks=[benchmark(tmp_path / "x", {"ask": "p"}, prompt="ask")])
    source = {"name": "x", "format": "jsonl", "paths": ["x"], "kind": "text"}
    recipe = Recipe.model_validate({"name": "x", "version": "0.1.0", "sources": [source], "decontamination": section})
    settings = benchmark_settings(recipe)
    assert settings is not None
    assert str(tmp_path) not in str(settings)
    assert len(settings["benchmarks"][0]["sha256"]) == 64


def test_the_bounds_of_recipe_and_matching_have_the_same_defaults() -> None:
    section = Decontamination(benchmarks=[Benchmark(name="b", path="x", prompt="p")])
    assert section.bounds == Bounds()

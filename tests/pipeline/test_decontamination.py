"""Decontamination as a part of clean: made-up benchmarks in a small mill, and the real ones where they are at hand."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from manifests.document import Document, Rejected
from manifests.errors import IntegrityError
from manifests.ledger import Ledger
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.decontamination import Decontaminator
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.units import Mill
from pipeline.verify import verify_release

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2].parent / "shared"))
FILES = {"humaneval": "HumanEval.jsonl", "mbpp": "mbpp.jsonl", "gsm8k": "gsm8k_test.jsonl"}
HOLDS_PROBLEMS = {
    "data/humaneval_modi.jsonl": "humaneval",
    "data/mbpp1.jsonl": "mbpp",
    "data/mbpp2.jsonl": "mbpp",
    "run_src/conala_prompt.py": "mbpp",
    "run_src/prompt.py": "mbpp",
}
TOO_SHORT_ONCE_RENAMED = "renamed HumanEval/23"
"""5 tokens, 16 with the prompt: one window, and it is lost with `string`, which counts as a word of languages."""


@pytest.fixture(scope="module")
def decontaminator() -> Decontaminator:
    folder = SHARED / "data/benchmarks"
    if not folder.exists():
        pytest.skip(f"shared data absent: {folder}")
    source = {"name": "x", "format": "jsonl", "paths": ["x"], "kind": "code"}
    benchmarks = [{"name": name, "format": name, "path": str(folder / file)} for name, file in FILES.items()]
    return Decontaminator(
        Recipe.model_validate(
            {"name": "x", "version": "0.1.0", "sources": [source], "decontamination": {"benchmarks": benchmarks}}
        )
    )


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file).read().decode()
    return map(json.loads, text.strip("\n").split("\n"))


def held_against(decontaminator: Decontaminator, row: dict[str, Any]) -> Rejected | None:
    kind, text = ("code", row["content"]) if "content" in row else ("text", row["text"])
    return decontaminator.rejected(Document("0" * 32, text, kind, "x"), len(text))  # type: ignore[arg-type]


def test_plants_are_found_at_least_half_of_the_renamed_and_no_clean_host_goes(decontaminator: Decontaminator) -> None:
    folder = SHARED / "data/benchmarks"
    plants = {
        (p["file"], p["row"]): p for p in map(json.loads, (folder / "planted_truth.jsonl").read_text().splitlines())
    }
    planted, missed = Counter[str](), set[str]()
    for file in ("planted-stack.jsonl.zst", "planted-pile.jsonl.zst"):
        for number, row in enumerate(rows(folder / file)):
            plant, rejected = plants.get((file, number)), held_against(decontaminator, row)
            if plant is None:
                assert rejected is None, (file, number)
                continue
            planted[plant["variant"]] += 1
            if rejected is None:
                missed.add(f"{plant['variant']} {plant['task_id']}")
                continue
            assert rejected.detail.startswith(plant["benchmark"].lower().removesuffix("_test"))
            assert plant["task_id"] is None or rejected.detail.endswith(f" {plant['task_id']}")
    assert planted == {"verbatim": 18, "reindented": 4, "prompt_only": 4, "renamed": 4, "question_only": 6}
    assert missed <= {TOO_SHORT_ONCE_RENAMED}
    assert planted["renamed"] - len(missed) >= planted["renamed"] / 2


def test_a_repository_that_holds_benchmarks_loses_those_files_alone(decontaminator: Decontaminator) -> None:
    of_repository = [
        row
        for path in sorted((SHARED / "data/stack_v2").glob("part-*.jsonl.zst"))
        for row in rows(path)
        if row["repo_name"] == "kasiforce/eyu"
    ]
    held = {row["path"].lstrip("/"): held_against(decontaminator, row) for row in of_repository}
    assert len(of_repository) == 21
    assert {path: found.detail.split()[0] for path, found in held.items() if found} == HOLDS_PROBLEMS


@pytest.fixture
def decontaminated(tiny_recipe: Path) -> Path:
    """The tiny mill with a benchmark whose two problems are texts that its shards hold."""
    stack = [
        row
        for path in sorted(tiny_recipe.parent.glob("stack/*.zst"))
        for line in zstandard.decompress(path.read_bytes()).decode().splitlines()
        if line.startswith('{"repo') and "content" in (row := json.loads(line))
    ]
    texts = {row["path"]: row["content"] for row in stack if row["path"] in ("src/file4.py", "src/file13.py")}
    lines = [json.dumps({"id": path, "ask": {"text": text}}) for path, text in sorted(texts.items())]
    (tiny_recipe.parent / "problems.jsonl").write_text("\n".join(lines))
    with tiny_recipe.open("a") as file:
        file.write(
            "decontamination: {benchmarks: [{name: made-up, path: problems.jsonl, task: id, prompt: ask.text}]}\n"
        )
    return tiny_recipe


def test_documents_go_with_a_reason_and_the_release_says_so(
    decontaminated: Path, run_alone: Callable[..., None]
) -> None:
    run_alone(decontaminated)
    release = decontaminated.parent / "releases/tiny-0.1.0"
    manifest = Manifest.read(Storage(str(release)))
    [benchmark] = manifest.benchmarks
    assert (benchmark.name, benchmark.format, benchmark.problems) == ("made-up", "jsonl", 2)
    assert benchmark.tasks == {"src/file13.py": 1, "src/file4.py": 1}
    rejected = Ledger.from_json(manifest.ledgers["clean"]).rejected
    assert rejected["decontaminate/benchmark_ngrams"].documents == 2
    assert "problems.jsonl" not in (release / "manifest.json").read_text()
    assert manifest.recipe["decontamination"]["benchmarks"][0]["sha256"] == benchmark.sha256
    assert "## Benchmarks\n\n| benchmark | problems |" in (release / "SUMMARY.md").read_text()
    verify_release(str(release))
    manifest.check_accounts()
    benchmark.tasks["src/file4.py"] = 2
    with pytest.raises(IntegrityError, match="expected the 2 that clean rejected"):
        manifest.check_accounts()


def test_another_file_makes_clean_again_and_nothing_before_it(
    decontaminated: Path, run_alone: Callable[..., None]
) -> None:
    from pipeline.benchmark_files import _read
    from pipeline.runner import open_mill, states

    run_alone(decontaminated, before="mix")
    problems = decontaminated.parent / "problems.jsonl"
    problems.write_text(problems.read_text().splitlines()[0])
    _read.cache_clear()  # a file is read once a process
    mill: Mill = open_mill(load_recipe(decontaminated))
    todo = {state.step.name: state.todo for state in states(mill) if state.num_bytes is not None}
    assert todo["clean"] == len(mill.plan.units)
    assert not any(number for name, number in todo.items() if name != "clean")

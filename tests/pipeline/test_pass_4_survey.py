import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.pass_4_survey import tier
from pipeline.recipe_file import load_recipe
from pipeline.recipe_rewriting import Selection
from pipeline.runner import open_mill
from pipeline.tables import tables
from pipeline.units import Mill, step_named
from stages.code_defects import Defects
from stages.mixing import order_keys
from stages.tokenizer_training import train

Run = Callable[..., None]

_RECIPE = """\
name: surveyed
version: 0.1.0
sources:
- name: code
  format: columns
  columns: {text: text, path: path, repo: repo}
  kind: code
  declared_licence: MIT
  paths: ["code*.jsonl"]
filters: {assign: null}
mixture: {code: 1, text: 0}
packing: {sequence_tokens: 64}
limits: {unit_bytes: 700, slice_bytes: 900}
redaction: {sensitivity: {secret: off, assigned_secret: off}}
rewriting:
  engine: vllm
  model: {name: lab/coder, revision: "1", licence: Apache-2.0}
  selection: {minimum_bytes: 30, maximum_bytes: 3000}
  maximum_share: 1
"""
FILES = {
    "broken.c": "int answer(int question) {\n  return question + 42;\n",
    "smelly.js": "const first = 1;\nvar second = first;\ndebugger;\n",
    "smelly.py": "import os\n\n\ndef answer(question):\n    return question == None\n",
    "fine.py": "def answer(question):\n    return question + 42\n",
    "fine.go": "package answer\n\nfunc Answer() int { return 42 }\n",
    "hopeless.json": "[[[ answer answer question ]( ( ({ 42 question ;;; question\n",
    "small.py": "import os\n",
    "large.py": "import os\n" + "value = value + 42\n" * 200,
    "notes.md": "# Answer\n\nThe answer to the question is not what was expected, as so often.\n",
}


def written(folder: Path) -> Path:
    """A recipe and its inputs."""
    rows = [{"text": text, "path": path, "repo": f"team/{path}"} for path, text in FILES.items()]
    for number in range(3):
        lines = [json.dumps(row) + "\n" for row in rows[number::3]]
        (folder / f"code{number}.jsonl").write_text("".join(lines))
    (folder / "tokenizer.json").write_bytes(train(list(FILES.values()), vocabulary_size=300))
    (folder / "recipe.yaml").write_text(_RECIPE)
    return folder / "recipe.yaml"


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory, run_alone: Run) -> Mill:
    """A run up to the choice. Never change it."""
    return surveyed(written(tmp_path_factory.mktemp("surveyed")), run_alone, "seed=7")


def surveyed(recipe: Path, run_alone: Run, *overrides: str) -> Mill:
    mill = open_mill(load_recipe(recipe, overrides))
    run_alone(mill, before="rewrite")
    return mill


def rows_of(mill: Mill, step: str, table: str) -> list[dict[str, Any]]:
    return [row for part in tables(mill, step, table) for row in part.to_pylist()]


def counts_of(mill: Mill) -> dict[str, dict[str, int]]:
    """What survey counted by language, of all units."""
    sums: dict[str, dict[str, int]] = {}
    for record in mill.records(step_named("survey")):
        assert record is not None
        counts = record.counts["surveyed"]
        assert isinstance(counts, dict)
        for language, amounts in counts.items():
            here = sums.setdefault(language, {})
            for name, amount in amounts.items():
                here[name] = here.get(name, 0) + amount
    return sums


def paths_of(mill: Mill) -> dict[bytes, str]:
    return {row["id"]: row["path"] for row in rows_of(mill, "clean", "texts")}


def test_selected_code_is_of_one_tier_each_and_what_is_fine_is_no_candidate(mill: Mill) -> None:
    paths, candidates = paths_of(mill), rows_of(mill, "survey", "candidates")
    assert {paths[row["id"]]: row["tier"] for row in candidates} == {
        "broken.c": "broken", "smelly.js": "smelly", "smelly.py": "smelly",
    }  # fmt: skip
    measured = {paths[row["id"]]: (row["num_errors"], row["error_bytes"], row["findings"]) for row in candidates}
    assert measured == {"broken.c": (1, 1, 0), "smelly.js": (0, 0, 2), "smelly.py": (0, 0, 2)}
    hopeless = rows_of(mill, "survey", "hopeless")
    assert [paths[row["id"]] for row in hopeless] == ["hopeless.json"]
    assert 0.25 < hopeless[0]["error_fraction"] <= 1
    counts = counts_of(mill)
    assert counts["Python"] == {
        "documents": 4, "num_bytes": sum(len(text) for path, text in FILES.items() if path.endswith(".py")),
        "broken": 0, "smelly": 1, "fine": 1, "hopeless": 0, "unmeasured": 2, "dropped_bytes": 0,
    }  # fmt: skip
    assert counts["Markdown"]["unmeasured"] == 1
    assert (counts["Go"]["fine"], counts["JSON"]["hopeless"]) == (1, 1)


def test_the_order_is_that_of_the_ids_whatever_slice_a_document_is_in(mill: Mill) -> None:
    assert mill.plan.num_slices > 1
    for row in rows_of(mill, "survey", "candidates"):
        keys = order_keys(np.frombuffer(row["id"], dtype="V16"), 7, "rewrite")
        assert row["order"] == int(keys[0])


def test_the_choice_is_written_by_language_and_counted(mill: Mill) -> None:
    assert rows_of(mill, "choose", "chosen") == [
        {"language": language, "bound": 0, "all": True} for language in ("C", "JavaScript", "Python")
    ]
    [record] = mill.records(step_named("choose"))
    assert record is not None
    chosen = record.counts["chosen"]
    assert isinstance(chosen, dict)
    assert chosen["C"]["documents"] == chosen["C"]["candidates"] == 1
    assert record.counts["limit"] == ""


@pytest.mark.servers  # runs mills again
def test_partitions_and_units_change_nothing(run_alone: Run, tmp_path: Path) -> None:
    recipe = written(tmp_path)

    def found(work: str, *overrides: str) -> tuple[object, ...]:
        mill = surveyed(recipe, run_alone, f"work={tmp_path / work}", *overrides)
        by_id = sorted(rows_of(mill, "survey", "candidates"), key=lambda row: row["id"])
        return by_id, counts_of(mill), rows_of(mill, "choose", "chosen")

    assert found("one", "limits={unit_bytes: 1000000}") == found("many", "partitions=3")


@pytest.mark.servers
def test_what_the_recipe_selects_is_measured_and_no_more(run_alone: Run, tmp_path: Path) -> None:
    selection = "{languages: [Python, JSON], minimum_bytes: 1, tiers: [broken], hopeless: keep}"
    mill = surveyed(written(tmp_path), run_alone, f"rewriting.selection={selection}")
    assert rows_of(mill, "survey", "candidates") == rows_of(mill, "survey", "hopeless") == []
    counts = counts_of(mill)
    assert (counts["Python"]["smelly"], counts["Python"]["unmeasured"]) == (1, 0)
    assert (counts["C"]["unmeasured"], counts["JSON"]["hopeless"]) == (1, 1)
    assert rows_of(mill, "choose", "chosen") == []
    [record] = mill.records(step_named("choose"))
    assert record is not None
    assert record.done
    assert record.counts == {"chosen": {}, "limit": ""}


@pytest.mark.parametrize(
    ("defects", "expected"),
    [
        (None, "hopeless"),
        (Defects(3, 26, 9), "hopeless"),
        (Defects(3, 25, 9), "broken"),
        (Defects(1, 0, 0), "broken"),
        (Defects(0, 0, 2), "smelly"),
        (Defects(0, 0, 1), "fine"),
        (Defects(0, 0, 0), "fine"),
    ],
)
def test_bounds_of_tiers(defects: Defects | None, expected: str) -> None:
    text = "a\n" * 50
    assert tier(defects, text, 100, Selection(smelly_findings=4.0)) == expected


def test_a_file_of_no_lines_is_judged() -> None:
    assert tier(Defects(0, 0, 0), "", 0, Selection()) == "fine"
    assert tier(Defects(0, 0, 1), "", 0, Selection()) == "smelly"
    assert tier(None, "", 0, Selection(hopeless_errors=1.0)) == "hopeless"

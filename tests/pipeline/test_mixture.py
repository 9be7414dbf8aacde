import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.units import run_unit, step_named
from stages.tokenizer_training import train

Run = Callable[..., None]

RECIPE = """\
name: mixed
version: 0.1.0
sources:
- {name: code, format: jsonl, kind: code, paths: [code.jsonl], declared_licence: MIT}
- {name: text, format: jsonl, kind: text, paths: [text.jsonl], declared_licence: MIT}
packing: {sequence_tokens: 256}
filters: {assign: null}
"""


def write(folder: Path, *, code: list[int], text: list[int], **row: object) -> Path:
    """A recipe with documents of the given numbers of words."""
    words = random.Random(1)
    for kind, lengths in (("code", code), ("text", text)):
        documents = (" ".join(f"{kind}{words.getrandbits(24):x}" for _ in range(length)) for length in lengths)
        rows = [json.dumps({"text": document, **row}) + "\n" for document in documents]
        (folder / f"{kind}.jsonl").write_text("".join(rows))
    (folder / "tokenizer.json").write_bytes(train(["code text 0123456789abcdef"], vocabulary_size=300))
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE)
    return recipe


def manifest_of(recipe: Path) -> Manifest:
    return Manifest.read(Storage(str(recipe.parent / "releases/mixed-0.1.0")))


def test_a_budget_is_reached_where_documents_are_of_very_different_length(tmp_path: Path, run_alone: Run) -> None:
    lengths = random.Random(2)
    sizes = [min(4000, int(lengths.lognormvariate(3, 1.2)) + 6) for _ in range(5000)]
    recipe = write(tmp_path, code=sizes[:2500], text=sizes[2500:])
    run_alone(open_mill(load_recipe(recipe, ["mixture.tokens=60000", "mixture.shortfall=fail"])))
    manifest = manifest_of(recipe)
    reached = manifest.mixture.reached_tokens
    assert sum(reached.values()) == pytest.approx(60_000, abs=60)
    assert reached["code"] / sum(reached.values()) == pytest.approx(0.7, abs=0.0005)
    assert manifest.ledgers["tokenize"]["rejected"]["mix/not_selected"][0] > 500


def failure(recipe: Path, run_alone: Run, step: str) -> str:
    """Why a step fails."""
    mill = open_mill(load_recipe(recipe))
    run_alone(mill, before=step)
    record = run_unit(mill, step_named(step), 0, lambda _num_bytes: None)
    assert record.failure is not None
    assert record.failure.error == "UnitError"
    return record.failure.message


def test_a_kind_of_which_no_document_fits_is_an_error(tmp_path: Path, run_alone: Run) -> None:
    recipe = write(tmp_path, code=[20] * 20, text=[3000] * 3)
    assert "tokens of text are to be kept and every document is longer" in failure(recipe, run_alone, "settle")


def test_a_release_of_nothing_is_an_error_that_says_why(tmp_path: Path, run_alone: Run) -> None:
    recipe = write(tmp_path, code=[20] * 20, text=[20] * 20, detected_licenses=["GPL-3.0-only"])
    message = failure(recipe, run_alone, "mix")
    assert "no document of kind code or text is left" in message
    assert "copyleft_in_metadata (40)" in message


@pytest.mark.parametrize(
    "licence",
    [
        {"detected_licenses": "GPL-3.0-only"},
        {"detected_licenses": ["MIT", None]},
        {"detected_licenses": {"id": "MIT"}},
        {"detected_licenses": ["GPL-3.0-only"], "star_events_count": "12"},
        {"gha_license_id": 7},
    ],
)
def test_a_licence_field_of_a_wrong_type_is_never_no_evidence(
    tmp_path: Path, run_alone: Run, licence: dict[str, object]
) -> None:
    recipe = write(tmp_path, code=[20] * 5, text=[20] * 5, **licence)
    message = failure(recipe, run_alone, "mix")
    assert re.search(r"(copyleft_in_metadata|unreadable_licence_expression) \(10\)", message)


def test_a_licence_ranks_before_none_whatever_the_id(tmp_path: Path, run_alone: Run) -> None:
    words = random.Random(3)
    documents = [" ".join(f"w{words.getrandbits(24):x}" for _ in range(30)) for _ in range(40)]
    recipe = write(tmp_path, code=[], text=[20] * 10)
    rows = [{"text": text, "detected_licenses": licence} for text in documents for licence in ([], ["MIT"])]
    (tmp_path / "code.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe.write_text(
        RECIPE.replace(", kind: code, paths: [code.jsonl], declared_licence: MIT", ", kind: code, paths: [code.jsonl]")
    )
    run_alone(open_mill(load_recipe(recipe, ["licences.no_licence=keep"])))
    kept = {row.licence for row in manifest_of(recipe).documents if row.source == "code"}
    assert kept == {"MIT"}


def test_a_release_off_its_ratio_says_so_first(tmp_path: Path, run_alone: Run) -> None:
    recipe = write(tmp_path, code=[20] * 20, text=[90, 90, 90])
    run_alone(open_mill(load_recipe(recipe)))
    summary = (tmp_path / "releases/mixed-0.1.0/SUMMARY.md").read_text()
    assert "**Warning:**" in summary.partition("## Funnel")[0]

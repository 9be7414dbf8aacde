"""`plan` says which steps are made again and why, and names what changed."""

import json
from pathlib import Path

import msgspec
import pytest
import zstandard

from manifests.errors import OutOfMemoryError
from manifests.record import record_name, write_record
from pipeline import reasons, units
from pipeline.passes import STEPS
from pipeline.reasons import reason_lines
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, states
from pipeline.software import software_versions
from pipeline.units import Mill, fail_unit, step_named, units_to_run

NAMES = [step.name for step in STEPS]
AGAIN = "an earlier step is made again"


def mill_of(recipe: Path, *overrides: str) -> Mill:
    return open_mill(load_recipe(recipe, overrides))


def why(mill: Mill) -> dict[str, str]:
    """Reason by step or span of steps."""
    lines = list(reason_lines(mill, list(states(mill))))
    return dict(line.strip().split(": ", 1) for line in lines[1:])


@pytest.fixture
def finished(_tiny_finished: Path) -> Path:
    """The recipe of a finished run, shared by all tests: never changed."""
    return _tiny_finished / "recipe.yaml"


def test_a_fresh_run_has_one_reason(tiny_recipe: Path) -> None:
    assert why(mill_of(tiny_recipe)) == {"ingest to release": "never run"}


def test_a_finished_run_looks_at_its_release_alone(finished: Path) -> None:
    assert why(mill_of(finished)) == {"release": "looks at files outside the work folder"}


@pytest.mark.parametrize(
    ("setting", "key", "first"),
    [
        ("limits.maximum_line_bytes=9000", "limits.maximum_line_bytes", "ingest"),
        ("licences.allow=[MIT, LicenseRef-tiny]", "licences.allow", "judge"),
        ("filters.profiles.plain.num_words.minimum=9", "filters.profiles.plain.num_words.minimum", "judge"),
        ("redaction.sensitivity.email=off", "redaction.sensitivity.email", "clean"),
        ("mixture.tokens=5000", "mixture.tokens", "mix"),
        ("packing.mode=concat", "packing.mode", "pack"),
    ],
)
def test_a_changed_key_is_named_where_it_is_the_cause(setting: str, key: str, first: str, finished: Path) -> None:
    found = why(mill_of(finished, setting))
    before = NAMES[: NAMES.index(first)]
    assert not any(span.split(" ")[0] in before for span in found)
    assert found[next(iter(found))] == f"settings changed: {key}"
    assert {reason.removeprefix("settings changed: ") for reason in found.values()} <= {key, AGAIN}


def test_each_of_several_keys_is_named_for_its_own_steps(finished: Path) -> None:
    found = why(mill_of(finished, "licences.deny=[Apache-2.0]", "packing.mode=concat", "version=0.2.0"))
    assert found["judge"] == "settings changed: licences.deny"
    assert found["group to settle"] == AGAIN
    assert found["pack"] == "settings changed: version, packing.mode"


def test_keys_that_only_change_together_are_named_together(finished: Path) -> None:
    found = why(mill_of(finished, "mixture.code=0.6", "mixture.text=0.4"))
    assert found["mix"] == "settings changed: mixture.code, mixture.text"


def test_a_package_of_another_version_is_named(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = software_versions()
    for module in (units, reasons):
        monkeypatch.setattr(module, "software_versions", lambda: versions | {"pyarrow": "0.0.1"})
    told = f"software changed: pyarrow {versions['pyarrow']} -> 0.0.1"
    assert why(mill_of(finished)) == {"ingest to release": told}


def test_units_that_failed_or_lost_something_are_told_apart_and_so_are_the_inputs_that_changed(
    finished_recipe: Path,
) -> None:
    mill = mill_of(finished_recipe)
    fail_unit(mill, step_named("trees"), 0, OutOfMemoryError("trees, unit 0: on purpose"))
    mill.work.delete(record_name("trees", 1))
    mill.work.write(record_name("trees", 2), b"{}")
    record = mill.records(step_named("trees"))[3]
    assert record is not None
    mill.work.delete(record.outputs["trees"].file)
    told = ["failed before: OutOfMemoryError", "the last run did not come to it", "its record is damaged"]
    told.append("an output is gone or cut: trees")
    assert why(mill)["trees"] == "; ".join(f"1 of 4 units: {reason}" for reason in told)
    path = finished_recipe.parent / "stack/part-00003.jsonl.zst"
    path.write_bytes(zstandard.compress(zstandard.decompress(path.read_bytes()) + b"{broken\n"))
    text = finished_recipe.read_text()
    finished_recipe.write_text(text.replace("kinds: {Github: code}", "kinds: {Github: text}"))
    assert why(mill_of(finished_recipe))["ingest"].split("; ") == [
        "2 of 5 units: settings changed: sources.pile.kinds.Github",
        "1 of 5 units: input shards changed: stack/part-00003.jsonl.zst",
    ]


def test_what_is_known_without_the_last_recipe_or_a_record_of_parts_is_told(finished_recipe: Path) -> None:
    mill = mill_of(finished_recipe, "packing.mode=concat")
    mill.work.write("recipe.json", json.dumps({"name": "broken"}).encode())
    assert why(mill)["pack"] == "settings changed: packing"
    record = mill.records(step_named("forks"))[0]
    assert record is not None
    write_record(mill.work, msgspec.structs.replace(record, origin=None))
    assert b"origin" not in mill.work.read(record_name("forks", 0))
    assert units_to_run(mill, step_named("forks")) == []

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import StorageError
from pipeline.inspect_run import counted, is_released, print_plan, print_status, safe, size
from pipeline.passes import steps_of
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, reopen_mill
from pipeline.units import fail_unit, step_named

# Those that move a cursor, change colour, order or line, or hide: https://www.unicode.org/reports/tr36/
_STEERING = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}


@given(st.text(st.characters() | st.sampled_from("\x1b\r\n\t\x9b\u202e\u2066\u2028\ufeff\u200b\U000e0041")))
def test_nothing_that_is_printed_steers_the_terminal(text: str) -> None:
    shown = safe(text)
    assert not {unicodedata.category(character) for character in shown} & _STEERING
    assert len(shown) == len(text)


@given(st.text(max_size=50), st.integers(1, 60))
def test_a_cut_is_visible(text: str, limit: int) -> None:
    assert safe(text, limit).endswith(" […]") == (len(text) > limit)
    assert len(safe(text, limit)) <= limit + 4


@pytest.mark.parametrize("text", ["naïve café", "中文　日本語", "no\u00a0break", "a👍b", "x²"])
def test_text_of_any_script_is_shown_as_it_is(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("num_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_499, "999.5 kB"),
        (999_950, "1.0 MB"),
        (31_400_000, "31.4 MB"),
        (10**9, "1.0 GB"),
        (7 * 10**13, "70.0 TB"),
        (10**16, "10,000.0 TB"),
    ],
)
def test_sizes_are_for_people(num_bytes: int, shown: str) -> None:
    assert size(num_bytes) == shown


def test_a_noun_agrees_with_its_number() -> None:
    assert [counted(n, "unit") for n in (0, 1, 2, 1000)] == ["0 units", "1 unit", "2 units", "1,000 units"]


def _table(text: str) -> dict[str, list[str]]:
    """Cells of every step's row but the pass and the step."""
    rows = [line.split() for line in text.splitlines()]
    return {row[2]: row[3:] for row in rows if len(row) > 2 and row[0].isdigit()}


def test_a_plan_before_a_run_says_that_all_will_run(tiny_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mill = open_mill(load_recipe(tiny_recipe))
    print_plan(mill)
    text = capsys.readouterr().out
    units = len(mill.plan.units)
    assert text.startswith(f"tiny 0.1.0: 9 shards, {size(mill.plan.num_bytes)}, in {units} units; 2 partitions")
    assert _table(text)["ingest"] == [str(units), "0", str(units), *size(mill.plan.num_bytes).split()]
    assert _table(text)["judge"] == [str(units), "0", str(units), "known", "later"]
    assert list(_table(text)) == [step.name for step in steps_of(mill.recipe)]


def test_a_narrow_terminal_cuts_no_number(
    finished_recipe: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    print_plan(open_mill(load_recipe(finished_recipe, ["mixture.preset=pile-v1"])))
    print_status(reopen_mill(str(finished_recipe.parent / "work")))
    text = capsys.readouterr().out
    assert "\nkind  domain " in text
    assert "documents kept" in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_a_plan_runs_nothing(tiny_recipe: Path) -> None:
    print_plan(open_mill(load_recipe(tiny_recipe)))
    left = [path.name for path in (tiny_recipe.parent / "work").rglob("*") if path.is_file()]
    assert left == ["inputs.json"]


def test_a_plan_after_a_run_says_that_nothing_will_run(
    finished_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_plan(open_mill(load_recipe(finished_recipe)))
    table = _table(capsys.readouterr().out)
    assert {name: cells[2] for name, cells in table.items() if name != "release"} == dict.fromkeys(
        [step.name for step in steps_of(load_recipe(finished_recipe))[:-1]], "0"
    )
    assert all(cells[0] == cells[1] for cells in table.values())


def test_a_plan_tells_what_a_change_of_the_recipe_makes_again(
    finished_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_plan(open_mill(load_recipe(finished_recipe, ["packing.sequence_tokens=256"])))
    todo = {name: cells[2] for name, cells in _table(capsys.readouterr().out).items()}
    assert [name for name, number in todo.items() if number != "0"] == ["pack", "locate", "release"]


def test_a_plan_says_what_the_slow_tokenizer_costs(tiny_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(open_mill(load_recipe(tiny_recipe)))
    [fast] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("tokenizer: ")]
    assert fast.endswith("encoded by gigatoken")
    fields = json.loads((tiny_recipe.parent / "tokenizer.json").read_bytes())
    (tiny_recipe.parent / "slow.json").write_text(json.dumps(fields | {"normalizer": {"type": "Lowercase"}}))
    print_plan(open_mill(load_recipe(tiny_recipe, ["tokenizer.path=slow.json"])))
    [slow] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("tokenizer: ")]
    assert "encoded by tokenizers, for gigatoken does not encode as this tokenizer.json says" in slow
    assert "1,000 CPU seconds for each GB of text" in slow


def test_a_plan_without_a_tokenizer_says_how_to_get_one(tiny_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(open_mill(load_recipe(tiny_recipe, ["tokenizer.path=none.json"])))
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("no tokenizer yet: ")]
    assert line.startswith("no tokenizer yet: tokenizer.path: ")
    assert "corpusmill tokenizer train" in line


def test_a_plan_says_which_control_token_is_absent(tiny_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(open_mill(load_recipe(tiny_recipe, ["rendering.template=starcoder2"])))
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("a run will stop: ")]
    assert "no control token '<fim_prefix>'" in line
    assert "rendering.template" in line


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "version=0.1.0",
            "near duplicates: 32 bands of 8 rows find pairs of a similarity: 11.8% at 0.5, 41.8% at 0.6,",
        ),
        ("version=0.1.0", "  what is found is compared exactly, and goes from 0.7 of a kept document on"),
        ("version=0.1.0", "  kept for each document: 544 bytes (32 band keys, 64 values, 2 hashes)"),
        ("deduplication.near.bands=14", "near duplicates: 14 bands of 8 rows find pairs of a similarity: 5.3% at 0.5,"),
        ("deduplication.near=null", "near duplicates: off; documents of equal content are found"),
    ],
)
def test_a_plan_tells_what_near_duplicates_are_found(
    override: str, said: str, tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_plan(open_mill(load_recipe(tiny_recipe, [override])))
    assert any(line.startswith(said) for line in capsys.readouterr().out.splitlines())


def test_a_plan_shows_the_mixture(tiny_recipe: Path, finished_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(open_mill(load_recipe(tiny_recipe, ["mixture.tokens=9999"])))
    asked = "mixture: 70% code, 30% text, 9,999 tokens"
    assert f"{asked}; how many there are is known after pass 3, clean" in capsys.readouterr().out
    print_plan(open_mill(load_recipe(finished_recipe, ["mixture.tokens=9999999", 'mixture.domains={"a\\eb": {}}'])))
    lines = capsys.readouterr().out.splitlines()
    [head] = [number for number, line in enumerate(lines) if line.startswith("kind  domain")]
    assert [line.split()[:3] for line in lines[head + 1 : head + 3]] == [[k, "(the", "rest)"] for k in ("code", "text")]
    assert lines[head + 3] == "mixture: 70% code, 30% text, 9,999,999 tokens"
    assert "no documents of a\N{REPLACEMENT CHARACTER}b" in lines[head + 5]
    assert "shortfall: scale: the release will have about" in lines[head + 6]


def test_the_status_of_a_finished_run_names_the_release(
    finished_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mill = reopen_mill(str(finished_recipe.parent / "work"))
    assert is_released(mill)
    print_status(mill)
    text = capsys.readouterr().out
    assert text.splitlines()[-1].startswith("release: /")
    assert all(cells[0] == cells[1] and cells[2] == "0" for cells in _table(text).values())


def test_a_lost_record_is_the_next_thing_to_do(finished_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = finished_recipe.parent / "work"
    (work / "clean/records/000000.json").unlink()
    print_status(reopen_mill(str(work)))
    assert capsys.readouterr().out.splitlines()[-1].startswith("next: 3 clean: clean;")


@pytest.mark.parametrize("columns", [80, 120])
def test_tables_fit_the_terminal(
    finished_recipe: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    mill = reopen_mill(str(finished_recipe.parent / "work"))
    print_plan(mill)
    print_status(mill)
    rows = [line for line in capsys.readouterr().out.splitlines() if line[:1].isdigit()]
    assert len(rows) == 2 * len(steps_of(mill.recipe))
    assert max(map(len, rows)) <= columns
    assert "…" not in "".join(rows)


def test_status_shows_some_of_many_failures_and_counts_the_rest(
    tiny_recipe: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mill, ingest = open_mill(load_recipe(tiny_recipe)), step_named("ingest")
    num_units = len(mill.plan.units)
    for unit in range(num_units):
        fail_unit(mill, ingest, unit, StorageError("access refused"))
    monkeypatch.setattr("pipeline.inspect_run._SHOWN_FAILURES", 1)
    print_status(mill)
    shown = capsys.readouterr().out
    assert shown.count("access refused") == shown.count("its log is") == 1
    assert f"ingest: {num_units - 1} more failed" in shown

"""`retune` must tell what a run with other limits would do."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from manifests.errors import RecipeError
from manifests.ledger import Ledger
from pipeline.inspect_bounds import print_close
from pipeline.recipe_file import load_recipe
from pipeline.retune import print_retuned
from pipeline.runner import open_mill, reopen_mill
from pipeline.units import Mill, step_named

Run = Callable[..., None]


@pytest.fixture
def mill(_tiny_finished: Path) -> Mill:
    """The mill of a finished run, which is only looked at."""
    return reopen_mill(str(_tiny_finished / "work"))


@pytest.fixture
def retuned(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, tuple[int, int, int]]]:
    """(documents, kept now, kept then) by group."""

    def table(mill: Mill, *overrides: str) -> dict[str, tuple[int, int, int]]:
        print_retuned(mill, overrides)
        rows = re.findall(
            r"^(\S.*?) +([\d,]+) +([\d,]+)(?: +([\d,]+))? +[\d.]+%", capsys.readouterr().out, re.MULTILINE
        )
        return {name: tuple(int((cell or cells[1]).replace(",", "")) for cell in cells) for name, *cells in rows}  # type: ignore[misc]

    return table


Table = Callable[..., dict[str, tuple[int, int, int]]]


def quality_rejections(mill: Mill) -> int:
    ledgers = [Ledger.from_json(r.ledger) for r in mill.records(step_named("judge")) if r is not None and r.ledger]
    reasons = Ledger.total(ledgers).rejected.items()
    return sum(tally.documents for key, tally in reasons if key.startswith(("filter/", "language/")))


def read(mill: Mill) -> int:
    ledgers = [Ledger.from_json(r.ledger) for r in mill.records(step_named("judge")) if r is not None and r.ledger]
    return Ledger.total(ledgers).read.documents


def test_without_a_change_now_is_then(mill: Mill, retuned: Table) -> None:
    table = retuned(mill)
    assert {"code: Python", "code: Github", "text: Wikipedia (en)", "all"} == table.keys()
    assert all(now == then for _, now, then in table.values())
    for place in range(3):
        assert sum(row[place] for name, row in table.items() if name != "all") == table["all"][place]
    assert table["all"][0] == read(mill)


@pytest.mark.parametrize(
    "overrides",
    [
        ["filters.profiles.plain.num_words.minimum=70"],
        ["filters.profiles.plain.num_words.maximum=80", "filters.profiles.plain.longest_line_characters=null"],
        ["filters.profiles.plain.num_words={minimum: 9, languages: {Python: {maximum: 60}}}"],
        ["filters.assign.code=[]"],
        ["filters.profiles.plain.num_words.languages.Python.minimum=70"],
        ["languages.programming.deny=[Python]"],
        ["languages.natural={allow: [la, eo], minimum_confidence: 0.1}"],
    ],
)
def test_it_tells_what_a_run_would_keep(
    overrides: list[str], tiny_recipe: Path, run_alone: Run, mill: Mill, retuned: Table
) -> None:
    # Licences reject first in a run: without them, what is left are the decisions that are told.
    free = ["licences.allow=[MIT, Apache-2.0, LicenseRef-tiny, GPL-2.0-only, GPL-3.0-only]", "licences.no_licence=keep"]
    changed = open_mill(load_recipe(tiny_recipe, [*free, *overrides]))
    run_alone(changed, before="group")
    documents, now, then = retuned(mill, *overrides)["all"]
    assert documents == read(changed)
    assert documents - then == quality_rejections(changed)
    assert then != now


def test_reasons_are_told_now_and_then(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    print_retuned(mill, ["filters.profiles.plain.num_words.minimum=70"])
    reasons = re.findall(r"^(\w+_minimum) +(\d+) +(\d+)$", capsys.readouterr().out, re.MULTILINE)
    [(reason, now, then)] = reasons
    assert (reason, int(now)) == ("num_words_below_minimum", quality_rejections(mill))
    assert int(then) > int(now)


def test_nothing_is_changed_by_it(mill: Mill, retuned: Table) -> None:
    before = {path: path.read_bytes() for path in sorted(Path(mill.work.root).rglob("*.json"))}
    retuned(mill, "filters.profiles.plain.num_words.minimum=70")
    assert {path: path.read_bytes() for path in sorted(Path(mill.work.root).rglob("*.json"))} == before


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("filters.profiles.plain.num_lines={minimum: 3}", r"1 signals were not measured .*: num_lines"),
        ("filters.assign.code=[starcoder2-code]", r"\d+ signals were not measured"),
        ("filters.assign.Wikipedia=[]", "found no document"),
        ("filters.measure.text=[plain]", "--set filters.measure: cannot be told"),
        ("languages.programming.from_content=true", "--set languages.programming.from_content: cannot be told"),
        ("languages.natural.allow=[english]", "'english' is no code"),
        ("filters.profiles.plain.num_word.minimum=3", "'num_word' is not a signal"),
        ("filters.profiles.plain.num_words.minimum=x", "valid number"),
        ("filters.assign.code=[plane]", "no profile 'plane'"),
        ("seed=3", "--set seed: cannot be told"),
        ("seed", "expected key.path=value"),
    ],
)
def test_what_cannot_be_told_is_refused(override: str, message: str, mill: Mill) -> None:
    with pytest.raises(RecipeError, match=message) as error:
        print_retuned(mill, [override])
    assert error.value.hint


def test_a_run_that_read_nothing_yet_is_told(tiny_recipe: Path) -> None:
    with pytest.raises(RecipeError, match="read no document yet"):
        print_retuned(open_mill(load_recipe(tiny_recipe)), [])


def test_rows_that_another_recipe_measured_are_not_taken_for_its_own(finished_recipe: Path, run_alone: Run) -> None:
    # As after a change of the recipe and a stop in ingest: the recipe is written, the rows are the old ones.
    changed = load_recipe(finished_recipe, ["filters.profiles.plain={num_lines: {minimum: 3}}"])
    mill = open_mill(changed, str(finished_recipe.parent / "work"))
    for look in (print_retuned, lambda mill, _: print_close(mill, "num_lines", group=None, count=1)):
        with pytest.raises(RecipeError, match="rows of an earlier one") as error:
            look(mill, [])
        assert "--until ingest" in error.value.hint

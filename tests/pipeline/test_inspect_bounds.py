"""`show --signal`: the documents on both sides of a limit."""

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from manifests.errors import RecipeError
from pipeline.inspect_bounds import print_close
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, reopen_mill
from pipeline.tables import tables
from pipeline.units import Mill

LIMIT = 5  # of num_words, in the tiny recipe


@pytest.fixture
def mill(_tiny_finished: Path) -> Mill:
    return reopen_mill(str(_tiny_finished / "work"))


@pytest.fixture
def close(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def shown(mill: Mill, *, group: str | None = None, count: int = 3) -> str:
        print_close(mill, "num_words", group=group, count=count)
        return capsys.readouterr().out

    return shown


def num_words(mill: Mill, language: str | None = None) -> list[float]:
    place = mill.recipe.filters.signals.index("num_words")
    rows = [row for table in tables(mill, "ingest", "rows") for row in table.to_pylist()]
    values = {row["id"]: row["signals"][place] for row in rows if language in (None, row["language"])}
    return sorted(values.values())


def section(shown: str, title: str) -> list[float]:
    [part] = [part for part in shown.split("══ ")[1:] if title in part.splitlines()[0]]
    return [float(value.replace(",", "")) for value in re.findall(r"^── [0-9a-f]{32}  ([\d,.]+);", part, re.MULTILINE)]


def test_the_closest_on_both_sides_are_shown(mill: Mill, close: Callable[..., str]) -> None:
    shown = close(mill)
    values = num_words(mill)
    assert section(shown, "just inside the minimum") == [value for value in values if value >= LIMIT][:3]
    assert section(shown, "just outside the minimum") == [value for value in values if value < LIMIT][:-4:-1]
    assert section(shown, "just inside the maximum") == values[:-4:-1]
    assert "just outside the maximum" not in shown


def test_the_text_of_a_document_stands_below_its_place(mill: Mill, close: Callable[..., str]) -> None:
    assert re.search(
        r"^── [0-9a-f]{32}  1; minimum 5\n   stack/part-\d+\.jsonl\.zst:\d+  team/.*\n  short$",
        close(mill),
        re.MULTILINE,
    )


def test_a_group_is_a_subset_or_a_language(mill: Mill, close: Callable[..., str]) -> None:
    found = section(close(mill, group="Python", count=1000), "just inside the minimum")
    assert sorted(found) == [value for value in num_words(mill, "Python") if value >= LIMIT]
    assert section(close(mill, group="Github", count=1000), "just inside the minimum") != found
    assert section(close(mill, group="code", count=1000), "just inside the minimum") != found
    for nothing in ("Cobol", "(unknown)"):
        with pytest.raises(RecipeError, match="expected documents of"):
            close(mill, group=nothing)


def test_a_signal_without_a_limit_is_told_with_those_that_have_one(mill: Mill) -> None:
    with pytest.raises(RecipeError, match=r"not one of the \d+ signals that this run measured") as error:
        print_close(mill, "num_line", group=None, count=3)
    assert "did you mean" in error.value.hint


def test_the_spread_of_the_values_is_told(mill: Mill, close: Callable[..., str]) -> None:
    values = num_words(mill)
    first, second, *_ = close(mill).splitlines()
    assert re.fullmatch(r"num_words: \d+ documents", first)
    assert second.startswith(f"lowest {values[0]:g}; ")
    assert "; 50 % " in second
    assert second.endswith(f"highest {values[-1]:g}")


def test_a_signal_without_limits_is_shown_by_its_ends(tiny_recipe: Path, run_alone: Callable[..., None]) -> None:
    mill = open_mill(load_recipe(tiny_recipe, ["filters.profiles.plain.num_lines={}"]))
    run_alone(mill, before="judge")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print_close(mill, "num_lines", group=None, count=2)
    place = mill.recipe.filters.signals.index("num_lines")
    values = sorted(row["signals"][place] for table in tables(mill, "ingest", "rows") for row in table.to_pylist())
    shown = re.findall(r"^── [0-9a-f]{32}  (\d+)$", out.getvalue(), re.MULTILINE)
    assert "══ 2 of the highest values; no limit" in out.getvalue()
    assert {values[0], values[-1]} <= set(map(float, shown))


def test_copies_of_a_document_are_shown_once(mill: Mill, close: Callable[..., str]) -> None:
    ids = re.findall(
        r"^── ([0-9a-f]{32})", close(mill, count=1000).partition("just inside the minimum")[2], re.MULTILINE
    )
    assert len(ids) == len(set(ids)) > 100

from pathlib import Path

import pytest

from pipeline.inspect_run import print_stages, print_status
from pipeline.inspect_time import taken
from pipeline.passes import STEPS, steps_of
from pipeline.runner import reopen_mill


def test_every_step_says_what_it_took(finished_work: Path) -> None:
    mill = reopen_mill(str(finished_work))
    steps = {one.step: one for one in taken(mill)}
    assert list(steps) == [step.name for step in steps_of(mill.recipe)]
    assert steps["ingest"].input_bytes == mill.plan.num_bytes
    records = [record for record in mill.records(STEPS[0]) if record]
    assert steps["ingest"].cpu_seconds == pytest.approx(sum(record.measured["cpu_seconds"] for record in records))
    assert steps["ingest"].slowest_seconds == max(record.measured["wall_seconds"] for record in records)


def test_the_status_shows_time_and_memory_by_step(finished_work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mill = reopen_mill(str(finished_work))
    print_status(mill)
    lines = capsys.readouterr().out.splitlines()
    [head] = [number for number, line in enumerate(lines) if line.startswith("step ")]
    assert lines[head].split("  ")[0] == "step"
    assert "MB/CPU s" in lines[head]
    steps = [step.name for step in steps_of(mill.recipe)]
    assert [line.split()[0] for line in lines[head + 1 : head + 1 + len(steps)]] == steps


def test_the_stages_add_up_to_all_units(finished_work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mill = reopen_mill(str(finished_work))
    print_stages(mill)
    head, *rows, rest, whole = capsys.readouterr().out.splitlines()
    assert head.split() == ["step", "stage", "wall", "s", "of", "step", "of", "run", "input", "MB/s"]
    seconds = [float(row.split()[2]) for row in rows] + [float(rest.split()[2])]
    assert float(whole.split()[1]) == pytest.approx(sum(one.wall_seconds for one in taken(mill)), abs=0.1)
    assert sum(seconds) == pytest.approx(float(whole.split()[1]), abs=0.01 * len(seconds))
    assert {"read", "measure", "render", "other"} <= {row.split()[1] for row in rows}


def test_tables_of_times_fit_a_terminal(finished_work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_stages(reopen_mill(str(finished_work)))
    print_status(reopen_mill(str(finished_work)))
    assert max(map(len, capsys.readouterr().out.splitlines()[:-1])) <= 80


def test_before_a_run_there_is_nothing_to_show(finished_recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished_recipe.parent / "work"
    for path in folder.glob("*/records/*"):
        path.unlink()
    print_stages(reopen_mill(str(folder)))
    assert len(capsys.readouterr().out.splitlines()) == 1

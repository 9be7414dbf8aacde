"""What a step's units ask while they run: entered once, in the process that forks them, and left after the last."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from manifests.errors import UnitError
from pipeline.local import run_step
from pipeline.plan import write_plan
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.steps import Step, UnitContext
from pipeline.tasks import Share, run_task
from pipeline.units import Mill, _steps_by_name, step_named

VARIABLE = "CORPUSMILL_TEST_SERVER"
events: list[str] = []


@contextmanager
def serve(_recipe: Recipe) -> Iterator[None]:
    events.append("up")
    os.environ[VARIABLE] = str(os.getpid())
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        events.append("down")


@contextmanager
def fail(_recipe: Recipe) -> Iterator[None]:
    raise UnitError("no server")
    yield


def ask(context: UnitContext) -> None:
    context.counts = {"server": os.environ[VARIABLE], "events": list(events)}


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Step:
    own = replace(step_named("ingest"), serve=serve, run=ask)
    monkeypatch.setitem(_steps_by_name(), "ingest", own)
    events.clear()
    return own


@pytest.fixture
def mill(tiny_recipe: Path) -> Mill:
    mill = open_mill(load_recipe(tiny_recipe))
    write_plan(mill.work, mill.plan)
    mill.work.write("recipe.json", mill.recipe.model_dump_json().encode())
    mill.work.write("units.json", msgspec.json.encode(list(range(len(mill.plan.units)))))
    return mill


def counts(mill: Mill, step: Step) -> list[dict[str, object]]:
    return [dict(record.counts) for record in mill.records(step, fresh=True) if record is not None]


def test_a_local_run_serves_once_for_all_units_of_a_step(mill: Mill, step: Step) -> None:
    units = list(range(len(mill.plan.units)))
    run_step(mill, step, units, workers=2)
    assert counts(mill, step) == [{"server": str(os.getpid()), "events": ["up"]}] * len(units)
    assert events == ["up", "down"]
    assert VARIABLE not in os.environ


def test_a_task_serves_once_for_its_units_and_not_at_all_where_none_is_to_run(mill: Mill, step: Step) -> None:
    share = Share("units.json", task=0, tasks=1)
    assert run_task(mill.work.root, "ingest", share, workers=2) == 0
    assert counts(mill, step) == [{"server": str(os.getpid()), "events": ["up"]}] * len(mill.plan.units)
    assert run_task(mill.work.root, "ingest", share) == 0
    assert events == ["up", "down"]


def test_without_a_server_no_unit_is_run(mill: Mill, step: Step) -> None:
    with pytest.raises(UnitError, match="no server"):
        run_step(mill, replace(step, serve=fail), [0], workers=1)
    assert counts(mill, step) == []


def test_only_a_step_that_serves_needs_a_server(step: Step) -> None:
    assert step.needs_server
    assert not step_named("clean").needs_server

"""What a step loads before its units run: in which process, when it is gone again, and where there is no need.

`look_up` runs as it is; in the place of `detect` stands a step that loads something light and tells who had it.
"""

import json
import os
import sysconfig
import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import pipeline.local
from filters.notices import text_key
from manifests.storage import Storage
from pipeline.licence_gathering import slice_of_key
from pipeline.local import run_step
from pipeline.passes import STEPS
from pipeline.plan import Plan, Shard
from pipeline.recipe import Licences, Recipe, Source
from pipeline.recipe_filters import Filters
from pipeline.steps import Step, UnitContext
from pipeline.units import Mill, _steps_by_name, run_unit, step_named
from pipeline.watch import Board
from stages.licence_cache import LicenceCache
from stages.licence_detection import Detection, detector_version

NUM_SLICES = 3
NOTICE = "the terms of this licence"
SLICE = slice_of_key(text_key(NOTICE), NUM_SLICES)

loaded: list[int] = []
"""Processes that loaded it; each process sees what it inherited."""


def load(_recipe: Recipe) -> None:
    loaded.append(os.getpid())


def tell(context: UnitContext) -> None:
    context.counts = {"loaded": list(loaded), "process": os.getpid(), "texts": context.table("missing").num_rows}


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Step:
    """Like `detect`, but for what it loads and does."""
    own = replace(step_named("detect"), prepare=load, run=tell)
    monkeypatch.setitem(_steps_by_name(), "detect", own)
    loaded.clear()
    return own


@pytest.fixture
def mill(tmp_path: Path) -> Mill:
    """One text was looked up and is in nobody's cache."""
    return looked_up(tmp_path)


def looked_up(folder: Path) -> Mill:
    path = folder / "0.jsonl"
    row = {"repo_name": "a/b", "path": "x.py", "content": f"# {NOTICE}\nx = 1\n"}
    path.write_text(json.dumps(row) + "\n")
    data = path.read_bytes()
    recipe = Recipe(
        name="small",
        version="0.1.0",
        sources=[Source(name="code", format="stack-v2", paths=["*"], kind="code")],
        filters=Filters(assign={"code": [], "text": []}),
        licences=Licences(cache=str(folder / "cache")),
    )
    plan = Plan([[Shard("code/0", str(path), "code", len(data), sha256(data).hexdigest())]], 1, NUM_SLICES)
    mill = Mill(recipe, plan, Storage(str(folder / "work")))
    for name in ("ingest", "look_up"):
        for unit in range(step_named(name).num_units(plan)):
            assert run_unit(mill, step_named(name), unit, lambda _bytes: None).failure is None
        mill.records(step_named(name), fresh=True)
    return mill


def told(mill: Mill, step: Step, units: Sequence[int]) -> list[dict[str, Any]]:
    run_step(mill, step, units, workers=2)
    records = mill.records(step)
    counts = []
    for unit in units:
        record = records[unit]
        assert record is not None
        assert record.failure is None
        counts.append(dict(record.counts))
    return counts


def test_one_process_loads_for_all_units_and_is_gone_with_the_step(mill: Mill, step: Step) -> None:
    counts = told(mill, step, range(NUM_SLICES))
    assert [count["texts"] for count in counts] == [1 if unit == SLICE else 0 for unit in range(NUM_SLICES)]
    [[loader]] = {tuple(count["loaded"]) for count in counts}
    assert loader not in {os.getpid(), *(count["process"] for count in counts)}
    assert not Path(f"/proc/{loader}").exists()
    assert loaded == []


def test_nothing_is_loaded_where_no_unit_has_anything_to_read(mill: Mill, step: Step) -> None:
    others = [unit for unit in range(NUM_SLICES) if unit != SLICE]
    assert [count["loaded"] for count in told(mill, step, others)] == [[], []]
    assert [count["loaded"] != [] for count in told(mill, step, [SLICE])] == [True]


def test_nothing_is_loaded_where_all_is_known(tmp_path: Path, step: Step) -> None:
    LicenceCache(str(tmp_path / "cache"), detector_version()).add({text_key(NOTICE): Detection("MIT")})
    counts = told(looked_up(tmp_path), step, range(NUM_SLICES))
    assert [(count["loaded"], count["texts"]) for count in counts] == [([], 0)] * NUM_SLICES


def test_what_is_light_is_loaded_once_and_kept(mill: Mill, monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    light = replace(step, prepare_for="")
    monkeypatch.setitem(_steps_by_name(), "detect", light)
    assert {tuple(count["loaded"]) for count in told(mill, light, range(NUM_SLICES))} == {(os.getpid(),)}
    assert loaded == [os.getpid()]


def test_detection_alone_loads_so_much_and_only_for_texts_that_are_missing() -> None:
    assert [(step.name, step.prepare_for) for step in STEPS if step.prepare_for] == [("detect", "missing")]
    assert all(step.prepare_for in {"", *(read.table for read in step.reads)} for step in STEPS)


def test_a_load_may_take_longer_than_a_unit_may_be_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    def load_slowly(recipe: Recipe) -> None:
        time.sleep(1.5)
        load(recipe)

    slow = replace(step, prepare=load_slowly)
    monkeypatch.setitem(_steps_by_name(), "detect", slow)
    mill = looked_up(tmp_path)
    licences = mill.recipe.licences.model_copy(update={"text_seconds": 0.5})
    limits = mill.recipe.limits.model_copy(update={"progress_seconds": 1})
    mill.recipe = mill.recipe.model_copy(update={"licences": licences, "limits": limits})
    [count] = told(mill, slow, [SLICE])
    assert count["loaded"]


@pytest.mark.parametrize("loaded", [True, False])
def test_a_pool_that_runs_nothing_is_ended_soon_once_it_has_loaded(
    loaded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.local, "_IDLE_SECONDS", 0.3 if loaded else 60)
    board = Board(1)
    runner = os.fork()
    if runner == 0:
        os.setpgid(0, 0)
        if loaded:
            board.load()
        time.sleep(50)
        os._exit(0)
    began = time.monotonic()
    assert pipeline.local._attend(runner, board, lambda _bytes: None, 60 if loaded else 0.3) == []
    assert time.monotonic() - began < 20


def test_paths_that_are_remembered_can_still_be_asked_for_in_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", sysconfig.get_path)
    expected = sysconfig.get_path("scripts"), sysconfig.get_path("scripts", vars={"base": "/elsewhere"})
    pipeline.local._remember_paths()
    for _ in range(2):
        found = sysconfig.get_path("scripts"), sysconfig.get_path("scripts", vars={"base": "/elsewhere"})
        assert found == expected
        assert "/elsewhere" in found[1]

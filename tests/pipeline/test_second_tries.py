"""What may have lacked memory runs once more when all others have ended, alone, and fails by name only then.

So in a local run and in a task of a cluster.
"""

import faulthandler
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from manifests.record import Record
from manifests.storage import Storage
from pipeline.local import run_step
from pipeline.plan import Plan
from pipeline.recipe import Recipe, Source
from pipeline.recipe_filters import Filters
from pipeline.steps import Step, UnitContext
from pipeline.tasks import run_units, stoppable
from pipeline.units import Mill, _steps_by_name

NUM_UNITS = 5
QUIET = NUM_UNITS - 1
Fault = Callable[[], object]
Run = Callable[..., list[Record]]


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def abort() -> None:
    faulthandler.disable()
    os.abort()


def lose_worker() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)  # it ends with its parent


def want_too_much() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
    np.ones(1 << 31, np.int8)


@pytest.fixture
def mill(tmp_path: Path) -> Mill:
    recipe = Recipe(
        name="small",
        version="0.1.0",
        sources=[Source(name="code", format="stack-v2", paths=["*"], kind="code")],
        filters=Filters(assign={"code": [], "text": []}),
    )
    return Mill(recipe, Plan([], 1, NUM_UNITS), Storage(str(tmp_path / "work")))


def tries(mill: Mill) -> list[str]:
    """A line for each beginning and end of a unit, in order."""
    return Path(mill.work.path("tries")).read_text().splitlines()


def run_locally(mill: Mill, step: Step) -> None:
    run_step(mill, step, range(NUM_UNITS), workers=2)


def run_as_task(mill: Mill, step: Step) -> None:
    with stoppable(None) as stopper:
        run_units(mill, step, range(NUM_UNITS), workers=2, stopper=stopper)


Executor = Callable[[Mill, Step], None]
both = pytest.mark.parametrize("execute", [run_locally, run_as_task])


@pytest.fixture
def run(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the units of a step in which some meet a fault, the first so many times that they are tried."""

    def run(execute: Executor, faults: dict[int, Fault], *, times: int) -> list[Record]:
        Path(mill.work.root).mkdir()
        log = os.open(mill.work.path("tries"), os.O_CREAT | os.O_WRONLY | os.O_APPEND)

        def run_one(context: UnitContext) -> None:
            os.write(log, f"begin {context.unit}\n".encode())
            if context.unit in faults and tries(mill).count(f"begin {context.unit}") <= times:
                faults[context.unit]()
            os.write(log, f"end {context.unit}\n".encode())

        step = Step("probe", 1, "ingest", "slices", (), lambda _recipe, _plan: None, run_one)
        monkeypatch.setitem(_steps_by_name(), "probe", step)
        execute(mill, step)
        os.close(log)
        records = [record for record in mill.records(step, fresh=True) if record is not None]
        assert len(records) == NUM_UNITS
        return records

    return run


@both
def test_units_that_may_have_lacked_memory_run_once_more_one_after_the_other(
    mill: Mill, run: Run, execute: Executor
) -> None:
    records = run(execute, {0: be_killed, 1: abort, 2: want_too_much}, times=1)
    assert [record.failure for record in records] == [None] * NUM_UNITS
    assert tries(mill)[-6:] == ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]
    assert [tries(mill).count(f"begin {unit}") for unit in range(NUM_UNITS)] == [2, 2, 2, 1, 1]


@both
def test_a_unit_whose_worker_was_killed_runs_once_more(mill: Mill, run: Run, execute: Executor) -> None:
    records = run(execute, {1: lose_worker}, times=1)
    assert [record.failure for record in records] == [None] * NUM_UNITS
    assert tries(mill)[-2:] == ["begin 1", "end 1"]
    assert tries(mill).count("begin 1") == 2


def test_a_unit_that_fails_alone_too_is_failed_by_name(mill: Mill, run: Run) -> None:
    records = run(run_locally, {0: be_killed, 1: want_too_much, 2: lose_worker}, times=9)
    whats = [
        "its process was ended by signal 9 (SIGKILL)",
        "it was refused memory that it asked for",
        "its worker was ended from outside; expected it to finish",
    ]
    for unit, what in enumerate(whats):
        failure = records[unit].failure
        assert failure is not None
        assert failure.error == "OutOfMemoryError"
        assert failure.message.startswith(f"probe, unit {unit}: {what}; ")
        assert failure.message.endswith("; so it was beside others before, and now alone")
        assert "--workers, a smaller limits.slice_bytes or limits.unit_bytes, or more memory" in failure.hint
        assert tries(mill).count(f"begin {unit}") == 2
    assert [records[unit].failure for unit in (3, QUIET)] == [None, None]

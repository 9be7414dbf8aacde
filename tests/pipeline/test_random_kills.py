"""A run whose processes are killed at random, again and again, comes to the same bytes and leaves nothing behind.

Whatever belongs to the run may be hit, at any moment: the launcher, the runner, datatrove's manager, a worker, a unit.
`CORPUSMILL_KILLS` says how often (20 here, 200 in `make soak`), `CORPUSMILL_KILLS_SEED` with which numbers: whom to
hit and how long to wait. What it is doing at that moment is up to the machine. A mill that comes to its end before the
last kill is begun anew. With `CORPUSMILL_KILLS_WORK=s3` the work folder lies in a bucket of a real server.
"""

import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from random_kills import Tally, random_fire, run_under_fire
from run_processes import start_run

import pipeline.local
from manifests.record import record_name
from pipeline.garbage import collect
from pipeline.passes import steps_of
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.units import Mill
from pipeline.verify import verify_release

pytestmark = pytest.mark.servers

NUM_KILLS = int(os.environ.get("CORPUSMILL_KILLS", "20"))
WORK = os.environ.get("CORPUSMILL_KILLS_WORK", "local")
SEED = int(os.environ.get("CORPUSMILL_KILLS_SEED", "1"))
KNOWN = {"plan.json", "recipe.json", "software.json", "inputs.json", "lock", "report.html"}
Files = dict[str, bytes]


def unnamed(mill: Mill) -> set[str]:
    """Files of the work folder that neither records name nor a run always has."""
    named = {
        output.file
        for step in steps_of(mill.recipe)
        for record in mill.records(step)
        if record is not None
        for output in record.outputs.values()
    }
    units = [(step.name, unit) for step in steps_of(mill.recipe) for unit in range(step.num_units(mill.plan))]
    records = {record_name(step, unit) for step, unit in units}
    logs = {f"{step}/logs/{unit:06d}.jsonl" for step, unit in units}
    there = set(mill.work.list(""))
    assert records <= there
    return there - named - records - logs - KNOWN


def check(mill: Mill, files: Files, expected: Files) -> None:
    assert files == expected
    collect(mill.work.root, dry_run=False)
    assert unnamed(mill) == set()
    assert mill.work.unfinished(re.compile(".*")) == {}


@pytest.fixture
def work(tiny_recipe: Path, request: pytest.FixtureRequest) -> str:
    """The work folder's address."""
    return str(request.getfixturevalue("s3_folder")) if WORK == "s3" else str(tiny_recipe.parent / "work")


def test_random_kills_change_no_byte_and_leave_nothing_behind(
    tiny_recipe: Path, tmp_path: Path, work: str, monkeypatch: pytest.MonkeyPatch, *,
    release_files: Callable[[Path], Files], expected_release: Files, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(pipeline.local, "_IDLE_SECONDS", 3)  # a worker killed between two units costs that long
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # executors' logs of a run whose work folder is in a bucket
    mill = open_mill(load_recipe(tiny_recipe), work)
    fire, tally, started = random_fire(SEED, NUM_KILLS), Tally(), time.monotonic()
    code = -1
    while code != 0 or fire:
        if code == 0:
            check(mill, release_files(tiny_recipe), expected_release)
            for name in mill.work.list(""):
                mill.work.delete(name)
            shutil.rmtree(tiny_recipe.parent / "releases")
        log = tmp_path / f"log-{tally.ends.total()}.txt"
        command = start_run(tiny_recipe, log, "--work", work, "--take-over")
        code = run_under_fire(command, fire, tally)
        tally.ends[code] += 1
        assert code in (0, 1, -signal.SIGKILL), log.read_text()
    tally.seconds = time.monotonic() - started
    verify_release(str(tiny_recipe.parent / "releases/tiny-0.1.0"))
    check(mill, release_files(tiny_recipe), expected_release)
    with capsys.disabled():
        print(f"\n{tally}")  # noqa: T201 - what `make soak` is run for

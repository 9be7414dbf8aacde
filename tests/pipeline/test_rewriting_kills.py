"""A run that asks a model and is killed at random moments comes to the same bytes, and pays nothing twice that it had.

The scripted model counts for itself what it is asked and what it answers. A question may be answered again only where
its answer was under way when a process was killed: not yet given, or given and not yet in the cache.
`CORPUSMILL_KILLS` and `CORPUSMILL_KILLS_SEED` are as in `test_random_kills`.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from random_kills import Fire, Tally, random_fire, run_under_fire
from rewriting_mill import MODEL, script, write_mill
from run_processes import start_run
from scripted_model import Asked, Reply, ScriptedModel, scripted_model

import pipeline.local
from pipeline.garbage import collect
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.units import Mill, step_named
from pipeline.verify import verify_release

pytestmark = pytest.mark.servers
NUM_KILLS = int(os.environ.get("CORPUSMILL_KILLS", "20"))
SEED = int(os.environ.get("CORPUSMILL_KILLS_SEED", "1"))
SECONDS_AN_ANSWER = 0.25
LONGEST_PAUSE_SECONDS = 2.5  # a run needs one until it asks


def slow(asked: Asked) -> Reply:
    """The script of the mill, by a model that takes its time."""
    return replace(script(asked), seconds=SECONDS_AN_ANSWER)


class Round:
    """A mill that is run until it comes to its end, however often it is killed before.

    Attributes:
        allowed: questions that may be asked once more: at each kill as many as were under way.
    """

    def __init__(self, recipe: Path, model: ScriptedModel) -> None:
        self.recipe = recipe
        self.allowed = 0
        self._asked = 0
        self._model = model
        self._answers = recipe.parent / "answers"

    def run(self, fire: Fire, tally: Tally) -> None:
        """Run it to its end, and hit it as long as there is fire."""
        code = -1
        options = (f"rewriting.endpoint={self._model.address}", f"rewriting.cache={self._answers}")
        while code != 0:
            log = self.recipe.parent / f"log-{tally.ends.total()}.txt"
            command = start_run(
                self.recipe, log, "--workers", "2", *(part for one in options for part in ("--set", one))
            )
            code = run_under_fire(command, fire, tally, after_kill=self._allow)
            tally.ends[code] += 1
            assert code in (0, 1, -signal.SIGKILL), f"ended with code {code}:\n{log.read_text()}"
            if code:
                self._allow()  # a unit whose helper was hit goes on until it misses it

    def asked_again(self) -> int:
        """Questions that were asked more than once, each time that they were; every one has an answer in the end."""
        asked = self._model.asked
        assert self._kept() == len(asked) == len(self._model.answered)
        return asked.total() - len(asked)

    def _allow(self) -> None:
        """What is under way was asked since the last kill, or was allowed then; an answer of it is not in the cache."""
        time.sleep(0.1)  # what the killed process had sent comes to the server's ears
        asked = self._model.asked
        self.allowed += min(len(asked) - self._kept(), asked.total() - self._asked)
        self._asked = asked.total()

    def _kept(self) -> int:
        return sum(path.is_file() for path in self._answers.glob("*/*/*"))


def test_a_run_killed_while_it_asks_a_model(
    tmp_path: Path, rewritten_recipe: Path, monkeypatch: pytest.MonkeyPatch, *,
    run_alone: Callable[..., None], capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(pipeline.local, "_IDLE_SECONDS", 3)  # a worker killed between two units costs that long
    prepared = write_mill(tmp_path / "prepared", "http://127.0.0.1:1/v1")
    run_alone(prepared, before="rewrite")
    fire, tally = random_fire(SEED, NUM_KILLS, longest_pause_seconds=LONGEST_PAUSE_SECONDS), Tally()
    again = allowed = rounds = 0
    started = time.monotonic()
    while fire:
        rounds += 1
        recipe = Path(shutil.copytree(prepared.parent, tmp_path / f"round-{rounds}")) / prepared.name
        with scripted_model(slow, folder=recipe.parent, name=MODEL) as model:
            this = Round(recipe, model)
            this.run(fire, tally)
            assert this.asked_again() <= this.allowed
        again, allowed = again + this.asked_again(), allowed + this.allowed
        assert release_of(recipe) == release_of(rewritten_recipe)
        verify_release(str(recipe.parent / "releases/rewritten-0.1.0"))
        check_clean(open_mill(load_recipe(recipe)))
    tally.seconds = time.monotonic() - started
    with capsys.disabled():
        print(f"\n{tally}; {rounds} rounds; {again} questions asked again, {allowed} allowed")  # noqa: T201


def release_of(recipe: Path) -> dict[str, bytes]:
    folder = recipe.parent / "releases/rewritten-0.1.0"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def check_clean(mill: Mill) -> None:
    """Nothing is left in the folder of the rewriting but what its records name."""
    collect(mill.work.root, dry_run=False)
    step = step_named("rewrite")
    records = [record for record in mill.records(step) if record is not None]
    named = {output.file for record in records for output in record.outputs.values()}
    assert set(mill.work.list("rewrite/data")) == named
    assert not mill.work.list("rewrite/live")

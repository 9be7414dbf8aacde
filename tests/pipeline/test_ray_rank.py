"""A guard ends what it guards with those it serves, and those with it; nobody pays for Ray who does not ask for it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from manifests.errors import RecipeError
from pipeline.ray_executor import check_node, connected
from pipeline.ray_rank import STOPPED
from pipeline.recipe_file import load_recipe
from pipeline.runner import check_ready, open_mill
from pipeline.software import software_versions


class Rank:
    """A process that stands for Ray's worker, and its child, which has a command guarded; what they write is heard."""

    def __init__(self, command: str) -> None:
        self.reading, writing = os.pipe()
        self.worker = os.fork()
        if self.worker == 0:
            os.close(self.reading)
            os.dup2(writing, 1)
            os.close(writing)
            self._be_worker(command)
        os.close(writing)

    def _be_worker(self, command: str) -> None:
        rank = os.fork()
        if rank:
            os.write(1, f"rank {rank};".encode())
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            time.sleep(60)
            os._exit(0)
        guard = [sys.executable, "-m", "pipeline.ray_rank", str(os.getppid()), str(os.getpid())]
        code = subprocess.call([*guard, "sh", "-c", command])
        os.write(1, f"code {code};".encode())
        os._exit(0)

    def heard(self) -> str:
        """The next word that any of them writes; empty where all have gone."""
        word = b""
        while (character := os.read(self.reading, 1)) not in (b";", b""):
            word += character
        return word.decode()

    def end(self) -> int:
        """What became of the worker."""
        with suppress(ProcessLookupError):
            os.kill(self.worker, signal.SIGTERM)
        os.close(self.reading)
        return os.waitstatus_to_exitcode(os.waitpid(self.worker, 0)[1])


WAITS = 'echo -n "command $$;"; exec sleep 60'


def test_the_exit_code_of_the_command_is_passed_on() -> None:
    rank = Rank("exit 3")
    assert "code 3" in {rank.heard(), rank.heard()}
    assert rank.end() == -signal.SIGTERM


@pytest.mark.parametrize("killed", ["worker", "rank", "command"])
def test_worker_rank_and_command_die_together(killed: str) -> None:
    rank = Rank(WAITS)
    processes = {name: int(number) for name, number in (rank.heard().split(), rank.heard().split())}
    started = time.monotonic()
    os.kill((processes | {"worker": rank.worker})[killed], signal.SIGKILL)
    assert rank.heard() == ""  # every one of them held the pipe
    assert time.monotonic() - started < 10
    assert rank.end() == -signal.SIGKILL


def test_a_command_that_was_told_to_stop_has_the_task_run_again() -> None:
    rank = Rank(f"exit {STOPPED}")
    assert rank.heard().startswith("rank ")
    assert rank.heard() == ""
    assert rank.end() == -signal.SIGKILL


def test_nothing_of_ray_is_imported_unless_asked_for() -> None:
    code = "import pipeline.runner, pipeline.ray_executor, sys; assert not {'ray', 'datatrove'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ray_is_asked_for_before_any_work(tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe(tiny_recipe, ["executor=ray"])
    monkeypatch.setitem(sys.modules, "ray", None)  # as where it is not installed
    with pytest.raises(RecipeError, match="executor: ray: Ray is not installed") as caught:
        check_ready(recipe)
    assert "pip install 'corpusmill[ray]'" in caught.value.hint


def test_an_address_where_nothing_listens_is_told_at_once(tiny_recipe: Path) -> None:
    recipe = load_recipe(tiny_recipe, ["executor=ray", "ray.address=127.0.0.1:1"])
    with (
        pytest.raises(
            RecipeError, match=r"ray.address: 127.0.0.1:1: expected a Ray cluster .*, got Connection refused"
        ),
        connected(open_mill(recipe), workers=1),
    ):
        pass


@pytest.mark.parametrize("address", ["localhost", "http://head:6379", "ray://head", "head:port", ""])
def test_an_address_of_another_form_is_refused(tiny_recipe: Path, address: str) -> None:
    with pytest.raises(RecipeError, match=r"ray\.address"):
        load_recipe(tiny_recipe, ["executor=ray", f"ray.address={address}" if address else "ray.address=''"])


def test_a_node_of_other_software_or_without_the_work_folder_is_named() -> None:
    ours = software_versions()
    check_node("ray.address: auto", "/work", ("one", ours, True))
    with pytest.raises(RecipeError, match="node two does not see the work folder /work"):
        check_node("ray.address: auto", "/work", ("two", ours, False))
    with pytest.raises(RecipeError, match=rf"node three has other software: numpy 1\.0; expected {ours['numpy']}"):
        check_node("ray.address: auto", "/work", ("three", ours | {"numpy": "1.0"}, True))

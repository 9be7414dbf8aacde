"""The mill on a real Ray makes the bytes of a local run, goes on after kills, and says what is wrong with a cluster."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import yaml
from bucket_mill import bucket_mill
from fault_proxy import fault_proxy
from object_store import ObjectStore
from ray_cluster import ray_cluster

from manifests.errors import CorpusmillError, RecipeError, UnitError
from pipeline.complaints import complain
from pipeline.pass_9_release import release_folder
from pipeline.progress import run_with_progress
from pipeline.ray_executor import connected
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill, prepared, run_mill
from pipeline.steps import Step
from pipeline.units import Mill, step_named, units_to_run

pytestmark = pytest.mark.servers

BOUND_SECONDS = 180
ONE_SHARD_A_UNIT = "limits.unit_bytes=1"
UNITS, GUARD, FORKED, WORKER = range(4)


class Silent:
    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, step: Step, *, failed: int) -> None: ...


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Ray that runs for this module; its token is in the environment."""
    with ray_cluster(tmp_path_factory.mktemp("ray"), num_gpus=1) as environment, pytest.MonkeyPatch.context() as patch:
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
            patch.setenv(name, environment[name])
        yield environment["RAY_ADDRESS"]


@pytest.fixture
def recipe(small_inputs: Path, cluster: str) -> Callable[..., Recipe]:
    """The small recipe, to be run on the cluster."""

    def load(*overrides: str) -> Recipe:
        return load_recipe(small_inputs, ["executor=ray", f"ray.address={cluster}", ONE_SHARD_A_UNIT, *overrides])

    return load


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ingested(mill: Mill) -> list[object]:
    """What ingest's records say that does not change from run to run."""
    records = [record for record in mill.records(step_named("ingest"), fresh=True) if record is not None]
    return [(record.unit, record.fingerprint, record.outputs, record.ledger, record.failure) for record in records]


def ingested_here(small_inputs: Path) -> list[object]:
    """The same of a local run."""
    mill = open_mill(load_recipe(small_inputs, [ONE_SHARD_A_UNIT]), str(small_inputs.parent / "here"))
    run_mill(mill, workers=2, progress=Silent(), until="ingest")
    return ingested(mill)


class Blocked:
    """A shard that gives nothing until it is opened: the unit that reads it waits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data = path.read_bytes()
        path.unlink()
        os.mkfifo(path)

    def open(self) -> None:
        self.path.unlink()
        self.path.write_bytes(self._data)


def family(work: str) -> list[psutil.Process]:
    """The process that runs units of a work folder on the cluster, its guard, what datatrove forked, Ray's worker."""
    deadline = time.monotonic() + BOUND_SECONDS
    while time.monotonic() < deadline:
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if command[1:4] == ["-m", "pipeline.tasks", work] and process.children():
                return [process, *process.parents()[:3]]
        time.sleep(0.1)
    raise AssertionError("no unit ran on the cluster")


def wait_for_records(mill: Mill, number: int) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while len(mill.work.list("ingest/records")) < number:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert [process.cmdline() for process in alive] == []


def own_folders() -> set[Path]:
    return set(Path("/tmp").glob("corpusmill-ray-*"))  # noqa: S108 - where they are made


class Launcher:
    """`corpusmill run` of a mill up to ingest, in a process and a session of its own."""

    def __init__(self, mill: Mill) -> None:
        self.log = Path(f"{mill.work.root}.log")
        self.process = os.fork()
        if self.process == 0:
            code: object = 1
            try:
                os.setsid()
                os.dup2(os.open(self.log, os.O_CREAT | os.O_WRONLY), 2)
                sys.stderr = os.fdopen(2, "w", buffering=1)
                run_with_progress(mill, workers=1, until="ingest")
                code = 0
            except SystemExit as end:
                code = end.code
            except CorpusmillError as error:
                code = complain(error.message, error.hint, error.exit_code)
            finally:
                os._exit(int(str(code)))

    def wait(self) -> int:
        deadline = time.monotonic() + BOUND_SECONDS
        while time.monotonic() < deadline:
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        raise AssertionError(f"hangs:\n{self.log.read_text()}")

    def said(self) -> str:
        return " ".join(self.log.read_text().split())


def test_a_run_on_a_cluster_makes_the_bytes_of_a_local_run(
    small_inputs: Path, small_release: Path, cluster: str
) -> None:
    # one task of two units for each step, which costs half of two tasks
    recipe = load_recipe(small_inputs, ["executor=ray", f"ray.address={cluster}", "ray.cpus_per_task=2"])
    told = []
    mill = open_mill(recipe)

    class Watcher(Silent):
        def advance(self, num_bytes: int) -> None:
            told.append(num_bytes)

    run_mill(mill, workers=1, progress=Watcher())
    assert files(Path(release_folder(recipe).root)) == files(small_release)
    assert max(told) > 1000
    assert all(units_to_run(mill, step_named(name)) == [] for name in ("ingest", "pair", "pack"))


def test_a_ray_of_its_own_makes_the_records_of_a_local_run_and_leaves_nothing(small_inputs: Path) -> None:
    mill = open_mill(load_recipe(small_inputs, ["executor=ray", ONE_SHARD_A_UNIT]))
    folders, processes = own_folders(), psutil.Process().children(recursive=True)
    run_mill(mill, workers=2, progress=Silent(), until="ingest")
    assert ingested(mill) == ingested_here(small_inputs)
    assert own_folders() <= folders
    assert_gone([process for process in psutil.Process().children(recursive=True) if process not in processes])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 130)])
def test_what_a_stopped_launcher_had_on_the_cluster_ends_and_the_next_run_goes_on(
    small_inputs: Path, recipe: Callable[..., Recipe], *, number: signal.Signals, code: int
) -> None:
    mill = open_mill(recipe("ray.cpus_per_task=2"))
    shard = Blocked(small_inputs.parent / "texts.jsonl")
    launcher = Launcher(mill)
    wait_for_records(mill, 2)
    running = family(mill.work.root)
    os.kill(launcher.process, number)
    assert launcher.wait() == code, launcher.said()
    assert_gone(running)
    done = {path: path.stat().st_mtime_ns for path in Path(mill.work.root).glob("ingest/records/*")}
    shard.open()
    run_mill(mill, workers=1, progress=Silent(), until="ingest")
    assert ingested(mill) == ingested_here(small_inputs)
    assert {path: path.stat().st_mtime_ns for path in done} == done


def test_killed_processes_of_a_task_are_started_again(small_inputs: Path, recipe: Callable[..., Recipe]) -> None:
    """Ray's worker, what datatrove forked from it, and the process of the units: each once."""
    mill = open_mill(recipe())
    shard = Blocked(small_inputs.parent / "texts.jsonl")
    launcher = Launcher(mill)
    for number in (WORKER, FORKED, UNITS):
        running = family(mill.work.root)
        if number == UNITS:
            shard.open()  # of which nothing is heard by the unit that waits for the pipe
        running[number].kill()
        assert_gone(running)
    assert launcher.wait() == 0, launcher.said()
    assert ingested(mill) == ingested_here(small_inputs)


def test_a_unit_whose_task_is_lost_is_failed_by_name(small_inputs: Path, recipe: Callable[..., Recipe]) -> None:
    mill = open_mill(recipe())
    shard = Blocked(small_inputs.parent / "texts.jsonl")
    launcher = Launcher(mill)
    wait_for_records(mill, 2)
    running = family(mill.work.root)
    running[GUARD].kill()
    assert launcher.wait() == 1
    assert_gone(running)
    assert "1 of 3 units of ingest failed: unit 2: ingest, unit 2: its worker was ended from outside" in launcher.said()
    assert "(RuntimeError: ingest: the process of its units ended with code -9)" in launcher.said()
    shard.open()
    run_mill(mill, workers=1, progress=Silent(), until="ingest")
    assert ingested(mill) == ingested_here(small_inputs)


def test_a_unit_that_fails_is_named_and_the_others_are_done(small_inputs: Path, recipe: Callable[..., Recipe]) -> None:
    shard = small_inputs.parent / "files/part-1.jsonl.zst"
    shard.write_bytes(shard.read_bytes()[:-40])
    mill = open_mill(recipe())
    with pytest.raises(
        UnitError, match=r"1 of 3 units of ingest failed:\n  unit 1: .*part-1.jsonl.zst.*compressed byte"
    ):
        run_mill(mill, workers=1, progress=Silent(), until="ingest")
    assert len(units_to_run(mill, step_named("ingest"))) == 1


def test_a_cluster_without_room_is_refused(recipe: Callable[..., Recipe]) -> None:
    with (
        pytest.raises(RecipeError, match=r"no node has room for a task of 64 CPUs and 2 GiB of memory; .* CPU 2"),
        connected(open_mill(recipe("ray.cpus_per_task=64")), workers=1),
    ):
        pass


def test_what_asks_a_model_has_the_gpus_of_its_tasks_and_nothing_else_has(recipe: Callable[..., Recipe]) -> None:
    plain = step_named("ingest")
    asking = replace(plain, serve=lambda _recipe: nullcontext())
    mill = open_mill(recipe("ray.gpus=1"))
    with prepared(mill, "ingest"), connected(mill, workers=1) as run:
        run.run_step(mill, asking, [0, 1], workers=1)
        assert units_to_run(mill, plain) == [2]
    mill = open_mill(recipe("ray.gpus=2"))
    with prepared(mill, "ingest"), connected(mill, workers=1) as run:
        run.run_step(mill, plain, [2], workers=1)
        with pytest.raises(UnitError, match=r"no node has room for a task of 2 GPUs; the whole cluster has 1"):
            run.run_step(mill, asking, [0], workers=1)


def test_a_cluster_of_another_owner_is_told_in_one_message(
    recipe: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    mill = open_mill(recipe())
    with (
        pytest.raises(RecipeError, match=r"expected a Ray cluster to run on, got .*") as caught,
        connected(mill, workers=1),
    ):
        pass
    assert "\n" not in caught.value.message
    assert b"Traceback" in mill.work.read(next(iter(mill.work.list("logs"))))


def test_every_bucket_is_reached_there_as_it_is_here(
    store: ObjectStore, small_release: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The way to the work folder's bucket is none for buckets that the environment says how to reach."""
    folder = tmp_path_factory.mktemp("two-ways")
    with (
        bucket_mill(store, inputs=small_release.parents[1], folder=folder) as mill,
        fault_proxy(store.port) as way_of_recipe,
    ):
        stated = yaml.safe_load(mill.recipe.read_text())
        stated["s3"] = {"endpoint": way_of_recipe.endpoint, "buckets": {store.public_bucket: {}}}
        inputs = store.fill(folder.name, folder / "inputs", bucket=store.public_bucket)
        for source in stated["sources"]:
            source["paths"] = [path.replace(f"{mill.root}/in", inputs) for path in source["paths"]]
        mill.recipe.write_text(yaml.safe_dump(stated))
        mill.run("--until", "ingest", "--set", "executor=ray", "--workers", "1")
        assert mill.proxy.count(target=f"^/{store.public_bucket}/")
        assert way_of_recipe.count(target=f"^/{store.bucket}/")
        assert mill.proxy.count(target=f"^/{store.bucket}/") == 0
        assert way_of_recipe.count(target=f"^/{store.public_bucket}/") == 0

"""The Ray executor: datatrove's RayPipelineExecutor, in a driver process that lives as long as the run.

The driver is connected once, hears every node, and is sent one order for each step. What is done is told by records
alone, which are listed every few seconds. A unit that has none at the end is failed by name. When the launcher stops,
however that is, the driver goes, and with it, by Ray's own rules, whatever runs for it on the cluster.

Cost: 3 to 5 seconds for a Ray of one's own, about 2 of CPU for every task of every step: a worker of Ray's and a clean
process for the units.
"""

import json
import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from manifests.errors import CorpusmillError, RecipeError, RetryableError, UnitError
from manifests.record import record_name
from pipeline.recipe import Recipe
from pipeline.recipe_executors import Ray
from pipeline.software import software_versions
from pipeline.steps import Step
from pipeline.units import Mill, fail_unit, unit_bytes

_START = "from pipeline.ray_driver import main; main()"  # not -m: the cluster finds what the driver sends by its module
_CONNECT_SECONDS = 120
_LEAVE_SECONDS = 15
_LISTEN_SECONDS = 10
_LOOK_SECONDS = 2
_TELL_SECONDS = 0.2
_HELP = "docs/clusters.md says what a cluster needs"


def check_installed(recipe: Recipe) -> None:
    """Raise RecipeError where the recipe asks for Ray and this environment has none, or not all of it."""
    if recipe.executor != "ray":
        return
    if find_spec("ray") is None:
        raise RecipeError(
            "executor: ray: Ray is not installed; expected it beside corpusmill",
            hint="pip install 'corpusmill[ray]', on every node",
        )
    address = recipe.ray.address or ""
    if address.startswith("ray://") and find_spec("grpc") is None:
        raise RecipeError(
            f"ray.address: {address}: Ray's client is not installed; expected grpcio beside it",
            hint="pip install 'ray[client]', or run on a node of the cluster with ray.address: auto",
        )


@contextmanager
def connected(mill: Mill, *, workers: int) -> Iterator["RayRun"]:
    """Be connected to the recipe's cluster, or have a Ray of one's own with room for so many tasks.

    Raises:
        RecipeError: no cluster there, one of other versions, one that cannot see the work folder or has no room.
    """
    if mill.recipe.ray.address not in (None, "auto"):
        _check_listening(str(mill.recipe.ray.address))
    run = RayRun(mill)
    try:
        run.connect(workers)
        yield run
    finally:
        run.close()


def _check_listening(address: str) -> None:
    """Ray itself would try for minutes before it says less."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _LISTEN_SECONDS).close()
    except OSError as error:
        raise RecipeError(
            f"ray.address: {address}: expected a Ray cluster to run on, got {error.strerror or error}",
            hint="`ray start --head` printed its address; a firewall may be in between",
        ) from error


def check_node(where: str, work: str, node: Sequence[Any]) -> None:
    """Raise RecipeError where a node cannot do the work: it has other software, or does not see the work folder.

    Args:
        node: what `look_around` answered there.
    """
    name, software, sees_work = node
    if not sees_work:
        raise RecipeError(
            f"{where}: node {name} does not see the work folder {work}",
            hint="expected a folder that all nodes share, or s3://",
        )
    ours = software_versions()
    other = sorted(key for key in ours | software if ours.get(key) != software.get(key))
    if other:
        raise RecipeError(
            f"{where}: node {name} has other software: {other[0]} {software.get(other[0])}; "
            f"expected {ours.get(other[0])}" + (f" ({len(other) - 1} more differ)" if other[1:] else ""),
            hint="install the same requirements on every node: other versions may make other bytes",
        )


class RayRun:
    """A run's connection to Ray; the work folder must be there already."""

    def __init__(self, mill: Mill) -> None:
        self.mill = mill
        self._settings: Ray = mill.recipe.ray
        self._temporary = tempfile.mkdtemp(prefix="corpusmill-ray-", dir="/tmp")  # a socket has a short path
        self._log = Path(self._temporary, "driver.log")
        environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONUNBUFFERED": "1"}
        if self._settings.address is None:  # its ports are open to the network: nobody else may use them
            environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        with self._log.open("wb") as log:
            self._driver = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-c", _START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,  # a Ctrl-C at the terminal reaches the launcher alone
            )

    def connect(self, workers: int) -> None:
        """Have the driver connect and hear every node; raises RecipeError where the mill cannot run there."""
        cpus = self._settings.cpus_per_task
        order = self._settings.model_dump() | {"num_cpus": workers * cpus, "temporary": self._temporary}
        self._send(order | self._where())
        deadline = time.monotonic() + _CONNECT_SECONDS
        while (found := self._answer(_TELL_SECONDS)) is None:
            if time.monotonic() > deadline:
                found = {"error": f"no answer for {_CONNECT_SECONDS} s"}
                break
        where = f"ray.address: {self._settings.address}" if self._settings.address else "executor: ray"
        if "error" in found:
            raise RecipeError(
                f"{where}: expected a Ray cluster to run on, got {' '.join(found['error'].split())[:600]}",
                hint=f"{self._keep_log()} holds all that Ray said; {_HELP}",
            )
        if not found["places"]:
            there = ", ".join(f"{name} {amount:g}" for name, amount in found["resources"].items() if ":" not in name)
            raise RecipeError(
                f"{where}: no node has room for a task of {cpus} CPUs and {self._settings.memory_gb} GiB of memory; "
                f"the whole cluster has {there}",
                hint="lower ray.cpus_per_task or ray.memory_gb, or start such nodes first",
            )
        for node in found["nodes"]:
            check_node(where, self.mill.work.root, node)

    def run_step(
        self,
        mill: Mill,
        step: Step,
        units: Sequence[int],
        *,
        workers: int,
        tell: Callable[[int], None] = lambda _bytes: None,
    ) -> None:
        """Run some units of a step on the cluster; afterwards each has a record, good or failed.

        Args:
            workers: counts for a Ray of one's own alone, where it was said already.
            tell: called a few times a second with the bytes of the units that have a record.

        Raises:
            UnitError: nothing ran, or the connection was lost.
        """
        del workers
        present = mill.work.list(f"{step.name}/records")
        # Of an earlier attempt, or of other inputs.
        mill.work.delete_many({record_name(step.name, unit) for unit in units} & present.keys())
        name = f"logs/{step.name}-ray-{os.getpid()}.json"
        mill.work.write(name, json.dumps(list(units)).encode())
        order = {"step": step.name, "units": name, "num_units": len(units), "tasks": self._settings.tasks}
        order["gpus"] = self._settings.gpus if step.needs_server else 0
        self._send(order | self._where())
        done: dict[int, int] = {}
        looked = time.monotonic()
        while (found := self._answer(_TELL_SECONDS)) is None:
            if time.monotonic() - looked > _LOOK_SECONDS:
                self._count(step, units, done)
                looked = time.monotonic()
            tell(sum(done.values()))
        self._count(step, units, done)
        tell(sum(done.values()))
        if "error" in found or not done:
            said = found.get("error") or found.get("reason") or "it ended"
            raise UnitError(
                f"{step.name}: expected Ray to run {len(units)} units, got {len(done)} and "
                f"{' '.join(said.split())[:600]}",
                hint=f"{self._keep_log()} holds all that Ray said; run again: what is done stays done",
            )
        for unit in units:
            if unit not in done:
                error = RetryableError(
                    f"{step.name}, unit {unit}: its worker was ended from outside; expected it to finish"
                    + (f" ({found['reason'][:300]})" if found["reason"] else ""),
                    hint="run again: only this unit is made again",
                )
                fail_unit(mill, step, unit, error)
        mill.records(step, fresh=True)

    def _where(self) -> dict[str, str]:
        """The work folder, and how workers reach it before they have read the recipe there: names and no secret."""
        access = msgspec.json.encode(self.mill.recipe.s3.access).decode()
        return {"work": self.mill.work.root, "access": access}

    def _count(self, step: Step, units: Sequence[int], done: dict[int, int]) -> None:
        present = self.mill.work.list(f"{step.name}/records")
        for unit in units:
            if unit not in done and record_name(step.name, unit) in present:
                done[unit] = unit_bytes(self.mill, step, unit)

    def _send(self, order: dict[str, Any]) -> None:
        pipe = self._driver.stdin
        assert pipe is not None  # noqa: S101 - we asked for it
        with suppress(BrokenPipeError):  # that it is gone is what its answer will say
            pipe.write(json.dumps(order).encode() + b"\n")
            pipe.flush()

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """What the driver answers; None where it does not within so many seconds."""
        pipe: BinaryIO | None = self._driver.stdout  # type: ignore[assignment]
        assert pipe is not None  # noqa: S101 - we asked for it
        if not select.select([pipe], [], [], seconds)[0]:
            return None
        line = pipe.readline()
        last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        return dict(json.loads(line)) if line else {"error": f"the driver process ended: {''.join(last)}"}

    def _keep_log(self) -> str:
        """Put the driver's log into the work folder, where it outlives the run; its path."""
        name = f"logs/ray-{os.getpid()}.log"
        with suppress(CorpusmillError, OSError):  # what went wrong is being told already
            self.mill.work.write(name, self._log.read_bytes())
        return self.mill.work.path(name)

    def close(self) -> None:
        """End the driver, and with it what runs for it, and what it leaves behind."""
        with suppress(BrokenPipeError):
            self._driver.stdin.close()  # type: ignore[union-attr]
        try:
            self._driver.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._driver.kill()
            self._driver.wait()
        self._driver.stdout.close()  # type: ignore[union-attr]
        shutil.rmtree(self._temporary, ignore_errors=True)

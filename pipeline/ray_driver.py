"""The Ray driver: a process of its own, connected to a Ray cluster for a whole run, that hands steps to datatrove.

It reads orders from standard input, a line of JSON each, and answers on standard output; what it, Ray and the cluster's
workers have to say goes to standard error, which is the log. The launcher never imports Ray. When it ends, however that
is, so does standard input; this process goes, and by Ray's own rules everything on the cluster that runs for it.

datatrove's RayPipelineExecutor places, starts and watches the ranks, and has one run again, up to three times, whose
worker or node died. Three of its traits are worked around here: it keeps logs under one name for every run of a node,
it waits for ever for a rank whose worker could not be started, and for a place on a cluster that has none any more.
"""

import json
import os
import select
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, cast

import datatrove.executor.ray
import ray
from datatrove.executor.ray import RayPipelineExecutor, RayTaskManager
from datatrove.utils.logging import logger
from datatrove.utils.stats import PipelineStats
from ray.exceptions import TaskUnschedulableError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pipeline.ray_rank import RankTask, look_around

Order = dict[str, Any]

_LOOK_SECONDS = 10
_NO_PLACE_SECONDS = 300
_LEAVE_SECONDS = 10
_OBJECT_STORE_BYTES = 100_000_000  # orders are all that goes there
_GB = 1 << 30


class StepExecutor(RayPipelineExecutor):  # type: ignore[misc]
    """RayPipelineExecutor whose ranks leave no log and no statistics behind: their records say it all."""

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> PipelineStats:
        del local_rank, node_rank
        self.pipeline[0](None, rank, self.world_size)
        return PipelineStats()


class _Ranks(RayTaskManager):  # type: ignore[misc]
    """RayTaskManager that hears of a rank which could not be started; the executor then goes on without it."""

    def submit_task(self, *order: object) -> Future[object]:
        placed = cast("Future[object]", super().submit_task(*order))

        def tell(started: Future[None]) -> None:
            if not started.cancelled() and (error := started.exception()) is not None:
                placed.set_exception(error)

        self.pg_futures[-1].add_done_callback(tell)
        return placed


class _Driver:
    """The connection, and the step that runs."""

    def __init__(self, order: Order) -> None:
        self.task = {"cpus": order["cpus_per_task"], "memory": int(order["memory_gb"] * _GB)}
        self.reason = ""

    def hear(self, message: str) -> None:
        """Remember the last thing that datatrove had to say about a rank that failed."""
        if "failed" in message or "Failed" in message:
            self.reason = next((line for line in reversed(message.splitlines()) if line.strip()), "").strip()

    def connect(self, order: Order) -> Order:
        """Connect to the cluster, or start one, and hear every node."""
        own = {"num_cpus": order["num_cpus"], "include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES}
        own |= {"_temp_dir": order["temporary"]}
        ray.init(address=order["address"] or "local", **({} if order["address"] else own))
        nodes = _look(order["work"], order["access"])
        return {"places": self.places(), "resources": ray.cluster_resources(), "nodes": nodes}

    def places(self, gpus: int = 0) -> int:
        """How many tasks the nodes that are there have room for, when nothing else runs."""
        rooms = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        asked = {"CPU": self.task["cpus"], "memory": self.task["memory"]} | ({"GPU": gpus} if gpus else {})
        return sum(int(min(room.get(name, 0) // amount for name, amount in asked.items())) for room in rooms)

    def run(self, order: Order) -> Order:
        """Run units of a step, as many tasks at a time as there is room for."""
        self.reason = ""
        gpus = order["gpus"]
        places = self.places(gpus)
        if gpus and not places:
            there = ray.cluster_resources().get("GPU", 0)
            return {"error": f"no node has room for a task of {gpus} GPUs; the whole cluster has {there:g}"}
        tasks = min(order["num_units"], order["tasks"] or max(1, places))
        executor = StepExecutor(
            pipeline=[RankTask(order["work"], order["access"], order["step"], order["units"], self.task["cpus"])],
            tasks=tasks,
            logging_dir=f"memory://{order['units']}",
            skip_completed=False,  # our records are the only truth
            cpus_per_task=self.task["cpus"],
            mem_per_cpu_gb=self.task["memory"] / _GB / self.task["cpus"],
            gpus_per_task=gpus,
        )
        for rank in range(tasks):  # which the executor adds up at the end, wherever its ranks ran
            with executor.logging_dir.open(f"stats/{rank:05d}.json", "w") as file:
                PipelineStats().save_to_disk(file)
        executor.run()
        return {"reason": self.reason}


def _look(work: str, access: str) -> list[object]:
    """What every node that work can be sent to has to say."""
    look = ray.remote(num_cpus=0)(look_around)
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    on = [NodeAffinitySchedulingStrategy(node, soft=False) for node in nodes]
    said = []
    for answer in [look.options(scheduling_strategy=node).remote(work, access) for node in on]:
        with suppress(TaskUnschedulableError):  # the node has just died: it gets no work either
            said.append(ray.get(answer))
    return said


def main() -> None:
    """Connect as the first order says, answer, and run steps until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    orders = sys.stdin.buffer
    first: Order = json.loads(orders.readline())
    driver = _Driver(first)
    logger.remove()
    logger.add(sys.stderr, level="DEBUG", diagnose=False)  # or values, a token among them, would be shown
    logger.add(driver.hear, level="DEBUG", format="{message}")
    datatrove.executor.ray.RayTaskManager = _Ranks

    def say(found: Order) -> None:
        answers.write(json.dumps(found) + "\n")
        answers.flush()

    def answer(do: Callable[[Order], Order], order: Order) -> None:
        try:
            say(do(order))
        except Exception as error:  # Ray's errors have no class in common; the launcher tells the user
            logger.opt(exception=error).error("no answer")
            say({"error": f"{type(error).__name__}: {error}"})

    answer(driver.connect, first)
    lost_seconds = 0
    while lost_seconds < _NO_PLACE_SECONDS:
        if select.select([orders], [], [], _LOOK_SECONDS)[0]:  # never two orders at once, so none waits in the buffer
            line = orders.readline()
            if not line:
                break
            threading.Thread(target=answer, args=(driver.run, json.loads(line)), daemon=True).start()
        lost_seconds = 0 if driver.places() else lost_seconds + _LOOK_SECONDS
    else:
        say({"error": f"for {lost_seconds} s no node of the cluster has had room for a task"})
    threading.Timer(_LEAVE_SECONDS, os._exit, [1]).start()
    ray.shutdown()
    shutil.rmtree(first["temporary"], ignore_errors=True)
    os._exit(0)  # whatever thread still waits for something

"""What runs on a Ray cluster: a rank, which is a share of a step's units, in a clean process that is guarded.

Ray's worker is full of threads and datatrove forks from it, so no unit may run in a fork of either: a rank starts
`python -m pipeline.tasks` anew, a second of CPU for imports. Between the two stands a guard. It ends the units where
the worker goes. And it ends the worker where the process that datatrove forked for the rank, or that of the units, was
killed: datatrove's pool would wait for ever for the one, and Ray has the rank run again after either.

This module is imported by every worker and run as the guard, so it needs nothing but Python.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

from manifests.isolation import die_with_parent

STOPPED = 75
"""Exit code of a process of units that was told to stop before they were done."""

_SAID_BY_RECORDS = (0, 1, 3)


class RankTask:
    """The datatrove pipeline of a step: rank r of n runs every n-th unit of a list, from the r-th on.

    Args:
        access: how the work folder is reached where it is a bucket, an `Access` as JSON.
        units: name of the list, in the work folder.
        workers: units that run at the same time.
    """

    def __init__(self, work: str, access: str, step: str, units: str, workers: int) -> None:
        self.work = work
        self.access = access
        self.step = step
        self.units = units
        self.workers = workers

    def __call__(self, data: object, rank: int, world_size: int) -> object:
        """Run the rank's units in a clean process; `data` goes through untouched, as datatrove asks.

        Raises:
            RuntimeError: the process could not do its work; its own words are on the worker's standard error.
        """
        pool = os.getppid()
        die_with_parent(pool)
        guard = [sys.executable, "-m", "pipeline.ray_rank", str(pool), str(os.getpid())]
        units = [sys.executable, "-m", "pipeline.tasks", self.work, self.step, "--units", self.units]
        share = ["--task", str(rank), "--of", str(world_size), "--workers", str(self.workers), "--access", self.access]
        code = subprocess.call([*guard, *units, *share])  # noqa: S603 - ourselves
        if code not in _SAID_BY_RECORDS:
            raise RuntimeError(f"{self.step}: the process of its units ended with code {code}")
        return data


def look_around(work: str, access: str) -> tuple[str, dict[str, str], bool]:
    """What a node has to say before work is sent there: its name, its software, and whether it sees the work folder."""
    import msgspec

    from manifests.buckets import Access
    from manifests.storage import Storage
    from pipeline.software import software_versions

    folder = Storage(work, msgspec.json.decode(access, type=Access))
    return os.uname().nodename, software_versions(), folder.exists("plan.json")


def guard(pool: int, rank: int, command: Sequence[str]) -> int:
    """Run a command while two processes live: the Ray worker, which is `pool`, and its child, which is `rank`.

    Returns:
        The command's exit code. Where the command was ended from outside, the two are, too, and 1 means nothing.
    """
    elders = [os.pidfd_open(process) for process in (rank, pool)]
    me = os.getpid()
    child = subprocess.Popen(command, preexec_fn=lambda: die_with_parent(me))  # noqa: PLW1509, S603 - no thread is here
    ended = os.pidfd_open(child.pid)
    watcher = select.poll()
    for handle in (*elders, ended):
        watcher.register(handle, select.POLLIN)
    over = [handle for handle, _ in watcher.poll()]
    if over == [ended]:
        code = child.wait()
        if code >= 0 and code != STOPPED:
            return code
    child.kill()
    for handle in elders:
        _end(handle)
    return 1


def _end(handle: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(guard(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))

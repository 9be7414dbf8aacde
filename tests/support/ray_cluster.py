"""A real Ray for tests: a head node of its own, ended by its process ids, never by `ray stop`, which ends every Ray."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

_START_SECONDS = 120
_OBJECT_STORE_BYTES = 80_000_000


@contextmanager
def ray_cluster(folder: Path, *, num_cpus: int = 2, num_gpus: int = 0) -> Iterator[dict[str, str]]:
    """Start a head node; skips the test by name where Ray is not installed.

    Its ports are chosen by the system. They are open to the network, so a token guards them.

    Args:
        folder: for its log.
        num_gpus: that the node says it has; Ray believes it.

    Yields:
        What a run needs in its environment: `RAY_ADDRESS` and the token.
    """
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: make servers")
    log = folder / "ray.log"
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as short:
        # fmt: off
        command = [
            sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--port=0",
            "--include-dashboard=false", "--disable-usage-stats", f"--num-cpus={num_cpus}", f"--num-gpus={num_gpus}",
            f"--object-store-memory={_OBJECT_STORE_BYTES}", f"--temp-dir={short}",
            "--min-worker-port=0", "--max-worker-port=0",
        ]
        # fmt: on
        with log.open("wb") as file:
            head = subprocess.Popen(
                command, stdout=file, stderr=file, stdin=subprocess.DEVNULL, env=os.environ | token, cwd="/"
            )
        try:
            _wait(head, log)
            yield token | {"RAY_ADDRESS": Path(short, "ray_current_cluster").read_text().strip()}
        finally:
            end(head)


def _wait(head: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while "Ray runtime started" not in log.read_text():
        assert head.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def end(head: "subprocess.Popen[bytes]") -> None:
    """End a node, and every process it started, whatever state they are in."""
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(head.pid).children(recursive=True)
        for process in [*family, psutil.Process(head.pid)]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)
    head.wait()

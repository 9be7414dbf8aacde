"""The process of a model server: it starts an engine, says where it listens, watches it, and starts it anew.

An engine that does not come up the first time is not tried again: it lacks memory, or the model is none. One that ends
later is started again, at the same address, so that requests which wait find it; after so many times without an hour's
rest between, no more. Told to end (SIGTERM), or when the process that asked for it is gone, it ends the engine and all
of its processes. What engine and watcher say goes into one log, of which the last megabytes stay.

    python -m pipeline.model_server_process ORDER
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Iterable
from logging import INFO, Formatter, Handler, Logger, LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

import loguru
import msgspec

from manifests.isolation import die_with_parent
from manifests.printable import printable
from pipeline.model_engines import ENGINES
from pipeline.model_orders import Order, State

_RESTARTS = 3
_RESTED_SECONDS = 3600
_START_SECONDS = 3600  # a model of hundreds of gigabytes, from a network's disk
_LOG_BYTES = 8 << 20
_LAST_LINES = 12
_LINE_CHARACTERS = 4_000


class LastLines(Handler):
    """Remembers the end of a log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_LAST_LINES)

    def emit(self, record: LogRecord) -> None:
        """Remember one more."""
        if line := record.getMessage().strip():
            self.lines.append(printable(line, 300))


async def watch(order: Order, log: Logger, last: Iterable[str]) -> str:
    """Have the engine run; returns why it does not any more."""
    port = _free_port()
    restarts, has_answered = 0, False
    while True:
        began = time.monotonic()
        engine = ENGINES[order.engine](order, port=port, log=log, start_seconds=_START_SECONDS)
        try:
            await engine.bg_start_server()
            if await engine.is_ready():
                has_answered = True
                _tell(order, State(address=f"{engine.get_base_url()}/v1"))
                await engine.ended.wait()
            elif not has_answered:
                return f"it ended before it answered{_last_words(last)}"
        finally:
            await engine.server_cleanup()
        restarts = 0 if time.monotonic() - began > _RESTED_SECONDS else restarts + 1
        if restarts > _RESTARTS:
            return f"it ended {restarts} times{_last_words(last)}"
        log.info(f"corpusmill: the engine has ended; start {restarts + 1} of {_RESTARTS + 1}")


def _last_words(lines: Iterable[str]) -> str:
    said = list(lines)
    # An error's own words are mostly in the last line that names one.
    named = [line for line in said if "rror" in line] or said
    return f"; its last words: {named[-1]}" if named else ""


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _tell(order: Order, state: State) -> None:
    beside = Path(f"{order.state}.new")
    beside.write_bytes(msgspec.json.encode(state))
    beside.replace(order.state)


def _logger(order: Order) -> tuple[Logger, LastLines]:
    """Where everything goes: no line longer than so, no log larger than so."""
    last = LastLines()
    file = RotatingFileHandler(order.log, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", errors="replace")
    file.setFormatter(Formatter(f"%(message).{_LINE_CHARACTERS}s"))
    log = Logger("engine", INFO)
    log.addHandler(file)
    log.addHandler(last)
    # datatrove says every line of an engine's start there, too, and once a second that it waits.
    loguru.logger.remove()
    loguru.logger.add(
        file, level="WARNING", format="datatrove: {message}", filter=lambda said: "Please wait" not in said["message"]
    )
    return log, last


async def _until_told(order: Order) -> None:
    """Watch until the engine has ended for good, or this process is told to end."""
    loop, here = asyncio.get_running_loop(), asyncio.current_task()
    assert here is not None  # noqa: S101 - we are in it
    loop.add_signal_handler(signal.SIGTERM, here.cancel)
    log, last = _logger(order)
    try:
        _tell(order, State(error=await watch(order, log, last.lines)))
    except asyncio.CancelledError:
        shutil.rmtree(Path(order.state).parent, ignore_errors=True)  # whoever made it may be gone


def main() -> None:
    """Be the process that `pipeline.model_servers` starts."""
    order = msgspec.json.decode(sys.argv[1], type=Order)
    die_with_parent(order.parent, signal.SIGTERM)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # by which Slurm tells all processes of a task that its time is up
    for name in [name for name in os.environ if name.upper().startswith("DATATROVE_")]:
        del os.environ[name]  # of the task that we are in: its server is not spread over nodes
    asyncio.run(_until_told(order))


if __name__ == "__main__":
    main()

"""An isolated worker: a function on hostile input in a process of its own, for many calls.

What `isolation.in_child` is for one call, at the price of two pipes instead of a fork: 0.1 ms a call. Two processes are
forked: a keeper, which never sees into a message, and the worker that it forks and, when that dies, forks anew. So the
caller, which may have threads by then, never forks again, and every worker begins with the same memory.

The worker may take so much memory beyond what it starts with, and so many CPU seconds for each call. A call that kills
a worker is tried once more in a fresh one, so that the answer does not hang on what that one did before.
"""

import asyncio
import gc
import os
import resource
import signal
import struct
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Self

from manifests.errors import RetryableError, UnitError
from manifests.isolation import die_with_parent, limit_memory, seconds_used

_SIZE = struct.Struct("<Q")
_ANSWERED, _DIED, _FAILED = b"a", b"d", b"f"
_CALLS = 2_000  # of one worker: what its calls leave behind in memory has an end

Compute = Callable[[bytes], bytes]


class IsolatedWorker:
    """Calls a function in another process; a context manager, for one thread or one event loop.

    Args:
        compute: what is called. All that it needs should be loaded before: it is forked, not pickled.
        memory_bytes: address space that a worker may take beyond what it starts with.
        cpu_seconds: of one call; allow a hundred times what sound input takes, as the answer should not hang on them.
    """

    def __init__(self, compute: Compute, *, memory_bytes: int, cpu_seconds: int) -> None:
        self._compute = compute
        self._limits = memory_bytes, cpu_seconds
        self._is_asked = False

    def __enter__(self) -> Self:
        self._keeper, self._requests, self._answers = _forked(
            lambda *pipes: _keep(self._compute, *self._limits, *pipes)
        )
        self._thread = ThreadPoolExecutor(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._is_asked:
            os.kill(self._keeper, signal.SIGKILL)  # the worker dies with it, and the call meets the end of its pipe
            self._thread.shutdown()
        _close(self._requests)  # a keeper that is alive ends here, and its CPU time counts as ours
        os.waitpid(self._keeper, 0)
        _close(self._answers)

    async def ask(self, message: bytes) -> bytes | None:
        """As `call`, while the event loop goes on; calls are made one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.call, message)

    def call(self, message: bytes) -> bytes | None:
        """What the function returns for a message.

        Returns:
            None where it ended its process: by a limit or a signal, or for want of memory or stack.

        Raises:
            UnitError: the function raised another error; a bug of ours.
            RetryableError: the keeper is gone.
        """
        self._is_asked = True
        reply = _exchanged(self._requests, self._answers, message)
        self._is_asked = False
        if reply is None:
            raise RetryableError(
                "isolated worker: its keeper has ended, expected it to outlive its caller",
                hint="somebody, or the kernel for want of memory, ended it: run again, what is answered stays answered",
            )
        status, answer = reply[:1], reply[1:]
        if status == _FAILED:
            raise UnitError(f"isolated worker: {answer.decode(errors='replace')}")
        return answer if status == _ANSWERED else None


class _Worker:
    """A worker as its keeper sees it."""

    def __init__(self, compute: Compute, memory_bytes: int, cpu_seconds: int) -> None:
        self.num_calls = 0
        self._process, self._requests, self._answers = _forked(
            lambda *pipes: _work(compute, memory_bytes, cpu_seconds, *pipes)
        )

    def call(self, message: bytes) -> bytes | None:
        self.num_calls += 1
        return _exchanged(self._requests, self._answers, message)

    def end(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        _close(self._requests, self._answers)


def _keep(compute: Compute, memory_bytes: int, cpu_seconds: int, requests: BinaryIO, answers: BinaryIO) -> None:
    """Pass messages on to a worker, and have a new one where it died."""
    worker = _Worker(compute, memory_bytes, cpu_seconds)
    while (message := _read(requests)) is not None:
        was_fresh = worker.num_calls == 0
        reply = worker.call(message)
        if reply is None or worker.num_calls == _CALLS:
            worker.end()
            worker = _Worker(compute, memory_bytes, cpu_seconds)
        if reply is None and not was_fresh:
            reply = worker.call(message)
            if reply is None:
                worker.end()
                worker = _Worker(compute, memory_bytes, cpu_seconds)
        _write(answers, _DIED if reply is None else reply)
    worker.end()


def _work(compute: Compute, memory_bytes: int, cpu_seconds: int, requests: BinaryIO, answers: BinaryIO) -> None:
    limit_memory(memory_bytes)
    while (message := _read(requests)) is not None:
        _limit_time(cpu_seconds)
        try:
            reply = _ANSWERED + compute(message)
        except (MemoryError, RecursionError):
            return
        except Exception as error:  # raised anew in the process that called
            place = traceback.extract_tb(error.__traceback__)[-1]
            reply = _FAILED + f"{type(error).__name__} in {place.name}, {place.filename}:{place.lineno}".encode()
        _write(answers, reply)


def _limit_time(cpu_seconds: int) -> None:
    """Allow this process so many CPU seconds from now on; the hard limit stays, or none could be set again."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds_used() + cpu_seconds, hard))


def _forked(run: Callable[[BinaryIO, BinaryIO], None]) -> tuple[int, BinaryIO, BinaryIO]:
    """A child that runs a function on its requests and answers; its process, and the other ends of both pipes."""
    theirs, requests = os.pipe()
    answers, ours = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _settle(parent, requests, answers)
            with os.fdopen(theirs, "rb") as incoming, os.fdopen(ours, "wb") as outgoing:
                run(incoming, outgoing)
            status = 0
        finally:
            os._exit(status)
    os.close(theirs)
    os.close(ours)
    return child, os.fdopen(requests, "wb"), os.fdopen(answers, "rb")


def _settle(parent: int, *descriptors: int) -> None:
    """Part a forked process from its parent: no handlers, pipes or garbage of it, and no life after it."""
    gc.freeze()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the caller decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent(parent)
    for descriptor in descriptors:
        os.close(descriptor)


def _exchanged(requests: BinaryIO, answers: BinaryIO, message: bytes) -> bytes | None:
    """The reply to a message; None where the other process has ended."""
    try:
        _write(requests, message)
    except BrokenPipeError:
        return None
    return _read(answers)


def _write(pipe: BinaryIO, message: bytes) -> None:
    pipe.write(_SIZE.pack(len(message)) + message)
    pipe.flush()


def _read(pipe: BinaryIO) -> bytes | None:
    """The next message; None where the pipe ended, be it in the midst of one."""
    head = pipe.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    (size,) = _SIZE.unpack(head)
    message = pipe.read(size)
    return message if len(message) == size else None


def _close(*pipes: BinaryIO) -> None:
    for pipe in pipes:
        with suppress(BrokenPipeError):  # what it still held is for nobody
            pipe.close()

"""Isolation: a computation on hostile input in a process of its own, so that what it does to memory ends with it.

For libraries in C that take memory or time beyond any bound on some input, or end the process. Cost: a fork, 2 to 10 ms
with the memory of a unit.
"""

import ctypes
import faulthandler
import os
import resource
import signal
import struct
from collections.abc import Callable

_DOUBLE = struct.Struct("d")
_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Have the kernel end this process, by a signal, when the one that forked it, `parent`, ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before the kernel was told
        os._exit(1)


def in_child(compute: Callable[[], float], *, memory_bytes: int, cpu_seconds: int) -> float | None:
    """What a function returns, computed in a forked child.

    Args:
        memory_bytes: address space that the child may take beyond what it starts with.
        cpu_seconds: CPU time after which it is ended. An answer that takes nearly so long may come on one machine and
            not on another: allow a hundred times what sound input takes.

    Returns:
        None where the child ended without an answer: by a limit, a signal or an exception.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            limit_memory(memory_bytes)
            seconds = seconds_used() + cpu_seconds
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            os.write(writer, _DOUBLE.pack(compute()))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        data = answer.read()
    os.waitpid(child, 0)
    return float(_DOUBLE.unpack(data)[0]) if len(data) == _DOUBLE.size else None


def limit_memory(memory_bytes: int) -> None:
    """Give this process so much address space beyond what it has; it may end without a word and leave no core."""
    with open("/proc/self/statm", "rb") as sizes:  # noqa: PTH123 - a file of the kernel
        present = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (present + memory_bytes, present + memory_bytes))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a library that ends the process says so there
    faulthandler.disable()  # whoever turned it on need not hear of this


def seconds_used() -> int:
    """CPU seconds that this process has used, rounded up."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime) + 1

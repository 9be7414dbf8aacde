import os
import signal
import time

import pytest

from manifests.isolation import die_with_parent, in_child

MEGABYTE = 1_000_000


def test_an_answer_comes_back() -> None:
    assert in_child(lambda: 0.1 + 0.2, memory_bytes=100 * MEGABYTE, cpu_seconds=5) == 0.1 + 0.2


def test_a_child_beyond_its_memory_gives_none() -> None:
    assert in_child(lambda: float(len(bytearray(400 * MEGABYTE))), memory_bytes=100 * MEGABYTE, cpu_seconds=5) is None
    assert in_child(lambda: float(len(bytearray(4 * MEGABYTE))), memory_bytes=100 * MEGABYTE, cpu_seconds=5) is not None


def test_a_child_beyond_its_time_gives_none() -> None:
    def spin() -> float:
        while True:
            pass

    started = time.process_time()
    assert in_child(spin, memory_bytes=100 * MEGABYTE, cpu_seconds=1) is None
    assert time.process_time() - started < 1


@pytest.mark.parametrize("end", [os.abort, lambda: os._exit(3), lambda: 1 / 0, lambda: os.kill(os.getpid(), 9)])
def test_a_child_that_ends_otherwise_gives_none(end: object) -> None:
    assert in_child(end, memory_bytes=100 * MEGABYTE, cpu_seconds=5) is None  # type: ignore[arg-type]


def test_what_a_child_changes_stays_with_it() -> None:
    values = [1.0]
    in_child(lambda: values.append(2.0) or 0.0, memory_bytes=100 * MEGABYTE, cpu_seconds=5)  # type: ignore[func-returns-value]
    assert values == [1.0]


def test_a_process_dies_with_its_parent() -> None:
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        child = os.fork()
        if child == 0:
            die_with_parent(os.getppid())
            os.write(writing, b"ready")
            time.sleep(60)
            os._exit(0)
        os.close(writing)
        time.sleep(60)
        os._exit(0)
    os.close(writing)
    assert os.read(reading, 5) == b"ready"
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    started = time.monotonic()
    assert os.read(reading, 1) == b""  # the pipe's last writer is gone
    assert time.monotonic() - started < 10
    os.close(reading)


def test_a_process_whose_parent_is_gone_already_ends() -> None:
    child = os.fork()
    if child == 0:
        die_with_parent(os.getppid() + 1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1

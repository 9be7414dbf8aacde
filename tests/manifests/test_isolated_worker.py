import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from manifests.errors import RetryableError, UnitError
from manifests.isolated_worker import IsolatedWorker

MEGABYTE = 1_000_000


def worker(compute: object) -> IsolatedWorker:
    return IsolatedWorker(compute, memory_bytes=100 * MEGABYTE, cpu_seconds=1)  # type: ignore[arg-type]


def obey(message: bytes) -> bytes:
    """What the tests ask for."""
    match message:
        case b"who":
            return str(os.getpid()).encode()
        case b"abort":
            os.abort()
        case b"leave":
            os._exit(0)
        case b"spin":
            while True:
                pass
        case b"memory":
            return bytes(bytearray(400 * MEGABYTE))
        case b"recursion":
            return obey_deeper()
        case b"bug":
            raise ValueError("not to be shown \x1b[2J")
    return message[::-1]


def obey_deeper() -> bytes:
    return obey_deeper()


def test_messages_of_any_size_come_back() -> None:
    with worker(obey) as isolated:
        for size in (0, 1, 70_000, 3 * MEGABYTE):
            message = os.urandom(size)
            assert isolated.call(message) == message[::-1]


def test_calls_share_a_process_that_is_not_ours() -> None:
    with worker(obey) as isolated:
        first = isolated.call(b"who")
        assert first == isolated.call(b"who") != str(os.getpid()).encode()


@pytest.mark.parametrize("end", [b"abort", b"leave", b"memory", b"recursion"])
def test_a_call_that_kills_gives_none_and_the_next_one_a_new_process(end: bytes) -> None:
    with worker(obey) as isolated:
        before = isolated.call(b"who")
        assert isolated.call(end) is None
        after = isolated.call(b"who")
        assert after is not None
        assert after != before


def test_a_call_without_end_is_ended() -> None:
    with worker(obey) as isolated:
        assert isolated.call(b"spin") is None


def test_a_call_that_an_earlier_one_spoiled_is_tried_in_a_fresh_process() -> None:
    calls: list[bytes] = []

    def only_when_fresh(message: bytes) -> bytes:
        calls.append(message)
        if len(calls) > 1:
            os.abort()
        return message

    with worker(only_when_fresh) as isolated:
        assert [isolated.call(name) for name in (b"one", b"two", b"three")] == [b"one", b"two", b"three"]


def test_a_bug_is_an_error_of_the_caller_without_its_message() -> None:
    with worker(obey) as isolated:
        with pytest.raises(UnitError, match="ValueError in obey") as raised:
            isolated.call(b"bug")
        assert "shown" not in str(raised.value)
        assert isolated.call(b"ab") == b"ba"


def test_a_keeper_that_is_gone_is_told() -> None:
    with worker(lambda _: str(os.getppid()).encode()) as isolated:
        keeper = isolated.call(b"")
        assert keeper is not None
        os.kill(int(keeper), signal.SIGKILL)
        with pytest.raises(RetryableError, match="keeper"):
            isolated.call(b"")


def test_the_loop_goes_on_while_a_call_is_under_way() -> None:
    async def race() -> list[str]:
        done: list[str] = []

        async def note(name: str, wait: object) -> None:
            await wait  # type: ignore[misc]
            done.append(name)

        await asyncio.gather(note("call", isolated.ask(b"slow")), note("sleep", asyncio.sleep(0.01)))
        return done

    def slow(message: bytes) -> bytes:
        time.sleep(0.3)
        return message

    with worker(slow) as isolated:
        assert asyncio.run(race()) == ["sleep", "call"]


def test_leaving_ends_the_processes_even_in_the_midst_of_a_call() -> None:
    with worker(obey) as isolated:
        process = isolated.call(b"who")
        isolated._thread.submit(isolated.call, b"spin")
    assert process is not None
    deadline = time.monotonic() + 10
    while (
        Path(f"/proc/{int(process)}/stat").exists()
        and "Z" not in Path(f"/proc/{int(process)}/stat").read_text().split()[2]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)

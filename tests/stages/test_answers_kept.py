"""What is answered is paid once: by several processes at a time, in a bucket, and by clients that are killed."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from scripted_answers import fenced, good
from scripted_model import Reply, ScriptedModel, scripted_model

from manifests.storage import Storage
from stages.answer_cache import AnswerCache, request_key
from stages.model_client import Endpoint, Limits, ModelClient, load
from stages.model_requests import Answer, Message, Request, Sampling

pytestmark = pytest.mark.servers

CONCURRENCY = 4
NUM_KILLS = 20
_REQUESTS = [Request(f"{n:064x}", "cd" * 32, (Message("user", fenced(f"x = {n}\n")),), 100) for n in range(400)]


def in_children(works: list[Callable[[], None]]) -> list[int]:
    """Run functions in a child each, at the same time; their numbers."""
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            try:
                work()
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    return children


def exit_codes(children: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def check_first_writer_wins(folder: str, told: Path) -> None:
    def work(writer: int) -> None:
        cache = AnswerCache(folder, "model")
        order = random.Random(writer).sample(_REQUESTS[:20], 20)
        kept = {request.document: cache.put(request, Answer(f"of {writer}", "stop", 1, 1)).text for request in order}
        (told / f"{writer}.json").write_bytes(msgspec.json.encode(dict(sorted(kept.items()))))

    assert exit_codes(in_children([lambda writer=n: work(writer) for n in range(4)])) == [0] * 4  # type: ignore[misc]
    assert len({path.read_bytes() for path in told.glob("*.json")}) == 1


def test_processes_that_answer_the_same_request_go_on_with_one_answer(tmp_path: Path) -> None:
    check_first_writer_wins(str(tmp_path / "answers"), tmp_path)


def test_in_a_bucket_they_do_so_too(s3_folder: str, tmp_path: Path) -> None:
    check_first_writer_wins(s3_folder, tmp_path)


def test_a_damaged_answer_in_a_bucket_is_replaced(s3_folder: str) -> None:
    cache, request = AnswerCache(s3_folder, "model"), _REQUESTS[0]
    cache.check_writable()
    assert cache.get(request) is None
    cache.put(request, Answer("x", "stop", 1, 1))
    Storage(s3_folder).write(f"model/00/{request.document}-{request_key(request)}", b"damaged")
    assert cache.get(request) is None
    assert cache.put(request, Answer("y", "stop", 1, 1)).text == "y"
    assert cache.get(request) == Answer("y", "stop", 1, 1)
    assert len(Storage(s3_folder).list("")) == 1


def ask_all(model: ScriptedModel, cache: Path) -> list[Answer]:
    async def run() -> list[Answer]:
        limits = Limits(CONCURRENCY, 60, 1000)
        answers = AnswerCache(str(cache), "model")
        async with ModelClient(Endpoint(model.address, "scripted"), Sampling(0, 1, 0), answers, limits) as client:
            return await asyncio.gather(*map(client.ask, _REQUESTS))

    return asyncio.run(run())


def test_a_client_that_is_killed_loses_no_more_than_was_under_way(tmp_path: Path) -> None:
    load()  # once for all clients
    moments = random.Random(0)
    answers = tmp_path / "answers"
    with scripted_model(lambda asked: _slowly(good(asked.code)), folder=tmp_path) as model:
        lost = 0  # of all kills so far; who asks next need not have asked for them again before it is killed
        for _ in range(NUM_KILLS):
            before = model.answered.total()
            [client] = in_children([lambda: _ask_and_leave(model, answers)])
            while model.answered.total() < before + 3:
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 0.05))
            os.kill(client, signal.SIGKILL)
            os.waitpid(client, 0)
            assert len(model.answered) - _num_kept(answers) <= lost + CONCURRENCY
            lost = len(model.answered) - _num_kept(answers)
        killed = ask_all(model, answers)
        assert len(model.answered) == _num_kept(answers) == len(_REQUESTS)
        assert model.answered.total() - len(_REQUESTS) <= NUM_KILLS * CONCURRENCY
        paid = model.answered
        assert ask_all(model, answers) == killed
        assert model.answered == paid
        assert ask_all(model, tmp_path / "others") == killed


def _num_kept(answers: Path) -> int:
    return sum(path.is_file() for path in answers.glob("model/*/*"))


def _slowly(reply: Reply) -> Reply:
    return Reply(reply.text, seconds=0.02)


def _ask_and_leave(model: ScriptedModel, cache: Path) -> None:
    ask_all(model, cache)

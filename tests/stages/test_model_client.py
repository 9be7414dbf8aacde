"""The client against a real server that errs in every way it can."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest
from scripted_answers import FAULTS, echo, fenced, first, good
from scripted_model import Asked, Reply, ScriptedModel, scripted_model

from manifests.errors import RetryableError, UnitError
from stages.answer_cache import AnswerCache
from stages.model_client import Counts, Endpoint, Limits, ModelClient
from stages.model_requests import Answer, Message, Request, Sampling

pytestmark = pytest.mark.servers

_T = TypeVar("_T")
_SAMPLING = Sampling(temperature=0.0, top_p=1.0, seed=0)
Serve = Callable[..., ScriptedModel]


def request(text: str = "x = 1\n") -> Request:
    return Request("ab" * 32, "cd" * 32, (Message("system", "Repair."), Message("user", fenced(text))), 100)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda script, **given: stack.enter_context(scripted_model(script, folder=tmp_path, **given))


def asked_of(
    model: ScriptedModel,
    use: Callable[[ModelClient], Awaitable[_T]],
    *,
    seconds: float = 5,
    patience: float = 0,
    api_key: str | None = None,
    cache: str = "answers",
) -> tuple[_T, Counts]:
    """What comes of using a client of this server, and its counts."""
    limits = Limits(4, seconds, 1000, tries=3, patience_seconds=patience, longest_wait_seconds=0.02)
    answers = AnswerCache(str(model.log.parent / cache), "model")
    client = ModelClient(Endpoint(model.address, "scripted", api_key), _SAMPLING, answers, limits)

    async def run() -> _T:
        async with client:
            return await use(client)

    return asyncio.run(run()), client.counts


def test_an_answer_has_text_reason_and_tokens(serve: Serve) -> None:
    model = serve(lambda _asked: Reply("fine 🙂 \ud800", finish_reason="length"))
    answer, counts = asked_of(model, lambda client: client.ask(request()))
    assert (answer.text, answer.finish_reason) == ("fine 🙂 \ufffd", "length")
    assert 0 < answer.completion_tokens == counts.completion_tokens
    assert 0 < answer.prompt_tokens == counts.prompt_tokens


def test_what_the_model_sees_is_what_the_request_and_the_sampling_say(serve: Serve) -> None:
    def script(asked: Asked) -> Reply:
        told = {name: asked.body[name] for name in ("model", "max_tokens", "temperature", "top_p", "seed")}
        return Reply(f"{told} {[tuple(message.values()) for message in asked.messages]}")

    answer, _ = asked_of(serve(script), lambda client: client.ask(request("y")))
    told = {"model": "scripted", "max_tokens": 100, "temperature": 0.0, "top_p": 1.0, "seed": 0}
    assert answer.text == f"{told} {[('system', 'Repair.'), ('user', fenced('y'))]}"


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in ("hang", "dies")])
def test_what_goes_wrong_once_is_asked_again(serve: Serve, fault: str) -> None:
    model = serve(first(1, FAULTS[fault], echo))
    answer, counts = asked_of(model, lambda client: client.ask(request()))
    assert answer.text == fenced("x = 1\n")
    assert (counts.faltered, counts.paid) == (1, 1)


def test_a_hang_is_given_up_and_asked_again(serve: Serve) -> None:
    model = serve(first(1, FAULTS["hang"], echo))
    answer, counts = asked_of(model, lambda client: client.ask(request()), seconds=0.3)
    assert (answer.finish_reason, counts.faltered) == ("stop", 1)


def test_a_server_that_drips_is_given_up_in_time(serve: Serve) -> None:
    model = serve(lambda _asked: Reply(fault="drip"))
    with pytest.raises(RetryableError, match=r"none in 3 tries; the last: no answer within 0.1 s"):
        asked_of(model, lambda client: client.ask(request()), seconds=0.1)


@pytest.mark.parametrize("fault", ["error_500", "endless", "no_json", "close"])
def test_what_stays_wrong_fails_the_unit_and_leaves_no_answer(serve: Serve, tmp_path: Path, fault: str) -> None:
    model = serve(lambda _asked: FAULTS[fault])
    with pytest.raises(RetryableError, match=rf"{model.address}: expected an answer of scripted, got none in 3 tries"):
        asked_of(model, lambda client: client.ask(request()))
    assert not (tmp_path / "answers/model").exists()


def test_a_server_that_comes_back_within_patience_answers(serve: Serve) -> None:
    model = serve(echo)
    model.end()

    async def use(client: ModelClient) -> Answer:
        asking = asyncio.create_task(client.ask(request()))
        while client.counts.faltered < 5:  # more than the tries
            await asyncio.sleep(0.01)
        model.start()
        return await asking

    answer, _ = asked_of(model, use, patience=60)
    assert answer.finish_reason == "stop"


def test_a_server_that_dies_amid_an_answer_is_asked_again_when_it_is_back(serve: Serve) -> None:
    model = serve(first(1, FAULTS["dies"], echo))

    async def use(client: ModelClient) -> Answer:
        asking = asyncio.create_task(client.ask(request()))
        while not client.counts.faltered:
            await asyncio.sleep(0.01)
        model.end()
        model.start()
        return await asking

    answer, _ = asked_of(model, use, patience=60)
    assert answer.finish_reason == "stop"
    assert model.answered.total() == 1


def test_what_retry_after_says_is_waited(serve: Serve) -> None:
    busy = Reply("slow down", status=429, headers={"Retry-After": "1"})

    async def use(client: ModelClient) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await client.ask(request())
        return loop.time() - began

    waited, _ = asked_of(serve(first(1, busy, echo)), use)
    assert waited >= 1


@pytest.mark.parametrize("header", ["never", "Thu, 01 Jan 1970 00:00:00 GMT", "-3", "nan"])
def test_a_strange_retry_after_is_no_wait(serve: Serve, header: str) -> None:
    busy = Reply("slow down", status=503, headers={"Retry-After": header})
    answer, _ = asked_of(serve(first(1, busy, echo)), lambda client: client.ask(request()))
    assert answer.finish_reason == "stop"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302])
def test_a_refusal_is_told_at_once_in_the_servers_words(serve: Serve, status: int) -> None:
    model = serve(
        lambda _asked: Reply("no \x1b[31msuch\nmodel", status=status, headers={"Location": "http://0.0.0.0:1/"})
    )
    with pytest.raises(UnitError, match=rf"got HTTP {status}: no .\[31msuch model") as caught:
        asked_of(model, lambda client: client.ask(request()))
    assert not isinstance(caught.value, RetryableError)
    assert model.asked.total() == 1


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
        "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        "the request exceeds the available context size, try increasing it",
    ],
)
def test_what_is_too_long_is_an_answer_that_was_cut_and_is_not_kept(serve: Serve, tmp_path: Path, words: str) -> None:
    model = serve(lambda _asked: Reply(words, status=400))
    answer, _ = asked_of(model, lambda client: client.ask(request()))
    assert answer == Answer("", "length", 0, 0)
    assert not (tmp_path / "answers/model").exists()


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": [{"message": {"content": 5}, "finish_reason": "stop"}], "usage": {}}',
        b'{"choices": [{"message": {"content": "x"}, "finish_reason": "abort"}], "usage": {}}',
        b'{"choices": [{"message": {"content": "x"}}], "usage": {}}',
        b'{"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}',
        b'{"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": -1}}',
        b"[" * 100_000,
        b"\xff\xfe",
        b"",
    ],
)
def test_what_is_no_answer_is_asked_again(serve: Serve, body: bytes) -> None:
    answer, counts = asked_of(serve(first(1, Reply(body=body), echo)), lambda client: client.ask(request()))
    assert (answer.finish_reason, counts.faltered) == ("stop", 1)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("charset", ["hex", "idna", "zlib"])
def test_no_codec_is_taken_from_the_server(serve: Serve, status: int, charset: str) -> None:
    headers = {"Content-Type": f"text/plain; charset={charset}"}
    model = serve(lambda _asked: Reply(body=b"context length \xff", status=status, headers=headers))
    if status == 400:
        answer, _ = asked_of(model, lambda client: client.ask(request()))
        assert answer.finish_reason == "length"
    else:
        with pytest.raises(RetryableError):
            asked_of(model, lambda client: client.ask(request()))


def test_no_packed_body_is_unpacked(serve: Serve) -> None:
    packed = Reply(body=gzip.compress(bytes(1 << 20)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(RetryableError, match="the answer is packed"):
        asked_of(serve(lambda _asked: packed), lambda client: client.ask(request()))


def test_a_key_is_sent_and_never_told(serve: Serve) -> None:
    key = "not-a-" + "real-key"
    model = serve(echo, api_key=key)
    answer, _ = asked_of(model, lambda client: client.ask(request()), api_key=key)
    assert answer.finish_reason == "stop"
    with pytest.raises(UnitError, match="HTTP 401") as caught:
        asked_of(model, lambda client: client.ask(request("other")), api_key=f"{key}-2")
    assert key not in f"{caught.value} {Endpoint(model.address, 'scripted', key)!r}"


@pytest.mark.parametrize("form", ['{{"error": {{"message": "no such key: {key}"}}}}', "no such key: {key}"])
def test_a_key_that_a_server_repeats_is_not_told(serve: Serve, form: str) -> None:
    key = "not-a-" + "real-key"
    model = serve(lambda _asked: Reply(body=form.format(key=key).encode(), status=401))
    with pytest.raises(UnitError, match=r"no such key: \[key\]"):
        asked_of(model, lambda client: client.ask(request()), api_key=key)


def test_the_same_request_twice_at_a_time_is_paid_once(serve: Serve) -> None:
    model = serve(lambda _asked: Reply("x", seconds=0.1))

    async def use(client: ModelClient) -> list[Answer]:
        return await asyncio.gather(*(client.ask(request()) for _ in range(5)))

    answers, counts = asked_of(model, use)
    assert len(set(answers)) == 1
    assert (counts.requests, counts.paid, counts.cached) == (5, 1, 4)
    assert model.answered.total() == 1


def test_one_who_does_not_wait_any_more_takes_nothing_from_the_others(serve: Serve) -> None:
    model = serve(lambda _asked: Reply("x", seconds=0.2))

    async def use(client: ModelClient) -> Answer:
        leaver, stayer = (asyncio.create_task(client.ask(request())) for _ in range(2))
        await asyncio.sleep(0.05)
        leaver.cancel()
        return await stayer

    answer, _ = asked_of(model, use)
    assert answer.text == "x"


def test_no_more_are_asked_at_a_time_than_the_recipe_says_and_all_of_them_are(serve: Serve) -> None:
    model = serve(lambda _asked: Reply("x", seconds=0.05))

    async def use(client: ModelClient) -> list[Answer]:
        return await asyncio.gather(*(client.ask(request(f"{number}")) for number in range(20)))

    asked_of(model, use)
    assert model.most_at_a_time == 4


def test_an_answer_is_kept_for_the_next_run_before_it_is_used(serve: Serve) -> None:
    model = serve(lambda asked: Reply(f"answer {asked.before}"))
    first_answer, _ = asked_of(model, lambda client: client.ask(request()))
    model.end()
    second_answer, counts = asked_of(model, lambda client: client.ask(request()))
    assert first_answer == second_answer
    assert (counts.cached, counts.paid) == (1, 0)


def test_answers_do_not_depend_on_what_else_is_under_way(serve: Serve) -> None:
    def script(asked: Asked) -> Reply:
        return (
            good(asked.code, f"n{len(asked.code)}")
            if len(asked.code) % 2
            else first(1, FAULTS["error_500"], echo)(asked)
        )

    model = serve(script)

    async def together(client: ModelClient) -> list[Answer]:
        return await asyncio.gather(*(client.ask(request("x" * number)) for number in range(20)))

    async def alone(client: ModelClient) -> list[Answer]:
        return [await client.ask(request("x" * number)) for number in range(20)]

    assert asked_of(model, together)[0] == asked_of(model, alone, cache="other")[0]


def test_leaving_ends_what_is_under_way(serve: Serve) -> None:
    async def use(client: ModelClient) -> None:
        asking = asyncio.create_task(client.ask(request()))
        await asyncio.sleep(0.1)
        del asking

    _, counts = asked_of(serve(lambda _asked: FAULTS["hang"]), use)
    assert counts.paid == 0

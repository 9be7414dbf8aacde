"""The loop on files beyond the context, which go by parts."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import Asked, code_in, outcomes, rewritten

from filters.model_answers import code_of
from filters.rewrite_gates import GateBounds
from manifests.errors import RetryableError
from stages.gatekeeper import Gatekeeper
from stages.model_requests import Answer, Request
from stages.rewrite_prompts import block
from stages.rewriting import ATTEMPTS, WHOLE


@pytest.fixture(scope="module")
def gatekeeper() -> Iterator[Gatekeeper]:
    def match(text: str) -> str | None:
        return "HumanEval" if "heart = 1" in text and "spade = 1" in text else None

    with Gatekeeper(GateBounds(), redact=lambda _text, _language: 0, match=match, linter=None) as keeper:
        yield keeper


def functions(number: int) -> list[str]:
    """Functions of different bodies: a loop of tokens would be one of the original's."""
    bodies = ["\n".join(f"    x = x {sign} {line + n}" for line in range(12)) for n, sign in enumerate("+-*|^&")]
    return [f"def f{n}(x):\n{bodies[n]}\n    return x\n\n\n" for n in range(number)]


def documented(code: str, _request: Request) -> str:
    """A fair rewrite: every function gets a docstring."""
    return block(code.replace("(x):\n", '(x):\n    """Add to x."""\n'), "Python")


def test_a_long_file_goes_by_parts_of_which_each_stands_for_itself(gatekeeper: Gatekeeper) -> None:
    text = "".join(functions(6))

    def model(code: str, request: Request) -> str:
        return "no code" if "def f2" in code else documented(code, request)

    ask = Asked(model)
    result = rewritten(gatekeeper, ask, text, context_tokens=1_600)
    pieces = list(dict.fromkeys(map(code_in, ask.requests)))
    assert "".join(pieces) == text
    assert len(pieces) > 2
    assert all("one part of a longer file" in request.messages[-1].content for request in ask.requests)
    expected = [piece if "def f2" in piece else code_in_block(model(piece, ask.requests[0])) for piece in pieces]
    assert result.text == "".join(piece.rstrip() + "\n\n\n" for piece in expected)
    assert result.modes == ("style",)
    assert [each for each in outcomes(result) if each[3]] == [
        ("style", number, attempt, "code_block")
        for number, piece in enumerate(pieces)
        if "def f2" in piece
        for attempt in range(ATTEMPTS)
    ]


def code_in_block(answer: str) -> str:
    found = code_of(answer)
    assert found is not None
    return found.code


def test_only_parts_with_something_old_are_modernized(gatekeeper: Gatekeeper) -> None:
    text = "".join([*functions(4), "def now():\n    return time.clock()\n"])
    ask = Asked(lambda code, _request: block(code.replace("time.clock", "time.perf_counter"), "Python"))
    result = rewritten(gatekeeper, ask, text, modes=("modernize",), context_tokens=1_600)
    assert len(ask.requests) == 1
    assert result.text == text.replace("time.clock", "time.perf_counter")


def test_a_file_put_together_from_parts_must_pass_as_a_whole(gatekeeper: Gatekeeper) -> None:
    def model(code: str, _request: Request) -> str:
        code = code.replace("def f0(x):\n", "def f0(x):\n    heart = 1\n")
        return block(code.replace("def f5(x):\n", "def f5(x):\n    spade = 1\n"), "Python")

    result = rewritten(gatekeeper, Asked(model), "".join(functions(6)), context_tokens=1_600)
    assert result.text is None
    assert result.attempts[-1].piece == WHOLE
    assert {each.refusal for each in result.attempts[:-1]} == {None}
    assert result.refusal is not None
    assert result.refusal.gate == "benchmark"


def test_a_unit_beyond_the_context_is_never_sent(gatekeeper: Gatekeeper) -> None:
    ask = Asked(documented)
    text = "def f(x):\n" + "    x = x + 1\n" * 2_000 + "    return x\n"
    result = rewritten(gatekeeper, ask, text, context_tokens=1_600)
    assert ask.requests == []
    assert outcomes(result) == [("style", WHOLE, 0, "length")]
    assert result.refusal is not None
    assert (result.refusal.value or 0) > (result.refusal.bound or 0)


def test_an_error_of_the_model_ends_all_parts(gatekeeper: Gatekeeper) -> None:
    cancelled: list[int] = []

    async def ask(request: Request) -> Answer:
        if "def f0" in code_in(request):
            raise RetryableError("the model: expected an answer, got none")
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.append(1)
        return Answer("", "stop", 0, 0)

    with pytest.raises(RetryableError, match="the model"):
        rewritten(gatekeeper, ask, "".join(functions(6)), context_tokens=1_600)
    assert len(cancelled) >= 2


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.sets(st.integers(0, 5)))
def test_the_order_in_which_answers_come_does_not_matter_and_calls_are_bounded(
    gatekeeper: Gatekeeper, random: object, bad: set[int]
) -> None:
    calls: list[str] = []

    async def ask(request: Request) -> Answer:
        code = code_in(request)
        calls.append(code)
        for _ in range(random.randrange(5)):  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        is_bad = any(f"def f{number}(" in code for number in bad)
        return Answer("no code" if is_bad else documented(code, request), "stop", 1, 1)

    async def at_once(request: Request) -> Answer:
        code = code_in(request)
        is_bad = any(f"def f{number}(" in code for number in bad)
        return Answer("no code" if is_bad else documented(code, request), "stop", 1, 1)

    text = "".join(functions(6))
    result = rewritten(gatekeeper, ask, text, context_tokens=1_600)
    assert result == rewritten(gatekeeper, at_once, text, context_tokens=1_600)
    assert len(calls) <= ATTEMPTS * len(set(calls))
    assert outcomes(result) == sorted(outcomes(result))

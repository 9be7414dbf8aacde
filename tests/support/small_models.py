"""Rewriting with the real gates and small models of which it is known what they answer."""

import asyncio
from collections.abc import Awaitable, Callable

from filters.model_answers import code_of
from stages.gatekeeper import Gatekeeper
from stages.model_requests import Answer, Request
from stages.rewrite_prompts import load_prompt
from stages.rewriting import Rewriter, Rewritten, Subject

Model = Callable[[str, Request], str]
"""What a model answers to the code that it is asked about."""


class Asked:
    """Asks a model, and keeps what it was asked."""

    def __init__(self, model: Model) -> None:
        self.requests: list[Request] = []
        self._model = model

    async def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        return Answer(self._model(code_in(request), request), "stop", 100, 10)


def code_in(request: Request) -> str:
    """What a request asks about."""
    turns = [message.content for message in request.messages if message.role == "user"]
    asked = [found.code for turn in turns if (found := code_of(turn)) is not None]
    return asked[-1]


def rewritten(
    gatekeeper: Gatekeeper,
    ask: Callable[[Request], Awaitable[Answer]],
    text: str,
    *,
    modes: tuple[str, ...] = ("style",),
    context_tokens: int = 8_192,
    num_errors: int = 0,
) -> Rewritten:
    prompts = [load_prompt(mode) for mode in modes]
    rewriter = Rewriter(ask, gatekeeper, prompts, context_tokens=context_tokens, maximum_length=2.0)
    subject = Subject(id="0" * 32, text=text, language="Python", num_errors=num_errors, findings=0)
    return asyncio.run(rewriter.rewrite(subject))


def outcomes(result: Rewritten) -> list[tuple[str, int, int, str]]:
    return [
        (each.mode, each.piece, each.attempt, each.refusal.gate if each.refusal else "") for each in result.attempts
    ]

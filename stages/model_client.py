"""Model client: asks a model, each question once, and has the answer even where the server falters.

What was answered before, by whomever, comes from the cache; the same question twice at a time is one request; an answer
is in the cache before anybody uses it. A server that is busy, restarts or breaks off is asked again, after waits that
double and are drawn by chance up to that length (what it asks for in Retry-After is added), so that a thousand waiting
requests do not come back at once. One that stays away fails the unit: never does an outage decide what is written.
Nothing here comes into an output but the answers.

Cost: 1.5 s of CPU to import the library, once; then see `bench/rewriting_overhead.py`.
"""

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from manifests.errors import RetryableError
from stages.answer_cache import AnswerCache, request_key
from stages.model_endpoint import TOO_LONG, Connections, Endpoint, PassingError, ask, load
from stages.model_requests import Answer, Request, Sampling

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Counts", "Endpoint", "Limits", "ModelClient", "Sampling", "load"]

_THREADS = 16
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_SERVER_WAIT_SECONDS = 300.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be asked at a time, and how long a server may falter.

    Attributes:
        concurrency: requests under way at a time; more wait, first come, first served.
        request_seconds: that one try may take.
        context_tokens: that prompt and answer may have together.
        tries: after so many, and after `patience_seconds`, whichever comes later, a request gives up.
        patience_seconds: as long as a server of ours takes to start anew with a large model.
        longest_wait_seconds: between two tries, unless the server asks for more.
    """

    concurrency: int
    request_seconds: float
    context_tokens: int
    tries: int = 5
    patience_seconds: float = 900.0
    longest_wait_seconds: float = 30.0


@dataclass(slots=True)
class Counts:
    """What has been asked so far.

    Attributes:
        requests: all.
        cached: that no model was asked for: they were in the cache, or under way.
        paid: that the model answered.
        faltered: tries that came to nothing.
        prompt_tokens: of those that were paid.
        completion_tokens: of the same.
    """

    requests: int = 0
    cached: int = 0
    paid: int = 0
    faltered: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class ModelClient:
    """A model that can be asked, for `async with`; of one event loop.

    Attributes:
        counts: what has been asked; may be read at any time.
    """

    def __init__(self, endpoint: Endpoint, sampling: Sampling, cache: AnswerCache, limits: Limits) -> None:
        self.counts = Counts()
        self._endpoint = endpoint
        self._sampling = sampling
        self._cache = cache
        self._limits = limits
        self._under_way: dict[str, asyncio.Task[Answer]] = {}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._threads = stack.enter_context(ThreadPoolExecutor(_THREADS))
            self._connections = await stack.enter_async_context(
                Connections(
                    self._endpoint,
                    connections=self._limits.concurrency,
                    request_seconds=self._limits.request_seconds,
                    answer_tokens=self._limits.context_tokens,
                )
            )
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = list(self._under_way.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._open.__aexit__(kind, error, trace)

    async def ask(self, request: Request) -> Answer:
        """The answer to a request.

        Returns:
            What the cache has, else what the model says. `TOO_LONG`, with no text and finish reason "length", where the
            server finds the request too long; it is not kept, since another server may have more room.

        Raises:
            RetryableError: the server stayed away.
            UnitError: the server refuses, or the cache cannot be written.
        """
        self.counts.requests += 1
        key = f"{request.document}-{request_key(request)}"
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._answer(request))
            task.add_done_callback(lambda _done: self._under_way.pop(key))
        else:
            self.counts.cached += 1
        return await asyncio.shield(task)  # others may wait for it, too

    async def _answer(self, request: Request) -> Answer:
        known = await self._threaded(lambda: self._cache.get(request))
        if known is not None:
            self.counts.cached += 1
            return known
        async with self._connections.free() as client:
            answer = await self._persist(client, request)
        if answer is TOO_LONG:
            return answer
        self.counts.paid += 1
        self.counts.prompt_tokens += answer.prompt_tokens
        self.counts.completion_tokens += answer.completion_tokens
        return await self._threaded(lambda: self._cache.put(request, answer))

    async def _persist(self, client: "AsyncOpenAI", request: Request) -> Answer:
        """Ask until there is an answer, or patience is at its end."""
        limits = self._limits
        began, tries = time.monotonic(), 0
        while True:
            tries += 1
            try:
                return await ask(client, self._endpoint, self._sampling, request, seconds=limits.request_seconds)
            except PassingError as error:
                self.counts.faltered += 1
                if tries >= limits.tries and time.monotonic() - began >= limits.patience_seconds:
                    raise RetryableError(
                        f"{self._endpoint.address}: expected an answer of {self._endpoint.model}, got none in {tries} "
                        f"tries; the last: {error}",
                        hint="see that the server is up and has room, and run again: what is answered stays answered",
                    ) from error
                await asyncio.sleep(self._wait_seconds(tries, error.after_seconds))

    def _wait_seconds(self, tries: int, asked_seconds: float) -> float:
        longest = min(self._limits.longest_wait_seconds, _FIRST_WAIT_SECONDS * 2.0 ** min(tries - 1, 20))
        by_chance = random.uniform(0, longest)  # noqa: S311 - no secret
        return by_chance + min(asked_seconds, _LONGEST_SERVER_WAIT_SECONDS)

    async def _threaded(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

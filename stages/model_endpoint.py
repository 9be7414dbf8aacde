"""A model server's API, spoken to by `openai`'s client: one question, one answer or one of two kinds of failure.

What comes back is not believed: a body is read up to a bound, whatever it claims to be, none is unpacked, and an answer
is one only where it has a text, a reason why it ended, and counts. No redirect is followed, so no document goes where
the recipe does not say, and the key goes nowhere but there. Every request is sent once: who asks again, and when, is
`stages.model_client`'s affair.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import urlsplit

import msgspec

from manifests.errors import UnitError
from stages.model_requests import Answer, Request, Sampling

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

TOO_LONG = Answer("", "length", 0, 0)
"""What a server says that finds the request too long for its context."""

_ANSWER_BYTES, _BYTES_PER_TOKEN = 1 << 20, 128  # of JSON, in which a character may take six
CONNECT_SECONDS = 10
_IDLE_SECONDS = 2.0  # servers close what has been idle for five, which a request on its way would meet
_PASSING = frozenset({408, 409, 425, 429})
_TOO_LONG = re.compile(
    r"context[ _-]?(length|size|window)|maximum context|exceed_context|longer than the model", re.IGNORECASE
)
_UNFINISHED = frozenset({"abort", "error", ""})  # of a server that is being ended
LONGEST_WORDS = 300
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 40)]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked, and how it is called there.

    Attributes:
        address: of the API, such as http://127.0.0.1:8000/v1.
        model: its name.
        api_key: None where the server asks for none.
    """

    address: str
    model: str
    api_key: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, where no proxy is in between."""
        return urlsplit(self.address).hostname in _LOOPBACK

    def said(self, body: str) -> str:
        """What a server says of an error, on one line; some repeat the key that they were sent, which is left out."""
        return words_of(body.replace(self.api_key, "[key]") if self.api_key else body)

    def __repr__(self) -> str:
        """Without the key."""
        return f"Endpoint({self.address!r}, {self.model!r})"


class PassingError(Exception):
    """No answer for a reason that may pass; `after_seconds` is how long the server asks to wait."""

    def __init__(self, what: str, after_seconds: float = 0.0) -> None:
        super().__init__(what)
        self.after_seconds = after_seconds


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: _Count = 0
    completion_tokens: _Count = 0


class _Completion(msgspec.Struct):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]
    usage: _Usage


def load() -> None:
    """Import what asking needs, a second and a half of CPU; before forks, so that it is paid once."""
    import httpx2  # noqa: F401
    import openai.resources.chat.completions  # noqa: F401


class Connections:
    """Clients of an endpoint, one for each request that is under way; for `async with`.

    One client for all would look at every connection for every request, which at 64 takes a millisecond of CPU.

    Args:
        connections: that there may be at a time; `free` waits for one, first come, first served.
        request_seconds: that a read may take; `ask` bounds the whole of a request.
        answer_tokens: that an answer may have, from which follows how large a body may be.
    """

    def __init__(self, endpoint: Endpoint, *, connections: int, request_seconds: float, answer_tokens: int) -> None:
        import httpx2

        self._endpoint = endpoint
        self._seconds = httpx2.Timeout(request_seconds, connect=CONNECT_SECONDS)
        self._hook = _bounded(_ANSWER_BYTES + answer_tokens * _BYTES_PER_TOKEN)
        self._security = httpx2.create_ssl_context() if endpoint.address.startswith("https") else False
        self._unused: list[AsyncOpenAI] = []
        self._room = asyncio.Semaphore(connections)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._open.aclose()

    @asynccontextmanager
    async def free(self) -> "AsyncIterator[AsyncOpenAI]":
        """One that nobody uses."""
        async with self._room:
            client = self._unused.pop() if self._unused else await self._open.enter_async_context(self._new())
            try:
                yield client
            finally:
                self._unused.append(client)

    def _new(self) -> "AsyncOpenAI":
        import httpx2
        from openai import AsyncOpenAI, Omit

        client = httpx2.AsyncClient(
            verify=self._security,
            limits=httpx2.Limits(max_connections=1, keepalive_expiry=_IDLE_SECONDS),
            timeout=self._seconds,
            follow_redirects=False,
            trust_env=not self._endpoint.is_here,
            headers={"Accept-Encoding": "identity"},
            event_hooks={"response": [self._hook]},
        )
        unasked: Any = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}  # or the environment would say
        return AsyncOpenAI(
            api_key=self._endpoint.api_key or "none",
            base_url=self._endpoint.address,
            max_retries=0,
            timeout=self._seconds,
            default_headers=unasked,
            http_client=client,
        )


async def ask(
    client: "AsyncOpenAI", endpoint: Endpoint, sampling: Sampling, request: Request, *, seconds: float
) -> Answer:
    """Ask once.

    Returns:
        The answer, or `TOO_LONG`.

    Raises:
        PassingError: the server is busy, gone, too slow, or said what is no answer.
        UnitError: the server refuses, and will again.
    """
    import httpx2
    import openai

    body = {
        "model": endpoint.model,
        "messages": [{"role": role, "content": content} for role, content in request.messages],
        "max_tokens": request.maximum_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
    }
    try:
        async with asyncio.timeout(seconds):
            # Not `chat.completions.create`, which takes another millisecond to look at what it is given.
            response = await client.post("/chat/completions", cast_to=httpx2.Response, body=body)
    except (TimeoutError, openai.APITimeoutError) as error:
        raise PassingError(f"no answer within {seconds:g} s") from error
    except openai.APIConnectionError as error:
        cause = error.__cause__ or error
        raise PassingError(f"{type(cause).__name__}: {cause}"[:LONGEST_WORDS]) from error
    except openai.APIStatusError as error:
        return _refused(endpoint, error.response)
    return _answer(response.content)


def _answer(body: bytes) -> Answer:
    try:
        # Not msgspec's own decoder, which takes no half of a surrogate pair: a model may say one.
        said = msgspec.convert(json.loads(body.decode(errors="replace")), _Completion)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise PassingError(f"expected an answer with choices and usage, got {len(body)} bytes: {error}") from error
    choice = said.choices[0]
    reason = (choice.finish_reason or "")[:100]
    if reason in _UNFINISHED:
        raise PassingError(f"the server broke off: expected a finish reason, got {choice.finish_reason!r}")
    text = (choice.message.content or "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return Answer(text, reason, said.usage.prompt_tokens, said.usage.completion_tokens)


def _refused(endpoint: Endpoint, response: "httpx2.Response") -> Answer:
    status, words = response.status_code, endpoint.said(response.text)
    if status in _PASSING or status >= 500:
        raise PassingError(f"HTTP {status}: {words}", _after_seconds(response.headers.get("retry-after")))
    if status in (400, 413, 422) and _TOO_LONG.search(response.text[:4096]):
        return TOO_LONG
    if status in (401, 403):
        hint = "set the environment variable that rewriting.api_key_variable names to a key of that server's"
    elif status == 404:
        hint = "the address ends where /chat/completions begins, mostly in /v1; the model's name must be the server's"
    else:
        hint = "see the server's log; rewriting.model and rewriting.sampling say what it is asked for"
    raise UnitError(
        f"{endpoint.address}: expected an answer of {endpoint.model}, got HTTP {status}: {words}", hint=hint
    )


def words_of(body: str) -> str:
    """What an error says, on one line."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = body
    for name in ("error", "message", "detail"):
        if isinstance(told, dict) and told.get(name):
            told = told[name]
    return " ".join(str(told).split())[:LONGEST_WORDS]


def _after_seconds(header: str | None) -> float:
    """Seconds that a Retry-After header asks for, in either of its forms; 0 for one that cannot be read."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(str(header)).timestamp() - time())
    except (ValueError, OverflowError):
        return 0.0


def _bounded(maximum_bytes: int) -> Callable[["httpx2.Response"], Awaitable[None]]:
    """A hook that lets a response's body go on up to so many bytes, and lets none be unpacked."""
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, stream: httpx2.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            num_bytes = 0
            async for chunk in self._stream:
                num_bytes += len(chunk)
                if num_bytes > maximum_bytes:
                    raise httpx2.ReadError(f"the answer has more than {maximum_bytes} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def hook(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.ReadError("the answer is packed, which was not asked for")
        response.encoding = "utf-8"  # not what it claims: there are codecs that make no text
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - of an asynchronous client
        response.stream = Bounded(response.stream)

    return hook

"""A model server for tests: real HTTP on loopback, in a process of its own, whose answers follow a script.

A script is a function from what is asked to a `Reply`, so that the same request has the same answer in every order and
after every restart. What was asked and what was answered is appended to a file, one line each, as it happens: that
tells what was paid for, also of clients that were killed.

    with scripted_model(lambda asked: good(asked.code), folder=tmp_path) as model:
        ...  # model.address is what `rewriting.endpoint` takes
        assert model.answered.total() == 3
"""

import asyncio
import json
import os
import re
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from manifests.isolation import die_with_parent

_FENCED = re.compile(r"^(`{3,})[^\n`]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_CHUNK = b"x" * 65_536


@dataclass(frozen=True)
class Asked:
    """One request, as a script sees it.

    Attributes:
        body: the JSON that came.
        key: sha256 of it; the same for the same question.
        before: how often the same question came before.
    """

    body: Mapping[str, Any]
    key: str
    before: int

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation; of a plain completion its prompt as one turn."""
        return list(self.body.get("messages") or [{"role": "user", "content": str(self.body.get("prompt", ""))}])

    @property
    def code(self) -> str:
        """What stands in the last code block of the last turn of the user's that has one; "" where none has."""
        for message in reversed(self.messages):
            if message["role"] == "user" and (blocks := _FENCED.findall(message["content"])):
                return str(blocks[-1][1])
        return ""


@dataclass(frozen=True)
class Reply:
    """What the server does: an answer, an error, or something that a server should not do.

    Attributes:
        status: of HTTP; `text` is the error's message where it is not 200.
        body: sent as it is, in place of JSON.
        seconds: that pass before.
        fault: hang: never answer; close: end the connection without a byte; cut: end it amid the body; endless: a body
            that never ends; drip: one that comes too slowly to ever end; die: the whole server ends.
    """

    text: str = ""
    finish_reason: str = "stop"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    seconds: float = 0
    fault: Literal["", "hang", "close", "cut", "endless", "drip", "die"] = ""


Script = Callable[[Asked], Reply]


class ScriptedModel:
    """The server's handle.

    Attributes:
        address: of its API, `http://127.0.0.1:<port>/v1`.
        log: the file of what was asked and answered.
    """

    def __init__(self, script: Script, log: Path, *, name: str, api_key: str | None) -> None:
        self.log = log
        self._serving = (script, log, name, api_key)
        self._process = 0
        self._port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def asked(self) -> Counter[str]:
        """How often each question was asked, by its key."""
        return self._lines("asked")

    @property
    def answered(self) -> Counter[str]:
        """How often each question was answered, and so paid for, by its key; an error or a fault is no answer."""
        return self._lines("answered")

    @property
    def most_at_a_time(self) -> int:
        """The most requests that were under way at the same time."""
        under_way = most = 0
        for word, _ in self._log():
            under_way += {"asked": 1, "answered": -1, "over": -1}[word]
            most = max(most, under_way)
        return most

    def start(self) -> None:
        """Be there, or there again, at the same address."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self._port))
        listening.listen(1024)
        self._port = listening.getsockname()[1]
        parent = os.getpid()
        self._process = os.fork()
        if self._process == 0:
            try:
                die_with_parent(parent)
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                serve(*self._serving, listening=listening)
            finally:
                os._exit(1)
        listening.close()  # or connections would wait in vain for a server that has died

    def end(self) -> None:
        """Be gone, in the midst of whatever is asked."""
        if self._process:
            with suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
            self._process = 0

    def _lines(self, word: str) -> Counter[str]:
        return Counter(key for said, key in self._log() if said == word)

    def _log(self) -> Iterator[tuple[str, str]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        yield from ((word, key) for word, key in map(str.split, lines))


@contextmanager
def scripted_model(
    script: Script, *, folder: Path, name: str = "scripted", api_key: str | None = None
) -> Iterator[ScriptedModel]:
    """Have a server for a while.

    Args:
        folder: for its log.
        name: of the model that it lists.
        api_key: that it asks for, if any.
    """
    model = ScriptedModel(script, folder / "asked.log", name=name, api_key=api_key)
    try:
        yield model
    finally:
        model.end()


def serve(
    script: Script, log: Path, name: str = "scripted", api_key: str | None = None, *, listening: socket.socket
) -> None:
    """Be the server, until the process is ended."""
    asyncio.run(_Server(script, log, name, api_key).run(listening))


class _Server:
    def __init__(self, script: Script, log: Path, name: str, api_key: str | None) -> None:
        self._script = script
        self._name = name
        self._api_key = api_key
        self._log = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
        lines = (line.split() for line in log.read_text().splitlines())
        self._before = Counter(key for word, key in lines if word == "asked")

    async def run(self, listening: socket.socket) -> None:
        server = await asyncio.start_server(self._connection, sock=listening, limit=1 << 26)
        await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        if self._api_key is not None and headers.get("authorization") != f"Bearer {self._api_key}":
            return await _send(writer, 401, _error("no such key"))
        if (method, path) == ("GET", "/v1/models"):
            models = [{"id": self._name, "object": "model", "owned_by": "tests"}]
            return await _send(writer, 200, _json({"object": "list", "data": models}))
        if method != "POST" or path not in ("/v1/chat/completions", "/v1/completions"):
            return await _send(writer, 404, _error(f"{path}: not found"))
        return await self._answer(writer, data, chat="chat" in path)

    async def _answer(self, writer: asyncio.StreamWriter, data: bytes, *, chat: bool) -> bool:
        key = sha256(data).hexdigest()
        asked = Asked(json.loads(data), key, self._before[key])
        self._before[key] += 1
        self._note("asked", key)
        ended = "over"
        try:
            reply = self._script(asked)
            await asyncio.sleep(reply.seconds)
            if reply.fault:
                return await _fail(writer, reply)
            if reply.status != 200:
                body = _error(reply.text) if reply.body is None else reply.body
            else:
                body = _completion(asked, reply, self._name, chat=chat) if reply.body is None else reply.body
                ended = "answered"
            return await _send(writer, reply.status, body, reply.headers)
        finally:
            self._note(ended, key)

    def _note(self, word: str, key: str) -> None:
        os.write(self._log, f"{word} {key}\n".encode())


async def _fail(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    if reply.fault == "die":
        os._exit(1)
    if reply.fault == "hang":
        await asyncio.sleep(3600)
    if reply.fault in ("cut", "endless", "drip"):
        length = "" if reply.fault == "endless" else "Content-Length: 1000000\r\n"
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{length}\r\n".encode())
        writer.write(b'{"id": "x", "choices": [{"message": {"content": "')
        while reply.fault == "endless":
            writer.write(_CHUNK)
            await writer.drain()
        while reply.fault == "drip":
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)
    return False


async def _send(
    writer: asyncio.StreamWriter, status: int, body: bytes, headers: Mapping[str, str] | None = None
) -> bool:
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    return True


def _completion(asked: Asked, reply: Reply, name: str, *, chat: bool) -> bytes:
    said = {"message": {"role": "assistant", "content": reply.text}} if chat else {"text": reply.text}
    prompt = sum(_num_tokens(message["content"]) for message in asked.messages)
    usage = {"prompt_tokens": prompt, "completion_tokens": _num_tokens(reply.text)}
    usage["total_tokens"] = sum(usage.values())
    choice = {"index": 0, "finish_reason": reply.finish_reason, "logprobs": None, **said}
    kind = "chat.completion" if chat else "text_completion"
    answer = {"id": asked.key[:16], "object": kind, "created": 0, "model": name, "choices": [choice], "usage": usage}
    return _json(answer)


def _num_tokens(text: str) -> int:
    return len(text.encode(errors="surrogatepass")) // 4 + 1


def _error(message: str) -> bytes:
    return _json({"error": {"message": message, "type": "invalid_request_error", "code": None}})


def _json(value: object) -> bytes:
    return json.dumps(value).encode()

"""A loopback proxy between an S3 client and its server that answers wrongly, late or not at all, as it is told.

It passes every byte on as it came, the Host header too, which signatures cover: what it does not break holds. It lives
in threads of the test's process; have the mill run in a process of its own (`corpusmill`), since a fork of this one
would keep the connections open that the proxy resets.
"""

import os
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

Kind = Literal[
    "500",  # an answer: InternalError
    "503",  # an answer: SlowDown, as buckets throttle
    "403",  # an answer: InvalidAccessKeyId, as of a key that was taken back
    "reset",  # the request is not passed on and the connection reset
    "reset_upload",  # half of the request's body is read, and the connection reset
    "lost_answer",  # the server does what it is asked, and the connection is reset before its answer
    "reset_body",  # half of the answer's body, then a reset
    "truncate",  # half of the answer's body, then an orderly end
    "stall",  # nothing for some seconds, then all goes on
    "stall_body",  # half of the answer's body, nothing for some seconds, then the rest
]
_ANSWERS = {
    "500": ("500 Internal Server Error", "InternalError", "We encountered an internal error. Please try again."),
    "503": ("503 Service Unavailable", "SlowDown", "Please reduce your request rate."),
    "403": ("403 Forbidden", "InvalidAccessKeyId", "The key you provided does not exist in our records."),
}
_NO_BODY = ("1", "204", "304")


@dataclass
class Fault:
    """What to do wrong with which requests.

    Attributes:
        method, target: patterns of the requests meant: `GET`, and the path with its query.
        first: the first of them that is broken, from 1.
        every: from it on, every n-th is.
        times: so many are; None is all.
        seconds: of a stall.
    """

    kind: Kind
    method: str = ""
    target: str = ""
    first: int = 1
    every: int = 1
    times: int | None = 1
    seconds: float = 2.0
    seen: int = 0
    done: int = 0

    def meets(self, method: str, target: str) -> bool:
        """Whether this request is to be broken; counts it."""
        if not (re.fullmatch(self.method or ".*", method) and re.search(self.target, target)):
            return False
        self.seen += 1
        due = self.seen >= self.first and (self.seen - self.first) % self.every == 0
        if not due or (self.times is not None and self.done >= self.times):
            return False
        self.done += 1
        return True


@dataclass
class Request:
    """What came through: `status` is 0 where no answer was sent on."""

    method: str
    target: str
    fault: str
    status: int = 0
    num_bytes: int = 0


@dataclass
class Message:
    """Head and body of a request or an answer, as they came."""

    head: bytes
    body: bytes = b""
    first_line: list[str] = field(default_factory=list)


class FaultProxy:
    """A running proxy.

    Attributes:
        endpoint: its address, for `AWS_ENDPOINT_URL`.
        faults: what it does wrong; the first that meets a request counts. Change it at any time by `inject`.
        requests: everything that came, in order.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._lock = threading.Lock()
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self._listener = _Listener(("127.0.0.1", 0), self._serve)
        self.endpoint = f"http://127.0.0.1:{self._listener.server_address[1]}"

    def inject(self, *faults: Fault) -> None:
        """From now on do this wrong, and nothing else."""
        with self._lock:
            self.faults = list(faults)

    def broken(self) -> list[Request]:
        """The requests that something was done wrong with."""
        return [request for request in self.requests if request.fault]

    def count(self, method: str = "", target: str = "") -> int:
        """Requests that came, by patterns as in `Fault`."""
        return sum(
            bool(re.fullmatch(method or ".*", one.method) and re.search(target, one.target)) for one in self.requests
        )

    def start(self) -> None:
        """Listen, in a thread."""
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Hear nobody any more."""
        self._listener.shutdown()
        self._listener.server_close()

    def _admit(self, method: str, target: str) -> tuple[Request, Fault | None]:
        with self._lock:
            fault = next((fault for fault in self.faults if fault.meets(method, target)), None)
            request = Request(method, target, fault.kind if fault else "")
            self.requests.append(request)
            return request, fault

    def _serve(self, client: socket.socket) -> None:
        """All requests of one connection; each has a connection of its own to the server."""
        reader = client.makefile("rb")
        while head := _head(reader):
            method, target, _ = head.first_line
            request, fault = self._admit(method, target)
            if request.fault == "reset":
                return _reset(client)
            if b"100-continue" in head.head.lower():
                client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                head.head = re.sub(rb"(?im)^expect:.*\r\n", b"", head.head)
            if request.fault == "reset_upload":
                reader.read(int(_header(head, b"Content-Length") or 0) // 2)
                return _reset(client)
            head.body = _body(reader, head)
            if request.fault in _ANSWERS:
                request.status = int(request.fault)
                client.sendall(_answer(request.fault, method))
                continue
            if request.fault == "stall" and fault:
                time.sleep(fault.seconds)
            answer = self._ask(head, method)
            if answer is None or request.fault == "lost_answer":
                return _reset(client)
            request.status, request.num_bytes = int(answer.first_line[1]), len(answer.body)
            if not _give(client, answer, fault):
                return None
        return None

    def _ask(self, request: Message, method: str) -> Message | None:
        """The server's answer; None where it gave none."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._server_port), timeout=60) as server:
            server.sendall(request.head + request.body)
            reader = server.makefile("rb")
            while (answer := _head(reader)) and answer.first_line[1].startswith("1"):
                pass
            if answer:
                bodiless = method == "HEAD" or answer.first_line[1].startswith(_NO_BODY)
                answer.body = b"" if bodiless else _body(reader, answer, to_the_end=True)
            return answer
        return None


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        super().__init__(address, socketserver.BaseRequestHandler)

    def finish_request(self, request: "socket.socket | tuple[bytes, socket.socket]", _client_address: object) -> None:
        assert isinstance(request, socket.socket)
        with suppress(OSError):  # the client is gone
            self._serve(request)


def _head(reader: BinaryIO) -> Message | None:
    lines = []
    while line := reader.readline():
        lines.append(line)
        if line == b"\r\n":
            return Message(b"".join(lines), first_line=lines[0].decode().rstrip("\r\n").split(" ", 2))
    return None


def _header(message: Message, name: bytes) -> bytes:
    found = re.search(rb"(?im)^" + re.escape(name) + rb":[ \t]*(.*?)[ \t]*\r\n", message.head)
    return found[1] if found else b""


def _body(reader: BinaryIO, message: Message, *, to_the_end: bool = False) -> bytes:
    """The body as it is on the wire, chunks with their sizes.

    Args:
        to_the_end: an answer without a length goes on until its connection ends.
    """
    if _header(message, b"Transfer-Encoding").lower() == b"chunked":
        parts = []
        while size := reader.readline():
            parts.append(size)
            count = int(size.split(b";")[0], 16)
            parts.append(reader.read(count + 2) if count else reader.readline())
            if not count:
                break
        return b"".join(parts)
    length = _header(message, b"Content-Length")
    return reader.read(int(length)) if length else reader.read() if to_the_end else b""


def _give(client: socket.socket, answer: Message, fault: Fault | None) -> bool:
    """Send the answer on; whether the connection may be used again."""
    half = len(answer.body) // 2
    kind = fault.kind if fault else ""
    if kind not in ("reset_body", "truncate", "stall_body"):
        client.sendall(answer.head + answer.body)
        return True
    client.sendall(answer.head + answer.body[:half])
    if kind == "stall_body" and fault:
        time.sleep(fault.seconds)
        client.sendall(answer.body[half:])
        return True
    if kind == "reset_body":
        time.sleep(0.1)  # a reset throws away what its receiver has not read
        _reset(client)
    return False


def _answer(kind: str, method: str) -> bytes:
    status, code, text = _ANSWERS[kind]
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{text}</Message></Error>'
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + ("" if method == "HEAD" else body)).encode()


def _reset(client: socket.socket) -> None:
    """End the connection at once, by RST."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(client.detach())  # `close` would wait for the file that reads from it


@contextmanager
def fault_proxy(server_port: int) -> Iterator[FaultProxy]:
    """A proxy before the server that listens at a loopback port, ended on leaving."""
    proxy = FaultProxy(server_port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()

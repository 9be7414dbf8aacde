"""A real browser, Chromium without a window, to look at a page: asked over a pipe by its DevTools protocol."""

import fcntl
import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")


class Browser:
    """One tab.

    Attributes:
        events: all that the browser told of its own accord: what was asked for, and what is written to the console.
    """

    def __init__(self, requests: FileIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers
        self._asked = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """What a method of the protocol returns."""
        self._asked += 1
        asked = {"id": self._asked, "method": method, "params": params}
        self._requests.write(
            json.dumps(asked | ({"sessionId": self._session} if self._session else {})).encode() + b"\0"
        )
        while (told := self._told()).get("id") != self._asked:
            self.events.append(told)
        assert "error" not in told, told
        return dict(told["result"])

    def open(self, page: Path, *, width: int) -> None:
        """Have a page loaded in a window of so many pixels."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._told())

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is on the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"]["value"]

    def told_of(self, *methods: str) -> list[dict[str, Any]]:
        """What came of some kinds of events."""
        return [event["params"] for event in self.events if event.get("method") in methods]

    def _told(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser has ended"
            message += byte
        return dict(json.loads(message))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile in a folder; skips the test where there is none on this machine."""
    program = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium here")
    theirs, requests = os.pipe()
    answers, ours = os.pipe()
    # DevTools reads at 3 and writes at 4, either of which may be one of ours: out of the way first.
    read, write = (fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10) for descriptor in (theirs, ours))
    actions = [(os.POSIX_SPAWN_DUP2, read, 3), (os.POSIX_SPAWN_DUP2, write, 4)]
    silent = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
    command = [program, *_OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={folder}"]
    process = os.posix_spawn(program, command, os.environ, file_actions=[*actions, silent])
    for descriptor in (theirs, ours, read, write):
        os.close(descriptor)
    try:
        with os.fdopen(requests, "wb", buffering=0) as asking, os.fdopen(answers, "rb") as answering:
            yield Browser(asking, answering)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)

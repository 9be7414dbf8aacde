"""Model engines: datatrove's server classes, with commands of our own; run by `pipeline.model_server_process`.

datatrove starts an engine, reads what it says for signs of trouble, waits until it answers and ends it. Five of its
traits are worked around here: it lets models run code of their own (`--trust-remote-code`), which a downloaded model
must not; it opens vLLM to the network; it takes another port at every start, which requests under way would not know;
it has SGLang cut requests that are too long, where an error is wanted; and it looks for vLLM in this environment, where
vLLM's own requirements do not fit. Sampling is the recipe's alone: the defaults that come with a model are turned off.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from logging import Logger
from typing import Any

import httpx2
import msgspec
from datatrove.pipeline.inference.servers import InferenceServer, SGLangServer, VLLMServer

from manifests.isolation import die_with_parent
from pipeline.model_orders import Order

_LINE_BYTES = 1 << 24
_LOOK_SECONDS = 1.0
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
_QUIET = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "USE_TF": "0",  # as datatrove has it: the import takes a minute
    "TRANSFORMERS_NO_TF": "1",
    "PYTHONIOENCODING": "utf-8:backslashreplace",  # datatrove's watch over vLLM ends at a byte that is no UTF-8
}


@dataclass
class Config:
    """What datatrove's servers ask of its InferenceConfig, whose module needs what only its own client needs."""

    model_name_or_path: str
    model_max_context: int
    tp: int
    dp: int
    server_ready_max_attempts: int
    pp: int = 1
    model_kwargs: dict[str, Any] | None = None
    server_log_folder: str | None = None
    server_start_timeout_sec: float = 600.0  # vLLM may wait for another's compilation
    server_ready_delay_sec: float = _LOOK_SECONDS
    server_start_max_retries: int = 0  # whoever runs it counts


class Engine(InferenceServer):  # type: ignore[misc]
    """One start of an engine.

    Attributes:
        ended: set when the engine has ended, or has said that it cannot go on.
    """

    def __init__(self, order: Order, *, port: int, log: Logger, start_seconds: int) -> None:
        config = Config(
            order.path, order.context, order.tensor_parallel, order.data_parallel, int(start_seconds / _LOOK_SECONDS)
        )
        InferenceServer.__init__(self, config, rank=0)  # not super(): that would look for vLLM in this environment
        self._compile_lock = None  # what VLLMServer's own would have set
        self._log = log
        self.order = order
        self.port = port
        self.ended = asyncio.Event()

    def command(self) -> Sequence[str]:
        """What is run."""
        raise NotImplementedError

    async def start_server(self) -> asyncio.subprocess.Process:
        """Run the command, in a process group of its own that ends with this process."""
        self._port = self.port
        me = os.getpid()
        environment = os.environ | _QUIET | ({} if self.order.revision else _OFFLINE)
        return await asyncio.create_subprocess_exec(
            *self.command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            limit=_LINE_BYTES,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(me),
        )

    async def monitor_health(self) -> None:
        """Read what the engine says until it ends."""
        try:
            await super().monitor_health()
        finally:
            self.ended.set()

    async def server_cleanup(self) -> None:
        """End the engine, and whatever it has started."""
        process = self._server_process
        await super().server_cleanup()
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def get_base_url(self) -> str:
        """Where it listens: on this machine alone."""
        return f"http://127.0.0.1:{self.port}"

    def server_logger(self) -> Logger:
        """Where what it says is written."""
        return self._log

    async def is_ready(self) -> bool:
        """Whether it answers, and with our model: the port may have become somebody else's."""
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
                listed = msgspec.json.decode((await client.get(f"{self.get_base_url()}/v1/models")).content)
            return any(model["id"] == self.order.name for model in listed["data"])
        except (httpx2.HTTPError, msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError):
            return False


class VllmEngine(Engine, VLLMServer):  # type: ignore[misc]
    """vLLM, on all GPUs that this process may use."""

    async def start_server(self) -> asyncio.subprocess.Process:
        """Wait for others of this user's who compile the same model, as datatrove does, then start."""
        self._get_compile_lock().acquire()
        return await super().start_server()

    def command(self) -> Sequence[str]:
        """Source: `vllm serve --help`."""
        order = self.order
        # fmt: off
        return [
            order.program, "serve", order.path, "--host", "127.0.0.1", "--port", str(self.port),
            "--served-model-name", order.name, "--max-model-len", str(order.context), "--dtype", order.dtype,
            "--seed", str(order.seed), "--generation-config", "vllm", "--disable-uvicorn-access-log",
            "--tensor-parallel-size", str(order.tensor_parallel), "--data-parallel-size", str(order.data_parallel),
            *(["--revision", order.revision] if order.revision else []),
        ]
        # fmt: on


class SglangEngine(Engine, SGLangServer):  # type: ignore[misc]
    """SGLang, on all GPUs that this process may use."""

    def command(self) -> Sequence[str]:
        """Source: `python -m sglang.launch_server --help`."""
        order = self.order
        # fmt: off
        return [
            order.program, "-m", "sglang.launch_server", "--model-path", order.path, "--host", "127.0.0.1",
            "--port", str(self.port), "--served-model-name", order.name, "--context-length", str(order.context),
            "--dtype", order.dtype, "--random-seed", str(order.seed), "--sampling-defaults", "openai",
            "--log-level-http", "warning",
            "--tp-size", str(order.tensor_parallel), "--dp-size", str(order.data_parallel),
            *(["--revision", order.revision] if order.revision else []),
        ]
        # fmt: on


class LlamaCppEngine(Engine):
    """llama.cpp, on this machine's CPUs, by `pipeline.llamacpp_server`."""

    def command(self) -> Sequence[str]:
        """Ourselves."""
        told = [self.order.path, self.order.name, *map(str, (self.port, self.order.context, self.order.slots))]
        return [sys.executable, "-m", "pipeline.llamacpp_server", *told, str(self.order.seed)]

    async def monitor_health(self) -> None:
        """Read what it says until it ends."""
        process = self._server_process
        assert process is not None and process.stdout and process.stderr  # noqa: S101, PT018 - it has been started

        async def read(stream: asyncio.StreamReader) -> None:
            while line := await stream.readline():
                self._log.info(line.decode(errors="replace").rstrip())

        try:
            await asyncio.gather(read(process.stdout), read(process.stderr), process.wait())
        finally:
            self.ended.set()


ENGINES: dict[str, type[Engine]] = {"vllm": VllmEngine, "sglang": SglangEngine, "llamacpp": LlamaCppEngine}

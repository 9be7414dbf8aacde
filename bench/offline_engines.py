"""The engines' own offline benchmarks: all prompts at once, no HTTP, no client; what a server is held against."""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from pipeline.model_orders import Order, engine_path


class Lengths(NamedTuple):
    """How many prompts, and tokens of each prompt and answer."""

    prompts: int
    prompt_tokens: int
    answer_tokens: int


class Throughput(NamedTuple):
    """Tokens a second."""

    prompt_tokens: float
    answer_tokens: float

    @property
    def together(self) -> float:
        """Of prompts and answers."""
        return self.prompt_tokens + self.answer_tokens


def offline(order: Order, lengths: Lengths, *, environment: str | None) -> Throughput:
    """What the engine's benchmark says of a model.

    Args:
        environment: the virtual environment that has the engine; None: it is on PATH.
    """
    measure = {"vllm": _vllm, "sglang": _sglang, "llamacpp": _llamacpp}[order.engine]
    return measure(order, lengths, os.environ | {"PATH": engine_path(environment)})


def _vllm(order: Order, lengths: Lengths, environment: dict[str, str]) -> Throughput:
    """Source: `vllm bench throughput --help`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.json")
        command = [order.program, "bench", "throughput", "--model", order.path, "--dataset-name", "random"]
        command += ["--random-input-len", str(lengths.prompt_tokens), "--random-output-len", str(lengths.answer_tokens)]
        command += ["--random-range-ratio", "0", "--num-prompts", str(lengths.prompts), "--output-json", str(out)]
        command += ["--max-model-len", str(order.context), "--dtype", order.dtype, "--seed", str(order.seed)]
        command += ["--tensor-parallel-size", str(order.tensor_parallel)]
        if order.data_parallel > 1:
            command += ["--data-parallel-size", str(order.data_parallel)]
        _run(command, environment)
        seconds = float(json.loads(out.read_text())["elapsed_time"])
    return _throughput(lengths, seconds)


def _sglang(order: Order, lengths: Lengths, environment: dict[str, str]) -> Throughput:
    """Source: `python -m sglang.bench_offline_throughput --help`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.jsonl")
        command = [order.program, "-m", "sglang.bench_offline_throughput", "--model-path", order.path]
        command += ["--dataset-name", "random-ids", "--random-range-ratio", "1", "--result-filename", str(out)]
        command += ["--random-input", str(lengths.prompt_tokens), "--random-output", str(lengths.answer_tokens)]
        command += ["--num-prompts", str(lengths.prompts), "--seed", str(order.seed), "--dtype", order.dtype]
        command += ["--tp-size", str(order.tensor_parallel), "--dp-size", str(order.data_parallel)]
        _run(command, environment)
        seconds = float(json.loads(out.read_text().splitlines()[-1])["total_latency"])
    return _throughput(lengths, seconds)


def _llamacpp(order: Order, lengths: Lengths, environment: dict[str, str]) -> Throughput:
    """llama.cpp has none for its server's batching: the same engine is called in one process, without HTTP."""
    told = json.dumps([order.path, order.context, order.slots, order.seed, *lengths])
    said = subprocess.run(
        [sys.executable, __file__, told], check=True, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    prompt_tokens, answer_tokens, seconds = json.loads(said.stdout.splitlines()[-1])
    return Throughput(prompt_tokens / seconds, answer_tokens / seconds)


def _throughput(lengths: Lengths, seconds: float) -> Throughput:
    """Every prompt and answer has its length: no benchmark lets an answer end before."""
    return Throughput(
        lengths.prompts * lengths.prompt_tokens / seconds, lengths.prompts * lengths.answer_tokens / seconds
    )


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        print(done.stdout.decode(errors="replace")[-4000:], file=sys.stderr)
        raise SystemExit(f"error: {' '.join(command)} ended with {done.returncode}; its last words are above")


def _in_process(path: str, context: int, slots: int, seed: int, *numbers: int) -> None:
    """Be the process that calls llama.cpp, and say tokens and seconds."""
    import xllamacpp

    from pipeline.llamacpp_server import Serving, parameters

    lengths = Lengths(*numbers)
    server = xllamacpp.Server(parameters(path, "offline", Serving(0, context, slots, seed)))
    server.handle_completions({"prompt": "x", "max_tokens": 1})  # it has loaded

    def ask(number: int) -> tuple[int, int]:
        prompt = [1000 + (7 * place + 13 * number) % 20_000 for place in range(lengths.prompt_tokens)]
        body = {"prompt": prompt, "max_tokens": lengths.answer_tokens, "ignore_eos": True, "cache_prompt": False}
        usage = server.handle_completions(body)["usage"]
        return usage["prompt_tokens"], usage["completion_tokens"]

    started = time.monotonic()
    with ThreadPoolExecutor(slots) as threads:
        counted = list(threads.map(ask, range(lengths.prompts)))
    seconds = time.monotonic() - started
    print(json.dumps([sum(one for one, _ in counted), sum(one for _, one in counted), seconds]), flush=True)
    os._exit(0)  # its threads never end


if __name__ == "__main__":
    _in_process(*json.loads(sys.argv[1]))

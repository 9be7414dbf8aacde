"""`python bench/gpu_rewrite.py`: tokens a second through our client, held against the engine's own offline benchmark.

    python bench/gpu_rewrite.py --engine vllm --environment ENGINE_VENV --random 1.5b
    python bench/gpu_rewrite.py --engine sglang --environment ENGINE_VENV --model MODEL_FOLDER
    python bench/gpu_rewrite.py --engine llamacpp --model FILE.gguf --prompt-tokens 64 --answer-tokens 16

The engine is started as a run starts it (`pipeline.model_servers`), on all of the node's GPUs that --tensor-parallel
and --data-parallel name, and asked by the client of pass 5, cache included, at several numbers of requests at a time.
Then it is ended, and its offline benchmark runs with the lengths that were measured: the same number of prompts, all at
once, without HTTP. Both draw from all tokens, as engines' benchmarks do: to draw from the likeliest costs them more. A
model with random weights is as fast as a trained one, and its answers are as long as they may be.
"""

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

import yaml
from offline_engines import Lengths, Throughput, offline
from random_qwen2 import SIZES

from pipeline.model_engines import ENGINES
from pipeline.model_orders import engine_path, order_of
from pipeline.model_servers import model_client, served
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.rewriting_settings import rewriting_of
from stages.model_client import load
from stages.model_requests import Answer, Message, Request

_TARGET = 0.9


class Run(NamedTuple):
    """One number of requests at a time."""

    concurrency: int
    requests: int
    seconds: float
    speed: Throughput
    prompt_tokens: float
    answer_tokens: float
    cut: int


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="corpusmill-bench-") as name:
        folder = Path(name)
        model = _model(arguments, folder)
        runs = _client_runs(arguments, model, folder)
        best = max(runs, key=lambda run: run.speed.together)
        lengths = Lengths(best.requests, round(best.prompt_tokens), max(1, round(best.answer_tokens)))
        order = order_of(rewriting_of(_recipe(arguments, model, folder, best.concurrency)))
        print(
            f"offline: {lengths.prompts} prompts of {lengths.prompt_tokens} tokens, {lengths.answer_tokens} more each"
        )
        offline_speed = offline(order, lengths, environment=arguments.environment)
    ratio = best.speed.together / offline_speed.together
    _print_row("offline", offline_speed)
    verdict = "at least" if ratio >= _TARGET else "less than"
    print(f"best of the client / offline: {ratio:.1%}, {verdict} {_TARGET:.0%}")
    figures = {
        "engine": arguments.engine,
        "model": arguments.model or f"random Qwen2 {arguments.random}",
        "tensor_parallel": arguments.tensor_parallel,
        "data_parallel": arguments.data_parallel,
        "runs": [run._asdict() | {"speed": run.speed._asdict()} for run in runs],
        "offline": offline_speed._asdict() | lengths._asdict(),
        "ratio": ratio,
    }
    arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=ENGINES, default="vllm")
    parser.add_argument("--environment", help="virtual environment of vllm or sglang; without it, what is on PATH")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", help="a model's folder, or for llamacpp a GGUF file")
    which.add_argument("--random", choices=SIZES, help="a model of Qwen2's architecture and this size, made here")
    parser.add_argument("--tokenizer", type=Path, default=Path("../shared/tokenizers/qwen2_5/tokenizer.json"))
    parser.add_argument("--tensor-parallel", type=int, default=1)
    parser.add_argument("--data-parallel", type=int, default=1)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--prompt-tokens", type=int, default=2048, help="about so many of each prompt")
    parser.add_argument("--answer-tokens", type=int, default=1024, help="at most so many of each answer")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[32, 128, 512], help="requests at a time")
    parser.add_argument("--rounds", type=int, default=4, help="requests of a run, as a multiple of its concurrency")
    parser.add_argument("--json", type=Path, default=Path("bench/latest-gpu.json"), help="where the figures go")
    return parser.parse_args()


def _model(arguments: argparse.Namespace, folder: Path) -> str:
    """The model's folder or file, made where it is to be random, by the Python of the engine's environment."""
    if arguments.model:
        return str(arguments.model)
    path = engine_path(arguments.environment).partition(":")[0]
    python = Path(path, "python3") if arguments.environment else "python3"
    script = Path(__file__).with_name("random_qwen2.py")
    made = folder / "model"
    command = [str(python), str(script), str(made), "--size", arguments.random, "--tokenizer", str(arguments.tokenizer)]
    subprocess.run(command, check=True)
    return str(made)


def _recipe(arguments: argparse.Namespace, model: str, folder: Path, concurrency: int) -> Recipe:
    context = arguments.prompt_tokens + arguments.answer_tokens + 512
    rewriting: dict[str, Any] = {
        "engine": arguments.engine,
        "model": {
            "name": "measured",
            "revision": "1",
            "licence": "Apache-2.0",
            "path": model,
            "dtype": arguments.dtype,
            "context": max(512, context),
            "tensor_parallel": arguments.tensor_parallel,
            "data_parallel": arguments.data_parallel,
        },
        "sampling": {
            "temperature": 1.0,
            "top_p": 1.0,
        },  # as the engines' benchmarks: choosing among few tokens costs more
        "concurrency": concurrency,
        "request_seconds": 3600,
        "cache": str(folder / f"answers-{concurrency}"),
    }
    if arguments.environment:
        rewriting["engine_environment"] = arguments.environment
    source = {"name": "none", "format": "jsonl", "kind": "text", "paths": ["none.jsonl"], "declared_licence": "MIT"}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({"name": "bench", "version": "0.1.0", "sources": [source], "rewriting": rewriting}))
    return load_recipe(path)


def _client_runs(arguments: argparse.Namespace, model: str, folder: Path) -> list[Run]:
    load()
    runs = []
    most = max(arguments.concurrency)
    with served(_recipe(arguments, model, folder, most)):
        print(f"{'requests at a time':<24}{'prompt':>12}{'answer':>12}{'together':>12} tokens/s")
        for concurrency in sorted(arguments.concurrency):
            recipe = _recipe(arguments, model, folder, concurrency)
            asyncio.run(_asked(recipe, _requests(arguments, 2, f"warm {concurrency}")))
            requests = _requests(arguments, arguments.rounds * concurrency, f"run {concurrency}")
            started = time.monotonic()
            answers = asyncio.run(_asked(recipe, requests))
            runs.append(_run(concurrency, answers, time.monotonic() - started))
            _print_row(str(concurrency), runs[-1].speed)
    return runs


async def _asked(recipe: Recipe, requests: list[Request]) -> list[Answer]:
    async with model_client(recipe) as client:
        return await asyncio.gather(*(client.ask(request) for request in requests))


def _run(concurrency: int, answers: list[Answer], seconds: float) -> Run:
    prompts = [answer.prompt_tokens for answer in answers]
    said = [answer.completion_tokens for answer in answers]
    return Run(
        concurrency=concurrency,
        requests=len(answers),
        seconds=seconds,
        speed=Throughput(sum(prompts) / seconds, sum(said) / seconds),
        prompt_tokens=statistics.mean(prompts),
        answer_tokens=statistics.mean(said),
        cut=sum(answer.finish_reason == "length" for answer in answers),
    )


def _requests(arguments: argparse.Namespace, count: int, seed: str) -> list[Request]:
    """Prompts that differ from their first word on, so that no engine can take one for the beginning of another."""
    numbers = random.Random(seed)  # noqa: S311 - no secret
    requests = []
    for _ in range(count):
        # Four letters and the space before them are two tokens, or nearly so.
        words = ("".join(numbers.choices(ascii_lowercase, k=4)) for _ in range(arguments.prompt_tokens // 2))
        text = " ".join(words)
        digest = sha256(text.encode()).hexdigest()
        requests.append(Request(digest, digest, (Message("user", text),), arguments.answer_tokens))
    return requests


def _print_row(name: str, speed: Throughput) -> None:
    print(f"{name:<24}{speed.prompt_tokens:>12,.0f}{speed.answer_tokens:>12,.0f}{speed.together:>12,.0f}", flush=True)


if __name__ == "__main__":
    main()

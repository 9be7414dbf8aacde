"""A model's server: how it is started and watched, that it ends, and what is said where there is none."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import msgspec
import psutil
import pytest
from scripted_answers import echo, fenced
from scripted_model import ScriptedModel, scripted_model
from stand_in_engines import StandInEngines

from manifests.errors import RecipeError, UnitError
from pipeline.model_servers import address, check_model, model_client, served
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from stages.model_requests import Answer, Message, Request

pytestmark = pytest.mark.servers

_BASE = """\
name: small
version: 0.1.0
sources: [{name: a, format: jsonl, kind: text, paths: ["*.jsonl"]}]
rewriting:
  model: {name: org/model, revision: main, licence: Apache-2.0, context: 2048, path: model}
  concurrency: 2
  cache: answers
"""


@pytest.fixture
def engines(tmp_path: Path) -> StandInEngines:
    return StandInEngines(tmp_path)


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Recipe]:
    def made(engine: str, *overrides: str) -> Recipe:
        (tmp_path / "recipe.yaml").write_text(_BASE + f"  engine: {engine}\n  engine_environment: engines\n")
        return load_recipe(tmp_path / "recipe.yaml", overrides)

    return made


def asked(recipe: Recipe, text: str = "x = 1\n") -> Answer:
    request = Request("ab" * 32, "cd" * 32, (Message("user", fenced(text)),), 100)

    async def run() -> Answer:
        async with model_client(recipe) as client:
            return await client.ask(request)

    return asyncio.run(run())


def in_fork(use: Callable[[], object]) -> int:
    """The exit code of a child that does something: 0 where nothing was raised."""
    child = os.fork()
    if child == 0:
        try:
            use()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: object) -> bool:
    return psutil.pid_exists(int(str(pid))) and psutil.Process(int(str(pid))).status() != psutil.STATUS_ZOMBIE


_STARTED = {
    "vllm": """\
serve {model} --host 127.0.0.1 --port {port} --served-model-name org/model --max-model-len 2048 --dtype auto --seed 7
--generation-config vllm --disable-uvicorn-access-log --tensor-parallel-size 2 --data-parallel-size 3""",
    "sglang": """\
-m sglang.launch_server --model-path {model} --host 127.0.0.1 --port {port} --served-model-name org/model
--context-length 2048 --dtype auto --random-seed 7 --sampling-defaults openai --log-level-http warning
--tp-size 2 --dp-size 3""",
}


@pytest.mark.parametrize("engine", _STARTED)
def test_an_engine_is_started_as_the_recipe_says_and_runs_no_code_of_the_models(
    engines: StandInEngines, recipe: Callable[..., Recipe], engine: str
) -> None:
    parallel = ["rewriting.model.tensor_parallel=2", "rewriting.model.data_parallel=3", "rewriting.sampling.seed=7"]
    mine = recipe(engine, *parallel)
    with served(mine):
        port = address(mine).removesuffix("/v1").rpartition(":")[2]
        assert in_fork(lambda: asked(mine)) == 0
    [start] = engines.starts()
    assert start["arguments"] == _STARTED[engine].format(model=engines.model, port=port).split()
    environment = start["environment"]
    assert isinstance(environment, dict)
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert environment["PATH"].startswith(f"{engines.environment}/bin:")
    assert not is_running(start["pid"])
    assert "CORPUSMILL_MODEL" not in os.environ


def test_a_hub_id_is_given_with_its_revision_and_may_be_downloaded(
    engines: StandInEngines, recipe: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with served(recipe("vllm", "rewriting.model.path=null")):
        pass
    [start] = engines.starts()
    assert isinstance(start["arguments"], list)
    assert start["arguments"][:2] == ["serve", "org/model"]
    assert start["arguments"][-2:] == ["--revision", "main"]
    assert "HF_HUB_OFFLINE" not in str(start["environment"])


def test_an_address_survives_a_fork_and_a_new_program(engines: StandInEngines, recipe: Callable[..., Recipe]) -> None:
    mine = recipe("vllm")
    ask = f"""
import asyncio
from pathlib import Path
from pipeline.recipe_file import load_recipe
from pipeline.model_servers import address
print(address(load_recipe(Path({str(engines.model.parent / "recipe.yaml")!r}))))
"""
    with served(mine):
        there = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
        assert there == address(mine)


def test_nothing_is_left_in_the_process_that_forks(engines: StandInEngines, recipe: Callable[..., Recipe]) -> None:
    before = psutil.Process().num_threads()
    with served(recipe("vllm")):
        assert psutil.Process().num_threads() == before


def test_an_engine_that_ends_is_started_anew_at_the_same_address(
    engines: StandInEngines, recipe: Callable[..., Recipe]
) -> None:
    mine = recipe("vllm")
    with served(mine):
        there = address(mine)
        os.kill(int(str(engines.starts()[0]["pid"])), signal.SIGKILL)
        assert asked(mine).finish_reason == "stop"  # it waits
        assert len(engines.starts()) == 2
        assert address(mine) == there


def test_an_engine_that_ends_again_and_again_is_given_up(
    engines: StandInEngines, recipe: Callable[..., Recipe]
) -> None:
    mine = recipe("vllm")
    with served(mine):
        for number in range(4):
            wait_until(lambda: len(engines.starts()) > number)  # noqa: B023 - at once
            wait_until(lambda: _answers(mine))
            os.kill(int(str(engines.starts()[-1]["pid"])), signal.SIGKILL)
        wait_until(lambda: _is_given_up(mine))
        with pytest.raises(
            UnitError, match=r"rewriting.engine: vllm: expected a server that answers, got: it ended 4 t"
        ):
            address(mine)
    assert len(engines.starts()) == 4


def _answers(recipe: Recipe) -> bool:
    try:
        return httpx2.get(f"{address(recipe)}/models", trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


def _is_given_up(recipe: Recipe) -> bool:
    try:
        address(recipe)
    except UnitError:
        return True
    return False


def test_an_engine_that_does_not_come_up_is_told_in_its_own_words(
    engines: StandInEngines, recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    engines.fail("ValueError: no such \x1b[31mmodel\nGoodbye.")
    words = r"it ended before it answered; its last words: ValueError: no such .\[31mmodel"
    with pytest.raises(UnitError, match=words), served(recipe("vllm")):
        pass
    assert len(engines.starts()) == 1
    [log] = (tmp_path / "work/logs").iterdir()
    assert "Goodbye." in log.read_text()


_LAUNCHER = """
import sys, time
from pathlib import Path
from pipeline.recipe_file import load_recipe
from pipeline.model_servers import served
with served(load_recipe(Path(sys.argv[1]))):
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_ends_with_whoever_asked_for_it(
    engines: StandInEngines, recipe: Callable[..., Recipe], tmp_path: Path, number: signal.Signals
) -> None:
    recipe("vllm")
    command = [sys.executable, "-c", _LAUNCHER, str(tmp_path / "recipe.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == b"up\n"
        [start] = engines.starts()
        watcher = psutil.Process(int(str(start["pid"]))).ppid()
        state = Path(msgspec.json.decode(psutil.Process(watcher).cmdline()[-1])["state"])
        assert state.exists()
        launcher.send_signal(number)
    wait_until(lambda: not is_running(start["pid"]) and not is_running(watcher))
    assert not state.parent.exists()


@pytest.mark.parametrize(
    ("engine", "overrides", "message"),
    [
        (
            "vllm",
            ["rewriting.engine_environment=nowhere"],
            "vllm: expected it to be installed, got: no program vllm in",
        ),
        ("sglang", ["rewriting.engine_environment=nowhere"], "has no package sglang"),
        ("vllm", ["rewriting.model.path=engines"], "expected a model's folder with its config.json, found none"),
        ("llamacpp", ["rewriting.model.path=nothing"], "expected a GGUF file, got No such file or directory"),
        ("llamacpp", ["rewriting.model.path=recipe.yaml"], "expected a GGUF file, got one that begins otherwise"),
    ],
)
def test_what_is_not_there_is_told_before_the_run(
    engines: StandInEngines, recipe: Callable[..., Recipe], engine: str, overrides: list[str], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        check_model(recipe(engine, *overrides))
    with pytest.raises(RecipeError, match=message), served(recipe(engine, *overrides)):
        pass
    assert not engines.starts()


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[ScriptedModel]:
    with scripted_model(echo, folder=tmp_path, name="org/model", api_key="a-key") as model:
        yield model


@pytest.fixture
def through(recipe: Callable[..., Recipe], scripted: ScriptedModel) -> Callable[..., Recipe]:
    """A recipe whose endpoint the scripted model is, but for one change."""

    def made(changed: str = "") -> Recipe:
        changes = [changed.format(address=scripted.address)] if changed else []
        given = [f"rewriting.endpoint={scripted.address}", "rewriting.api_key_variable=MODEL_KEY"]
        return recipe("endpoint", *given, *changes)

    return made


def test_an_endpoint_is_asked_with_the_key_from_the_environment(
    through: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", "a-key")
    with served(through()):
        assert asked(through()).text == fenced("x = 1\n")


@pytest.mark.parametrize(
    ("key", "changed", "message"),
    [
        ("", "", r"api_key_variable: MODEL_KEY: expected the server's key in this environment variable, got none"),
        ("a-key\n", "", r"api_key_variable: MODEL_KEY: expected a key of visible ASCII characters alone, got one with"),
        ("a-kéy", "", r"expected a key of visible ASCII characters alone"),
        ("other", "", r"expected a server with an OpenAI-compatible API, got HTTP 401: no such key"),
        ("a-key", "rewriting.model.name=x", r"expected a server of x, got one of: org/model"),
        (
            "a-key",
            "rewriting.endpoint=http://127.0.0.1:9/v1",
            r"127.0.0.1:9/v1: expected a server .*, got ConnectErr",
        ),
        ("a-key", "rewriting.endpoint=http://[::1/v1", r"expected a server .*, got no address, and no list of models"),
        ("a-key", "rewriting.endpoint={address}/v2", r"got HTTP 404: /v1/v2/models: not found"),
    ],
)
def test_an_endpoint_that_is_none_is_told_with_what_was_found(
    through: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch, key: str, changed: str, message: str
) -> None:
    monkeypatch.setenv("MODEL_KEY", key)
    with pytest.raises(RecipeError, match=message) as caught, served(through(changed)):
        pass
    assert not key or key.strip() not in str(caught.value)


@pytest.mark.parametrize("key", ["a-key\n", "a-key\r\n", "a key\x00", " a-key", "a-kéy"])
def test_a_key_that_no_header_may_hold_is_told_without_it(
    through: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    recipe = through()
    monkeypatch.setattr("os.environ", os.environ | {"MODEL_KEY": key})  # which holds no zero byte
    with pytest.raises(RecipeError, match="MODEL_KEY: expected a key of visible ASCII") as caught, served(recipe):
        pass
    assert "a-k" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__cause__ is None


def test_a_small_model_answers_on_the_cpu(recipe: Callable[..., Recipe], tmp_path: Path, small_model: Path) -> None:
    mine = recipe("llamacpp", f"rewriting.model.path={small_model}")
    with served(mine):
        answer = asked(mine, "print(1)")
        assert answer.finish_reason in ("stop", "length")
        assert answer.prompt_tokens > 5
        assert 0 < answer.completion_tokens <= 100
        assert asked(mine, "word " * 5000) == Answer("", "length", 0, 0)
    [log] = (tmp_path / "work/logs").iterdir()
    assert log.stat().st_size < 1 << 20

"""Model servers: the server that a recipe asks for, while units of the rewriting run, and how they ask it.

Whoever runs units starts it once, before the first of them: a local run one for the step, a task of a cluster one on
the GPUs that the task was given. It is a process of its own, which outlives no one who asked for it. Units find it by
an environment variable, which goes through forks and new programs alike. Where the recipe names an endpoint, nothing is
started, and what is there is looked at first. Cost: the engine's own start, seconds to minutes.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from manifests.errors import RecipeError, UnitError
from manifests.storage import Storage, user_cache_folder
from pipeline.model_orders import Order, State, engine_path, order_of
from pipeline.recipe import Recipe
from pipeline.recipe_rewriting import Rewriting
from pipeline.rewriting_settings import rewriting_of
from stages.answer_cache import AnswerCache, namespace
from stages.model_client import Endpoint, Limits, ModelClient, load
from stages.model_listing import listed_models
from stages.model_requests import Sampling

ADDRESS = "CORPUSMILL_MODEL"
"""Environment variable that names the file in which a server's process says where it is."""

_KEY = re.compile(r"[!-~]+")
_LOOK_SECONDS = 0.1
_LEAVE_SECONDS = 30
_ENGINES_OF_OURS = ("vllm", "sglang", "llamacpp")


@contextmanager
def served(recipe: Recipe) -> Iterator[None]:
    """Have the recipe's model answer, for all units that this process forks or starts; nothing without rewriting.

    Raises:
        RecipeError: the engine, the model or the endpoint is not there, or not as the recipe says.
        UnitError: the engine does not come up.
    """
    rewriting = recipe.rewriting
    if rewriting is None:
        yield
    elif rewriting.engine == "endpoint":
        _check_endpoint(rewriting)
        yield
    else:
        with _running(recipe, order_of(rewriting)):
            yield


def address(recipe: Recipe) -> str:
    """Where the model's API is, for a unit that `served` surrounds.

    Raises:
        UnitError: the server has ended for good.
    """
    rewriting = rewriting_of(recipe)
    if rewriting.endpoint is not None:
        return rewriting.endpoint
    state = _read(Path(os.environ.get(ADDRESS, ""))) or State(error="none was started, or its process was ended")
    if not state.address:
        raise _gone(rewriting.engine, state.error, "")
    return state.address


def model_client(recipe: Recipe) -> ModelClient:
    """What a unit asks the model with.

    Raises:
        RecipeError: the recipe names a variable for the key that is not set, or there is no place for a cache.
        UnitError: the server has ended for good.
    """
    rewriting = rewriting_of(recipe)
    limits = Limits(rewriting.concurrency, rewriting.request_seconds, rewriting.model.context)
    endpoint = Endpoint(address(recipe), rewriting.model.name, _api_key(rewriting))
    return ModelClient(endpoint, _sampling(rewriting), answer_cache(recipe), limits)


def answer_cache(recipe: Recipe) -> AnswerCache:
    """Where the model's answers are kept; raises RecipeError where there is no place for them."""
    rewriting = rewriting_of(recipe)
    model = rewriting.model
    within = namespace(model.name, revision=model.revision, dtype=model.dtype, sampling=_sampling(rewriting))
    return AnswerCache(rewriting.cache_folder, within, recipe.s3.access)


def prepare(recipe: Recipe) -> None:
    """Load what every unit asks with, before it is forked."""
    del recipe
    load()


def check_model(recipe: Recipe) -> None:
    """Look, before a run begins, at the cache, and where the run is local at engine, model and key, too.

    Raises:
        RecipeError: what the recipe names is not there.
    """
    if recipe.rewriting is None:
        return
    answer_cache(recipe).check_writable()
    if recipe.executor == "local":
        _api_key(recipe.rewriting)
        if recipe.rewriting.engine in _ENGINES_OF_OURS:
            order_of(recipe.rewriting)


def _sampling(rewriting: Rewriting) -> Sampling:
    given = rewriting.sampling
    return Sampling(given.temperature, given.top_p, given.seed)


def _api_key(rewriting: Rewriting) -> str | None:
    name = rewriting.api_key_variable
    if name is None:
        return None
    key = os.environ.get(name, "")
    if not key:
        raise RecipeError(
            f"rewriting.api_key_variable: {name}: expected the server's key in this environment variable, got none",
            hint=f"export {name}=... where the mill runs; on a cluster its tasks need it, too",
        )
    if not _KEY.fullmatch(key):  # no header can hold it, and whoever says so says the key as well
        raise RecipeError(
            f"rewriting.api_key_variable: {name}: expected a key of visible ASCII characters alone, got one with more",
            hint="see whether it ends in a line end, as what is read from a file may",
        )
    return key


def _check_endpoint(rewriting: Rewriting) -> None:
    endpoint = Endpoint(str(rewriting.endpoint), rewriting.model.name, _api_key(rewriting))
    models = listed_models(endpoint)
    if endpoint.model not in models:
        there = ", ".join(list(models)[:10]) or "none"
        raise RecipeError(
            f"rewriting.endpoint: {endpoint.address}: expected a server of {endpoint.model}, got one of: {there}",
            hint="set rewriting.model.name to what the server calls the model, or have it serve that one",
        )
    context = models[endpoint.model]
    if context is not None and context < rewriting.model.context:
        raise RecipeError(
            f"rewriting.model.context: {rewriting.model.context}: expected no more than the server at "
            f"{endpoint.address} has, got one of {context} tokens",
            hint=f"set rewriting.model.context to {context}, or start the server with a larger one",
        )


@contextmanager
def _running(recipe: Recipe, order: Order) -> Iterator[None]:
    with _log(recipe) as log, tempfile.TemporaryDirectory(prefix="corpusmill-model-") as folder:
        order = replace(order, log=str(log), state=f"{folder}/state.json", parent=os.getpid())
        with log.open("ab") as file:
            process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", "pipeline.model_server_process", msgspec.json.encode(order).decode()],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=_environment(rewriting_of(recipe)),
                start_new_session=True,  # a Ctrl-C at the terminal reaches the launcher alone
            )
        before = os.environ.get(ADDRESS)
        try:
            _wait(process, order)
            os.environ[ADDRESS] = order.state
            yield
        finally:
            _restore(before)
            _end(process)


def _environment(rewriting: Rewriting) -> dict[str, str]:
    """The environment of a server's process: datatrove's locks, too, lie in the user's cache folder."""
    environment = os.environ | {"PATH": engine_path(rewriting.engine_environment)}
    with suppress(RuntimeError):
        environment.setdefault("VLLM_COMPILE_LOCK_DIR", str(user_cache_folder("vllm_compile_locks")))
    return environment


def _wait(process: "subprocess.Popen[bytes]", order: Order) -> None:
    """Wait until the server answers."""
    ended = os.pidfd_open(process.pid)
    try:
        while (state := _read(Path(order.state))) is None:
            if select.select([ended], [], [], _LOOK_SECONDS)[0]:
                state = _read(Path(order.state)) or State(error=f"its process ended with code {process.wait()}")
                break
    finally:
        os.close(ended)
    if state.error:
        raise _gone(order.engine, state.error, order.log)


def _gone(engine: str, why: str, log: str) -> UnitError:
    hint = f"{log or 'its log, in the work folder’s logs/,'} says more; run again when it is mended: no answer is lost"
    return UnitError(f"rewriting.engine: {engine}: expected a server that answers, got: {why}", hint=hint)


def _read(path: Path) -> State | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except (FileNotFoundError, IsADirectoryError):
        return None


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(ADDRESS, None)
    else:
        os.environ[ADDRESS] = before


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a server's process, which ends the engine first."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _log(recipe: Recipe) -> Iterator[Path]:
    """A file for what the server says; beside a work folder in a bucket, only for as long as nothing goes wrong."""
    work = Storage(recipe.work, recipe.s3.access).folder
    name = f"model-server-{os.uname().nodename}-{os.getpid()}.log"
    if work is not None:
        (work / "logs").mkdir(parents=True, exist_ok=True)
        yield work / "logs" / name
        return
    folder = Path(tempfile.mkdtemp(prefix="corpusmill-logs-"))
    yield folder / name
    shutil.rmtree(folder, ignore_errors=True)

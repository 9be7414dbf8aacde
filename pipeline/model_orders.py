"""Model orders: which program serves which model, and how, checked before it is started; and what its process says."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec

from manifests.errors import RecipeError
from pipeline.recipe_rewriting import Rewriting

_MAXIMUM_SLOTS = 4
_GGUF = b"GGUF"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One server: all that its process is told.

    Attributes:
        program: `vllm` itself, else the Python that has the engine.
        path: file or folder of the model, or its hub id.
        name: that the server is to know the model by.
        revision: of a hub id; None for what is here already, for which nothing is asked of the hub.
        slots: requests that llama.cpp works on at a time; other engines find out themselves.
        log: file for all that engine and watcher have to say.
        state: file that says where the server is, or why there is none, in a folder of its own.
        parent: process that the server ends with.
    """

    engine: str
    program: str
    path: str
    name: str
    revision: str | None
    dtype: str
    context: int
    tensor_parallel: int
    data_parallel: int
    seed: int
    slots: int
    log: str = ""
    state: str = ""
    parent: int = 0


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a server's process tells the one that asked for it: where the server is, or why there is none."""

    address: str = ""
    error: str = ""


def order_of(rewriting: Rewriting) -> Order:
    """The server that a recipe asks for.

    Raises:
        RecipeError: the engine or the model is not there.
    """
    model = rewriting.model
    program = _program(rewriting)
    if model.path is not None:
        _check_model(rewriting.engine, Path(model.path))
    return Order(
        engine=rewriting.engine,
        program=program,
        path=model.path or model.name,
        name=model.name,
        revision=model.revision if model.path is None else None,
        dtype=model.dtype,
        context=model.context,
        tensor_parallel=model.tensor_parallel,
        data_parallel=model.data_parallel,
        seed=rewriting.sampling.seed,
        slots=min(rewriting.concurrency, _MAXIMUM_SLOTS),
    )


def engine_path(environment: str | None) -> str:
    """Where an engine's programs are looked for: in the recipe's environment first."""
    path = os.environ.get("PATH", os.defpath)
    return path if environment is None else f"{environment}/bin{os.pathsep}{path}"


def _program(rewriting: Rewriting) -> str:
    if rewriting.engine == "llamacpp":
        if find_spec("xllamacpp") is None:
            raise _not_installed("llamacpp", "xllamacpp is not installed", "pip install 'corpusmill[llamacpp]'")
        return sys.executable
    where = rewriting.engine_environment or "PATH"
    hint = (
        f"install {rewriting.engine} into a virtual environment of its own (its requirements are not ours) and name "
        "that folder as rewriting.engine_environment"
    )
    name = "vllm" if rewriting.engine == "vllm" else "python3"
    program = shutil.which(name, path=engine_path(rewriting.engine_environment))
    if program is None:
        raise _not_installed(rewriting.engine, f"no program {name} in {where}", hint)
    if rewriting.engine == "sglang":
        look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('sglang') is None)"
        if subprocess.run([program, "-I", "-c", look], check=False).returncode:  # noqa: S603 - what the recipe names
            raise _not_installed("sglang", f"{program} has no package sglang", hint)
    return program


def _not_installed(engine: str, what: str, hint: str) -> RecipeError:
    return RecipeError(f"rewriting.engine: {engine}: expected it to be installed, got: {what}", hint=hint)


def _check_model(engine: str, path: Path) -> None:
    if engine != "llamacpp":
        if not (path / "config.json").is_file():
            raise RecipeError(
                f"rewriting.model.path: {path}: expected a model's folder with its config.json, found none",
                hint="name the folder that holds config.json, the tokenizer and the weights, or null for a hub id",
            )
        return
    try:
        with path.open("rb") as file:
            start = file.read(len(_GGUF))
    except OSError as error:
        raise RecipeError(
            f"rewriting.model.path: {path}: expected a GGUF file, got {error.strerror}", hint="correct the path"
        ) from error
    if start != _GGUF:
        raise RecipeError(
            f"rewriting.model.path: {path}: expected a GGUF file, got one that begins otherwise",
            hint="llama.cpp loads GGUF files alone: name one, or another engine",
        )

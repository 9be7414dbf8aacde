"""Signals by name: how a recipe reaches a function of the `filters` package, and nothing else.

A signal is any public function of a module of `filters`, defined there and annotated `(Document) -> float`. Nothing is
registered: writing the function is enough for recipes, the property tests and the docs to find it. Only a module that
exists in the package is imported, so a recipe cannot make the mill load foreign code.

Resolving a name imports one module; listing all imports the whole package (about a second where compiled filters are
among them).
"""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from types import FunctionType
from typing import get_type_hints

import filters
from manifests.document import Document
from manifests.errors import RecipeError

Signal = Callable[[Document], float]


def resolve(name: str) -> Signal:
    """The signal of a name such as `filters.lines:longest_line_characters`.

    Raises:
        RecipeError: there is no such signal; names the nearest one.
    """
    module, _, function = name.partition(":")
    if module in _modules():
        signal = _signals_of(module).get(f"{module}:{function}")
        if signal is not None:
            return signal
    known = list(all_signals())
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    raise RecipeError(
        f"{name!r} is not a signal; expected a function (Document) -> float of a module of `filters`",
        hint=f"did you mean {nearest[0]!r}?" if nearest else "",
    )


def all_signals() -> dict[str, Signal]:
    """Every signal of the package by its full name, in alphabetical order."""
    found: dict[str, Signal] = {}
    for module in _modules():
        found |= _signals_of(module)
    return dict(sorted(found.items()))


def _modules() -> list[str]:
    return sorted(f"filters.{info.name}" for info in pkgutil.iter_modules(filters.__path__))


def _signals_of(name: str) -> dict[str, Signal]:
    functions = inspect.getmembers(importlib.import_module(name), inspect.isfunction)
    return {
        f"{name}:{function_name}": function
        for function_name, function in functions
        if function.__module__ == name and not function_name.startswith("_") and _is_signal(function)
    }


def _is_signal(function: FunctionType) -> bool:
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) != 1 or parameters[0].kind is not parameters[0].POSITIONAL_OR_KEYWORD:
        return False
    try:
        hints = get_type_hints(function)
    except NameError:  # a name that only exists for the type checker; no signal needs one
        return False
    return hints == {parameters[0].name: Document, "return": float}

"""Signals by name: how a profile reaches a function of the `filters` package, and nothing else.

A signal is any public function of a module of `filters` that is defined by the line

    def name_of_the_signal(document: Document) -> float:

Nothing is registered: writing the function is enough for profiles, the property tests and the docs to find it. The
lines are found in the source text, so that naming a signal imports its module alone (some compile kernels), and a
recipe cannot make the mill load foreign code. Names are unique in the package; two of one name are refused.
"""

import difflib
import importlib
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from manifests.document import Document
from manifests.errors import RecipeError

Signal = Callable[[Document], float]

_DEFINITION = re.compile(r"^def ([a-z]\w*)\(document: Document\) -> float:", re.MULTILINE)


def resolve(name: str) -> Signal:
    """The signal of a name such as `longest_line_characters`.

    Raises:
        RecipeError: there is no such signal; names the nearest one.
    """
    check_name(name)
    signal: Signal = getattr(importlib.import_module(f"filters.{modules()[name]}"), name)
    return signal


def check_name(name: str) -> None:
    """Raise RecipeError unless a signal has this name; imports nothing."""
    if name not in modules():
        nearest = difflib.get_close_matches(name, modules(), n=1, cutoff=0.0)
        raise RecipeError(
            f"{name!r} is not a signal; expected one of the {len(modules())} in docs/signals.md",
            hint=f"did you mean {nearest[0]!r}?",
        )


@cache
def modules() -> dict[str, str]:
    """The module of every signal by the signal's name, in alphabetical order."""
    found: dict[str, str] = {}
    for source in files("filters").iterdir():
        if source.name.endswith(".py"):
            module = source.name.removesuffix(".py")
            for name in _DEFINITION.findall(source.read_text(encoding="utf-8")):
                if name in found:
                    raise AssertionError(f"two signals are called {name}: in {found[name]} and {module}")
                found[name] = module
    return dict(sorted(found.items()))


def all_signals() -> dict[str, Signal]:
    """Every signal by its name, in alphabetical order; imports the whole package."""
    return {name: resolve(name) for name in modules()}

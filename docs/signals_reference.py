"""Write docs/signals.md from the docstrings of the signals and the tables of the profiles, or, with --check, compare.

What a signal means stands in its docstring, what a profile asks in its table: the page cannot drift from either.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from cli_reference import write_or_compare

from filters.profiles import ABOUT, ASSIGNED, PROFILES
from filters.rules import Limits, Profile, Rule
from filters.signals import modules, resolve

PAGE = Path(__file__).with_name("signals.md")
HEAD = """\
# Signals and profiles

Written by `docs/signals_reference.py` from the docstrings and tables in `filters/`: change them there, then run
`make docs`. How a recipe uses both stands in [recipe.md](recipe.md#filters), what they do to real data in
[quality.md](quality.md).

A signal measures a document and gives a number; it never changes the text. A profile is a table of limits on signals.
A document that lies outside a limit is rejected as `<signal>_below_minimum` or `<signal>_above_maximum`, and the value
is kept: `corpusmill retune` and `corpusmill show --signal` read it.
"""


def reference() -> str:
    """The page as it should be."""
    return "\n".join([HEAD, *_profiles(), *_signals()])


def _profiles() -> Iterator[str]:
    yield "## Profiles\n"
    yield "| profile | what it is | judges, unless the recipe says otherwise |\n|---|---|---|"
    for name in PROFILES:
        judged = ", ".join(group for group, names in ASSIGNED.items() if name in names)
        yield f"| [{name}](#{name}) | {ABOUT[name]} | {judged or '-'} |"
    for name, profile in PROFILES.items():
        yield f"\n### {name}\n\n{ABOUT[name]}.\n\n| signal | minimum | maximum | languages |\n|---|---|---|---|"
        yield from _rules(profile)


def _rules(profile: Profile) -> Iterator[str]:
    for signal, rule in profile.items():
        cells = [f"[`{signal}`](#{signal})", _number(rule.minimum), _number(rule.maximum), _languages(rule)]
        yield f"| {' | '.join(cells)} |"


def _languages(rule: Rule) -> str:
    """Languages by their limits: those with the same ones stand together."""
    groups: dict[Limits, list[str]] = {}
    for language, limits in rule.languages.items():
        groups.setdefault(limits, []).append(language)
    return "; ".join(f"{', '.join(names)}: {_limits(limits)}" for limits, names in groups.items())


def _limits(limits: Limits) -> str:
    both = (("minimum", limits.minimum), ("maximum", limits.maximum))
    return ", ".join(f"{name} {_number(value)}" for name, value in both if value is not None) or "no limit"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _signals() -> Iterator[str]:
    yield "\n## Signals\n"
    groups: dict[str, list[str]] = {}
    for name, module in modules().items():
        groups.setdefault(module, []).append(name)
    for module, names in sorted(groups.items()):
        listed = ", ".join(f"[`{name}`](#{name})" for name in names)
        yield f"- [{_title(module)}](#{_title(module).lower().replace(' ', '-')}): {listed}"
    for module, names in sorted(groups.items()):
        text = inspect.getdoc(import_module(f"filters.{module}")) or ""
        yield f"\n### {_title(module)}\n\n{_text(text)}\n\n`filters/{module}.py`\n"
        for name in names:
            yield f"#### {name}\n\n{_text(inspect.getdoc(resolve(name)) or '')}\n"


def _title(module: str) -> str:
    return module.replace("_", " ").capitalize()


def _text(docstring: str) -> str:
    """A Google docstring as Markdown: the names of its sections in bold, their text not indented."""
    text = re.sub(r"^(Returns|Source|Raises|Args):\s*", r"**\1:** ", docstring, flags=re.MULTILINE)
    return re.sub(r"^ {4}", "", text, flags=re.MULTILINE).replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(write_or_compare(sys.argv[1:], PAGE, reference()))

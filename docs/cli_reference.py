"""Write docs/cli.md from the help texts of the commands, or, with --check, say how it differs.

The help text is the reference: what a user reads at the terminal and what stands in the docs cannot drift apart. The
width is fixed and colour is off, so the page does not depend on the terminal. Costs half a second, to import the
command line; no command is run.
"""

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from pipeline.cli import app

COLUMNS = 100
PAGE = Path(__file__).with_name("cli.md")
HEAD = """\
# Command line

Written by `docs/cli_reference.py` from the commands' own help texts: change the text there, then run `make docs`.

What goes wrong is one line `error: ...`, mostly with a second one, `hint: ...`, on standard error. The exit codes stand
under `corpusmill` below and in [errors.md](errors.md).
"""


def reference() -> str:
    """The page as it should be."""
    parts = [HEAD]
    for name, text in _helps(typer.main.get_command(app), "corpusmill", None):
        parts.append(f"## {name}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def _helps(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    """(full name, help text) of a command and of those below it, in the order that `--help` lists them."""
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=COLUMNS, max_content_width=COLUMNS
    )
    lines = [line.rstrip() for line in context.get_help().splitlines()]
    yield context.command_path, "\n".join(lines)
    if isinstance(command, typer.core.TyperGroup):
        for child in command.list_commands(context):
            yield from _helps(command.get_command(context, child), child, context)


def write_or_compare(arguments: list[str], page: Path, wanted: str) -> int:
    """Write a page, or, with --check, compare it; returns the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: make docs, or with --check\n")
        return 2
    if not arguments:
        page.write_text(wanted, encoding="utf-8")
        return 0
    found = page.read_text(encoding="utf-8") if page.exists() else ""
    if found == wanted:
        return 0
    name = f"docs/{page.name}"
    lines = difflib.unified_diff(found.splitlines(), wanted.splitlines(), name, "as it should be", lineterm="")
    sys.stderr.write("\n".join([*lines, f"error: {name} is stale", "hint: make docs", ""]))
    return 1


if __name__ == "__main__":
    sys.exit(write_or_compare(sys.argv[1:], PAGE, reference()))

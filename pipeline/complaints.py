"""What goes wrong, as every command says it: one message, one hint, nothing in them that steers the terminal."""

import re

import typer


def usage(error: typer.TyperException) -> tuple[str, str]:
    """Message and hint of a wrong command line, in the form of all our errors."""
    message = error.format_message().rstrip(".").replace("Input should be", "expected")
    context = getattr(error, "ctx", None)
    name = context.command_path if context else "corpusmill"
    example = (context.command.epilog or "") if context else ""
    hint = f"`{name} --help` says more"
    if example.startswith("Example: ") and "\n" not in example:
        hint = f"for example: {example.removeprefix('Example: ')}"
    return f"{name}: {message[:1].lower()}{message[1:]}", hint


def complain(message: str, hint: str, exit_code: int) -> int:
    """Print a message and, below it, its hint on standard error; returns the exit code."""
    for text in (f"error: {message}", f"hint: {hint}" if hint else ""):
        if text:
            typer.echo(_printable(text), err=True)
    return exit_code


def _printable(message: str) -> str:
    """Messages name shards, rows and keys; what stands in them must not steer the terminal or start a line.

    Two blanks after a line end are ours: the list of failed units.
    """
    lines = re.split(r"\n(?=  )", message)
    return "\n".join("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in lines)

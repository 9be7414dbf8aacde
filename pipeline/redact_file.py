"""`redact`: what redaction finds in files, shown with every value masked, and a file without it.

What is shown of a line is masked wherever redaction would take something, whichever of its scans finds it; no value is
printed, whatever the format. Offsets are those of the file as it is, in bytes. A file is redacted once, linear in its
length, and held in memory.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import typer

from filters.programming_languages import programming_language
from filters.redaction_policy import KINDS, LEVELS
from filters.spans import Span
from filters.text_syntax import syntax_of
from manifests.errors import CorpusmillError, RecipeError
from pipeline.complaints import complain
from pipeline.inspect_run import safe
from pipeline.masking import masked_part
from pipeline.recipe_file import load_recipe
from pipeline.recipe_redaction import Redaction, Sensitivity
from pipeline.text_file import read_text, same_file, write_text
from stages.redaction import Traced, trace

_SHOWN_BEFORE, _SHOWN_AFTER = 48, 24


class Finding(NamedTuple):
    """One finding, without its value. Lines and columns count from 1, columns in characters."""

    line: int
    column: int
    span: Span
    line_start: int


def redact_files(paths: list[str], rules: Redaction, *, as_json: bool, output: str | None, check: bool) -> int:
    """Print what is found in each file and how much it is; write the redacted text of the one where `output` is.

    A file that cannot be read is complained of, and the others are still looked at.

    Returns:
        The exit code: 1 where a file failed, or where `check` and something was found.

    Raises:
        RecipeError: arguments that do not go together.
        SourceError: `output` cannot be written.
    """
    _check_output(paths, output)
    counts: Counter[str] = Counter()
    failed = 0
    for path in paths:
        try:
            text = read_text(path)
            traced = _traced(path, text, rules)
        except CorpusmillError as error:
            failed += complain(error.message, error.hint, 1)
            continue
        # Where the text goes to standard output, nothing else does.
        (print_json if as_json else print_findings)(path, text, traced, aside=output == "-")
        counts.update(span.kind for span in traced.spans)
        if output is not None:
            write_text(output, traced.text)
    if not as_json and failed < len(paths):
        said = ", ".join(f"{kind} {number:,}" for kind, number in sorted(counts.items()))
        typer.echo(f"{counts.total():,} found{': ' if said else ''}{said}", err=output == "-")
    return int(bool(failed or (check and counts)))


def redaction_of(recipe: Path | None, level: str | None) -> Redaction:
    """The recipe's section, or one level for all kinds; raises RecipeError where both are given."""
    if recipe is None:
        for known in LEVELS[1:]:
            if (level or "balanced").lower() == known:
                return Redaction(sensitivity=Sensitivity(**dict.fromkeys(KINDS, known)))
        raise RecipeError(f"--level: expected {', '.join(LEVELS[1:])}, got {level!r}", hint="try --level high")
    if level is not None:
        raise RecipeError("expected --recipe or --level, got both", hint="the recipe has its own levels")
    return load_recipe(recipe).redaction


def findings(text: str, spans: list[Span]) -> Iterator[Finding]:
    """The places of findings, in order; each byte of the text is looked at once."""
    data = text.encode()
    line, line_start, position = 1, 0, 0
    column = 0 if text.startswith("\ufeff") else 1  # editors do not count the mark
    for span in spans:
        line += data.count(b"\n", position, span.start)
        newline = data.rfind(b"\n", position, span.start)
        if newline >= 0:
            line_start = position = newline + 1
            column = 1
        column += len(data[position : span.start].decode())
        position = span.start
        yield Finding(line, column, span, line_start)


def print_findings(path: str, text: str, traced: Traced, *, aside: bool) -> None:
    """One line for each finding, as `path:line:column kind/rule`, and its line with every value masked.

    Args:
        aside: on standard error.
    """
    data = text.encode()
    for index, (line, column, span, line_start) in enumerate(findings(text, traced.spans)):
        length = span.stop - span.start
        typer.echo(f"{safe(path)}:{line}:{column}  {span.kind}/{span.rule}, {length} bytes", err=aside)
        typer.echo(f"    {safe(_surroundings(data, traced.spans, index, line_start))}", err=aside)
    if traced.leak:
        typer.echo(f"{safe(path)}: a document like this is left out: {traced.leak.reason}", err=aside)


def print_json(path: str, text: str, traced: Traced, *, aside: bool) -> None:
    """One JSON object for each finding: path, line, column, start, stop, kind, rule."""
    for line, column, span, _ in findings(text, traced.spans):
        place = {"path": path, "line": line, "column": column, "start": span.start, "stop": span.stop}
        typer.echo(json.dumps(place | {"kind": span.kind, "rule": span.rule}), err=aside)


def _check_output(paths: list[str], output: str | None) -> None:
    if output is None:
        return
    if len(paths) > 1:
        raise RecipeError(f"expected one file with --output, got {len(paths)}", hint="redact them one by one")
    if output != "-" and same_file(paths[0], output):
        raise RecipeError(
            f"--output {output}: expected another file than the one that is read",
            hint="write it beside, look at it, then rename it",
        )


def _traced(path: str, text: str, rules: Redaction) -> Traced:
    """What redaction takes: in code where the language is known by name or content, else in prose.

    The text is made whatever it leaks: who asks for that of one file gets it.
    """
    language = programming_language(path, text)
    syntax = syntax_of("code" if language else "text", language)
    name = os.fsencode(path).decode(errors="replace")
    return trace(text, policy=rules.policy, document_id=name, syntax=syntax, limits=rules.limits)


def _surroundings(data: bytes, spans: list[Span], index: int, line_start: int) -> str:
    """A finding's line around it, each finding in it masked."""
    span = spans[index]
    first = max(line_start, span.start - _SHOWN_BEFORE)
    newline = data.find(b"\n", span.stop, span.stop + _SHOWN_AFTER)
    last = newline if newline >= 0 else min(len(data), span.stop + _SHOWN_AFTER)
    return masked_part(data, spans, index, first, last).replace("\t", " ").strip()

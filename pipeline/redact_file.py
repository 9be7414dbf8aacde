"""`redact`: what redaction finds in a file, shown with every value masked, and the file without it.

What is shown of a line is its redacted form; no value is printed, whatever the format. Offsets are those of the file as
it is, in bytes.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from filters.candidates import find_spans
from filters.programming_languages import programming_language
from filters.redaction_policy import KINDS, LEVELS, RedactionPolicy
from filters.spans import Span
from filters.text_syntax import Syntax, syntax_of
from manifests.errors import RecipeError, SourceError
from pipeline.inspect_run import plain_console, safe
from pipeline.recipe_file import load_recipe
from pipeline.recipe_redaction import Redaction, Sensitivity
from stages.leaks import Leak, leak_of
from stages.redaction import redact

MASK = "••••"
_SHOWN_BEFORE, _SHOWN_AFTER = 48, 24


class Finding(NamedTuple):
    """One finding, without its value. Lines and columns count from 1, columns in characters."""

    line: int
    column: int
    span: Span
    shown: str


def redact_files(
    paths: list[str], *, recipe: Path | None, level: str | None, as_json: bool, output: Path | None
) -> None:
    """Print what is found in each file and how much it is; write the redacted text of the one where `output` is.

    Raises:
        RecipeError: arguments that do not go together.
        SourceError: a file that cannot be read or written, or is not UTF-8.
    """
    rules = redaction_of(recipe, level)
    if output is not None and len(paths) > 1:
        raise RecipeError(f"expected one file with --output, got {len(paths)}", hint="redact them one by one")
    counts: Counter[str] = Counter()
    for path in paths:
        text = read_text(path)
        counts += (print_json if as_json else print_findings)(path, text, rules.policy)
        if not as_json and (leak := _leak(text, rules)):
            plain_console().print(f"{safe(path)}: a document like this is left out: {leak.reason}")
        if output is not None:
            # Without limits: who asks for the text of one file gets it.
            redacted = redact(text, policy=rules.policy, document_id=path, syntax=_syntax(path, text))
            _write(output, redacted.text)
    if not as_json:
        said = ", ".join(f"{kind} {number:,}" for kind, number in sorted(counts.items()))
        plain_console().print(f"{counts.total():,} found{': ' if said else ''}{said}")


def redaction_of(recipe: Path | None, level: str | None) -> Redaction:
    """The recipe's section, or one level for all kinds; raises RecipeError where both are given."""
    if recipe is None:
        for known in LEVELS[1:]:
            if (level or "balanced") == known:
                return Redaction(sensitivity=Sensitivity(**dict.fromkeys(KINDS, known)))
        raise RecipeError(f"--level: expected {', '.join(LEVELS[1:])}, got {level!r}", hint="try --level high")
    if level is not None:
        raise RecipeError("expected --recipe or --level, got both", hint="the recipe has its own levels")
    return load_recipe(recipe).redaction


def read_text(path: str) -> str:
    """The file's text, `-` being standard input; raises SourceError where it is not there or not UTF-8."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}", hint="check the path") from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path}: expected UTF-8, found another byte at offset {error.start}",
            hint=f"convert it first, such as: iconv -f WINDOWS-1252 -t UTF-8 {path}",
        ) from None


def findings(text: str, policy: RedactionPolicy) -> Iterator[Finding]:
    """The findings in a text, in order."""
    data = text.encode()
    spans = find_spans(data, policy=policy)
    line, position = 1, 0
    for index, span in enumerate(spans):
        line += data.count(b"\n", position, span.start)
        position = span.start
        start = data.rfind(b"\n", 0, span.start) + 1
        column = len(data[start : span.start].decode()) + 1
        yield Finding(line, column, span, _surroundings(data, spans, index, start))


def print_findings(path: str, text: str, policy: RedactionPolicy) -> Counter[str]:
    """One line for each finding, as `path:line:column kind/rule`, and its line with every value masked."""
    console = plain_console()
    counts: Counter[str] = Counter()
    for found in findings(text, policy):
        span = found.span
        counts[span.kind] += 1
        console.print(
            f"{safe(path)}:{found.line}:{found.column}  {span.kind}/{span.rule}, {span.stop - span.start} bytes\n"
            f"    {safe(found.shown)}"
        )
    return counts


def print_json(path: str, text: str, policy: RedactionPolicy) -> Counter[str]:
    """One JSON object for each finding: path, line, column, start, stop, kind, rule."""
    counts: Counter[str] = Counter()
    for found in findings(text, policy):
        span = found.span
        counts[span.kind] += 1
        place = {"path": path, "line": found.line, "column": found.column, "start": span.start, "stop": span.stop}
        print(json.dumps(place | {"kind": span.kind, "rule": span.rule}))  # noqa: T201 - its output
    return counts


def _leak(text: str, rules: Redaction) -> Leak | None:
    data = text.encode()
    return leak_of(find_spans(data, policy=rules.policy), len(data), rules.limits)


def _syntax(path: str, text: str) -> Syntax:
    """Code where the language is known by name or content, else prose."""
    language = programming_language(path, text)
    return syntax_of("code" if language else "text", language)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise SourceError(f"{path}: cannot be written: {error.strerror}", hint="check the folder") from error


def _surroundings(data: bytes, spans: list[Span], index: int, line_start: int) -> str:
    """A finding's line around it, each finding in it masked."""
    span = spans[index]
    first = max(line_start, span.start - _SHOWN_BEFORE)
    newline = data.find(b"\n", span.stop, span.stop + _SHOWN_AFTER)
    last = newline if newline >= 0 else min(len(data), span.stop + _SHOWN_AFTER)
    pieces, position = [], first
    while index and spans[index - 1].stop > first:
        index -= 1
    for other in spans[index:]:
        if other.start >= last:
            break
        pieces += [data[position : max(position, other.start)].decode(errors="ignore"), MASK]
        position = other.stop
    pieces.append(data[position : max(position, last)].decode(errors="ignore"))
    return "".join(pieces).strip()

"""Good rewrites in what does not run: layout, the order of imports, comments that go."""

import random
import re
import subprocess
import sys
from pathlib import Path

from rewriting.syntax import replaced_in_code

from filters.source_kinds import CODE, COMMENT, source_kinds

_IMPORT_LINES = {
    "C": r"#include [<\"].*",
    "C#": r"using [\w.]+;",
    "C++": r"#include [<\"].*",
    "Go": r"\t\"[\w./-]+\"",
    "Java": r"import [\w.]+;",
    "JavaScript": r"import .* from ['\"].*['\"];?",
    "PHP": r"use [\w\\]+;",
    "Python": r"(?:import|from) [\w.]+.*(?<![(\\,])",
    "Ruby": r"require ['\"][\w/]+['\"]",
    "Rust": r"use [\w:{}, ]+;",
    "TypeScript": r"import .* from ['\"].*['\"];?",
}
_SPEAKS_OF_LICENCES = re.compile(
    r"licen|copyright|\(c\)|permission|warrant|distribut|liab|software|rights|\\$", re.IGNORECASE
)


def reformatted(text: str, language: str, draw: random.Random) -> str | None:
    """Another layout: ruff's for Python, elsewhere indentation, blanks, braces and blank lines."""
    if language == "Python":
        program = str(Path(sys.executable).with_name("ruff"))
        done = subprocess.run([program, "format", "-q", "-"], input=text.encode(), capture_output=True, check=False)
        return done.stdout.decode() if done.returncode == 0 else None
    changed = _reindented(text, language, draw.choice((2, 4)))
    changed = replaced_in_code(changed, language, r"\b(if|for|while|switch|catch)\(", r"\1 (")
    changed = replaced_in_code(changed, language, r"\)\{", ") {")
    if language not in ("Go", "Ruby") and draw.random() < 0.5:
        changed = replaced_in_code(changed, language, r"\)[ \t]*\n[ \t]*\{[ \t]*$", ") {")
    changed = replaced_in_code(changed, language, r",(?=[\w\"'])", ", ")
    changed = re.sub(r"[ \t]+$", "", changed, flags=re.MULTILINE)
    changed = re.sub(r"\n{3,}", "\n\n", changed)
    return changed.strip("\n") + "\n"


def sorted_imports(text: str, language: str, _draw: random.Random) -> str | None:
    """Imports that stand together in alphabetical order."""
    line = _IMPORT_LINES[language]
    changed = re.sub(
        rf"(?:^{line}\n){{2,}}",
        lambda found: "".join(sorted(found[0].splitlines(keepends=True))),
        text,
        flags=re.MULTILINE,
    )
    return changed if changed != text else None


def without_dead_comments(text: str, language: str, _draw: random.Random) -> str | None:
    """Comments on lines of their own taken out, the head of the file and documentation apart."""
    kinds = source_kinds(text, language)
    lines, position, kept, seen_code = text.splitlines(keepends=True), 0, [], False
    block: list[str] = []
    for line in [*lines, ""]:
        size = len(line.encode())
        here = kinds[position : position + size]
        body = line.strip()
        is_comment = (
            bool(body)
            and body.startswith(("# ", "// "))
            and bool(here.size)
            and bool((here == COMMENT)[here.size - len(line.lstrip().encode())])
        )
        position += size
        if is_comment:
            block.append(line)
            continue
        if block and (not seen_code or _SPEAKS_OF_LICENCES.search("".join(block))):
            kept += block
        block = []
        seen_code = seen_code or bool(body)
        kept.append(line)
    changed = "".join(kept)
    return changed if changed != text and len(changed) > 0.6 * len(text) else None


def _reindented(text: str, language: str, width: int) -> str:
    """Tabs as blanks, or two blanks as four and back; lines that begin inside a string or comment stay."""
    encoded, kinds = text.encode(), source_kinds(text, language)
    lines = encoded.splitlines(keepends=True)
    steps = [len(line) - len(line.lstrip(b" ")) for line in lines if line.startswith(b"  ")]
    step = 2 if any(size % 4 for size in steps) else 4
    result, position = [], 0
    for line in lines:
        body = line.lstrip(b" \t")
        head = line[: len(line) - len(body)]
        inside = bool(kinds.size) and position > 0 and bool(head) and kinds[position] != CODE
        position += len(line)
        if language == "Go" or inside:
            result.append(line)
            continue
        levels, rest = divmod(len(head.replace(b"\t", b" " * step)), step)
        result.append(b" " * (levels * width + rest) + body)
    return b"".join(result).decode()

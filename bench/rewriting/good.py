"""Good rewrites of real files, made by code: what a model that keeps to its prompt does, and nobody should refuse.

Each function takes a text and gives another one that does the same, or None where there is nothing for it to do.
"""

import random
import re
from collections.abc import Callable

from rewriting.documentation import annotated, documented
from rewriting.extraction import extracted_helper
from rewriting.layout import reformatted, sorted_imports, without_dead_comments
from rewriting.modern import modernized
from rewriting.names import local_names
from rewriting.syntax import (
    Edit,
    code_places,
    edited,
    functions,
    indent_of,
    is_no_worse,
    line_start,
)

from filters.source_kinds import CODE, source_kinds

Rewrite = Callable[[str, str, random.Random], str | None]

_LONGER = {
    "i": "index", "j": "inner", "k": "key", "n": "count", "x": "item", "v": "value", "s": "text", "res": "result",
    "ret": "result", "tmp": "temporary", "buf": "buffer", "idx": "index", "cnt": "count", "msg": "message",
    "e": "error", "len": "length", "num": "number", "str": "text", "obj": "target", "el": "element",
    "cb": "callback", "fn": "function",
}  # fmt: skip
_CONSTANTS = {
    "C": (b"DEFAULT_LIMIT", b"#define %s %s\n\n"),
    "Go": (b"defaultLimit", b"const %s = %s\n\n"),
    "JavaScript": (b"_DEFAULT_LIMIT", b"const %s = %s;\n\n"),
    "Python": (b"_DEFAULT_LIMIT", b"%s = %s\n\n\n"),
}
_SNAKE = ("C", "PHP", "Python", "Ruby", "Rust")
_WORD = re.compile(r"\w+")


def identical(text: str, _language: str, _draw: random.Random) -> str | None:
    """Fine code that stays as it is."""
    return text


def renamed_locals(text: str, language: str, draw: random.Random) -> str | None:
    """Local names made longer in up to ten functions."""
    encoded = text.encode()
    words = set(_WORD.findall(text))
    edits: list[Edit] = []
    for function in draw.sample(found := functions(encoded, language), min(10, len(found))):
        taken: set[str] = set()
        for name, places in local_names(function, encoded, language).items():
            bare = name.lstrip("$")
            longer = _LONGER.get(bare, f"{bare}_value" if language in _SNAKE else f"{bare}Value")
            if longer in words or longer in taken:
                longer = f"current_{bare}" if language in _SNAKE else f"current{bare[:1].upper()}{bare[1:]}"
            if longer in words or longer in taken or not bare or bare == "_":
                continue
            taken.add(longer)
            sign = "$" if name.startswith("$") else ""
            edits += [(place.start_byte, place.end_byte, (sign + longer).encode()) for place in places]
    return edited(encoded, edits).decode() if edits else None


def named_constant(text: str, language: str, draw: random.Random) -> str | None:
    """A number in a function given a private name at the head of the module; Python, Go, JavaScript, C."""
    if language not in _CONSTANTS:
        return None
    encoded = text.encode()
    top = [function for function in functions(encoded, language) if not indent_of(encoded, function.node.start_byte)]
    top = [function for function in top if encoded[line_start(encoded, function.start)] not in b" \t"]
    kinds = source_kinds(text, language)
    for function in draw.sample(top, len(top)):
        start, stop = function.body
        for found in re.finditer(rb"(?<=[ (,])(\d{2,5})(?=[ ),;\n])", encoded[start:stop]):
            if (kinds.size and kinds[start + found.start()] != CODE) or found[1].startswith(b"0"):
                continue
            name, line = _CONSTANTS[language]
            if name in encoded:
                return None
            place = line_start(encoded, function.start)
            return edited(
                encoded, [(place, place, line % (name, found[1])), (start + found.start(), start + found.end(), name)]
            ).decode()
    return None


def repaired(text: str, _language: str, _draw: random.Random) -> str | None:
    """What a broken original becomes: the text itself; `broken` makes the original."""
    return text


def styled(text: str, language: str, draw: random.Random) -> str | None:
    """Several at once, as the mode `style` asks for."""
    changed = text
    for step in (renamed_locals, documented, sorted_imports, reformatted, annotated):
        candidate = step(changed, language, draw)
        if candidate is not None and is_no_worse(candidate, text, language):
            changed = candidate
    return changed if changed != text else None


def broken(text: str, language: str, draw: random.Random) -> str | None:
    """The text with a mistake that its grammar sees: a bracket too few."""
    places = code_places(text, language, "(){}[]:" if language == "Python" else "(){}[]")
    encoded = text.encode()
    for place in draw.sample(places, min(20, len(places))):
        changed = encoded[:place] + encoded[place + 1 :]
        if not is_no_worse(changed.decode(), text, language):
            return changed.decode()
    return None


GOOD: dict[str, Rewrite] = {
    "identical": identical,
    "locals renamed": renamed_locals,
    "comments and docstrings added": documented,
    "reformatted": reformatted,
    "imports sorted": sorted_imports,
    "modernized": modernized,
    "private helper extracted": extracted_helper,
    "types added": annotated,
    "comments removed": without_dead_comments,
    "constant named": named_constant,
    "syntax error repaired": repaired,
    "style: all of these": styled,
}

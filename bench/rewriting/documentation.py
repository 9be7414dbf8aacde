"""Good rewrites that explain: comments, docstrings, types."""

import random
import re

from rewriting.syntax import Edit, Function, edited, functions, indent_of, line_start, statements


def documented(text: str, language: str, draw: random.Random) -> str | None:
    """Comments that explain functions, in the language's own form, and some before statements."""
    encoded = text.encode()
    edits: list[Edit] = []
    for function in functions(encoded, language):
        if function.start != function.node.start_byte or not statements(function):
            continue
        words = " ".join(re.findall(r"[A-Z]?[a-z]+|[A-Z]+", function.text_name)).lower() or "this"
        draw_text = draw.choice(
            (
                "Handle the {} step",
                "Compute {} for the caller",
                "Run {} and return its result",
                "Helper that takes care of {}",
            )
        )
        sentence = draw_text.format(words)
        names = [name.lstrip("$") for name in function.names if name and name not in ("self", "cls")]
        edits += _documentation(encoded, function, language, sentence, names)
    for function in draw.sample(found := functions(encoded, language), min(4, len(found))):
        for statement in statements(function)[1:3]:
            start = line_start(encoded, statement.start_byte)
            if not encoded[start : statement.start_byte].strip():
                sign = b"#" if language in ("Python", "Ruby") else b"//" if language != "C" else b"/*"
                note = draw.choice(
                    (b"Keep track of the state so far", b"Guard against bad input", b"Walk over what is left")
                )
                closing = b" */" if sign == b"/*" else b""
                edits.append(
                    (start, start, indent_of(encoded, statement.start_byte) + sign + b" " + note + closing + b"\n")
                )
    return edited(encoded, edits).decode() if edits else None


def annotated(text: str, language: str, _draw: random.Random) -> str | None:
    """Types: of parameters with a plain default, and of what returns nothing; Python and TypeScript."""
    encoded = text.encode()
    edits: list[Edit] = []
    for function in functions(encoded, language):
        if function.parameters is None:
            continue
        body = encoded[slice(*function.body)]
        has_type = function.node.child_by_field_name("return_type") is not None
        returns = re.search(rb"\breturn\b[^\n;]*\S|\byield\b", body)
        if language == "Python":
            if not has_type and not returns:
                edits.append((function.parameters[1], function.parameters[1], b" -> None"))
            start, stop = function.parameters
            for found in re.finditer(
                rb"(?<=[(, ])(\w+)=(True|False|\d+|'[^'\n]*'|\"[^\"\n]*\")(?=[,)])", encoded[start:stop]
            ):
                kind = b"bool" if found[2] in (b"True", b"False") else b"int" if found[2].isdigit() else b"str"
                edits.append((start + found.start(), start + found.end(), found[1] + b": " + kind + b" = " + found[2]))
        elif language == "TypeScript" and not (has_type or returns) and _can_be_void(encoded, function):
            edits.append((function.parameters[1], function.parameters[1], b": void"))
    return edited(encoded, edits).decode() if edits else None


def _can_be_void(encoded: bytes, function: Function) -> bool:
    before = encoded[function.node.start_byte : function.name[0]]
    return function.text_name != "constructor" and re.search(rb"\b(?:set|get|async)\s+$", before) is None


def _documentation(encoded: bytes, function: Function, language: str, sentence: str, names: list[str]) -> list[Edit]:
    indent = indent_of(encoded, function.node.start_byte)
    if language == "Python":
        first = statements(function)[0]
        if first.type == "expression_statement" and first.named_children[0].type == "string":
            return []
        inner = indent_of(encoded, first.start_byte)
        if first.start_point[0] == function.node.start_point[0]:
            return []
        lines = [f'"""{sentence}.', ""]
        lines += (
            ["Args:", *(f"    {name}: the {name.replace('_', ' ')} to use." for name in names), ""] if names else []
        )
        if b"return " in encoded[slice(*function.body)]:
            lines += ["Returns:", "    What was found, or None.", ""]
        lines[-1:] = ['"""'] if len(lines) > 2 else []
        if len(lines) == 1:
            lines = [f'"""{sentence}."""']
        place = line_start(encoded, first.start_byte)
        return [(place, place, b"".join(inner * bool(line) + line.encode() + b"\n" for line in lines))]
    start = function.start
    if encoded[line_start(encoded, start) : start].strip():
        return []
    if language == "Go":
        lines = [f"// {function.text_name} {sentence[:1].lower()}{sentence[1:]}."]
    elif language == "Rust":
        lines = [f"/// {sentence}."]
    elif language == "Ruby":
        lines = [f"# {sentence}.", *(f"# @param {name} the {name}" for name in names)]
    elif language == "C#":
        lines = [
            "/// <summary>",
            f"/// {sentence}.",
            "/// </summary>",
            *(f'/// <param name="{name}">The {name}.</param>' for name in names),
        ]
    else:
        lines = ["/**", f" * {sentence}.", *(f" * @param {name} the {name} to use" for name in names), " */"]
    place = line_start(encoded, start)
    return [(place, place, b"".join(indent + line.encode() + b"\n" for line in lines))]

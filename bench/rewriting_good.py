"""Good rewrites of real files, made by code: what a model that keeps to its prompt does, and nobody should refuse.

Each function takes a text and gives another one that does the same, or None where there is nothing for it to do.
"""

import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rewriting_syntax import (
    Edit,
    Function,
    code_places,
    edited,
    functions,
    indent_of,
    is_no_worse,
    line_start,
    local_names,
    replaced_in_code,
    statements,
)

from filters.source_kinds import CODE, COMMENT, source_kinds

Rewrite = Callable[[str, str, random.Random], str | None]

_LONGER = {
    "i": "index", "j": "inner", "k": "key", "n": "count", "x": "item", "v": "value", "s": "text", "res": "result",
    "ret": "result", "tmp": "temporary", "buf": "buffer", "idx": "index", "cnt": "count", "msg": "message", "e": "error",
    "len": "length", "num": "number", "str": "text", "obj": "target", "el": "element", "cb": "callback", "fn": "function",
}  # fmt: skip
_SNAKE = ("C", "PHP", "Python", "Ruby", "Rust")
_WORD = re.compile(r"\w+")
_SPEAKS_OF_LICENCES = re.compile(
    r"licen|copyright|\(c\)|permission|warrant|distribut|liab|software|rights|\\$", re.IGNORECASE
)
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
# Deprecated or unsafe spellings, and what stands for them today; only such as have the same meaning everywhere.
_MODERN = {
    "C": ((r"\bNULL == (\w+)", r"\1 == NULL"), (r"\bsizeof (\w+)\b", r"sizeof(\1)"), (r"\(void\*\)", r"(void *)")),
    "C#": (
        (r"\bString\.Empty\b", '""'), (r"\bString\.(Format|IsNullOrEmpty|Join)\b", r"string.\1"),
        (r"\b(\w+) == null\b", r"\1 is null"), (r"\b(\w+) != null\b", r"\1 is not null"),
    ),
    "C++": ((r"\bNULL\b", "nullptr"), (r"> >", ">>"), (r"\bvirtual (~\w+\(\)) *\{\}", r"virtual \1 = default;")),
    "Go": ((r"\bioutil\.ReadAll\(", "io.ReadAll("), (r"= make\(\[\](\w+), 0\)", r"= []\1{}"), (r"\b(\w+) \+= 1\b", r"\1++")),
    "Java": (
        (r"\bnew (ArrayList|HashMap|HashSet|LinkedList|TreeMap)<[\w, ]+>\(", r"new \1<>("),
        (r"\bnew (Integer|Long|Double)\(", r"\1.valueOf("), (r"\.size\(\) == 0", ".isEmpty()"),
    ),
    "JavaScript": (
        (r"\bvar (\w+) = require\(", r"const \1 = require("), (r" == (null|undefined)\b", r" === \1"),
        (r"\bfunction \(\) \{", "() => {"), (r"\bvar\b", "let"),
    ),
    "PHP": ((r"\barray\(\)", "[]"), (r"\bis_null\((\$\w+)\)", r"\1 === null"), (r"\belse if\b", "elseif")),
    "Python": (
        (r"\bassertEquals\b", "assertEqual"), (r"\bsuper\(\w+, self\)\.", "super()."), (r"\bexcept:", "except Exception:"),
        (r"^class (\w+)\(object\):", r"class \1:"), (r"\.iteritems\(\)", ".items()"), (r"\bxrange\(", "range("),
        (r"\blogger\.warn\(", "logger.warning("), (r"\b(\w+) == None\b", r"\1 is None"), (r"\bset\(\[\]\)", "set()"),
        (r"\bdict\(\)", "{}"), (r"\blist\(\)", "[]"), (r"\b(\w+) != None\b", r"\1 is not None"),
    ),
    "Ruby": ((r"(?<!:):(\w+) => ", r"\1: "), (r"\.collect\b", ".map"), (r"\bFile\.exists\?", "File.exist?")),
    "Rust": (
        (r"\btry!\((\w+)\)", r"\1?"), (r"\breturn (\w+);\n(\s*\})", r"\1\n\2"), (r"\.to_string\(\)", ".to_owned()"),
    ),
    "TypeScript": ((r"\bvar\b", "let"), (r" == (null|undefined)\b", r" === \1"), (r"\bArray<(\w+)>", r"\1[]")),
}  # fmt: skip


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


def modernized(text: str, language: str, _draw: random.Random) -> str | None:
    """Old spellings replaced by today's."""
    changed = text
    for pattern, replacement in _MODERN[language]:
        changed = replaced_in_code(changed, language, pattern, replacement)
    return changed if changed != text else None


def extracted_helper(text: str, language: str, draw: random.Random) -> str | None:
    """The body of a function in a private function of its own, which the function calls."""
    encoded = text.encode()
    eligible = [
        function
        for function in functions(encoded, language)
        if function.parameters
        and all(function.names)
        and len(statements(function)) >= 3
        and _is_plain(function, language)
    ]
    if not eligible:
        return None
    function = draw.choice(eligible)
    return edited(encoded, _extraction(encoded, function, language)).decode()


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
        elif language == "TypeScript" and not has_type and not returns and function.text_name != "constructor":
            if not re.search(rb"\b(?:set|get|async)\s+$", encoded[function.node.start_byte : function.name[0]]):
                edits.append((function.parameters[1], function.parameters[1], b": void"))
    return edited(encoded, edits).decode() if edits else None


def without_dead_comments(text: str, language: str, _draw: random.Random) -> str | None:
    """Comments on lines of their own taken out, the head of the file and documentation apart."""
    kinds = source_kinds(text, language)
    lines, position, kept, seen_code = text.splitlines(keepends=True), 0, [], False
    block: list[str] = []
    for line in [*lines, ""]:
        size = len(line.encode())
        here = kinds[position : position + size]
        body = line.strip()
        is_comment = bool(body) and body.startswith(("# ", "// ")) and bool(here.size) and bool((here == COMMENT)[here.size - len(line.lstrip().encode())])
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


def named_constant(text: str, language: str, draw: random.Random) -> str | None:
    """A number in a function given a private name at the head of the module; Python, Go, JavaScript, C."""
    if language not in ("Python", "Go", "JavaScript", "C"):
        return None
    encoded = text.encode()
    top = [function for function in functions(encoded, language) if not indent_of(encoded, function.node.start_byte)]
    top = [function for function in top if encoded[line_start(encoded, function.start)] not in b" \t"]
    kinds = source_kinds(text, language)
    for function in draw.sample(top, len(top)):
        start, stop = function.body
        for found in re.finditer(rb"(?<=[ (,])(\d{2,5})(?=[ ),;\n])", encoded[start:stop]):
            if kinds.size and kinds[start + found.start()] != CODE or found[1].startswith(b"0"):
                continue
            name = (
                b"_DEFAULT_LIMIT"
                if language in ("Python", "JavaScript")
                else b"defaultLimit"
                if language == "Go"
                else b"DEFAULT_LIMIT"
            )
            line = {
                "Python": b"%s = %s\n\n\n",
                "Go": b"const %s = %s\n\n",
                "JavaScript": b"const %s = %s;\n\n",
                "C": b"#define %s %s\n\n",
            }[language]
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


def _is_plain(function: Function, language: str) -> bool:
    """Whether a body can stand in a function of its own, called with the same names."""
    text = function.node.text or b""
    if re.search(
        rb"\byield\b|\basync\b|\bsuper\b|\barguments\b|\bgoto\b|\bdefer\b|\*args|\*\*|\.\.\.|\bthis\b|@", text
    ):
        return False
    if function.node.parent is not None and function.node.parent.type == "decorated_definition":
        return False
    parents = {"Python": ("module", "block"), "Go": ("source_file",), "JavaScript": ("program", "export_statement")}
    parents |= {"C": ("translation_unit",), "Java": ("class_body",)}
    return (
        language in parents
        and function.node.parent is not None
        and function.node.parent.type in parents[language]
        and function.node.type != "method_declaration"
        or (language == "Java" and b"<" not in text[:40])
    )


def _extraction(encoded: bytes, function: Function, language: str) -> list[Edit]:
    name = function.text_name
    is_method = bool(function.names) and function.names[0] == "self"
    private = f"_{name.lstrip('_')}_impl" if language == "Python" else f"do{name[:1].upper()}{name[1:]}"
    if language in ("C", "JavaScript"):
        private = f"{name}_impl" if language == "C" else f"{name}Impl"
    assert function.parameters is not None
    node_start = function.node.start_byte
    head = encoded[node_start : function.body[0]]
    offset = function.name[0] - node_start
    helper_head = head[:offset] + private.encode() + head[offset + len(name.encode()) :]
    body = encoded[slice(*function.body)]
    if language == "C":
        helper_head = b"static " + helper_head.removeprefix(b"static ")
    if language == "Java":
        helper_head = re.sub(rb"^(?:@\w+\s+)*\b(public|protected|private)?\b", b"private", helper_head, count=1)
    names = ", ".join(function.names[1:] if is_method else function.names)
    call = f"{'self.' if is_method else ''}{private}({names})".encode()
    indent = indent_of(encoded, node_start)
    first = statements(function)[0]
    inner = indent_of(encoded, first.start_byte)
    gives = bool(re.search(rb"\breturn\b\s*[^\s;]", body))
    result = (b"return " if gives else b"") + call
    place = line_start(encoded, function.start)
    if language == "Python":
        is_documented = first.type == "expression_statement" and first.named_children[0].type == "string"
        if is_documented:
            body_start = line_start(encoded, statements(function)[1].start_byte)
        else:
            body_start = line_start(encoded, first.start_byte)
        helper = (
            indent
            + helper_head
            + (b"\n" if not head.endswith(b"\n") else b"")
            + encoded[body_start : function.body[1]].rstrip()
            + b"\n\n"
            + (b"" if indent else b"\n")
        )
        head_end = encoded[body_start : function.body[1]]
        return [(place, place, helper), (body_start, body_start + len(head_end), inner + result)]
    end = b"" if language == "Go" else b";"
    helper = indent + helper_head + body + b"\n\n"
    return [(place, place, helper), (*function.body, b"{\n" + inner + result + end + b"\n" + indent + b"}")]

"""What the evaluation of the gates knows of a program: its functions, parameters and local names, by tree-sitter.

Written for it alone and beside `filters.code_structure`, so that what it takes for a public function is not by
construction what the gates take for one.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from rewriting.public import is_public
from tree_sitter import Node

from filters.grammars import parse, parse_errors
from filters.source_kinds import CODE, source_kinds

LANGUAGES = ("C", "C#", "C++", "Go", "Java", "JavaScript", "PHP", "Python", "Ruby", "Rust", "TypeScript")

_FUNCTIONS = {
    "C": ("function_definition",),
    "C#": ("method_declaration",),
    "C++": ("function_definition",),
    "Go": ("function_declaration", "method_declaration"),
    "Java": ("method_declaration",),
    "JavaScript": ("function_declaration", "method_definition"),
    "PHP": ("function_definition", "method_declaration"),
    "Python": ("function_definition",),
    "Ruby": ("method",),
    "Rust": ("function_item",),
    "TypeScript": ("function_declaration", "method_definition"),
}
_COMMENTS = ("comment", "line_comment", "block_comment", "attribute_item", "decorator")
Edit = tuple[int, int, bytes]


class Function(NamedTuple):
    """A function with a body.

    Attributes:
        start, stop: bytes of all of it, comments and decorators right before it included.
        name: where its name stands, in bytes.
        parameters: where the list stands, its brackets included; None where there is none.
        body: where the body stands, its braces included.
        names: of its parameters.
    """

    node: Node
    text_name: str
    start: int
    stop: int
    name: tuple[int, int]
    parameters: tuple[int, int] | None
    body: tuple[int, int]
    names: list[str]
    is_public: bool


def edited(encoded: bytes, edits: Iterable[Edit]) -> bytes:
    """The text with its edits made; one that overlaps an earlier one is left out."""
    parts, position = [], 0
    for start, stop, replacement in sorted(edits):
        if start >= position:
            parts += [encoded[position:start], replacement]
            position = stop
    return b"".join([*parts, encoded[position:]])


def is_no_worse(text: str, original: str, language: str) -> bool:
    """Whether the grammar finds no more errors than in the original, and CPython takes it if it took that."""
    if num_errors(text, language) > num_errors(original, language):
        return False
    return language != "Python" or compiles(text) or not compiles(original)


@lru_cache(maxsize=64)
def num_errors(text: str, language: str) -> int:
    """Places that the grammar cannot read."""
    return parse_errors(parse(text.encode(), language)).number


def compiles(text: str) -> bool:
    """Whether CPython takes it."""
    try:
        compile(text, "<text>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def functions(encoded: bytes, language: str) -> list[Function]:
    """The functions and methods that have a body and a name, in order."""
    root = parse(encoded, language).root_node
    is_module = bool(re.search(rb"^\s*export\b|\bexports\b", encoded, re.MULTILINE))
    found = []
    for node in walk(root):
        if node.type in _FUNCTIONS[language]:
            body, name = node.child_by_field_name("body"), _name_of(node)
            if body is None or name is None or node.has_error:
                continue
            parameters = _parameters_of(node)
            found.append(
                Function(
                    node,
                    name.text.decode() if name.text else "",
                    _start_of(node),
                    node.end_byte,
                    (name.start_byte, name.end_byte),
                    (parameters.start_byte, parameters.end_byte) if parameters else None,
                    (body.start_byte, body.end_byte),
                    list(_parameter_names(parameters)),
                    is_public(node, name.text.decode() if name.text else "", language, is_module=is_module),
                )
            )
    return found


def statements(function: Function) -> list[Node]:
    """The statements of a body, comments apart."""
    body = function.node.child_by_field_name("body")
    return [child for child in body.named_children if "comment" not in child.type] if body else []


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of the text."""
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        stack.extend(reversed(here.children))


def line_start(encoded: bytes, position: int) -> int:
    """Where the line of a byte begins."""
    return encoded.rfind(b"\n", 0, position) + 1


def indent_of(encoded: bytes, position: int) -> bytes:
    """The white space that the line of a byte begins with."""
    start = line_start(encoded, position)
    found = re.compile(rb"[ \t]*").match(encoded, start)
    return found[0] if found else b""


def replaced_in_code(
    text: str, language: str, pattern: str, replacement: str | Callable[[re.Match[bytes]], bytes]
) -> str:
    """The text with a pattern replaced where it begins in code, outside of comments and strings."""
    encoded = text.encode()
    kinds = source_kinds(text, language)
    template = replacement.encode() if isinstance(replacement, str) else None
    edits = [
        (found.start(), found.end(), found.expand(template) if template is not None else replacement(found))  # type: ignore[operator]
        for found in re.finditer(pattern.encode(), encoded, re.MULTILINE)
        if not kinds.size or kinds[found.start()] == CODE
    ]
    return edited(encoded, edits).decode()


def code_places(text: str, language: str, characters: str) -> list[int]:
    """Bytes of code, outside of comments and strings, that are one of some ASCII characters."""
    encoded = np.frombuffer(text.encode(), np.uint8)
    chosen = np.isin(encoded, list(characters.encode()))
    kinds = source_kinds(text, language)
    if kinds.size:
        chosen &= kinds == CODE
    return [int(place) for place in np.flatnonzero(chosen)]


def _name_of(node: Node) -> Node | None:
    name = node.child_by_field_name("name")
    if name is not None:
        return name
    declarator = node.child_by_field_name("declarator")
    while declarator is not None:
        if declarator.type in ("identifier", "field_identifier"):
            return declarator
        if declarator.type in ("qualified_identifier", "destructor_name", "operator_name"):
            return None
        declarator = declarator.child_by_field_name("declarator")
    return None


def _parameters_of(node: Node) -> Node | None:
    while node is not None:
        if found := node.child_by_field_name("parameters"):
            return found
        node = node.child_by_field_name("declarator")  # type: ignore[assignment]
    return None


def _parameter_names(parameters: Node | None) -> Iterator[str]:
    """The names of the parameters; "" for one that is more than a name, a type and a default."""
    for child in parameters.named_children if parameters else ():
        if "comment" in child.type:
            continue
        if child.type in ("identifier", "typed_parameter", "default_parameter", "typed_default_parameter"):
            name = child if child.type == "identifier" else child.child_by_field_name("name") or child.named_children[0]
            yield (name.text or b"").decode() if name.type == "identifier" else ""
            continue
        names = [
            item
            for item in child.children_by_field_name("name")
            + child.children_by_field_name("pattern")
            + child.children_by_field_name("declarator")
            if item.type in ("identifier", "variable_name")
        ]
        if not names and child.type in ("parameter_declaration", "parameter"):
            names = [item for item in walk(child) if item.type == "identifier"][-1:]
        for name in names or [None]:
            yield (name.text or b"").decode() if name is not None else ""


def _start_of(node: Node) -> int:
    if node.parent is not None and node.parent.type in ("decorated_definition", "export_statement"):
        node = node.parent
    start, before = node, node.prev_sibling
    while before is not None and before.type in _COMMENTS and before.end_point[0] + 1 >= start.start_point[0]:
        start, before = before, before.prev_sibling
    return start.start_byte

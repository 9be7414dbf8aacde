"""What the evaluation of the gates knows of a program: its functions, parameters and local names, by tree-sitter.

Written for it alone and beside `filters.code_structure`, so that what it takes for a public function is not by
construction what the gates take for one.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
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
# Where a local name is declared: type of node, field that is the name.
_LOCALS = {
    "C": (("init_declarator", "declarator"),),
    "C#": (("variable_declarator", "name"),),
    "C++": (("init_declarator", "declarator"),),
    "Go": (("short_var_declaration", "left"),),
    "Java": (("variable_declarator", "name"),),
    "JavaScript": (("variable_declarator", "name"),),
    "PHP": (("assignment_expression", "left"),),
    "Python": (("assignment", "left"), ("for_statement", "left")),
    "Ruby": (("assignment", "left"),),
    "Rust": (("let_declaration", "pattern"),),
    "TypeScript": (("variable_declarator", "name"),),
}
_MEMBER_FIELDS = {"field", "attribute", "name", "method", "label", "key", "property"}
_MEMBERS = {
    *("attribute", "keyword_argument", "field_access", "method_invocation", "member_access_expression"),
    *("member_access_expression", "method_declaration", "call", "labeled_statement", "member_binding_expression"),
    *("named_argument", "name_colon", "field_expression", "scoped_identifier", "pair", "attribute_list"),
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
                    _PUBLIC[language](node, name.text.decode() if name.text else "", is_module),
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


def local_names(function: Function, encoded: bytes, language: str) -> dict[str, list[Node]]:
    """Names that are declared in a function and mean the same wherever they stand in it, with all their places."""
    declared: set[str] = set()
    places: dict[str, list[Node]] = {}
    banned = set(function.names)
    body = function.node.child_by_field_name("body")
    for node in walk(body) if body else ():
        for kind, field in _LOCALS[language]:
            if node.type == kind and (name := node.child_by_field_name(field)):
                declared.update(_identifiers(name, language))
        if node.type in ("global_statement", "nonlocal_statement", "shorthand_property_identifier", "token_tree"):
            banned.update(re.findall(r"\w+", (node.text or b"").decode()))
        if node.type in ("string_content", "string_literal", "string", "encapsed_string"):
            banned.update(re.findall(r"[{$]\s*(\w+)", (node.text or b"").decode()))
        if "parameter" in node.type or node.type in ("lambda", "block_parameters"):
            banned.update(re.findall(r"\w+", (node.text or b"").decode()))
        if _is_name(node, language):
            text = (node.text or b"").decode()
            if _is_member(node):
                banned.add(text.lstrip("$"))
            places.setdefault(text, []).append(node)
    if re.search(rb"\b(locals|eval|vars|compact|extract|binding)\b", encoded[slice(*function.body)]):
        return {}
    return {name: places[name] for name in sorted(declared) if name in places and name.lstrip("$") not in banned}


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


def _identifiers(node: Node, language: str) -> Iterator[str]:
    if _is_name(node, language):
        yield (node.text or b"").decode()
    elif node.type in ("pattern_list", "expression_list", "tuple_pattern"):
        for child in node.named_children:
            yield from _identifiers(child, language)


def _is_name(node: Node, language: str) -> bool:
    return node.type == ("variable_name" if language == "PHP" else "identifier")


def _is_member(node: Node) -> bool:
    parent = node.parent
    if parent is None or parent.type not in _MEMBERS:
        return False
    return any(parent.child_by_field_name(field) == node for field in _MEMBER_FIELDS)


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


def _ancestors(node: Node) -> Iterator[Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def _text(node: Node | None) -> str:
    return (node.text or b"").decode() if node else ""


def _has_modifier(node: Node, *words: str) -> bool:
    kinds = ("modifier", "modifiers", "visibility_modifier", "accessibility_modifier", "storage_class_specifier")
    found = " ".join(_text(child) for child in node.children if child.type in kinds).split()
    return any(word in found for word in words)


def _is_in_body(node: Node) -> bool:
    """Whether a class is not public, or stands inside an expression or a method, where nobody else can name it."""
    inside = ("object_creation_expression", "block", "method_declaration")
    classes = ("class_declaration", "record_declaration", "enum_declaration", "struct_declaration")
    return any(
        item.type in inside or (item.type in classes and not _has_modifier(item, "public")) for item in _ancestors(node)
    )


def _python_public(node: Node, name: str, _: bool) -> bool:
    outer = [item for item in _ancestors(node) if item.type in ("class_definition", "function_definition")]
    hidden = any(
        item.type == "function_definition" or _text(item.child_by_field_name("name")).startswith("_") for item in outer
    )
    return not name.startswith("_") and not hidden


def _script_public(node: Node, name: str, is_module: bool) -> bool:
    if node.type == "method_definition":
        if name.startswith(("_", "#")) or _has_modifier(node, "private", "protected"):
            return False
        node = next((item for item in _ancestors(node) if "class" in item.type and item.type != "class_body"), node)
    if node.parent is None or node.parent.type not in ("program", "export_statement"):
        return False
    return node.parent.type == "export_statement" or not is_module


def _ruby_public(node: Node, name: str, _: bool) -> bool:
    before = node.prev_sibling
    while before is not None:
        if before.type == "identifier" and _text(before) in ("private", "protected"):
            return False
        before = before.prev_sibling
    return not name.startswith("_")


def _go_public(node: Node, name: str, _: bool) -> bool:
    receiver = re.search(r"(\w+)\s*[\])]*\)?$", _text(node.child_by_field_name("receiver")).rstrip(")"))
    return name[:1].isupper() and (receiver is None or receiver[1][:1].isupper())


def _cpp_public(node: Node, name: str, _: bool) -> bool:
    outer = {item.type for item in _ancestors(node)} - {"translation_unit", "namespace_definition", "declaration_list"}
    outer -= {"preproc_ifdef", "preproc_if", "preproc_else", "linkage_specification"}
    return not _has_modifier(node, "static", "inline") and not outer


def _rust_public(node: Node, name: str, _: bool) -> bool:
    outer = {item.type for item in _ancestors(node)} - {"source_file", "impl_item", "declaration_list"}
    return _has_modifier(node, "pub") and not outer


_PUBLIC: dict[str, Callable[[Node, str, bool], bool]] = {
    "C": _cpp_public,
    "C#": lambda node, _name, _module: _has_modifier(node, "public") and not _is_in_body(node),
    "C++": _cpp_public,
    "Go": _go_public,
    "Java": lambda node, _name, _module: _has_modifier(node, "public") and not _is_in_body(node),
    "JavaScript": _script_public,
    "PHP": lambda node, _name, _module: not _has_modifier(node, "private", "protected"),
    "Python": _python_public,
    "Ruby": _ruby_public,
    "Rust": _rust_public,
    "TypeScript": _script_public,
}

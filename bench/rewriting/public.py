"""What counts as public in the evaluation of the gates: a function that code elsewhere can name, by language."""

import re
from collections.abc import Callable, Iterator

from tree_sitter import Node


def is_public(node: Node, name: str, language: str, *, is_module: bool) -> bool:
    """Whether others can call a function.

    Args:
        is_module: whether the file says what it exports, in JavaScript's family.
    """
    return _PUBLIC[language](node, name, is_module)


def ancestors(node: Node) -> Iterator[Node]:
    """The nodes that a node stands in, the nearest first."""
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
        item.type in inside or (item.type in classes and not _has_modifier(item, "public")) for item in ancestors(node)
    )


def _python_public(node: Node, name: str, _module: bool) -> bool:
    outer = [item for item in ancestors(node) if item.type in ("class_definition", "function_definition")]
    hidden = any(
        item.type == "function_definition" or _text(item.child_by_field_name("name")).startswith("_") for item in outer
    )
    return not name.startswith("_") and not hidden


def _script_public(node: Node, name: str, is_module: bool) -> bool:
    if node.type == "method_definition":
        if name.startswith(("_", "#")) or _has_modifier(node, "private", "protected"):
            return False
        node = next((item for item in ancestors(node) if "class" in item.type and item.type != "class_body"), node)
    if node.parent is None or node.parent.type not in ("program", "export_statement"):
        return False
    return node.parent.type == "export_statement" or not is_module


def _ruby_public(node: Node, name: str, _module: bool) -> bool:
    before = node.prev_sibling
    while before is not None:
        if before.type == "identifier" and _text(before) in ("private", "protected"):
            return False
        before = before.prev_sibling
    return not name.startswith("_")


def _go_public(node: Node, name: str, _module: bool) -> bool:
    receiver = re.search(r"(\w+)\s*[\])]*\)?$", _text(node.child_by_field_name("receiver")).rstrip(")"))
    return name[:1].isupper() and (receiver is None or receiver[1][:1].isupper())


def _cpp_public(node: Node, _name: str, _module: bool) -> bool:
    outer = {item.type for item in ancestors(node)} - {"translation_unit", "namespace_definition", "declaration_list"}
    outer -= {"preproc_ifdef", "preproc_if", "preproc_else", "linkage_specification"}
    return not _has_modifier(node, "static", "inline") and not outer


def _rust_public(node: Node, _name: str, _module: bool) -> bool:
    outer = {item.type for item in ancestors(node)} - {"source_file", "impl_item", "declaration_list"}
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

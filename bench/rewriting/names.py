"""Local names of functions for the evaluation of the gates: where each is declared and where it stands."""

import re
from collections.abc import Iterator

from rewriting.syntax import Function, walk
from tree_sitter import Node

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

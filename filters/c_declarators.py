"""Declarators of C and C++: what of `static int *(f)(int a)` is the name, and what the type.

Only functions are told apart here; a pointer to a function is none.
"""

import re
from typing import NamedTuple

from tree_sitter import Node

from filters.node_texts import squeezed

_TEMPLATE_ARGUMENTS = re.compile(r"<[^<>]*>")
_WRAPPERS = frozenset({"parenthesized_declarator", "attributed_declarator", "variadic_declarator"})
_TYPE_MAKERS = {"pointer_declarator": "*", "reference_declarator": "", "array_declarator": "[]"}  # "&" or "&&"


class FunctionDeclarator(NamedTuple):
    """A function that is declared or defined."""

    name: str  # qualified, by dots, without template arguments
    parameters: Node | None
    result: str  # without white space; empty where nothing says it, as in constructors


def function_declarator(node: Node) -> FunctionDeclarator | None:
    """The function of a declaration or definition; None where it declares no function."""
    stars = ""
    function: Node | None = None
    declarator = node.child_by_field_name("declarator")
    while declarator is not None:
        kind = declarator.type
        if kind == "operator_cast":
            return _conversion(declarator)
        if kind == "function_declarator":
            function = declarator
        elif kind in _TYPE_MAKERS:
            function = None
            stars += declarator.children[0].type if kind == "reference_declarator" else _TYPE_MAKERS[kind]
        elif kind not in _WRAPPERS:
            break
        declarator = _inner(declarator)
    if function is None or declarator is None:
        return None
    return FunctionDeclarator(dotted(squeezed(declarator)), _parameters(function), _result(node, function) + stars)


def dotted(name: str) -> str:
    """A qualified name by dots, without template arguments: `A<T>::operator<` becomes `A.operator<`."""
    before, operator, after = name.partition("operator")
    while "<" in before and (shorter := _TEMPLATE_ARGUMENTS.sub("", before)) != before:
        before = shorter
    return before.replace("::", ".") + operator + after


def parameter_name(parameter: Node) -> Node | None:
    """The name inside the declarator of a parameter; None for one without a name."""
    declarator = parameter.child_by_field_name("declarator")
    while declarator is not None and declarator.type not in {"identifier", "field_identifier"}:
        declarator = _inner(declarator)
    return declarator


def _inner(declarator: Node) -> Node | None:
    inner = declarator.child_by_field_name("declarator")
    if inner is None and (declarator.type in _WRAPPERS or declarator.type == "reference_declarator"):
        inner = next(iter(declarator.named_children[::-1]), None)  # behind calling conventions and attributes
    return inner


def _parameters(function: Node) -> Node | None:
    return function.child_by_field_name("parameters")


def _conversion(declarator: Node) -> FunctionDeclarator:
    result = squeezed(declarator.child_by_field_name("type"))
    function = declarator.child_by_field_name("declarator")
    return FunctionDeclarator(f"operator {result}", function and _parameters(function), result)


def _result(node: Node, function: Node) -> str:
    for child in function.named_children:
        if child.type == "trailing_return_type":
            return squeezed(child).removeprefix("->")
    kind = node.child_by_field_name("type")
    qualifiers = [squeezed(child) for child in node.named_children if child.type == "type_qualifier"]
    return "".join([*qualifiers, squeezed(kind)])

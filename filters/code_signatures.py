"""Signatures of functions as callers know them, so that two versions of a file can be compared.

What callers must know stays: number and order of parameters, whether one has a default, markers such as `*` and `...`;
names where arguments can be given by name or the language has no types; types and result where the compiler holds
callers to them. What style may change falls away: annotations of Python, TypeScript and PHP, names of parameters in
C, Go, Java and Rust, values of defaults, white space, comments, `final`, `std::`, `dyn`.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from tree_sitter import Node

from filters.c_declarators import function_declarator, parameter_name
from filters.node_texts import node_text, squeezed, uncommented

DECLARED = ";"  # behind the signature of what C and C++ only declare: its definition may be elsewhere, or gone

_STARS = {
    "list_splat_pattern": "*",
    "dictionary_splat_pattern": "**",
    "splat_parameter": "*",
    "hash_splat_parameter": "**",
    "block_parameter": "&",
    "variadic_parameter": "...",
}
_STORAGE = frozenset({"attribute_declaration", "attribute_specifier", "ms_declspec_modifier"})
_COMPONENTS = frozenset({"formal_parameters", "parameter_list"})
_DYN = re.compile(r"\bdyn\s+")


def signature(node: Node, language: str) -> str:
    """The normalised signature of a function: `(a,b=,*c)`, `(int,char*)->int`.

    Two functions that can be called alike have equal ones, as far as said above.
    """
    return _SIGNATURES[language](node)


def type_signature(node: Node, language: str) -> str:
    """The signature of a type: `type`, or `type(int,int)` where its components are a constructor's parameters."""
    components = next((child for child in node.named_children if child.type in _COMPONENTS), None)
    if components is None or language not in {"Java", "C#"}:
        return "type"
    if language == "C#":
        return "type" + _joined(_csharp_parameters(components))
    return "type" + _joined(map(_java_type, _parameters(node)))


def _joined(pieces: Iterable[str]) -> str:
    return f"({','.join(piece for piece in pieces if piece)})"


def _parameters(node: Node) -> list[Node]:
    """The parameters of a function, without comments and continued lines."""
    found = node.child_by_field_name("parameters")
    children = found.named_children if found else []
    return [child for child in children if "comment" not in child.type and child.type != "line_continuation"]


def _with_result(pieces: Iterable[str], result: str) -> str:
    return _joined(pieces) + (f"->{result}" if result else "")


def _python(node: Node) -> str:
    is_async = any(child.type == "async" for child in node.children[:1])
    return ("async" if is_async else "") + _joined(map(_python_parameter, _parameters(node)))


def _python_parameter(parameter: Node) -> str:
    if parameter.type == "typed_parameter":
        return squeezed(parameter.named_children[0])
    if parameter.type in {"default_parameter", "typed_default_parameter"}:
        return squeezed(parameter.child_by_field_name("name")) + "="
    return squeezed(parameter)


def _script(node: Node) -> str:
    """Of JavaScript and TypeScript. Not whether it is `async`: callers get a promise either way."""
    inner = node.child_by_field_name("value") or node.child_by_field_name("right") or node
    single = inner.child_by_field_name("parameter")
    pieces = [squeezed(single)] if single else map(_script_parameter, _parameters(inner))
    return _joined(piece.replace(",}", "}") for piece in pieces)


def _script_parameter(parameter: Node) -> str:
    if parameter.type == "assignment_pattern":
        return squeezed(parameter.child_by_field_name("left")) + "="
    if parameter.type not in {"required_parameter", "optional_parameter"}:
        return squeezed(parameter)
    pattern = parameter.child_by_field_name("pattern")
    if pattern is None or pattern.type == "this":
        return ""
    is_optional = parameter.type == "optional_parameter" or parameter.child_by_field_name("value") is not None
    return squeezed(pattern) + ("=" if is_optional else "")


def _php(node: Node) -> str:
    return _joined(map(_php_parameter, _parameters(node)))


def _php_parameter(parameter: Node) -> str:
    reference = squeezed(parameter.child_by_field_name("reference_modifier"))
    default = "=" if parameter.child_by_field_name("default_value") is not None else ""
    return reference + _STARS.get(parameter.type, "") + squeezed(parameter.child_by_field_name("name")) + default


def _ruby(node: Node) -> str:
    return _joined(map(_ruby_parameter, _parameters(node)))


def _ruby_parameter(parameter: Node) -> str:
    kind = parameter.type
    name = parameter.child_by_field_name("name")
    if name is None or kind not in {"optional_parameter", "keyword_parameter", *_STARS}:
        return squeezed(parameter)
    default = "=" if parameter.child_by_field_name("value") is not None else ""
    return _STARS.get(kind, "") + squeezed(name) + (":" if kind == "keyword_parameter" else "") + default


def _java(node: Node) -> str:
    return _with_result(map(_java_type, _parameters(node)), _java_type(node))


def _java_type(node: Node) -> str:
    if node.type == "receiver_parameter":
        return ""
    if node.type == "spread_parameter":
        return squeezed(next((child for child in node.named_children if child.type != "modifiers"), None)) + "..."
    return squeezed(node.child_by_field_name("type")) + squeezed(node.child_by_field_name("dimensions"))


def _csharp(node: Node) -> str:
    if node.type == "property_declaration":
        return "->" + squeezed(node.child_by_field_name("type"))
    result = node.child_by_field_name("returns") or node.child_by_field_name("type")
    return _with_result(_csharp_parameters(node.child_by_field_name("parameters")), squeezed(result))


def _csharp_parameters(parameters: Node | None) -> list[str]:
    """Each with its modifiers, type and name; the last may stand without a node of its own, behind `params`."""
    found, loose = [], []
    for child in parameters.children if parameters else ():
        if child.type == "parameter":
            found.append(_csharp_parameter(child.children))
        elif child.type not in {"(", ")", "[", "]", ",", "comment", "attribute_list"}:
            loose.append(child)
    return [*found, _csharp_parameter(loose)] if loose else found


def _csharp_parameter(children: list[Node]) -> str:
    pieces: list[str] = []
    for child in children:
        if child.type == "=":
            return ":".join(pieces) + "="
        if child.type not in {"attribute_list", "comment"}:
            pieces.append(squeezed(child))
    return ":".join(pieces)


def _go(node: Node) -> str:
    result = node.child_by_field_name("result")
    if result is not None and result.type == "parameter_list":
        results = _go_types(result)
        return _joined(_go_types(node.child_by_field_name("parameters"))) + "->" + _joined(results)
    results = [_go_type(result)] if result else []
    return _joined(_go_types(node.child_by_field_name("parameters"))) + "->" + _joined(results)


def _go_types(parameters: Node | None) -> list[str]:
    found = []
    for parameter in parameters.named_children if parameters else ():
        if parameter.type in {"parameter_declaration", "variadic_parameter_declaration"}:
            dots = "..." if parameter.type.startswith("variadic") else ""
            names = max(1, len(parameter.children_by_field_name("name")))
            found += [dots + _go_type(parameter.child_by_field_name("type"))] * names
    return found


def _go_type(node: Node | None) -> str:
    return squeezed(node).replace("interface{}", "any")


def _rust(node: Node) -> str:
    is_async = any("async" in node_text(child) for child in node.named_children if child.type == "function_modifiers")
    pieces = map(_rust_type, _parameters(node))
    return ("async" if is_async else "") + _with_result(pieces, _rust_text(node.child_by_field_name("return_type")))


def _rust_type(parameter: Node) -> str:
    if parameter.type == "parameter":
        return _rust_text(parameter.child_by_field_name("type"))
    if parameter.type == "attribute_item":
        return ""
    text = squeezed(parameter)
    return "self" if text == "mutself" else text


def _rust_text(node: Node | None) -> str:
    text = "".join(_DYN.sub("", uncommented(node)).split())
    return text.replace(",)", ")").replace(",>", ">")


def _c(node: Node) -> str:
    found = function_declarator(node)
    if found is None:  # a macro
        return _joined("_" if child.type == "identifier" else "..." for child in _parameters(node))
    types = [kind for child in found.parameters.children if (kind := _c_parameter(child))] if found.parameters else []
    declared = DECLARED if node.type in {"declaration", "field_declaration"} else ""
    return _with_result([] if types == ["void"] else types, found.result) + declared


def _cpp(node: Node) -> str:
    return _c(node).replace("std::", "")


def _c_parameter(parameter: Node) -> str:
    if parameter.type in {"...", "variadic_parameter", "identifier"}:
        return squeezed(parameter)
    if not parameter.is_named or "declaration" not in parameter.type:
        return ""
    default = parameter.child_by_field_name("default_value")
    name = parameter_name(parameter)
    without = [child for child in parameter.named_children if child.type in _STORAGE]
    without += [node for node in (name, default) if node is not None]
    return squeezed(parameter, without=without)


_SIGNATURES: Mapping[str, Callable[[Node], str]] = {
    "C": _c,
    "C#": _csharp,
    "C++": _cpp,
    "Go": _go,
    "Java": _java,
    "JavaScript": _script,
    "PHP": _php,
    "Python": _python,
    "Ruby": _ruby,
    "Rust": _rust,
    "TSX": _script,
    "TypeScript": _script,
}

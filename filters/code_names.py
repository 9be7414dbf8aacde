"""Names of what a declaration declares, qualified where the declaration itself says more than a name.

A name that a program computes is none.
"""

from tree_sitter import Node

from filters.c_declarators import dotted, function_declarator
from filters.node_texts import node_text, squeezed

MAXIMUM_CHARACTERS = 200  # longer names are cut: they are prefixes of others

_SCRIPT_FIELDS = ("name", "left", "key", "property")
_MODULE_OBJECTS = ("module.exports", "exports")


def declared_name(node: Node, language: str) -> str:
    """The name that a function, a type or a scope declares; empty for one that has none."""
    if language in {"C", "C++"}:
        name = _c_name(node)
    elif language in {"JavaScript", "TypeScript", "TSX"}:
        name = script_name(node)
    elif language == "Go":
        name = _receiver(node) + node_text(node.child_by_field_name("name"))
    elif language == "Rust":
        name = _rust_name(node)
    elif language == "Ruby":
        name = _ruby_name(node)
    elif language == "C#":
        name = _csharp_name(node)
    else:
        name = node_text(node.child_by_field_name("name"))
    return name[:MAXIMUM_CHARACTERS]


def script_name(node: Node) -> str:
    """The name by which others reach something of JavaScript or TypeScript.

    `A.prototype.f` is the method `A.f`, `exports.f` is `f`, and what a module is as a whole has the name `default`.
    """
    target = next((found for field in _SCRIPT_FIELDS if (found := node.child_by_field_name(field)) is not None), None)
    if target is None or target.type in {"computed_property_name", "object_pattern", "array_pattern"}:
        return "default" if node.type == "export_statement" else ""
    name = squeezed(target).strip("\"'").replace(".prototype.", ".").removesuffix(".prototype")
    for module in _MODULE_OBJECTS:
        if name == module:
            return "default"
        name = name.removeprefix(module + ".")
    return name


def script_alias(node: Node) -> tuple[str, str]:
    """The name that a module of JavaScript gives something, and the name that this has inside; ("", "") for none."""
    if node.type == "export_specifier":
        inner = squeezed(node.child_by_field_name("name"))
        return (squeezed(node.child_by_field_name("alias")) or inner).strip("\"'"), inner
    if node.type == "export_statement":
        declared = node.child_by_field_name("declaration")
        named = node.child_by_field_name("value") if declared is None else declared.child_by_field_name("name")
        return "default", squeezed(named)
    left = squeezed(node.child_by_field_name("left"))
    if not left.startswith(_MODULE_OBJECTS):
        return "", ""
    return script_name(node), squeezed(node.child_by_field_name("right"))


def _c_name(node: Node) -> str:
    if node.type in {"function_definition", "declaration", "field_declaration"}:
        found = function_declarator(node)
        return found.name if found else ""
    return dotted(squeezed(node.child_by_field_name("name")))


def _receiver(node: Node) -> str:
    """The type whose method a Go function is, and a dot."""
    receiver = node.child_by_field_name("receiver")
    if receiver is None:
        return ""
    kind = next((child.child_by_field_name("type") for child in receiver.named_children), None)
    return squeezed(kind).lstrip("*(").partition("[")[0].rstrip(")") + "."


def _rust_name(node: Node) -> str:
    if node.type == "impl_item":
        return squeezed(node.child_by_field_name("type")).partition("<")[0].replace("::", ".")
    return node_text(node.child_by_field_name("name")) + ("!" if node.type == "macro_definition" else "")


def _ruby_name(node: Node) -> str:
    if node.type == "singleton_class":
        return "self"
    name = node_text(node.child_by_field_name("name")).replace("::", ".")
    owner = node.child_by_field_name("object")
    return name if owner is None else f"{squeezed(owner)}.{name}"


def _csharp_name(node: Node) -> str:
    if node.type == "operator_declaration":
        return "operator" + squeezed(node.child_by_field_name("operator"))
    if node.type == "conversion_operator_declaration":
        return "operator " + squeezed(node.child_by_field_name("type"))
    if node.type == "indexer_declaration":
        return "this"
    name = ("~" if node.type == "destructor_declaration" else "") + node_text(node.child_by_field_name("name"))
    owner = next((child for child in node.named_children if child.type == "explicit_interface_specifier"), None)
    return squeezed(owner) + name

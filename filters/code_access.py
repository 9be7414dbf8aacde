"""Who may call what a file declares: the rules of visibility of each language.

Public is what code in other files can call: names without a leading underscore and special methods (Python), public
and protected members of types that are not private (Java, C#, C++, TypeScript, PHP, Ruby), `pub` and what a trait
asks for (Rust), capitalised names (Go), what is not `static` (C). An entry point `main` always is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from filters.node_texts import node_text

_TYPES = frozenset(
    {
        "annotation_type_declaration",
        "class_declaration",
        "delegate_declaration",
        "enum_declaration",
        "interface_declaration",
        "record_declaration",
        "struct_declaration",
    }
)
_OPEN_TYPES = frozenset({"interface_declaration", "annotation_type_declaration"})  # all members are public


@dataclass(slots=True)
class Access:
    """What a scope says of the members that follow."""

    node_type: str = ""  # of the scope
    is_private: bool = False
    is_given: bool = False  # members are public though nothing says so: of interfaces, traits and their implementations

    @classmethod
    def inside(cls, node: Node) -> "Access":
        """What holds at the beginning of a scope."""
        kind = node.type
        is_given = kind in _OPEN_TYPES or kind == "trait_item"
        if kind == "impl_item":
            is_given = node.child_by_field_name("trait") is not None
        return cls(kind, is_private=kind == "class_specifier", is_given=is_given)

    def tell(self, node: Node) -> None:
        """Take a word for all that follows: `private:` of C++, a bare `private` of Ruby."""
        if node.type in {"access_specifier", "identifier"}:
            self.is_private = node_text(node).startswith("private")


def private_names(node: Node) -> Iterator[str]:
    """The names that a call of Ruby's `private` names, or defines: `private :a`, `private def a`."""
    if node.type != "call":
        return
    owner = "self." if node_text(node.child_by_field_name("method")) == "private_class_method" else ""
    arguments = node.child_by_field_name("arguments")
    for argument in arguments.named_children if arguments else ():
        if argument.type == "simple_symbol":
            yield owner + node_text(argument).removeprefix(":")
        elif argument.type in {"method", "singleton_method"}:
            yield owner + node_text(argument.child_by_field_name("name"))


def is_reachable(node: Node, name: str, access: Access, language: str) -> bool:
    """Whether others can call something, or name it, when they can reach what it stands in.

    Args:
        name: as it is declared, not qualified.
    """
    match language:
        case "Python":
            return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))
        case "Go":
            last = name.rpartition(".")[2]
            return last[:1].isupper() or (name == "main" and node.type == "function_declaration")
        case "Rust":
            return _is_reachable_in_rust(node, name, access)
        case "Java":
            return _is_reachable_by_modifiers(node, _java_modifiers(node), access)
        case "C#":
            return _is_reachable_by_modifiers(node, _texts(node, "modifier"), access)
        case "C" | "C++":
            return _is_reachable_in_c(node, name, access)
        case "Ruby":
            return not access.is_private or node.type != "method"
        case _:
            return not name.startswith("#") and _texts(
                node, "accessibility_modifier", "visibility_modifier"
            ).isdisjoint({"private", "protected"} if language == "PHP" else {"private"})


def _is_reachable_in_rust(node: Node, name: str, access: Access) -> bool:
    if node.type in {"impl_item", "mod_item", "macro_definition"}:
        return True
    is_main = name == "main" and access.node_type == ""
    return access.is_given or is_main or any(child.type == "visibility_modifier" for child in node.named_children)


def _is_reachable_by_modifiers(node: Node, modifiers: frozenset[str], access: Access) -> bool:
    if "private" in modifiers:
        return False
    if node.type in _TYPES or access.is_given:
        return True
    return "public" in modifiers or "protected" in modifiers


def _is_reachable_in_c(node: Node, name: str, access: Access) -> bool:
    if access.is_private or (node.type == "namespace_definition" and not name):
        return False
    is_member = access.node_type in {"class_specifier", "struct_specifier", "union_specifier"}
    return is_member or "static" not in _texts(node, "storage_class_specifier")


def _java_modifiers(node: Node) -> frozenset[str]:
    first = next((child for child in node.named_children[:2] if child.type == "modifiers"), None)
    return frozenset(child.type for child in first.children) if first else frozenset()


def _texts(node: Node, *kinds: str) -> frozenset[str]:
    return frozenset(node_text(child) for child in node.named_children if child.type in kinds)

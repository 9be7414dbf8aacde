"""Functions and types of a source file by their qualified names, and which of them others can call.

One pass over the captures in the order of the text, with a stack of the scopes that are open; nothing is recursive, so
that no nesting ends it.
"""

from dataclasses import dataclass, replace

from tree_sitter import Node

from filters.code_access import Access, is_reachable, private_names
from filters.code_captures import Captures
from filters.code_names import declared_name, script_alias

MAXIMUM_DEPTH = 50  # scopes; what is nested deeper counts as local, and its names are not qualified further

_KINDS = ("function", "class", "scope", "local", "wrapper", "access", "alias")
_NAMELESS = frozenset({"local", "wrapper"})
_VARIABLES = frozenset({"declaration", "field_declaration"})  # of C, by the hundred in functions


@dataclass(frozen=True, slots=True)
class Declaration:
    """A function or a type."""

    name: str  # "Class.method"
    node: Node
    is_function: bool
    is_public: bool
    alias_of: str = ""  # the local name of what is given under another one


@dataclass(slots=True)
class _Scope:
    end_byte: int
    prefix: str  # of the names inside, with its dot
    is_hidden: bool  # nothing in it can be reached from outside
    access: Access
    depth: int = 0  # of the scope in others


def declarations(captures: Captures, language: str) -> list[Declaration]:
    """What a file declares, in the order of the text. Names may come twice: overloads, definitions under conditions."""
    found = []
    withdrawn: set[str] = set()
    scopes = [_Scope(2**63, "", is_hidden=False, access=Access())]
    for kind, node in _events(captures):
        while scopes[-1].end_byte <= node.start_byte:
            scopes.pop()
        scope = scopes[-1]
        if kind == "access":
            scope.access.tell(node)
            withdrawn.update(scope.prefix + name for name in private_names(node))
        elif kind == "alias":
            name, target = script_alias(node)
            if name and not scope.is_hidden:
                found.append(Declaration(name, node, is_function=False, is_public=True, alias_of=target))
        elif not (scope.is_hidden and node.type in _VARIABLES):
            name = "" if kind in _NAMELESS else declared_name(node, language)
            is_public = not scope.is_hidden and kind != "local" and is_reachable(node, name, scope.access, language)
            if kind in {"function", "class"} and name:
                found.append(Declaration(scope.prefix + name, node, kind == "function", is_public))
            if name or node.type not in _VARIABLES:
                scopes.append(_inside(scope, kind, node, name, is_hidden=not is_public))
    return [replace(each, is_public=False) if each.name in withdrawn else each for each in found]


def _events(captures: Captures) -> list[tuple[str, Node]]:
    """Captures of all kinds in the order of the text, each node once."""
    wrappers = {node.id for node in captures.get("wrapper", ())}
    events = [
        (kind, node)
        for kind in _KINDS
        for node in captures.get(kind, ())
        if not (kind == "local" and node.id in wrappers)
    ]
    events.sort(key=lambda event: (event[1].start_byte, -event[1].end_byte))
    return events


def _inside(scope: _Scope, kind: str, node: Node, name: str, *, is_hidden: bool) -> _Scope:
    """The scope that a node opens."""
    depth = scope.depth + 1
    is_whole_module = kind == "scope" and name == "default"
    prefix = f"{scope.prefix}{name}." if name and not is_whole_module and depth < MAXIMUM_DEPTH else scope.prefix
    return _Scope(
        node.end_byte,
        prefix,
        is_hidden=is_hidden or kind == "function" or depth >= MAXIMUM_DEPTH,
        access=Access.inside(node),
        depth=depth,
    )

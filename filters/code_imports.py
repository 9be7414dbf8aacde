"""What a source file imports, in the language's own words, so that two versions of it can be compared.

A module, package, header or namespace, not the names taken out of it: `from a.b import c` gives `a.b`, Java's
`import a.b.C` and `import a.b.*` give `a.b`, Rust's `use a::b::c` the crate `a`, or `crate::b` inside the own one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from tree_sitter import Node

from filters.node_texts import node_text, squeezed

_PATH_STEP = re.compile(r"(?:r#)?\w+|::|\\|[{},*]")
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_OWN_ROOTS = frozenset({"crate", "self", "super"})
_MAXIMUM_STEPS = 20  # of a path
_QUOTES = "\"'`"


def imports(nodes: Iterable[Node], namespaces: Iterable[Node], language: str) -> frozenset[str]:
    """The modules that import nodes name.

    Args:
        namespaces: names of the file's own, whose members need no import (C#, PHP).
    """
    own = {squeezed(node) for node in namespaces}
    found = {module for node in nodes for module in _MODULES[language](node)}
    return frozenset(module for module in found if module and module not in own)


def _python(node: Node) -> Iterator[str]:
    yield "__future__" if node.type == "future_import_statement" else squeezed(node)


def _quoted(node: Node) -> Iterator[str]:
    yield node_text(node).strip(_QUOTES)


def _java(node: Node) -> Iterator[str]:
    """The package: what stands before the first name with a capital, as packages have none."""
    path = next((child for child in node.named_children if child.type in {"scoped_identifier", "identifier"}), None)
    names = squeezed(path).split(".")
    package = []
    for name in names:
        if name[:1].isupper():
            break
        package.append(name)
    else:  # all small: a package with an asterisk, or a class named like none
        package = names if any(child.type == "asterisk" for child in node.named_children) else names[:-1] or names
    yield ".".join(package) or names[0]


def _c(node: Node) -> Iterator[str]:
    yield squeezed(node)


def _csharp(node: Node) -> Iterator[str]:
    alias = node.child_by_field_name("name")
    named = [child for child in node.named_children if child != alias and "comment" not in child.type]
    yield squeezed(named[-1]) if named else ""


def _ruby(node: Node) -> Iterator[str]:
    method = node_text(node.child_by_field_name("method"))
    arguments = node.child_by_field_name("arguments")
    for argument in arguments.named_children if arguments else ():
        if argument.type == "string":
            path = node_text(argument).strip(_QUOTES)
            yield "./" + path.removeprefix("./") if method == "require_relative" else path


def _rust(node: Node) -> Iterator[str]:
    if node.type == "use_declaration":
        for path in _paths(node_text(node.child_by_field_name("argument"))):
            yield _crate(path)
    elif node.type == "mod_item":  # another file of the own crate
        yield "self::" + node_text(node.child_by_field_name("name"))
    else:
        yield node_text(node.child_by_field_name("name"))


def _crate(path: list[str]) -> str:
    """The crate of a path; inside the own crate its first module as well; empty for the variants of a type."""
    if path[0][:1].isupper():
        return ""
    depth = next((place for place, name in enumerate(path) if name not in _OWN_ROOTS), len(path))
    return "::".join(path[: depth + 1] if depth else path[:1])


def _php(node: Node) -> Iterator[str]:
    if node.type == "namespace_use_declaration":
        for path in _paths(re.sub(r"\b(?:use|function|const)\b", " ", node_text(node), flags=re.IGNORECASE)):
            yield "\\".join(path[:-1]) or "\\"
    else:  # a file; where it lies is said in many ways
        expression = squeezed(node)
        literals = list(_LITERAL.finditer(expression))
        yield literals[-1][0].strip(_QUOTES) if literals else expression


def _paths(tree: str) -> Iterator[list[str]]:
    """The paths of a tree of imports: of `a::{b, c::*}` there are two, a::b and a::c::*."""
    prefixes: list[list[str]] = [[]]
    path: list[str] = []
    is_path = is_renaming = False
    for step in [*_PATH_STEP.findall(tree), ","]:
        if step == "{":
            prefixes.append(list(path))
        elif step in {",", "}"}:
            if is_path:
                yield path
            if step == "}" and len(prefixes) > 1:
                prefixes.pop()
        elif step == "as":
            is_renaming = True
        elif not is_renaming and step not in {"::", "\\"}:
            path += [step] if len(path) < _MAXIMUM_STEPS else []
            is_path = True
        if step in {"{", ",", "}"}:
            path, is_path, is_renaming = list(prefixes[-1]), False, False


_MODULES: Mapping[str, Callable[[Node], Iterator[str]]] = {
    "C": _c,
    "C#": _csharp,
    "C++": _c,
    "Go": _quoted,
    "Java": _java,
    "JavaScript": _quoted,
    "PHP": _php,
    "Python": _python,
    "Ruby": _ruby,
    "Rust": _rust,
    "TSX": _quoted,
    "TypeScript": _quoted,
}

"""Where functions, types, scopes, imports and comments stand in a source file, by tree-sitter's queries.

Which nodes those are is data: `structure_queries/*.scm`, one file a language family. The names of captures mean:

| capture | node |
|---|---|
| function | declaration or definition of something that can be called |
| class | type that others can name; what it holds is qualified by its name |
| scope | qualifies what it holds, and is no type: namespaces, `impl`, objects of JavaScript |
| local | anonymous function or class: nothing in it can be reached from outside |
| wrapper | `local` after all not: a function around a whole module |
| alias | what a module gives under another name |
| access | says who may call what follows |
| import, namespace, comment | as they say |

A query costs about a third of the parse. On trees that are very deep, or wide inside of an error, it takes quadratic
time, as no sound file does.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from tree_sitter import Node, Query, QueryCursor

from filters.grammars import grammar

_FILES: Mapping[str, tuple[str, ...]] = {
    "C": ("c",),
    "C#": ("csharp",),
    "C++": ("c", "cpp"),
    "Go": ("go",),
    "JSON": (),
    "Java": ("java",),
    "JavaScript": ("javascript", "ecmascript"),
    "PHP": ("php",),
    "Python": ("python",),
    "Ruby": ("ruby",),
    "Rust": ("rust",),
    "TSX": ("javascript", "typescript"),
    "TypeScript": ("javascript", "typescript"),
}

Captures = Mapping[str, list[Node]]


def captures(root: Node, language: str) -> Captures:
    """The nodes of a tree by the names of captures, in the order of the text, outer before inner.

    Raises:
        KeyError: the language has no grammar.
    """
    found = QueryCursor(_query(language)).captures(root)
    return {name: sorted(nodes, key=_place) for name, nodes in found.items()}


def _place(node: Node) -> tuple[int, int]:
    return node.start_byte, -node.end_byte


@cache
def _query(language: str) -> Query:
    folder = files("filters").joinpath("structure_queries")
    sources = [folder.joinpath(f"{name}.scm").read_text(encoding="utf-8") for name in _FILES[language]]
    return Query(grammar(language), "\n".join(sources))

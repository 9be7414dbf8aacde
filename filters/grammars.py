"""tree-sitter's grammars by the name of their language, loaded when first asked for.

The parser takes any bytes and never gives up: what it cannot read stands apart in ERROR nodes, and what it had to make
up is missing. On some hostile texts it takes memory by the square of the text, or time without bound; whoever parses
what strangers wrote does so in a process of its own (`manifests/isolation.py`).
"""

import importlib
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from tree_sitter import Language, Parser, Tree

GRAMMARS: Mapping[str, tuple[str, str]] = {
    "C": ("tree_sitter_c", "language"),
    "C#": ("tree_sitter_c_sharp", "language"),
    "C++": ("tree_sitter_cpp", "language"),
    "Go": ("tree_sitter_go", "language"),
    "JSON": ("tree_sitter_json", "language"),
    "Java": ("tree_sitter_java", "language"),
    "JavaScript": ("tree_sitter_javascript", "language"),
    "PHP": ("tree_sitter_php", "language_php"),
    "Python": ("tree_sitter_python", "language"),
    "Ruby": ("tree_sitter_ruby", "language"),
    "Rust": ("tree_sitter_rust", "language"),
    "TSX": ("tree_sitter_typescript", "language_tsx"),
    "TypeScript": ("tree_sitter_typescript", "language_typescript"),
}


class ParseErrors(NamedTuple):
    """What of a text did not parse."""

    number: int  # outermost ERROR nodes, and missing nodes outside of them
    num_bytes: int  # inside the ERROR nodes, and one for every missing node


def has_grammar(language: str) -> bool:
    """Whether a language, by its name in Linguist, can be parsed here."""
    return language in GRAMMARS


@cache
def grammar(language: str) -> Language:
    """The grammar of a language.

    Raises:
        KeyError: there is none.
    """
    module, function = GRAMMARS[language]
    return Language(getattr(importlib.import_module(module), function)())


def parse(encoded: bytes, language: str) -> Tree:
    """The tree of a text in UTF-8. 4 to 12 MB per CPU second.

    Raises:
        KeyError: the language has no grammar.
    """
    return Parser(grammar(language)).parse(encoded)


def parse_errors(tree: Tree) -> ParseErrors:
    """Number and size of what did not parse; (0, 0) for a text without errors.

    Walks by a cursor into what holds errors alone: a query for them takes quadratic time on deep trees.
    """
    cursor = tree.walk()
    number = num_bytes = 0
    while True:
        node = cursor.node
        if node is not None and node.is_error:
            number += 1
            num_bytes += node.end_byte - node.start_byte
        elif node is not None and node.is_missing:
            number += 1
            num_bytes += 1
        elif node is not None and node.has_error and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return ParseErrors(number, num_bytes)

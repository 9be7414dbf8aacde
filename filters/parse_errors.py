"""Share of a source file that does not parse, by tree-sitter's grammars.

tree-sitter never gives up: it sets what it cannot read apart in ERROR nodes and goes on, so the share of bytes inside
them measures how broken a file is.

On some broken texts its recovery takes memory by the square of the text (12 kB of `x=>` in C take 0.8 GB) or recurses
until the stack ends, and no measure of the text foretells it. So every text is parsed in a process of its own, within
limits that real files stay a hundred times below; one that reaches them counts as broken as can be. Slow: 7 to 12 MB
per CPU second for the parse and some milliseconds a file for the process. No default profile holds it.
"""

import importlib
from collections.abc import Mapping
from functools import cache

from tree_sitter import Language, Parser, Tree

from filters.text_views import utf8_bytes
from manifests.document import Document
from manifests.isolation import in_child

MAXIMUM_BYTES = 400_000

_MEMORY_BYTES = 300_000_000
_CPU_SECONDS = 10  # real files: below 0.1

_GRAMMARS: Mapping[str, tuple[str, str]] = {
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


def parse_error_fraction(document: Document) -> float:
    """Share of the bytes that a grammar cannot read.

    High values mark files in another language than they say, templates, merge conflicts and cut-off files.

    Returns:
        0..1; 0 for an empty document, for a language without a grammar here, and for a text above 400 kB of UTF-8,
        which is not parsed; 1 where the parse takes more than 300 MB or 10 CPU seconds. A missing token counts one
        byte.

    Source: OpenCoder, arXiv 2411.04905 (Python, JavaScript and HTML must parse). Deviation: a share, where they ask
    whether a file parses at all, and by other parsers (Python's own, esprima); not for HTML, where any text parses.
    """
    encoded = utf8_bytes(document.text)
    if not 0 < len(encoded) <= MAXIMUM_BYTES or document.language not in _GRAMMARS:
        return 0.0
    grammar = _grammar(document.language)  # loaded once, for all children

    def measure() -> float:
        tree = Parser(grammar).parse(encoded)
        return min(1.0, _num_error_bytes(tree) / len(encoded)) if tree.root_node.has_error else 0.0

    fraction = in_child(measure, memory_bytes=_MEMORY_BYTES, cpu_seconds=_CPU_SECONDS)
    return 1.0 if fraction is None else fraction


def _num_error_bytes(tree: Tree) -> int:
    """Bytes inside outermost ERROR nodes, and one for every missing node outside of them.

    Walks by a cursor into what holds errors alone: a query for them takes quadratic time on deep trees.
    """
    cursor = tree.walk()
    total = 0
    while True:
        node = cursor.node
        if node is not None and node.is_error:
            total += node.end_byte - node.start_byte
        elif node is not None and node.is_missing:
            total += 1
        elif node is not None and node.has_error and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return total


@cache
def _grammar(language: str) -> Language:
    module, function = _GRAMMARS[language]
    return Language(getattr(importlib.import_module(module), function)())

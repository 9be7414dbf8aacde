"""Share of a source file that does not parse, by tree-sitter's grammars.

tree-sitter never gives up: it sets what it cannot read apart in ERROR nodes and goes on, so the share of bytes inside
them measures how broken a file is. It costs 7 to 12 MB per CPU second, ten times all other signals together: no default
profile holds it.

Bounded on hostile input without a clock, so that the value depends on the text alone: long texts are not parsed, nor
texts nested far deeper than any real file (ambiguous grammars take memory by the square of it), and a parse that takes
more steps than any real file of its length is given up. Grammars that are quadratic all the same (HTML, Bash) are left
out.
"""

import importlib
from collections.abc import Mapping
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray
from tree_sitter import Language, Parser, Point, Tree

from filters.text_views import utf8_bytes
from manifests.document import Document

MAXIMUM_BYTES = 1_000_000

_CHUNK_BYTES = 65_536
_DEEPEST = 1_000  # real files: 224
_LEAST_STEPS, _STEPS_A_BYTE = 1_000, 0.05  # real files: 0.02 a byte at most

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
        0..1; 0 for an empty document, for a language without a grammar here, and for a text above 1 MB of UTF-8, which
        is not parsed; 1 for one nested deeper than 1,000 brackets, and where the parse takes too many steps. A missing
        token counts one byte.

    Source: OpenCoder, arXiv 2411.04905 (Python, JavaScript and HTML must parse). Deviation: a share, where they ask
    whether a file parses at all, and by other parsers (Python's own, esprima); not for HTML, where any text parses.
    """
    encoded = utf8_bytes(document.text)
    if not 0 < len(encoded) <= MAXIMUM_BYTES or document.language not in _GRAMMARS:
        return 0.0
    tree = None if _depth(np.frombuffer(encoded, np.uint8)) > _DEEPEST else _parsed(encoded, document.language)
    if tree is None:
        return 1.0
    return min(1.0, _num_error_bytes(tree) / len(encoded)) if tree.root_node.has_error else 0.0


def _parsed(encoded: bytes, language: str) -> Tree | None:
    """The tree; None where it took too many steps. tree-sitter reports its progress every hundred operations or so."""
    maximum = _LEAST_STEPS + int(_STEPS_A_BYTE * len(encoded))
    steps = 0

    def read(offset: int, _point: Point) -> bytes:
        return encoded[offset : offset + _CHUNK_BYTES]

    def give_up(_offset: int, _has_error: bool) -> bool:
        nonlocal steps
        steps += 1
        return steps > maximum

    try:
        return Parser(_grammar(language)).parse(read, progress_callback=give_up)
    except ValueError:
        return None


@njit(cache=True, nogil=True)
def _depth(encoded: NDArray[np.uint8]) -> int:
    """The most brackets that are open at once, `<` among them; one that closes nothing is passed over."""
    depth = deepest = 0
    for byte in encoded:
        opens = byte in (0x28, 0x5B, 0x7B, 0x3C)
        closes = byte in (0x29, 0x5D, 0x7D, 0x3E)
        depth = max(0, depth + opens - closes)
        deepest = max(deepest, depth)
    return deepest


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

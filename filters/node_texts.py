"""Texts of tree-sitter's nodes, as code is compared: without white space and comments.

Costs a microsecond or two a node, whose text is copied.
"""

import re
from collections.abc import Iterable

from tree_sitter import Node

_COMMENT = re.compile(rb"/\*.*?\*/|//[^\n]*", re.DOTALL)


def node_text(node: Node | None) -> str:
    """The source text of a node; empty for none. What is no UTF-8 comes as U+FFFD."""
    return "" if node is None else (node.text or b"").decode("utf-8", "replace")


def uncommented(node: Node | None, *, without: Iterable[Node] = ()) -> str:
    """The text of a node without the comments of languages like C.

    Args:
        without: nodes inside this one whose text is left out.
    """
    if node is None:
        return ""
    text = node.text or b""
    start = node.start_byte
    for inner in sorted(without, key=lambda inner: -inner.start_byte):
        text = text[: inner.start_byte - start] + b" " + text[inner.end_byte - start :]
    if b"//" in text or b"/*" in text:
        text = _COMMENT.sub(b" ", text)
    return text.decode("utf-8", "replace")


def squeezed(node: Node | None, *, without: Iterable[Node] = ()) -> str:
    """The text of a node without white space and comments, as `uncommented` has it; empty for none."""
    return "".join(uncommented(node, without=without).split())

"""A source file cut between its top-level units, for what cannot take a whole file at once.

A unit is a function, a type or a statement that stands at the outermost level, with the comments and attributes in
front of it. Cuts lie at beginnings of lines, never inside of what did not parse, and the pieces join to the text.
"""

from itertools import pairwise

from tree_sitter import Node

_UNCUT = frozenset({"JSON", "PHP"})  # a piece of a PHP file without its tag would be text around code
# Nodes that a broken piece of code does not leave behind by chance: behind an error, only they begin a unit.
_SOLID = (
    "function", "class", "decorated", "method", "interface", "enum", "struct", "record", "trait", "impl", "mod",
    "type_", "template", "export", "import", "use_", "package", "preproc", "namespace",
)  # fmt: skip
_LEADING = frozenset({"attribute_item", "inner_attribute_item", "attribute_declaration", "decorator"})


def units(root: Node, encoded: bytes, language: str) -> list[tuple[int, int]]:
    """The units of a parsed text, as spans of characters.

    Args:
        encoded: the text in UTF-8, lone surrogates as three bytes.

    Returns:
        Half-open spans that follow one another from 0 to the end of the text; one where it cannot be cut. A file
        that is one class, or stands in one namespace or `#ifdef`, is one unit and what precedes it.
    """
    cuts = [0] if language in _UNCUT else [0, *_cuts(root, encoded)]
    ends = [0]
    for start, stop in pairwise([*cuts, len(encoded)]):
        ends.append(ends[-1] + len(encoded[start:stop].decode("utf-8", "surrogatepass")))
    return list(pairwise(ends))


def _cuts(root: Node, encoded: bytes) -> list[int]:
    """Bytes at which units begin, but the first."""
    cuts = []
    start: int | None = None  # of the comments in front of the next unit
    previous_end = 0
    is_broken = root.type == "ERROR"
    has_unit = False
    for node in root.children:
        line_start = encoded.rfind(b"\n", 0, node.start_byte) + 1
        begins_line = line_start >= previous_end and not encoded[line_start : node.start_byte].strip()
        previous_end = max(previous_end, node.end_byte)
        if "comment" in node.type or node.type in _LEADING:
            if start is None and begins_line and node.start_byte == line_start:  # in Python, indented ones are a body's
                start = line_start
            continue
        start = line_start if start is None and begins_line else start
        is_solid = node.type.startswith(_SOLID) and not node.is_error
        if has_unit and start and (is_solid or not is_broken) and node.type != "heredoc_body":
            cuts.append(start)
        is_broken = (is_broken and not is_solid) or node.is_error or root.type == "ERROR"
        start, has_unit = None, True
    return cuts

"""Checks of lint rules: how many findings the matches of a rule's query are.

Each is given all matches of its rule in a text, as nodes by the name of their capture, and the text in UTF-8. Queries
find what stands where; a check counts, compares and looks beside it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from tree_sitter import Node

Captures = Mapping[str, Sequence[Node]]

MAXIMUM_NESTING = 6
MAXIMUM_FUNCTION_LINES = 150
_CODE_LINES = 2

_WORD = re.compile(rb"[\w$]+")
_PRAGMAS = {b"React", b"h"}  # markup in JavaScript calls them without a word
# What may stand behind a jump and still be reached, or does nothing: a label, another branch, what is hoisted.
_REACHED = re.compile(
    r"preproc|label|case|default|rescue|ensure|else|declaration|function|class|item|directive|empty_statement"
    r"|break_statement|text_interpolation|end_tag|ERROR"
)
_ELSE = re.compile(rb"\belse\s*$")
_DOCUMENTATION = (b"///", b"//!", b"/**", b"/*!")
_MARKERS = re.compile(rb"^\s*(?://+|/\*+|\*+/|\*(?!\w)|#+)?\s*|\s*\*+/\s*$")
_CODE = re.compile(rb"[;{}]$|^[\w.$>\[\]-]+\s*[-+*/|&]?:?=\s*[^=\s]|^[\w.$]+\(.*\)$")

_IS_MORE = re.compile(rb"[^\s\"'(){}\[\];,]")  # than a bracket, or a value of a sample of data
_ANNOUNCES = re.compile(rb"^[A-Z][^;{}()=]*:$")  # an example that is a part of documentation


def each(matches: Sequence[Captures], _source: bytes) -> int:
    """Every node that is captured as `finding`, once."""
    return len({node.id for match in matches for node in match.get("finding", ())})


def in_modern_code(matches: Sequence[Captures], source: bytes) -> int:
    """The same, in a text that holds something captured as `modern`; else none."""
    return each(matches, source) if any("modern" in match for match in matches) else 0


def unused_within(matches: Sequence[Captures], _source: bytes) -> int:
    """Matches whose `name` stands nowhere in their `body`."""
    return sum(
        not any(_text(match["name"][0]) == word for word in _WORD.findall(_text(match["body"][0]))) for match in matches
    )


def stands_once(matches: Sequence[Captures], source: bytes) -> int:
    """Names that stand in the text a single time; a comment that names one counts as a use."""
    times = _times(source)
    names = (_text(node) for node in _captured(matches, "name"))
    return sum(times[name] == 1 and name not in _PRAGMAS for name in names)


def repeated(matches: Sequence[Captures], _source: bytes) -> int:
    """Occurrences of a `key` after the first in the same `group`."""
    keys = Counter((match["group"][0].id, _text(key)) for match in matches for key in match["key"])
    return sum(number - 1 for number in keys.values())


def unreachable(matches: Sequence[Captures], _source: bytes) -> int:
    """Nodes captured as `jump` behind which, in the same block, something stands that cannot be reached."""
    return sum(map(_hides, _captured(matches, "jump")))


def backward(matches: Sequence[Captures], _source: bytes) -> int:
    """Every `goto` to a `label` that stands before it in the same `function`."""
    places = sorted(
        (node.start_byte, name, _text(node) if name != "function" else b"")
        for match in matches
        for name, nodes in match.items()
        for node in nodes
    )
    labels: set[bytes] = set()
    found = 0
    for _, name, text in places:
        if name == "function":
            labels.clear()
        elif name == "label":
            labels.add(text)
        else:
            found += text in labels
    return found


def too_deep(matches: Sequence[Captures], source: bytes) -> int:
    """Nodes captured as `nested` that are the first in too many others; `else if` is no level of its own."""
    ends: list[int] = []
    found = 0
    for start, end in sorted((node.start_byte, -node.end_byte) for node in _captured(matches, "nested")):
        while ends and ends[-1] <= start:
            ends.pop()
        if not _ELSE.search(source, max(0, start - 32), start):
            ends.append(-end)
            found += len(ends) == MAXIMUM_NESTING + 1
    return found


def too_long(matches: Sequence[Captures], _source: bytes) -> int:
    """Nodes captured as `function` that have too many lines."""
    nodes = _captured(matches, "function")
    return sum(node.end_point[0] - node.start_point[0] >= MAXIMUM_FUNCTION_LINES for node in nodes)


def code_in_comments(matches: Sequence[Captures], _source: bytes) -> int:
    """Comments, or runs of comments line by line, that are code for the most part; documentation may hold code."""
    return sum(map(_is_code, _runs(sorted(_captured(matches, "comment"), key=lambda node: node.start_byte))))


CHECKS: Mapping[str, Callable[[Sequence[Captures], bytes], int]] = {
    "each": each,
    "in_modern_code": in_modern_code,
    "unused_within": unused_within,
    "stands_once": stands_once,
    "repeated": repeated,
    "unreachable": unreachable,
    "backward": backward,
    "too_deep": too_deep,
    "too_long": too_long,
    "code_in_comments": code_in_comments,
}


def _text(node: Node) -> bytes:
    return node.text or b""


def _captured(matches: Iterable[Captures], name: str) -> Iterator[Node]:
    seen: set[int] = set()
    for match in matches:
        for node in match.get(name, ()):
            if node.id not in seen:
                seen.add(node.id)
                yield node


@lru_cache(maxsize=1)
def _times(source: bytes) -> Counter[bytes]:
    return Counter(_WORD.findall(source))


def _hides(jump: Node) -> bool:
    after = jump.next_named_sibling
    while after is not None and "comment" in after.type:
        after = after.next_named_sibling
    return after is not None and not _REACHED.search(after.type) and _text(after) != b";"


def _runs(comments: Iterable[Node]) -> Iterator[list[bytes]]:
    """The lines of every comment, those of line comments that stand one below the other together."""
    lines: list[bytes] = []
    last_row = -2
    for node in comments:
        text = _text(node)
        row = node.start_point[0]
        joins = row == last_row + 1 and text.startswith((b"//", b"#"))
        if lines and not joins:
            yield lines
            lines = []
        last_row = row if text.startswith((b"//", b"#")) else -2
        if not text.startswith(_DOCUMENTATION):
            lines += text.split(b"\n")
    if lines:
        yield lines


def _is_code(lines: Sequence[bytes]) -> bool:
    bare = [line for line in (_MARKERS.sub(b"", line.rstrip()).rstrip() for line in lines) if line]
    if any(map(_ANNOUNCES.search, bare)):
        return False
    code = [line for line in bare if _CODE.search(line)]
    return sum(_IS_MORE.match(line) is not None for line in code) >= _CODE_LINES and len(code) * 2 >= len(bare)

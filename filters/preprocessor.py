"""Parse errors that a preprocessor explains: no grammar reads a text that still has its directives and macros.

tree-sitter parses the text as it stands, so what two branches of an `#if` make together, and macros that stand for half
a declaration, are errors to it: of 369 C files of good repositories it finds errors in 193, and in a quarter of the
bytes and more of 28. What is left here: the conditionals are resolved, and in C and C++, where macros may stand for
anything, a text whose brackets then pair is taken for sound. A missing semicolon in C is not noticed so; a file that
was cut off, or that merges left in pieces, is.
"""

import re

from tree_sitter import Tree

from filters.grammars import ParseErrors, parse, parse_errors

_MACROS = frozenset({"C", "C++"})
_CONDITIONALS = _MACROS | {"C#"}
_DIRECTIVE = re.compile(rb"[ \t]*#[ \t]*([a-z]*)[ \t]*(0(?![\w.]))?")
_PAIRS = {b")": b"(", b"]": b"[", b"}": b"{"}
# What may hold brackets that are none, each to its end or to that of the line or text, and then the brackets.
_TOKEN = re.compile(
    rb"//[^\n]*+|/\*(?:.*?\*/|.*+)"
    rb'|R"(?P<mark>[^()\\\s]{0,16})\((?:.*?\)(?P=mark)"|.*+)'
    rb"|[0-9A-Fa-f]'(?=[0-9A-Fa-f])"
    rb'|"(?:\\.|[^"\\\n])*+"?|' + rb"'(?:\\.|[^'\\\n])*+'?"
    rb"|(?P<bracket>[()\[\]{}])",
    re.DOTALL,
)


def unexplained_errors(tree: Tree, encoded: bytes, language: str) -> ParseErrors:
    """What of a text does not parse, less what the language's preprocessor explains.

    Args:
        tree: of the text as it stands.
        encoded: the text in UTF-8.
    """
    errors = parse_errors(tree)
    if not errors.number or language not in _CONDITIONALS:
        return errors
    resolved = first_branches(encoded)
    if language in _MACROS and brackets_pair(resolved):
        return ParseErrors(0, 0)
    return min(errors, parse_errors(parse(resolved, language)), key=lambda of: of.num_bytes)


def first_branches(encoded: bytes) -> bytes:
    """The text with all directives and all but the first branch of each conditional empty; `#if 0` is no branch."""
    kept: list[bytes] = []
    branches: list[bool | None] = []  # of each conditional around: taken, not yet, or no more
    continued = False
    for line in encoded.split(b"\n"):
        directive = None if continued else _DIRECTIVE.match(line)
        if directive is not None:
            _take_branch(branches, directive[1], zero=directive[2] is not None)
        skipped = continued or directive is not None
        continued = skipped and line.rstrip().endswith(b"\\")
        kept.append(line if not skipped and all(branches) else b"")
    return b"\n".join(kept)


def _take_branch(branches: list[bool | None], word: bytes, *, zero: bool) -> None:
    if word.startswith(b"if"):
        branches.append(not (word == b"if" and zero))
    elif word == b"endif" and branches:
        branches.pop()
    elif word.startswith(b"el") and branches:
        branches[-1] = True if branches[-1] is False else None


def brackets_pair(encoded: bytes) -> bool:
    """Whether every bracket has its partner; those in comments and literals are none."""
    opened: list[bytes] = []
    for token in _TOKEN.finditer(encoded):
        bracket = token["bracket"]
        if bracket is None:
            continue
        partner = _PAIRS.get(bracket)
        if partner is None:
            opened.append(bracket)
        elif not opened or opened.pop() != partner:
            return False
    return not opened

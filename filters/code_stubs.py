"""Bodies and comments that stand for code that is not there, as models leave them.

An empty body is right in many a file; what counts is whether a rewrite has more of them than its original.
"""

import re
from collections.abc import Sequence

from tree_sitter import Node

from filters.node_texts import node_text

_MAXIMUM_CHILDREN = 20  # of a body that may be a stub: comments are children as well
_MAXIMUM_CHARACTERS = 300  # of a statement or a comment

_LISTS = frozenset({"statement_list", "body_statement"})  # Go and Ruby: the statements, one level down
# A constructor that does its work outside of its body.
_WORKING_PARTS = frozenset({"field_initializer_list", "constructor_initializer", "default_method_clause"})
_WORKING_PARAMETERS = frozenset({"property_promotion_parameter", "accessibility_modifier", "readonly"})

_STUB = re.compile(
    r"pass|\.\.\.|(?:todo|unimplemented)!.*"
    r"|(?:return\s+)?(?:throw|raise|panic!?|fatal|abort|die|croak)\b.*"
    r"(?:not[\s_-]*(?:yet[\s_-]*)?implemented|unimplemented|unsupported_?operation|\bto-?do\b).*",
    re.IGNORECASE | re.DOTALL,
)
_TRIVIAL_RETURN = re.compile(
    r"(?:return\b\s*)?(?:none|null|nullptr|nil|undefined|true|false|0|-1|1|''|\"\"|\[\]|\{\}|default|ok\(\(\)\))?\s*;?",
    re.IGNORECASE,
)
_WHAT = (
    "(?:code|file|functions?|class|classes|methods?|implementations?|logic|body|imports|definitions|module|script|"
    "program|contents?|tests|test cases|fields|properties|helpers|parts?|section)"
)
# Nothing but such words may follow: "the original code is by ..." is no placeholder.
_TAIL = (
    "(?: (?:is|are|was|remains?|stays?|kept|left|goes|go|continues?|follows?|unchanged|unmodified|omitted|here|as|it|"
    "before|the|same|below|above|in|original|for|brevity|without|any|changes?|to|be|not|shown|would|will))"
)
_PLACEHOLDER = re.compile(
    rf"(?:the )?(?:rest|remainder) of (?:(?:the|your|my|this) )?(?:\w+ ){{0,2}}{_WHAT}{_TAIL}*"
    rf"|(?:the )?(?:existing|original|previous|remaining|other|old|current) (?:\w+ )?{_WHAT}{_TAIL}+"
    rf"|(?:(?:add|put|insert|write|place) )?(?:your|actual|additional|more) (?:\w+ ){{0,2}}{_WHAT}{_TAIL}+"
    rf"|(?:{_WHAT} )?(?:(?:is|are|remains?|stays?|kept|left) )?(?:unchanged|omitted|truncated|elided){_TAIL}*"
    rf"|{_WHAT} (?:goes|go|continues?|remains?|stays?){_TAIL}*"
    rf"|same as (?:before|(?:in )?(?:the )?original){_TAIL}*"
    r"|(?:todo )?implement(?: \w+){0,3} here|todo implement(?: \w+){0,3}|(?:not|to be)(?: yet)? implemented(?: yet)?",
    re.IGNORECASE,
)
# An ellipsis, and the words that may stand behind or before it: sentences end in one as well.
_ELLIPSES = ((re.compile(r"\A\W*(?:\.\.\.|…)"), 10), (re.compile(r"(?:\.\.\.|…)\W*\Z"), 3))
_LEFT_OUT = re.compile(
    r"\b(?:rest|remaining|remainder|existing|previous|other|original|same|more|unchanged|omitted|implementation|code)\b",
    re.IGNORECASE,
)
_MARKERS = re.compile(r"[\s#/*<>!{}()\[\]:;,._…-]+")


def is_placeholder(comment: str) -> bool:
    """Whether a comment stands for code that was left out: `# ... rest of the code ...`, `// unchanged`."""
    if len(comment) > _MAXIMUM_CHARACTERS:
        return False
    words = _MARKERS.sub(" ", comment).strip()
    if _PLACEHOLDER.fullmatch(words):
        return True
    maximum = next((limit for dots, limit in _ELLIPSES if dots.search(comment)), -1)
    return words.count(" ") < maximum and (not words or _LEFT_OUT.search(words) is not None)


def is_stub(function: Node) -> bool:
    """Whether the body of a function does nothing but say that it is not there.

    So an empty body, `pass`, `...`, an exception for "not implemented", or a constant returned beside a placeholder
    comment. A docstring is no statement. False without a body, for a constructor whose parameters or initialisers do
    the work, and for a body with over 20 statements and comments.
    """
    inner = function.child_by_field_name("value") or function.child_by_field_name("right") or function
    body = inner.child_by_field_name("body")
    if body is None:
        return inner.type in {"method", "singleton_method"}  # Ruby's grammar has none for an empty one
    if body.named_child_count > _MAXIMUM_CHILDREN:
        return False
    statements = _statements(body)
    comments = [child for part in (function, body) for child in part.named_children if "comment" in child.type]
    if not statements:
        return not _works_outside(inner)
    text = _only(statements)
    if not text:
        return False
    if _STUB.fullmatch(text):
        return True
    has_placeholder = any(is_placeholder(node_text(comment)) for comment in comments)
    return has_placeholder and _TRIVIAL_RETURN.fullmatch(text) is not None


def returns_constant(function: Node) -> bool:
    """Whether a function returns a constant such as `None` or `0` and does no more, as one that was emptied may."""
    inner = function.child_by_field_name("value") or function.child_by_field_name("right") or function
    body = inner.child_by_field_name("body")
    if body is None or body.named_child_count > _MAXIMUM_CHILDREN:
        return False
    text = _only(_statements(body))
    return bool(text) and _TRIVIAL_RETURN.fullmatch(text) is not None


def _only(statements: Sequence[Node]) -> str:
    """The text of the only statement; empty where there are others, or it is long."""
    text = node_text(statements[0]) if len(statements) == 1 else ""
    return text if len(text) <= _MAXIMUM_CHARACTERS else ""


def _statements(body: Node) -> list[Node]:
    """The statements of a body but docstrings; for a body that is an expression, that alone."""
    found = [body]
    if "block" in body.type or body.type in {
        "compound_statement",
        "constructor_body",
        "arrow_expression_clause",
        *_LISTS,
    }:
        found = _without_comments(body)
    if len(found) == 1 and found[0].type in _LISTS:
        found = _without_comments(found[0])
    return [node for node in found if not _is_docstring(node)]


def _without_comments(node: Node) -> list[Node]:
    return [child for child in node.named_children if "comment" not in child.type]


def _is_docstring(node: Node) -> bool:
    return node.type == "expression_statement" and [child.type for child in node.named_children] == ["string"]


def _works_outside(function: Node) -> bool:
    parameters = function.child_by_field_name("parameters")
    parts = {child.type for child in function.named_children}
    return not parts.isdisjoint(_WORKING_PARTS) or any(
        child.type in _WORKING_PARAMETERS or not {part.type for part in child.children}.isdisjoint(_WORKING_PARAMETERS)
        for child in (parameters.named_children if parameters else ())
    )

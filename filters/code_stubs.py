"""Bodies and comments that stand for code that is not there, as models leave them.

An empty body is right in many a file; what counts is whether a rewrite has more of them than its original.
"""

import re

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
    r"(?:code|file|function|functions|class|classes|method|methods|implementation|logic|body|imports|definitions|"
    r"module|script|program|content|contents|tests|test cases|cases|fields|properties|helpers|part|parts|section)"
)
_PLACEHOLDER = re.compile(
    rf"(?:the )?(?:rest|remainder)(?: of)?(?: (?:the|this|your|my))?(?: \w+)?(?: {_WHAT})?(?: .*)?"
    rf"|(?:the )?(?:existing|original|previous|remaining|other|same|unchanged|old|current)(?: \w+)? {_WHAT}(?: .*)?"
    rf"|(?:the )?(?:\w+ )?(?:{_WHAT} )?(?:is |are )?(?:remains?|stays?|left|kept)? ?(?:un(?:changed|modified)|the same)"
    r"(?: .*)?"
    rf"|(?:(?:add|put|insert|write) )?(?:your|actual|real|more|additional) (?:\w+ )?{_WHAT}(?: .*)?"
    rf"|{_WHAT} (?:goes|go|continues?) here|(?:same|similar) as (?:before|above|original|in the original)(?: .*)?"
    rf"|(?:{_WHAT} )?(?:omitted|elided|truncated|abbreviated|skipped)(?: .*)?"
    r"|(?:todo )?implement(?: \w+){0,3} here|(?:to be|not yet|not) implemented(?: yet)?|todo implement(?: .*)?",
    re.IGNORECASE,
)
_MARKERS = re.compile(r"[\s#/*<>!{}()\[\]:;,._…-]+")


def is_placeholder(comment: str) -> bool:
    """Whether a comment stands for code that was left out: `# ... rest of the code ...`, `// unchanged`, `/* ... */`."""
    if len(comment) > _MAXIMUM_CHARACTERS:
        return False
    words = _MARKERS.sub(" ", comment).strip()
    if not words:
        return "..." in comment or "…" in comment
    return _PLACEHOLDER.fullmatch(words) is not None


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
    text = node_text(statements[0]) if len(statements) == 1 else ""
    if not text or len(text) > _MAXIMUM_CHARACTERS:
        return False
    if _STUB.fullmatch(text):
        return True
    has_placeholder = any(is_placeholder(node_text(comment)) for comment in comments)
    return has_placeholder and _TRIVIAL_RETURN.fullmatch(text) is not None


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

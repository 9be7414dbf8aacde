"""SPDX licence expressions: read with limits, joined, and taken apart into their ids.

Expressions are parsed by `license_expression` without its table of known licences: an allow-list needs exact ids, not
aliases. What it returns is turned into three plain classes, so that nobody else meets the library or its exceptions.
Nesting and length are limited by us: where Python's own limit bites depends on who calls. A parse costs 60 us and a
corpus has few distinct expressions, so results are cached; long ones are not, since they would let a hostile corpus
fill the cache with megabytes.

Source: SPDX specification 2.3, annex D. Deviation: operators in any case.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import license_expression

MAXIMUM_EXPRESSION_CHARACTERS = 2_000
MAXIMUM_EXPRESSION_DEPTH = 32
_CACHED_CHARACTERS = 400

_NO_EVIDENCE = frozenset({"", "none", "noassertion"})
_OR_PATTERN = re.compile(r"[\s)]or[\s(]", re.IGNORECASE)
_LICENSING = license_expression.Licensing()


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence, with the exception behind its WITH or none."""

    id: str
    exception: str = ""

    def __str__(self) -> str:
        return f"{self.id} WITH {self.exception}" if self.exception else self.id


@dataclass(frozen=True, slots=True)
class AllOf:
    """Parts that hold together (AND)."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """Parts to choose from (OR)."""

    parts: tuple["Expression", ...]


Expression = Licence | AllOf | OneOf


def parsed(expression: str) -> Expression | None:
    """The expression as a tree, ids as written.

    Returns:
        None for whatever is no SPDX expression, the empty string too, and beyond 2,000 characters or 32 levels.
    """
    return _parsed(expression) if len(expression) > _CACHED_CHARACTERS else _cached(expression)


def licences_of(expression: Expression) -> tuple[Licence, ...]:
    """The licences of a tree from left to right, repeated ones too."""
    if isinstance(expression, Licence):
        return (expression,)
    return tuple(licence for part in expression.parts for licence in licences_of(part))


def ids_of(expression: str) -> frozenset[str]:
    """The ids of licences and exceptions, case-folded.

    Returns:
        Nothing for an expression that cannot be read.
    """
    tree = parsed(expression)
    found = () if tree is None else licences_of(tree)
    return frozenset(name.casefold() for item in found for name in (item.id, item.exception) if name)


def has_choice(expression: Expression) -> bool:
    """Whether there is an OR anywhere in a tree."""
    return isinstance(expression, OneOf) or (isinstance(expression, AllOf) and any(map(has_choice, expression.parts)))


def says_something(expression: str) -> bool:
    """Whether it is anything but empty, NONE or NOASSERTION."""
    # The longest of the words has 11 letters: what is longer need not be folded, however long it is.
    stripped = expression.strip()
    return len(stripped) > 20 or stripped.casefold() not in _NO_EVIDENCE


def joined(expressions: Iterable[str]) -> str:
    """The distinct expressions joined with AND.

    Returns:
        The empty string for none. One that is too long, or would break out of its parentheses, stands alone and cannot
        be read.
    """
    by_key: dict[str, str] = {}
    for expression in expressions:
        by_key.setdefault(expression.strip().casefold(), expression.strip())
    distinct = list(by_key.values())
    for expression in distinct:
        if not _is_within_limits(expression):
            return expression
    if len(distinct) == 1:
        return distinct[0]
    return " AND ".join(f"({item})" if _OR_PATTERN.search(item) else item for item in distinct)


def _is_within_limits(expression: str) -> bool:
    if len(expression) > MAXIMUM_EXPRESSION_CHARACTERS:
        return False
    depth = 0
    for parenthesis in re.findall(r"[()]", expression):
        depth += 1 if parenthesis == "(" else -1
        if not 0 <= depth <= MAXIMUM_EXPRESSION_DEPTH:
            return False
    return depth == 0


def _parsed(expression: str) -> Expression | None:
    if not _is_within_limits(expression):
        return None
    try:
        return _plain(_LICENSING.parse(expression, simple=True))
    # The parser meets some malformed input ("()", "( or MIT") with an IndexError or a failed assertion of its own.
    except (license_expression.ExpressionError, IndexError, AssertionError):
        return None


_cached = lru_cache(maxsize=65_536)(_parsed)


def _plain(node: object) -> Expression:
    if isinstance(node, license_expression.AND):
        return AllOf(tuple(map(_plain, node.args)))
    if isinstance(node, license_expression.OR):
        return OneOf(tuple(map(_plain, node.args)))
    if isinstance(node, license_expression.LicenseWithExceptionSymbol):
        return Licence(str(node.license_symbol.key), str(node.exception_symbol.key))
    if isinstance(node, license_expression.LicenseSymbol):
        return Licence(str(node.key))
    raise license_expression.ExpressionError(f"unexpected node {type(node).__name__}")

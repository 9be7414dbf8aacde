"""Token spans: what a rule's own pattern finds in a line, or in a window of a long one.

A value goes to its end: where the repeat that ends the pattern has a bound, or a window ends, what follows of the same
characters goes with it, however long.

Cost: Python's `re` over the line, once for each rule that marked it; linear in the line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from filters.redaction_policy import Level
from filters.redaction_rules import Rule
from filters.spans import Span, whole_characters
from filters.validators import TESTS_IN_PLACE, VALUE_TESTS, TestInPlace

_TOKEN = re.compile(rb"[A-Za-z0-9_./+=-]*+")
TAIL_BYTES = 4_096
"""So much of a value behind a window's end is tested with it."""

# The class whose repeat ends a pattern.
_LAST_CLASS = re.compile(r"(\[(?:\\.|[^\]\\\[])+\])(?:\{\d+,\d*\}|\+|\*)\)?\Z")

# White space, quotes and the brackets and stops of Chinese and Japanese: no tail crosses them.
_BEYOND_ASCII = (
    r"\xc2[\x85\xa0\xab\xbb]|\xe2\x80[\x80-\x8f\x98-\x9f\xa8-\xaf]|\xe3\x80[\x80-\x82\x88-\x91]"
    r"|\xef\xbc[\x81\x88-\x89\x8c\x9a-\x9b\x9f]"
)


@dataclass(frozen=True, slots=True)
class TokenRule:
    """A rule that is one expression and a test of its value, ready to be used.

    Attributes:
        tail: more of what the expression ends with; None where it ends with a fixed number.
    """

    rule: Rule
    expression: re.Pattern[bytes]
    test: TestInPlace
    level: Level
    tail: re.Pattern[bytes] | None


def token_rule(rule: Rule, level: Level) -> TokenRule:
    """The rule, compiled."""
    tail = _tail(rule.pattern)
    if in_place := TESTS_IN_PLACE.get(rule.validator):
        return TokenRule(rule, rule.expression, in_place, level, tail)
    value_test = VALUE_TESTS[rule.validator]
    return TokenRule(rule, rule.expression, lambda data, first, last, at: value_test(data[first:last], at), level, tail)


def _tail(pattern: str) -> re.Pattern[bytes] | None:
    last = _LAST_CLASS.search(pattern)
    return re.compile(rf"(?:(?![\s\"'`]|{_BEYOND_ASCII}){last[1]})*+".encode()) if last else None


def token_spans(tool: TokenRule, data: bytes, start: int, stop: int, settled: int = 0) -> Iterator[Span]:
    """The findings of one rule in data[start:stop], part of one line; each goes to the end of its value.

    Args:
        settled: matches that end at or before it were found in an earlier window.
    """
    for match in tool.expression.finditer(data, start, stop):
        first, last = match.span("value")
        if last <= settled:
            continue
        first, last = whole_characters(data, first, last)
        tail = tool.tail
        if match.end() == stop:
            tail = tail or _TOKEN
            last = _end(tail, data, last, last + TAIL_BYTES)
        if tool.test(data, first, last, tool.level):
            # A tail is looked for once: the matches within it are settled.
            settled = _end(tail, data, last) if tail else last
            yield Span(first, settled, tool.rule.kind, tool.rule.id)


def _end(tail: re.Pattern[bytes], data: bytes, start: int, limit: int | None = None) -> int:
    match = tail.match(data, start, len(data) if limit is None else limit)
    return whole_characters(data, start, match.end() if match else start)[1]

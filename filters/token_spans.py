"""Token spans: what a rule's own pattern finds in a line, or in a window of a long one.

Cost: Python's `re` over the line, once for each rule that marked it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from filters.redaction_policy import Level
from filters.redaction_rules import Rule
from filters.spans import Span
from filters.validators import TESTS_IN_PLACE, VALUE_TESTS, TestInPlace

_TAIL = re.compile(rb"[A-Za-z0-9_./+=-]*")
TAIL_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class TokenRule:
    """A rule that is one expression and a test of its value, ready to be used."""

    rule: Rule
    expression: re.Pattern[bytes]
    test: TestInPlace
    level: Level


def token_rule(rule: Rule, level: Level) -> TokenRule:
    """The rule, compiled."""
    if in_place := TESTS_IN_PLACE.get(rule.validator):
        return TokenRule(rule, rule.expression, in_place, level)
    value_test = VALUE_TESTS[rule.validator]
    return TokenRule(rule, rule.expression, lambda data, first, last, at: value_test(data[first:last], at), level)


def token_spans(tool: TokenRule, data: bytes, start: int, stop: int, settled: int = 0) -> Iterator[Span]:
    """The findings of one rule in data[start:stop], part of one line.

    What reaches the edge of a window takes the token characters behind it along, `TAIL_BYTES` at most.

    Args:
        settled: matches that end at or before it were found in an earlier window.
    """
    for match in tool.expression.finditer(data, start, stop):
        first, last = match.span("value")
        if last == stop:
            last = _TAIL.match(data, last, last + TAIL_BYTES).end()  # type: ignore[union-attr]
        if last > settled and tool.test(data, first, last, tool.level):
            yield Span(first, last, tool.rule.kind, tool.rule.id)

"""Candidates: one compiled scan finds where anything could be; a rule's own code then looks at that place alone.

Hyperscan runs all patterns over the whole text at hundreds of MB a second; detect-secrets runs every plugin on every
line. Each match names its rule, so verification costs something only where something is: on the sample shards one
place in ten kilobytes of code, one in three of text.

A scanner is built once per process and policy, 1.2 CPU s with the import of detect-secrets, of which 1.0 go into its
databases; a forked child inherits it. A text with hidden characters within its tokens is scanned once more, without
them. Memory beside the text: eight bytes per candidate place and a few hundred per finding.
"""

import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import hyperscan

from filters.credentials import expressions, plugin_named, region, secret_spans
from filters.hidden_characters import MARK, visible_text
from filters.pattern_databases import Pattern, Patterns
from filters.redaction_policy import Level, RedactionPolicy, allowed_values, is_on
from filters.redaction_rules import Rule, rules
from filters.spans import Span, is_redacted, merged, whole_characters
from filters.token_spans import token_rule, token_spans
from filters.validators import PLACES, WALKS
from manifests.errors import UnitError

MAXIMUM_BYTES = 2**32 - 1
"""Hyperscan counts a text's bytes in 32 bits."""

_APART = frozenset({"iban"})
"""Kinds that have a database of their own. Hyperscan chooses its engine by the whole set of patterns: with this one
among the others the scan took 6.0 ms a megabyte, without it 4.3, and it alone takes 0.5."""

AtPlaces = Callable[[bytes, "array[int]"], Iterator[Span]]
InRegion = Callable[[bytes, int, int, int], Iterator[Span]]


@dataclass(frozen=True, slots=True)
class Scanner:
    """Databases and what each match id means; the id behind the last marks hidden characters.

    Attributes:
        databases: each scans the whole text.
        verifiers: by match id: what looks at all marked places, or at a line or a window of it.
        in_region: by match id, whether it looks at a line.
        allowed: what stays whatever the rules say; None where nothing does.
    """

    databases: tuple[Any, ...]
    verifiers: tuple[AtPlaces | InRegion, ...]
    in_region: tuple[bool, ...]
    allowed: re.Pattern[str] | None

    def spans(self, data: bytes) -> list[Span]:
        """Everything in a text that the policy looks for, disjoint and in order of position.

        Args:
            data: valid UTF-8.

        Returns:
            An empty list for an empty text or a policy that is off.

        Raises:
            UnitError: a text of 4 GiB or more, which hyperscan would read in part.
        """
        if len(data) > MAXIMUM_BYTES:
            raise UnitError(f"redaction: a text of {len(data)} bytes; expected at most {MAXIMUM_BYTES}")
        places = _places(self, data)
        found = _found(self, data, places)
        if len(self.verifiers) in places:
            visible = visible_text(data)
            found = chain(found, visible.in_original(_found(self, visible.data, _places(self, visible.data))))
        found = (span for span in found if not is_redacted(data[span.start : span.stop]))
        if (allowed := self.allowed) is not None:
            found = (span for span in found if not allowed.match(data[span.start : span.stop].decode()))
        return merged(found)


def scanner(policy: RedactionPolicy, database: Callable[[Patterns], Any]) -> Scanner:
    """The scanner for a policy; rules that it does not use are not in it.

    Args:
        database: makes the database of some patterns: compiles it, or knows where one lies.
    """
    verifiers: list[AtPlaces | InRegion] = []
    in_region: list[bool] = []
    together: list[Pattern] = []
    apart: list[Pattern] = []
    for rule in rules():
        level = policy.level(rule.kind)
        if is_on(rule.level, level):
            marks = apart if rule.kind in _APART else together
            marks += [Pattern(expression.encode(), len(verifiers), flags) for expression, flags in _marks(rule)]
            verifiers.append(_verifier(rule, level))
            in_region.append(rule.validator not in {**PLACES, **WALKS})
    if verifiers:
        together.append(Pattern(MARK.encode(), len(verifiers), hyperscan.HS_FLAG_SINGLEMATCH))
    databases = tuple(database(tuple(marks)) for marks in (together, apart) if marks)
    return Scanner(databases, tuple(verifiers), tuple(in_region), allowed_values(policy.allow))


def _places(tool: Scanner, data: bytes) -> dict[int, "array[int]"]:
    """Match ends by match id; of the matches in one region only the first."""
    places: dict[int, array[int]] = {}
    settled = [0] * len(tool.verifiers)
    in_region = (*tool.in_region, False)

    def mark(index: int, _start: int, stop: int, _flags: int, _context: object) -> None:
        if in_region[index]:
            if stop <= settled[index]:
                return
            settled[index] = region(data, stop)[2]
        places.setdefault(index, array("Q")).append(stop)

    for database in tool.databases if data else ():
        database.scan(data, match_event_handler=mark)
    return places


def _found(tool: Scanner, data: bytes, places: dict[int, "array[int]"]) -> Iterator[Span]:
    for index in sorted(places):
        if index < len(tool.verifiers):
            yield from _verified(tool, index, data, places[index])


def _verified(tool: Scanner, index: int, data: bytes, stops: "array[int]") -> Iterator[Span]:
    verify: Any = tool.verifiers[index]
    if tool.in_region[index]:
        settled = 0
        for stop in stops:
            start, end, next_settled = region(data, stop)
            if end <= settled:
                continue
            reach = next_settled
            for span in verify(data, start, end, settled):
                reach = max(reach, span.stop)
                yield span
            settled = reach
        return
    yield from verify(data, stops)


def _verifier(rule: Rule, level: Level) -> AtPlaces | InRegion:
    if rule.plugin:
        return partial(secret_spans, plugin_named(rule.plugin))
    if walk := WALKS.get(rule.validator):
        return lambda data, stops: (Span(*found, rule.kind, rule.id) for found in walk(data, stops, level))
    if (place := PLACES.get(rule.validator)) is None:
        return partial(token_spans, token_rule(rule, level))

    def at_places(data: bytes, stops: "array[int]") -> Iterator[Span]:
        for stop in stops:
            if found := place(data, stop, level):
                yield Span(*whole_characters(data, *found), rule.kind, rule.id)

    return at_places


def _marks(rule: Rule) -> list[tuple[str, int]]:
    """Hyperscan's expressions of a rule, with flags; in prefilter mode where it cannot match exactly."""
    if not rule.plugin:
        return [(rule.mark, hyperscan.HS_FLAG_MULTILINE)]
    marks = []
    for expression, ignore_case in expressions(plugin_named(rule.plugin)):
        flags = int(hyperscan.HS_FLAG_MULTILINE)
        if ignore_case:
            flags |= int(hyperscan.HS_FLAG_CASELESS)
        if "(?<" in expression or "(?!" in expression:
            flags |= int(hyperscan.HS_FLAG_PREFILTER)
        marks.append((expression, flags))
    return marks

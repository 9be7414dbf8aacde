"""Candidates: one compiled scan finds where anything could be; a rule's own code then looks at that place alone.

Hyperscan runs all patterns over the whole text at hundreds of MB a second; detect-secrets runs every plugin on every
line. Each match names its rule, so verification costs something only where something is: on the sample shards one
place in ten kilobytes of code, one in three of text.

The database is built on first use, 0.6 s with the import of detect-secrets, once per process and set of kinds; a forked
child inherits it. Memory beside the text: eight bytes per candidate place and a few hundred per finding.
"""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import hyperscan

from filters.credentials import Plugin, expressions, plugins, region, secret_spans
from filters.personal_data import (
    EMAIL_EXPRESSION,
    IPV4_EXPRESSION,
    IPV6_EXPRESSION,
    email_address,
    ipv4_address,
    ipv6_address,
)
from filters.private_keys import EXPRESSIONS as KEY_EXPRESSIONS
from filters.private_keys import pem_block, putty_block
from filters.spans import PLACEHOLDERS, Span, SpanKind, merged
from manifests.errors import RecipeError, UnitError

MAXIMUM_BYTES = 2**32 - 1
"""Hyperscan counts a text's bytes in 32 bits."""

Verify = Callable[[bytes, int], Span | None]

_PLACES: tuple[tuple[SpanKind, str, Verify], ...] = (
    ("email", EMAIL_EXPRESSION, email_address),
    ("ip_address", IPV4_EXPRESSION, ipv4_address),
    ("ip_address", IPV6_EXPRESSION, ipv6_address),
    ("private_key", KEY_EXPRESSIONS[0], pem_block),
    ("private_key", KEY_EXPRESSIONS[1], putty_block),
)


@dataclass(frozen=True, slots=True)
class Scanner:
    """A compiled database and what each of its match ids means.

    Attributes:
        verifiers: by match id; a plugin is verified on lines, a function at a place.
        on_lines: by match id, whether the verifier is a plugin.
    """

    database: Any
    verifiers: tuple[Verify | Plugin, ...]
    on_lines: tuple[bool, ...]


@cache
def scanner(kinds: frozenset[str]) -> Scanner:
    """The scanner for some kinds; patterns of other kinds are not in it.

    Raises:
        RecipeError: a kind that does not exist.
    """
    if unknown := sorted(kinds - set(PLACEHOLDERS)):
        raise RecipeError(
            f"redaction: unknown kind {unknown[0]!r}; expected some of {', '.join(sorted(PLACEHOLDERS))}",
            hint="correct the kind in the recipe's redaction",
        )
    verifiers: list[Verify | Plugin] = []
    compiled: list[tuple[bytes, int, int]] = []
    for kind, expression, verify in _PLACES:
        if kind in kinds:
            compiled.append((expression.encode(), len(verifiers), 0))
            verifiers.append(verify)
    for plugin in plugins() if "secret" in kinds else ():
        for expression, ignore_case in expressions(plugin):
            compiled.append((expression.encode(), len(verifiers), _flags(expression, ignore_case=ignore_case)))
        verifiers.append(plugin)
    database = hyperscan.Database()
    if compiled:
        patterns, ids, flags = zip(*compiled, strict=True)
        database.compile(expressions=list(patterns), ids=list(ids), elements=len(ids), flags=list(flags))
    return Scanner(database, tuple(verifiers), tuple(isinstance(verifier, Plugin) for verifier in verifiers))


def find_spans(data: bytes, *, kinds: frozenset[str]) -> list[Span]:
    """Everything of these kinds in a text, disjoint and in order of position.

    Args:
        data: valid UTF-8.
        kinds: of "email", "ip_address", "private_key", "secret".

    Returns:
        An empty list for an empty text or no kinds.

    Raises:
        RecipeError: a kind that does not exist.
        UnitError: a text of 4 GiB or more, which hyperscan would read in part.
    """
    if len(data) > MAXIMUM_BYTES:
        raise UnitError(f"redaction: a text of {len(data)} bytes; expected at most {MAXIMUM_BYTES}")
    tool = scanner(kinds)
    places = _places(tool, data)
    return merged(span for index in sorted(places) for span in _verified(tool.verifiers[index], data, places[index]))


def _places(tool: Scanner, data: bytes) -> dict[int, "array[int]"]:
    """Match ends by match id; of a plugin's matches in one region only the first."""
    places: dict[int, array[int]] = {}
    settled = [0] * len(tool.verifiers)
    on_lines = tool.on_lines

    def mark(index: int, _start: int, stop: int, _flags: int, _context: object) -> None:
        if on_lines[index]:
            if stop <= settled[index]:
                return
            settled[index] = region(data, stop)[2]
        places.setdefault(index, array("Q")).append(stop)

    if tool.verifiers and data:
        tool.database.scan(data, match_event_handler=mark)
    return places


def _verified(verifier: Verify | Plugin, data: bytes, stops: "array[int]") -> Iterator[Span]:
    if isinstance(verifier, Plugin):
        settled = 0
        for stop in stops:
            start, end, next_settled = region(data, stop)
            yield from secret_spans(verifier, data, start, end, settled=settled)
            settled = next_settled
        return
    for stop in stops:
        if span := verifier(data, stop):
            yield span


def _flags(expression: str, *, ignore_case: bool) -> int:
    """Multi-line, the plugin's own case rule, and prefilter mode where hyperscan cannot match exactly."""
    flags = int(hyperscan.HS_FLAG_MULTILINE)
    if ignore_case:
        flags |= int(hyperscan.HS_FLAG_CASELESS)
    if "(?<" in expression or "(?!" in expression:
        flags |= int(hyperscan.HS_FLAG_PREFILTER)
    return flags

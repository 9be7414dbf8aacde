"""Lint rules for languages that have a grammar here: what shows that code is broken or smells, read from one data file.

A rule of `lint_rules.toml` is a query of tree-sitter's for every language that it is for, and a check
(`filters.lint_checks`) that says how many findings its matches are; without one, every node that is captured as
`finding` is one. The queries of a language run together, in one native walk over the tree.

Rules are about defects, leftovers and what is outdated, never about layout and names. Each can be decided within one
file, from syntax alone; what would need types is left out. Python has none here: ruff reads it (`stages.linting`).

`found` and `stays` are texts in which the rule must find something and nothing; tests run every one.

Cost: see `docs/experiments.md`; on hostile texts there is no bound, as for the parser: run it in a process of its own.
"""

import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

import msgspec
from tree_sitter import Node, Query, QueryCursor, Tree

from filters.grammars import grammar, parse
from filters.lint_checks import CHECKS, Captures
from filters.text_views import utf8_bytes

DATA_FILE = "lint_rules.toml"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule, as in the file.

    Attributes:
        name: snake_case, unique; it stands in counts and in what a model is told.
        reason: what is wrong, half a sentence.
        query: by languages, separated by spaces.
        check: of `filters.lint_checks.CHECKS`.
    """

    name: str
    reason: str
    query: dict[str, str]
    check: str = "each"
    found: dict[str, str] = {}
    stays: dict[str, str] = {}

    def query_of(self, language: str) -> str:
        """The query for a language; empty where the rule is not for it."""
        return "\n".join(query for languages, query in self.query.items() if language in languages.split())


class _Rules(NamedTuple):
    """The rules of one language, compiled."""

    query: Query
    rule_of: Sequence[str]  # by number of the pattern
    checks: Mapping[str, Callable[[Sequence[Captures], bytes], int]]


@cache
def lint_rules() -> tuple[Rule, ...]:
    """All rules, in the order of the file."""
    data = tomllib.loads(files("filters").joinpath(DATA_FILE).read_text(encoding="utf-8"))
    return tuple(msgspec.convert(data["rule"], list[Rule]))


def rules_of(language: str) -> list[str]:
    """Names of the rules for a language; none where there is no rule."""
    return [rule.name for rule in lint_rules() if rule.query_of(language)]


@cache
def lint_rules_digest() -> str:
    """sha256 in hex of the rules' file."""
    return sha256(files("filters").joinpath(DATA_FILE).read_bytes()).hexdigest()


def lint_findings(text: str, language: str) -> Counter[str]:
    """Findings in a text by rule; none for a language without rules."""
    encoded = utf8_bytes(text)
    return findings_in(parse(encoded, language), encoded, language) if compiled_rules(language) else Counter()


def findings_in(tree: Tree, encoded: bytes, language: str) -> Counter[str]:
    """Findings by rule in a text that is parsed already.

    Args:
        encoded: the text in UTF-8, as it was parsed.
    """
    rules = compiled_rules(language)
    if rules is None:
        return Counter()
    matches: dict[str, list[dict[str, list[Node]]]] = {}
    for pattern, captures in QueryCursor(rules.query).matches(tree.root_node):
        matches.setdefault(rules.rule_of[pattern], []).append(captures)
    found = {name: rules.checks[name](captures, encoded) for name, captures in matches.items()}
    return Counter({name: number for name, number in found.items() if number})


@cache
def compiled_rules(language: str) -> _Rules | None:
    """The rules of a language, compiled once a process; None where there is none. Takes up to a tenth of a second."""
    rules = [(rule, text) for rule in lint_rules() if (text := rule.query_of(language))]
    if not rules:
        return None
    parts, ends, names = [], [], []
    for rule, of_language in rules:
        parts.append(of_language + "\n")
        ends.append(len("".join(parts).encode()))
        names.append(rule.name)
    query = Query(grammar(language), "".join(parts))
    starts = [query.start_byte_for_pattern(number) for number in range(query.pattern_count)]
    rule_of = [next(name for name, end in zip(names, ends, strict=True) if start < end) for start in starts]
    return _Rules(query, rule_of, {rule.name: CHECKS[rule.check] for rule, _ in rules})

"""Write docs/redaction-rules.md from `filters/redaction_rules.toml`, or, with --check, compare.

Every rule stands on the page with its level, and every threshold: what is looked for can be read without the program.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from cli_reference import write_or_compare

from filters.redaction_policy import KINDS, LEVELS
from filters.redaction_rules import Rule, assigned_secret_limits, rules
from filters.validators import PLACES

PAGE = Path(__file__).with_name("redaction-rules.md")
HEAD = """\
# Redaction rules

Written by `docs/redaction_reference.py` from `filters/redaction_rules.toml`: change rules there, then run `make docs`.
How rules are used, and how well they work, stands in [redaction.md](redaction.md).

A rule is used at its level and above. Counts in SUMMARY.md and manifest.json name it as `kind/rule`.

| how | what it means |
|---|---|
| form | the token's own form: prefix, alphabet, length |
| name | a random value of the right form behind its provider's name |
| place | a function looks at what stands around the mark |
| plugin | detect-secrets' plugin of that name decides |
"""


def reference() -> str:
    """The page as it should be."""
    return "\n".join([HEAD, *_counts(), *_rules(), *_thresholds(), ""])


def _counts() -> Iterator[str]:
    yield "| kind | low | balanced | high | rules |\n|---|---:|---:|---:|---:|"
    for kind in KINDS:
        levels = [rule.level for rule in rules() if rule.kind == kind]
        yield f"| `{kind}` | {' | '.join(str(levels.count(level)) for level in LEVELS[1:])} | {len(levels)} |"
    levels = [rule.level for rule in rules()]
    yield f"| all | {' | '.join(str(levels.count(level)) for level in LEVELS[1:])} | {len(levels)} |"


def _rules() -> Iterator[str]:
    for kind in KINDS:
        yield f"\n## {kind}\n"
        yield "| rule | level | how |\n|---|---|---|"
        for rule in sorted((rule for rule in rules() if rule.kind == kind), key=lambda rule: rule.id):
            yield f"| `{rule.id}` | {rule.level} | {_how(rule)} |"


def _how(rule: Rule) -> str:
    if rule.plugin:
        return "plugin"
    return "place" if rule.validator in PLACES else "name" if rule.keywords else "form"


def _thresholds() -> Iterator[str]:
    yield "\n## Thresholds of assigned secrets\n"
    yield "By the sort of name, `password` / `secret` / `key`, where a limit differs by it.\n"
    yield "| limit | low | balanced | high |\n|---|---|---|---|"
    limits = {level: msgspec.to_builtins(assigned_secret_limits(level)) for level in LEVELS[1:]}
    for name in limits["low"]:
        yield f"| `{name}` | {' | '.join(_limit(limits[level][name]) for level in LEVELS[1:])} |"


def _limit(value: Any) -> str:
    if isinstance(value, dict):
        return " / ".join(str(value.get(sort, "never")) for sort in ("password", "secret", "key"))
    return "never" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(write_or_compare(sys.argv[1:], PAGE, reference()))

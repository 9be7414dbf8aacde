"""Redaction rules: every rule finds its examples and leaves alone what must stay."""

import pytest

from filters import redaction_rules
from filters.example_values import example
from filters.redaction_policy import KINDS, only
from filters.redaction_rules import DATA_FILES, Rule, rules, rules_digest
from filters.validators import PLACES, TESTS_IN_PLACE, VALUE_TESTS, WALKS
from stages.scanning import find_spans

RULES = {rule.id: rule for rule in rules()}
FOUND = [(rule.id, template) for rule in rules() for template in rule.found]
STAYS = [(rule.id, template) for rule in rules() for template in rule.stays]


def test_the_digest_covers_every_data_file(monkeypatch: pytest.MonkeyPatch) -> None:
    known = rules_digest()
    read = redaction_rules._data
    for changed in DATA_FILES:
        monkeypatch.setattr(
            redaction_rules, "_data", lambda name, changed=changed: read(name) + b"\n" * (name == changed)
        )
        assert rules_digest.__wrapped__() != known


def test_ids_are_unique() -> None:
    assert len(RULES) == len(rules())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_is_whole(rule: Rule) -> None:
    assert rule.found
    assert rule.kind in KINDS
    assert rule.plugin or rule.pattern
    assert rule.plugin or rule.validator in {**PLACES, **WALKS, **VALUE_TESTS, **TESTS_IN_PLACE}


@pytest.mark.parametrize(("rule", "template"), FOUND)
def test_a_rule_finds_what_it_must(rule: str, template: str) -> None:
    kind, level = RULES[rule].kind, RULES[rule].examples_level or RULES[rule].level
    for seed in "abc":
        wanted = example(template, seed)
        found = find_spans(wanted.text.encode(), policy=only(kind, level=level))
        assert [(span.start, span.stop, span.kind) for span in found] == list(wanted.labels), wanted.text


@pytest.mark.parametrize(("rule", "template"), STAYS)
def test_a_rule_leaves_alone_what_it_must(rule: str, template: str) -> None:
    text = example(template).text
    found = find_spans(
        text.encode(), policy=only(RULES[rule].kind, level=RULES[rule].examples_level or RULES[rule].level)
    )
    assert [span.rule for span in found if span.rule == rule] == [], text

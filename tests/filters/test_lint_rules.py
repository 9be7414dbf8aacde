from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.grammars import GRAMMARS, parse, parse_errors
from filters.lint_checks import CHECKS, MAXIMUM_FUNCTION_LINES, MAXIMUM_NESTING
from filters.lint_rules import Rule, compiled_rules, lint_findings, lint_rules, rules_of

FOUND = [(rule, *example) for rule in lint_rules() for example in rule.found.items()]
STAYS = [(rule, *example) for rule in lint_rules() for example in rule.stays.items()]
NAMES = [f"{rule.name}-{language}" for rule, language, _ in FOUND]
LONG = {
    "C": "int f(void) {\n*}",
    "C#": "class A { void F() {\n*} }",
    "C++": "int f() {\n*}",
    "Go": "package a\n\nfunc f() {\n*}",
    "Java": "class A { void f() {\n*} }",
    "JavaScript": "function f() {\n*}",
    "PHP": "<?php function f() {\n*}",
    "Ruby": "def f\n*end",
    "Rust": "fn f() {\n*}",
    "TSX": "class A { f() {\n*} }",
    "TypeScript": "function f() {\n*}",
}


def languages_of(rule: Rule) -> set[str]:
    return {language for languages in rule.query for language in languages.split()}


@pytest.mark.parametrize(("rule", "language", "text"), FOUND, ids=NAMES)
def test_a_rule_finds_its_examples(rule: Rule, language: str, text: str) -> None:
    assert lint_findings(text, language)[rule.name] == 1
    assert parse_errors(parse(text.encode(), language)).number == 0


@pytest.mark.parametrize(("rule", "language", "text"), STAYS, ids=[f"{rule.name}-{name}" for rule, name, _ in STAYS])
def test_a_rule_leaves_its_counterexamples_alone(rule: Rule, language: str, text: str) -> None:
    assert lint_findings(text, language)[rule.name] == 0
    assert parse_errors(parse(text.encode(), language)).number == 0


def test_every_rule_has_an_example_in_every_language_that_it_is_for() -> None:
    lacking = {rule.name: languages_of(rule) - set(rule.found) for rule in lint_rules() if rule.name != "long_function"}
    assert {name: languages for name, languages in lacking.items() if languages} == {}


def test_rules_have_names_of_their_own_a_reason_and_a_known_check() -> None:
    rules = lint_rules()
    assert [name for name, times in Counter(rule.name for rule in rules).items() if times > 1] == []
    assert all(rule.reason and rule.check in CHECKS and languages_of(rule) <= set(GRAMMARS) for rule in rules)


def test_every_language_but_python_has_rules() -> None:
    assert [language for language in GRAMMARS if not rules_of(language)] == ["Python"]
    assert compiled_rules("Python") is None
    assert lint_findings("import os\n", "Python") == {}
    assert lint_findings("print 1", "Fortran") == {}


@pytest.mark.parametrize("language", LONG)
def test_a_function_may_have_as_many_lines_as_the_bound(language: str) -> None:
    start, _, end = LONG[language].partition("*")
    fitting = "\n" * (MAXIMUM_FUNCTION_LINES - 2)
    assert lint_findings(start + fitting + end, language)["long_function"] == 0
    assert lint_findings(start + fitting + "\n" + end, language)["long_function"] == 1


def test_nesting_is_one_finding_where_it_begins_to_be_too_deep() -> None:
    def nested(levels: int) -> int:
        return lint_findings("if (a) { " * levels + "f(); g();" + "}" * levels, "JavaScript")["deep_nesting"]

    assert [nested(MAXIMUM_NESTING), nested(MAXIMUM_NESTING + 1), nested(MAXIMUM_NESTING + 4)] == [0, 1, 1]


def test_comments_one_below_the_other_are_one_finding() -> None:
    text = "// a = 1;\n// f(a);\n// g(a);\nb();\n// a = 1;\n// f(a);\n"
    assert lint_findings(text, "JavaScript")["commented_out_code"] == 2


def test_every_import_that_is_not_used_counts() -> None:
    text = "import {a, b, c as d, e} from 'f';\nimport type {G} from 'h';\na(e);\n"
    assert lint_findings(text, "TypeScript")["unused_import"] == 3


def test_three_equal_cases_are_two_findings() -> None:
    text = "switch (a) { case 1: f(); break; case 1: g(); break; case 1: h(); }"
    assert lint_findings(text, "JavaScript")["duplicated_case"] == 2


@settings(deadline=None, max_examples=60)
@given(
    st.text(st.sampled_from("(){}[];=<>'\"#/*$\n ab1é\ud800?:.,ifelse@"), max_size=200), st.sampled_from(list(GRAMMARS))
)
def test_any_text_gives_the_same_findings_twice(text: str, language: str) -> None:
    found = lint_findings(text, language)
    assert found == lint_findings(text, language)
    assert set(found) <= set(rules_of(language))
    assert all(number > 0 for number in found.values())

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.licence_rules import LicenceRules, policy_table
from filters.licence_sets import licence_set

RULES = LicenceRules(licence_set("permissive"))


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, bool]:
    """An expression over allowed ids and forbidden ones, and whether it can be satisfied."""
    operator = draw(st.sampled_from(["", "AND", "or"])) if depth else ""
    if not operator:
        identifier = draw(st.sampled_from(["MIT", "isc", "Zlib", "GPL-3.0-only", "MPL-2.0"]))
        exception = draw(st.sampled_from(["", " WITH LLVM-exception"]))
        return identifier + exception, identifier[:3] not in ("GPL", "MPL")
    operands = draw(st.lists(expressions(depth - 1), min_size=2, max_size=3))
    text = f" {operator} ".join(f"({operand})" for operand, _ in operands)
    return text, (all if operator == "AND" else any)(satisfied for _, satisfied in operands)


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("MIT", ("MIT",)),
        ("mit", ("MIT",)),
        ("apache-2.0 and mit", ("Apache-2.0", "MIT")),
        ("MIT AND MIT", ("MIT",)),
        ("GPL-3.0-only OR MIT", ("MIT",)),
        ("MIT OR Apache-2.0", ("Apache-2.0",)),
        ("MIT OR (ISC AND BSD-3-Clause)", ("BSD-3-Clause", "ISC")),
        ("(MIT OR GPL-2.0-only) AND (Zlib OR GPL-2.0-only)", ("MIT", "Zlib")),
        ("apache-2.0 WITH LLVM-exception", ("Apache-2.0 WITH LLVM-exception",)),
        ("MIT OR GPL-2.0-only AND ISC", ("MIT",)),
    ],
)
def test_allowed_expression_and_what_is_chosen(expression: str, chosen: tuple[str, ...]) -> None:
    verdict = RULES.verdict(expression)
    assert (verdict.chosen, verdict.failing, verdict.word) == (chosen, (), None)


@pytest.mark.parametrize(
    ("expression", "failing", "word"),
    [
        ("GPL-3.0-only", ("GPL-3.0-only",), "copyleft"),
        ("lgpl-2.1+", ("lgpl-2.1+",), "copyleft"),
        ("MIT AND GPL-3.0-only", ("GPL-3.0-only",), "copyleft"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ("GPL-2.0-only WITH Classpath-exception-2.0",), "copyleft"),
        ("GPL-2.0-only OR (MIT AND LGPL-2.1-only)", ("GPL-2.0-only", "LGPL-2.1-only"), "copyleft"),
        ("Artistic-2.0", ("Artistic-2.0",), "copyleft"),
        ("CC-BY-NC-4.0", ("CC-BY-NC-4.0",), "proprietary"),
        ("LicenseRef-scancode-proprietary-license", ("LicenseRef-scancode-proprietary-license",), "proprietary"),
        ("BUSL-1.1 AND Example-1.0", ("BUSL-1.1", "Example-1.0"), "proprietary"),
        ("CC-BY-NC-4.0 AND GPL-2.0-only", ("CC-BY-NC-4.0", "GPL-2.0-only"), "copyleft"),
        ("Example-1.0 AND JSON", ("Example-1.0", "JSON"), "unknown"),
        ("MIT AND NOASSERTION", ("NOASSERTION",), "unknown"),
        ("JSON", ("JSON",), "not_allowed"),
        ("CC-BY-4.0 OR JSON", ("CC-BY-4.0", "JSON"), "not_allowed"),
        ("MIT+", ("MIT+",), "not_allowed"),
        ("GPL-3.0-only OR LLVM-exception", ("GPL-3.0-only", "LLVM-exception"), "copyleft"),
        ("MIT OR", (), None),
    ],
)
def test_expression_that_is_not_allowed_and_what_stops_it(expression: str, failing: tuple[str, ...], word: str) -> None:
    verdict = RULES.verdict(expression)
    assert (verdict.chosen, verdict.failing, verdict.word) == ((), failing, word)


def test_exception_allowed_as_a_whole() -> None:
    rules = LicenceRules(frozenset({"GPL-2.0-only WITH Classpath-exception-2.0"}))
    assert rules.verdict("gpl-2.0-only with classpath-exception-2.0").chosen == (
        "GPL-2.0-only WITH Classpath-exception-2.0",
    )
    assert rules.verdict("GPL-2.0-only").word == "copyleft"


def test_what_is_denied_is_so_under_every_name_and_with_every_exception() -> None:
    rules = LicenceRules(frozenset({"MIT", "GPL-2.0", "GPL-2.0-only"}), frozenset({"GPL-2.0-only"}))
    for expression in ("GPL-2.0-only", "gpl-2.0", "GPL-2.0 WITH Classpath-exception-2.0"):
        assert rules.verdict(expression).chosen == ()
    assert rules.verdict("GPL-2.0 OR MIT").chosen == ("MIT",)
    whole = LicenceRules(frozenset({"GPL-2.0-only"}), frozenset({"GPL-2.0-only WITH Linux-syscall-note"}))
    assert whole.verdict("GPL-2.0-only").chosen
    assert not whole.verdict("GPL-2.0-only WITH Linux-syscall-note").chosen


NEUTRAL = sorted(licence_set("neutral"))


@pytest.mark.parametrize("licence", NEUTRAL)
def test_neutral_entry_is_passed_over_beside_a_licence_and_nothing_alone(licence: str) -> None:
    assert RULES.verdict(f"{licence} AND MIT").chosen == ("MIT",)
    assert RULES.verdict(f"({licence} OR {licence}) AND MIT").chosen == ("MIT",)
    assert RULES.verdict(licence).is_neutral
    assert RULES.verdict(f"GPL-3.0-only OR {licence}").word == "copyleft"
    assert not RULES.verdict(f"GPL-3.0-only OR {licence}").is_neutral


def test_neutral_entry_that_the_recipe_names_is_neutral_no_more() -> None:
    reference = "LicenseRef-scancode-unknown-license-reference"
    allowing = LicenceRules(frozenset({"MIT", reference}))
    denying = LicenceRules(frozenset({"MIT"}), frozenset({reference}))
    assert allowing.verdict(reference).chosen == (reference,)
    assert denying.verdict(f"MIT AND {reference}").failing == (reference,)


def test_choice_is_told_with_all_its_ids() -> None:
    assert RULES.verdict("MIT OR (GPL-2.0-only AND ISC)").choice_of == {"mit", "gpl-2.0-only", "isc"}
    for expression in ("MIT AND ISC", "GPL-2.0-only OR GPL-3.0-only", "MIT OR"):
        assert RULES.verdict(expression).choice_of == frozenset()


@given(expressions())
def test_verdict_agrees_with_boolean_logic(case: tuple[str, bool]) -> None:
    expression, satisfied = case
    verdict = RULES.verdict(expression)
    assert bool(verdict.chosen) == satisfied == (not verdict.failing)


@given(expressions())
def test_chosen_licences_are_allowed_ones_in_order(case: tuple[str, bool]) -> None:
    chosen = RULES.verdict(case[0]).chosen
    assert list(chosen) == sorted(set(chosen))
    assert {licence.removesuffix(" WITH LLVM-exception") for licence in chosen} <= licence_set("permissive")


@given(expressions(), expressions())
def test_operands_commute(left: tuple[str, bool], right: tuple[str, bool]) -> None:
    for operator in ("AND", "OR"):
        one = RULES.verdict(f"({left[0]}) {operator} ({right[0]})")
        other = RULES.verdict(f"({right[0]}) {operator} ({left[0]})")
        assert (one.chosen, set(one.failing), one.word) == (other.chosen, set(other.failing), other.word)


@given(expressions(), expressions())
def test_and_is_monotone(case: tuple[str, bool], more: tuple[str, bool]) -> None:
    if not case[1]:
        assert not RULES.verdict(f"({case[0]}) AND ({more[0]})").chosen


@given(expressions(), st.sampled_from(["MIT", "isc", "Zlib"]))
def test_what_is_denied_is_never_chosen(case: tuple[str, bool], denied: str) -> None:
    rules = LicenceRules(licence_set("permissive"), frozenset({denied}))
    chosen = rules.verdict(case[0]).chosen
    assert not {licence.split(" WITH ")[0].casefold() for licence in chosen} & {denied.casefold()}
    assert case[1] or not chosen


def test_policy_table_says_what_happens() -> None:
    rows = {row.example: (row.beside, row.alone, row.choice) for row in policy_table()}
    assert rows["LicenseRef-scancode-unknown-license-reference"] == ("passed over", "no licence", "no choice")
    assert rows["LLVM-exception"] == ("passed over", "no licence", "no choice")
    assert rows["Apache-2.0 WITH LLVM-exception"] == ("allowed", "allowed", "chosen")
    assert rows["NOASSERTION"] == ("rejected: unknown", "no licence", "no choice")
    assert rows["LicenseRef-scancode-unknown"] == ("rejected: unknown", "rejected: unknown", "no choice")
    assert rows["Classpath-exception-2.0"] == ("rejected: copyleft", "rejected: copyleft", "no choice")
    assert rows["LicenseRef-scancode-other-permissive"][1] == "rejected: not_allowed"
    assert rows["LicenseRef-scancode-proprietary-license"][1] == "rejected: proprietary"
    assert len(rows) == len(policy_table())


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("MIT WITH LLVM-exception", None),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "copyleft"),
        ("Apache-2.0 WITH Commons-Clause", "unknown"),
        ("Apache-2.0 WITH LicenseRef-scancode-commons-clause", "proprietary"),
    ],
)
def test_only_an_exception_that_is_known_to_permit_leaves_a_licence_allowed(expression: str, word: str | None) -> None:
    assert RULES.verdict(expression).word == word
    whole = LicenceRules(frozenset({"Apache-2.0", expression}))
    assert whole.verdict(expression).chosen == (expression,)

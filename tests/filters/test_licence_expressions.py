import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.licence_expressions import (
    MAXIMUM_EXPRESSION_CHARACTERS,
    AllOf,
    Expression,
    Licence,
    OneOf,
    has_choice,
    ids_of,
    joined,
    licences_of,
    parsed,
    says_something,
)

MIT, ISC, GPL = Licence("MIT"), Licence("ISC"), Licence("GPL-2.0-only")


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        ("MIT", MIT),
        (" (MIT) ", MIT),
        ("mit", Licence("mit")),
        ("GPL-2.0+", Licence("GPL-2.0+")),
        ("MIT and ISC", AllOf((MIT, ISC))),
        ("MIT OR ISC OR GPL-2.0-only", OneOf((MIT, ISC, GPL))),
        ("MIT OR ISC AND GPL-2.0-only", OneOf((MIT, AllOf((ISC, GPL))))),
        ("(MIT OR ISC) AND GPL-2.0-only", AllOf((OneOf((MIT, ISC)), GPL))),
        ("GPL-2.0-only with Classpath-exception-2.0", Licence("GPL-2.0-only", "Classpath-exception-2.0")),
        ("LicenseRef-a", Licence("LicenseRef-a")),
    ],
)
def test_expression_as_a_tree(expression: str, tree: Expression) -> None:
    assert parsed(expression) == tree


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "MIT/Apache-2.0",
        "MIT, ISC",
        "MIT License",
        "MIT OR",
        "OR MIT",
        "(MIT",
        "MIT)",
        "()",
        "( or MIT)",
        "(AND MIT)",
        "{{ expression",
        "A WITH B WITH C",
        "(MIT OR ISC) WITH x",
        "\ud800",
        "(" * 40 + "MIT" + ")" * 40,
        "MIT OR " * MAXIMUM_EXPRESSION_CHARACTERS + "MIT",
        "(" * 10_000_000,
        "()" * 10_000_000,
    ],
)
def test_unreadable_expression(expression: str) -> None:
    assert parsed(expression) is None
    assert ids_of(expression) == frozenset()


def test_nesting_up_to_the_limit_is_read() -> None:
    assert parsed("(" * 32 + "MIT" + ")" * 32) == MIT
    assert parsed("(" * 33 + "MIT" + ")" * 33) is None


def test_licences_of_a_tree_in_their_order() -> None:
    assert licences_of(OneOf((MIT, AllOf((ISC, GPL)), MIT))) == (MIT, ISC, GPL, MIT)


def test_ids_are_those_of_licences_and_exceptions() -> None:
    assert ids_of("MIT OR Apache-2.0 WITH LLVM-exception") == {"mit", "apache-2.0", "llvm-exception"}


@pytest.mark.parametrize(
    ("expression", "expected"), [("MIT", False), ("MIT AND ISC", False), ("MIT AND (ISC OR X)", True), ("A OR B", True)]
)
def test_a_choice_anywhere_counts(expression: str, *, expected: bool) -> None:
    tree = parsed(expression)
    assert tree is not None
    assert has_choice(tree) == expected


@pytest.mark.parametrize("expression", ["", " ", "NONE", "none", " NoAssertion\n"])
def test_words_that_say_nothing(expression: str) -> None:
    assert not says_something(expression)
    assert says_something(expression + " x")


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        ([], ""),
        (["MIT"], "MIT"),
        (["MIT OR ISC"], "MIT OR ISC"),
        (["MIT", "mit ", "ISC"], "MIT AND ISC"),
        (["MIT OR ISC", "Zlib"], "(MIT OR ISC) AND Zlib"),
        (["MIT", "A) OR (B", "ISC"], "A) OR (B"),
        (["MIT", "x" * 2_001], "x" * 2_001),
    ],
)
def test_joined_expressions(expressions: list[str], expected: str) -> None:
    assert joined(expressions) == expected


WORDS = st.sampled_from(["MIT", "GPL-3.0-only", "and", "OR", "with", "(", ")", "+", ":", "/", "\ud800", " "])
ANYTHING = st.one_of(st.text(st.characters()), st.lists(WORDS).map(" ".join), st.lists(WORDS).map("".join))


@given(ANYTHING)
def test_any_text_is_read_or_refused(expression: str) -> None:
    tree = parsed(expression)
    found = {name.casefold() for item in (licences_of(tree) if tree else ()) for name in (item.id, item.exception)}
    assert ids_of(expression) == found - {""}


@given(st.lists(ANYTHING, max_size=4))
def test_joining_frees_nothing_that_could_not_be_read(expressions: list[str]) -> None:
    said = [expression for expression in expressions if says_something(expression)]
    if parsed(joined(said)) is not None:
        assert ids_of(joined(said)) >= frozenset().union(*map(ids_of, said))
        assert all(parsed(expression) is not None for expression in said)

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.grammars import parse, parse_errors
from filters.preprocessor import brackets_pair, first_branches, unexplained_errors

TWO_HEADS = "#ifdef A\nint f(int a) {\n#else\nint f(void) {\n#endif\n  return 1;\n}\n"


def errors(text: str, language: str) -> int:
    encoded = text.encode()
    return unexplained_errors(parse(encoded, language), encoded, language).number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n#if X\nb\n#else\nc\n#endif\nd", "a\n\nb\n\n\n\nd"),
        ("#if 0\na\n#elif X\nb\n#else\nc\n#endif", "\n\n\nb\n\n\n"),
        ("#if 0\n#if X\na\n#endif\n#else\nb\n#endif", "\n\n\n\n\nb\n"),
        ("# ifndef X\n#define Y a \\\n  b\nc\n# endif", "\n\n\nc\n"),
        ("#endif\na\n#else\nb", "\na\n\nb"),
        ("#if 0x1\na\n#endif", "\na\n"),
        ("a // #if X\nb", "a // #if X\nb"),
        ("", ""),
    ],
)
def test_the_first_branch_of_every_conditional_stays(text: str, expected: str) -> None:
    assert first_branches(text.encode()).decode() == expected


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("f(a[1], {2});", True),
        ("f(a[1)]", False),
        ("if (a) {", False),
        ("}", False),
        ("\"(\" '{' // [\n/* ( */", True),
        ("'\\'' ( \"\\\"\" )", True),
        ("int a = 1'000'000; f(0xF'F)", True),
        ('R"(()" ( ); R"x(})" )x"', True),
        ('R"x( )"', True),
        ("/* (", True),
        ('"(\n)', False),
        ("", True),
    ],
)
def test_brackets_pair_outside_of_comments_and_literals(text: str, pair: bool) -> None:
    assert brackets_pair(text.encode()) is pair


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (TWO_HEADS, "C"),
        ("int f(void) NOTHROW RETURNS(1);\nOPCODE(A, B)\nOPCODE(C, D)\n", "C"),
        ("class EXPORTED A : public B { Q_OBJECT\n int f() NOEXCEPT; };\n", "C++"),
        ("class A\n#if X\n: B {\n#else\n: C {\n#endif\n}\n", "C#"),
    ],
)
def test_what_a_preprocessor_explains_is_no_error(text: str, language: str) -> None:
    assert parse_errors(parse(text.encode(), language)).number > 0
    assert errors(text, language) == 0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (TWO_HEADS[:-2], "C"),
        ("int f(void) NOTHROW {\n  if (a) {\n}\n", "C"),
        ("template <class T> T f(T a { return a; }\n", "C++"),
        ("class A {\n#if X\n int f( { }\n#endif\n}\n", "C#"),
        ("function f() {\n#if X\n", "JavaScript"),
    ],
)
def test_what_it_does_not_explain_is_one(text: str, language: str) -> None:
    assert errors(text, language) > 0


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(["#if 0", "#if A", "#else", "#elif B", "#endif", "f(", ")", "#define X \\", "/*", "x"]))
)
def test_resolving_keeps_the_lines_and_is_done_at_once(lines: list[str]) -> None:
    text = "\n".join(lines).encode()
    once = first_branches(text)
    assert once.count(b"\n") == text.count(b"\n")
    assert first_branches(once) == once
    assert isinstance(brackets_pair(once), bool)

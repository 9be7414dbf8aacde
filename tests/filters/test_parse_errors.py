import os
import resource

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.parse_errors import MAXIMUM_BYTES, parse_error_fraction
from manifests.document import Document

RIGHT = {
    "C": "int f(void) { return 1; }\n",
    "C#": "class A { int F() { return 1; } }\n",
    "C++": "template <class T> T f(T a) { return a; }\n",
    "Go": "package a\n\nfunc f() int { return 1 }\n",
    "JSON": '{"a": [1, null]}\n',
    "Java": "class A { int f() { return 1; } }\n",
    "JavaScript": "const f = (a) => a ?? 1;\n",
    "PHP": "<p><?php function f() { return 1; } ?></p>\n",
    "Python": "def f(a: int) -> int:\n    return a\n",
    "Ruby": "def f(a)\n  a\nend\n",
    "Rust": "fn f<'a>(a: &'a str) -> &'a str { a }\n",
    "TSX": "const f = (a: number) => <p>{a}</p>;\n",
    "TypeScript": "function f(a: number): number { return a; }\n",
}


def document(text: str, language: str) -> Document:
    return Document(id="", text=text, kind="code", source="", language=language)


@pytest.mark.parametrize("language", RIGHT)
def test_right_source_has_no_errors(language: str) -> None:
    assert parse_error_fraction(document(RIGHT[language], language)) == 0


@pytest.mark.parametrize("language", RIGHT)
def test_cut_off_source_has_errors(language: str) -> None:
    assert parse_error_fraction(document(RIGHT[language][:12] + "(", language)) > 0


def test_missing_token_counts_one_byte() -> None:
    text = "int f(void) { return 1 }"
    assert parse_error_fraction(document(text, "C")) == 1 / len(text)


def test_broken_line_counts_by_its_bytes() -> None:
    text = "a = 1\n" * 20
    assert parse_error_fraction(document(text + "b = = 1\n" + text, "Python")) == pytest.approx(2 / 248, abs=0.02)


@pytest.mark.parametrize(("text", "language"), [("", "C"), ("int f(", ""), ("int f(", "Fortran"), ("<p", "HTML")])
def test_nothing_to_parse_gives_zero(text: str, language: str) -> None:
    assert parse_error_fraction(document(text, language)) == 0


def test_too_long_a_text_is_not_parsed() -> None:
    assert parse_error_fraction(document("[" * (MAXIMUM_BYTES + 1), "JSON")) == 0


@pytest.mark.parametrize(
    ("piece", "language"),
    [
        ("x=>", "C"),
        ("a<b<", "C++"),
        ("()", "C#"),
        ("/* x", "Python"),
        ("x=>", "Java"),
        ("->return", "Rust"),
        ("(", "Go"),
    ],
)
def test_hostile_input_costs_no_more_than_its_limits(piece: str, language: str) -> None:
    reader, writer = os.pipe()
    child = os.fork()  # the largest child of a process that had no other
    if child == 0:
        try:
            present = psutil.Process().memory_info().rss // 1024  # of all other tests, which a child starts with
            share = parse_error_fraction(document(piece * 16_000, language))
            kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - present
            os.write(writer, f"{share} {kilobytes}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        share, kilobytes = map(float, answer.read().split())
    os.waitpid(child, 0)
    assert 0 < share <= 1
    assert kilobytes < 400_000


@settings(deadline=None, max_examples=25)  # each is a process
@given(st.text(st.sampled_from("(){}[]<>'\"#/*;= \n\x00é\ud800ifdef")), st.sampled_from(sorted(RIGHT)))
def test_any_text_gives_a_share(text: str, language: str) -> None:
    value = parse_error_fraction(document(text, language))
    assert 0 <= value <= 1
    assert parse_error_fraction(document(text, language)) == value

import pytest

from filters.code_structure import top_level_units


def pieces(text: str, language: str) -> list[str]:
    return [text[start:stop] for start, stop in top_level_units(text, language)]


UNITS = [
    (
        "Python",
        [
            "# Licence\n\nimport a\n",
            "import b\n\n",
            "# about f\n@c\ndef f():\n    # in f\n    x()\n    # last of f\n\n",
            "f()  # why\n",
        ],
    ),
    ("Python", ["def f(): pass\n    # indented\n", "x = 1; y = 2\n"]),
    ("C", ["/* a */\n#include <a.h>\n", "/* b */\nint f(void)\n{ }\n\n", "// c\n\n// d\nint g; int h;\n"]),
    ("Java", ["package a;\n\n", "import b;\n", "/** c */\n@D\nclass C { }\n// e\n"]),
    ("Rust", ["use a;\n", "// b\n#[derive(B)]\n#[c]\nstruct A;\n", "fn f() {}\n"]),
    ("Go", ["package a\n\n", "func f() {\n}\n\n", "var x = `\nfunc g() {\n}\n`\n"]),
    ("Ruby", ["x = <<A\ndef f\nA\n", "def g\nend\n"]),
    ("JavaScript", ["'use strict';\n", "/** a */\nexport function f() {}\n", "f()"]),
]


@pytest.mark.parametrize(("language", "expected"), UNITS)
def test_units_begin_with_their_comments(language: str, expected: list[str]) -> None:
    assert pieces("".join(expected), language) == expected


def test_spans_count_characters() -> None:
    text = "\ufeff# é\U0001f600\r\nx = 'ß'\r\n\r\n# ü\r\ny = 2\r\n"
    assert pieces(text, "Python") == ["\ufeff# é\U0001f600\r\nx = 'ß'\r\n\r\n", "# ü\r\ny = 2\r\n"]


def test_nothing_is_cut_behind_an_error_before_the_next_definition() -> None:
    text = "int a;\nint f( {\nx();\ny();\n}\nint g(void) { return 1; }\n"
    assert "int f( {\nx();\ny();\n}\n" in "".join(pieces(text, "C")[1:])
    assert len(pieces(text, "C")) <= 3


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "Python"),
        ("# a\n", "Python"),
        ("<?php\nf();\n\ng();\n", "PHP"),
        ('{"a": 1,\n"b": 2}\n', "JSON"),
        ("a\nb", ""),
    ],
)
def test_what_cannot_be_cut_is_one_unit(text: str, language: str) -> None:
    assert top_level_units(text, language) == [(0, len(text))]

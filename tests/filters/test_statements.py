import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.signals import Signal
from filters.statement_patterns import PATTERNS
from filters.statements import (
    assert_line_fraction,
    function_line_fraction,
    import_line_fraction,
    is_go_test,
    no_logic_line_fraction,
    num_main_functions,
    num_variable_lines,
    one_line_function_fraction,
    pass_line_fraction,
    preprocessor_line_fraction,
    print_line_fraction,
)
from manifests.document import Document

SOURCES = {
    "Python": '''"""Doc."""
import os
from a import (b,
    c)
class A(B):
    x: int = 3
    def f(self):
        """Doc."""
        return 1
    async def g(self, a,
          b):
        # def no():
        if x == 1:
            pass
        y = [1, passed]
        print("import x")
        assert passed
        return y + 1
''',
    "C": """#include <stdio.h>
# define X 1
static int f(int a, char *b);
int main(void)
{
    unsigned int x = 3;
    int y;
    struct node *z[3];
    printf("int f(int)");
    if (x) { }
    else if (x) { }
    foo(x);
    return foo(x);
    return x;
}
""",
    "C++": """#include <iostream>
template <typename T>
class A : public B {
    std::vector<int> f(const T& a) const {
        std::cout << a;
        return a;
    }
};
int A::g() { delete foo(1); }
""",
    "Java": """package x;
import java.util.*;
public class A extends B {
    private final List<String> names = new ArrayList<>();
    int z;
    public A(int x) {
        this.x = x;
        return new Foo(x);
    }
    @Override
    public static Map<String, Integer> get(int a) throws X {
        System.out.println("x");
        return a;
    }
}
""",
    "C#": """using System;
namespace X {
    public class A {
        private string b;
        public int F(string a) {
            var c = a;
            Console.WriteLine(c);
            return 1;
        }
    }
}
""",
    "Go": """package main
import (
\t"fmt"
\tx "a/b"
)
import "os"
type T struct {
\ta int
}
func (t *T) F(a int) error {
\tx := 1
\tvar y int
\tfmt.Println("x")
\treturn nil
}
""",
    "JavaScript": """import a from "b";
const x = require("y");
class A {
  constructor(a) {
    this.a = a;
  }
  async get() { return 1 }
}
const f = (a, b) => {
  if (a) {
    console.log(a);
  }
  return a;
};
function g() {}
let z = 1;
""",
}


def document(text: str, language: str, path: str = "") -> Document:
    return Document(id="", text=text, kind="code", source="", language=language, path=path)


@pytest.mark.parametrize(
    ("language", "signal", "num_lines", "of"),
    [
        ("Python", function_line_fraction, 2, 15),
        ("Python", one_line_function_fraction, 1, 15),
        ("Python", import_line_fraction, 2, 15),
        ("Python", pass_line_fraction, 1, 15),
        ("Python", print_line_fraction, 1, 15),
        ("Python", assert_line_fraction, 1, 15),
        ("Python", no_logic_line_fraction, 7, 15),  # 2 functions, 2 imports, a class, a return, a variable
        ("C", function_line_fraction, 2, 15),
        ("C", import_line_fraction, 1, 15),
        ("C", preprocessor_line_fraction, 2, 15),
        ("C", print_line_fraction, 1, 15),
        ("C", no_logic_line_fraction, 5, 15),
        ("C++", function_line_fraction, 2, 9),
        ("C++", print_line_fraction, 1, 9),
        ("C++", no_logic_line_fraction, 5, 9),
        ("Java", function_line_fraction, 2, 15),
        ("Java", import_line_fraction, 1, 15),
        ("Java", print_line_fraction, 1, 15),
        ("Java", no_logic_line_fraction, 6, 15),
        ("C#", function_line_fraction, 1, 11),
        ("C#", import_line_fraction, 1, 11),
        ("C#", print_line_fraction, 1, 11),
        ("C#", no_logic_line_fraction, 5, 11),
        ("Go", function_line_fraction, 1, 15),
        ("Go", import_line_fraction, 4, 15),
        ("Go", print_line_fraction, 1, 15),
        ("Go", no_logic_line_fraction, 8, 15),
        ("JavaScript", function_line_fraction, 4, 16),
        ("JavaScript", import_line_fraction, 2, 16),
        ("JavaScript", print_line_fraction, 1, 16),
        ("JavaScript", no_logic_line_fraction, 9, 16),
    ],
)
def test_shares_of_lines(language: str, signal: Signal, num_lines: int, of: int) -> None:
    assert signal(document(SOURCES[language], language)) == pytest.approx(num_lines / of)


@pytest.mark.parametrize(
    ("language", "expected"), [("Python", 2), ("C", 3), ("Java", 2), ("C#", 2), ("Go", 2), ("JavaScript", 3)]
)
def test_variables(language: str, expected: int) -> None:
    assert num_variable_lines(document(SOURCES[language], language)) == expected


def test_main_functions() -> None:
    assert num_main_functions(document(SOURCES["C"], "C")) == 1
    assert num_main_functions(document(SOURCES["C"] * 2 + "int\nmain(int c,\n  char **v)\n{ domain(); }", "C++")) == 3


@pytest.mark.parametrize(("path", "expected"), [("/a.c", 2 / 15), ("", 2 / 15), ("/a.h", 0), ("/A.HPP", 0)])
def test_headers_have_no_preprocessor_lines(path: str, expected: float) -> None:
    assert preprocessor_line_fraction(document(SOURCES["C"], "C", path)) == pytest.approx(expected)


@pytest.mark.parametrize(("path", "expected"), [("/a/b_test.go", 1), ("/a/b.go", 0), ("", 0)])
def test_go_tests_are_told_by_their_path(path: str, expected: float) -> None:
    assert is_go_test(document("", "Go", path)) == expected


def test_one_line_functions() -> None:
    text = "def f(): return 1\ndef g(a: int) -> int:\n    return a\n"
    text += "def h(\n    a,\n):\n    return a\ndef i():\n    x()\n    return 1\n"
    assert one_line_function_fraction(document(text, "Python")) == 3 / 10
    assert one_line_function_fraction(document("def f(): return 1\n", "Python")) == 1


def test_words_are_whole() -> None:
    assert pass_line_fraction(document("bypass\npassed = 1\npass_()\n", "Python")) == 0
    assert import_line_fraction(document("important = 1\nimportlib.x()\n", "Python")) == 0


def test_comments_and_strings_are_no_statements() -> None:
    assert print_line_fraction(document("# print(1)\nx = 'print(1)'\n", "Python")) == 0
    assert assert_line_fraction(document('// assert\nx = "assert";\n', "Java")) == 0


def test_assertions_count_in_every_language_and_case() -> None:
    assert assert_line_fraction(document("AssertEquals(a)\nb\n", "")) == 0.5


@pytest.mark.parametrize("language", ["", "Text", "Kotlin"])
def test_other_languages_have_no_statements(language: str) -> None:
    assert function_line_fraction(document(SOURCES["Java"], language)) == 0
    assert num_variable_lines(document(SOURCES["Java"], language)) == 0


@given(
    st.lists(
        st.sampled_from(
            [*"(){};:=\"'\n\t *#", "def f", "return x", "int f", "import ", "class A", "é", "\x00", "var x"]
        )
    ),
    st.sampled_from(sorted(PATTERNS)),
)
def test_shares_stay_within_bounds(pieces: list[str], language: str) -> None:
    source = document("".join(pieces), language)
    for signal in (function_line_fraction, import_line_fraction, print_line_fraction, one_line_function_fraction):
        assert 0 <= signal(source) <= 1
    assert 0 <= no_logic_line_fraction(source) <= 1
    assert num_variable_lines(source) >= 0

import pytest

from filters.code_structure import code_structure

# language -> (source, public names); names tell what they are
CASES = [
    (
        "Python",
        "class _A:\n def f(self): x()\nclass B:\n def __call__(self): x()\n def __g(self): x()",
        ["B", "B.__call__"],
    ),
    ("Python", "def f():\n def g(): x()\n class A: pass", ["f"]),
    (
        "Java",
        "class A { class B { public void f() { } } private class C { public void g() { } } }",
        ["A", "A.B", "A.B.f"],
    ),
    ("Java", "enum A { B { public void f() { } }; public void g() { } }", ["A", "A.g"]),
    ("Java", "public @interface A { int f() default 1; }", ["A", "A.f"]),
    ("C#", "struct A { public static A operator +(A a, A b) => a; ~A() { } void I.F() { } }", ["A", "A.operator+"]),
    ("C#", "namespace A; delegate int F(int a); void G() { }", ["F"]),
    ("C#", "class A { public int this[int i] { get { return 1; } } internal int P => 1; }", ["A", "A.this"]),
    ("C++", "struct A { void f(); private: void g(); protected: static void h(); };", ["A", "A.f", "A.h"]),
    ("C++", "class A { void f(); }; static void g(); namespace { class B { public: void h(); }; }", ["A"]),
    ("C", "static int f(void); inline int g(void) { int h(int); return 1; }", ["g"]),
    ("Go", "type a struct{}\nfunc (x a) F() { x() }\nfunc (x *A[T]) g() { x() }\nfunc init() { x() }", ["a.F"]),
    (
        "Rust",
        "struct A; impl A { pub(crate) fn f() { x() } fn g() { x() } } mod m { pub fn h() { x() } }",
        ["A.f", "m.h"],
    ),
    ("Rust", "trait A { fn f(); } mod m { fn main() { x() } } macro_rules! g { () => {} }", ["g!"]),
    (
        "JavaScript",
        "define(['a'], function (a) { function f() { x(); } return { g: function () { x(); } }; });",
        ["f", "g"],
    ),
    ("JavaScript", "(function (r, f) { x(f); })(this, function () { function g() { x(); } });", ["g"]),
    ("JavaScript", "!function () { var f = function () { x(); } }(); (() => { let g = () => 1; })();", ["f", "g"]),
    ("JavaScript", "$.ajax({ done: function () { x(); } }); it('a', () => { function f() { x(); } });", []),
    ("JavaScript", "const a = { b: { f() { x(); } } }; A.prototype = { g: function () { x(); } };", ["A.g", "a.b.f"]),
    ("JavaScript", "export default { data() { x(); }, methods: { f() { x(); } } };", ["data", "methods.f"]),
    ("JavaScript", "function f() { x(); } export default f; export { f as g };", ["default", "f", "g"]),
    ("JavaScript", "class A { [f]() { function g() { x(); } } #h() { x(); } }", ["A"]),
    (
        "TypeScript",
        "namespace A.B { export function f() { x(); } } declare module 'm' { function g(): void }",
        ["A.B.f", "m.g"],
    ),
    ("PHP", "<?php trait A { private function f() { x(); } } $b = new class { function g() { x(); } };", ["A"]),
    (
        "Ruby",
        "class A\n private def f; x; end\n def g; x; end\n private_class_method def self.h; x; end\nend",
        ["A", "A.g"],
    ),
    (
        "Ruby",
        "class A\n private\n def f; x; end\n def self.g; x; end\n protected\n def h; x; end\nend",
        ["A", "A.h", "A.self.g"],
    ),
]


@pytest.mark.parametrize(("language", "text", "names"), CASES)
def test_public_is_what_others_can_call(language: str, text: str, names: list[str]) -> None:
    found = code_structure(text, language)
    assert found is not None
    assert list(found.public) == names

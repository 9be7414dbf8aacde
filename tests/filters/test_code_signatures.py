import pytest

from filters.code_structure import code_structure

ALIKE = [
    (
        "Python",
        "def f(a, b=1): return a",
        "def f(\n    a: int,  # count\n    b: str | None = None,\n) -> int:\n    return a",
    ),
    ("Python", "def f(a, b): return a", "def f(a, \\\n  b): return a"),
    ("Python", "def f(*a, **k): x()", "def f(*a: int, **k: str): x()"),
    ("JavaScript", "function f(a, b = 1) { x(); }", "const f = async (a, b = 2) => { x(); };"),
    ("JavaScript", "function f({ a, b }) { x(); }", "function f({\n  a,\n  b,\n}) { x(); }"),
    ("JavaScript", "const f = a => a;", "const f = (a) => { return a; };"),
    ("JavaScript", "exports.f = function (a) { x(); };", "export function f(a) { x(); }"),
    ("TypeScript", "function f(a, b?) { x(); }", "function f(a: number, b: string = ''): void { x(); }"),
    ("PHP", "<?php function f($a, $b = 1) { x(); }", "<?php function f(int $a, ?int $b = null): int { x(); }"),
    (
        "PHP",
        "<?php class A { function __construct($a) { x(); } }",
        "<?php class A { function __construct(private $a) {} }",
    ),
    ("Ruby", "def f(a, b = 1)\n x\nend", "def f a, b = 2\n x\nend"),
    ("Java", "class A { public A f(int a) { x(); } }", "class A { public @N A f(final int count /* n */) { x(); } }"),
    ("Java", "class A { public void f(int a[]) { x(); } }", "class A { public void f(int[] b) throws E { x(); } }"),
    ("C#", "class A { public int f(int a = 1) { x(); } }", "class A { public async int f([In] int a = 2) => x(); }"),
    ("C", "int f(void) { x(); }", "int\nf()\n{ x(); }"),
    ("C", "char *f(const char *a, int b[]);", "char* f( const char * name, int values [] );"),
    ("C++", "int f(std::string a, int b = 1);", "auto f(string name, int b = 2) -> int;"),
    ("C++", "class A { public: void f(); };", "class A { public: [[nodiscard]] virtual void f() const noexcept; };"),
    ("Go", "func F(a int, b int) interface{} { x() }", "func F(a, b int) any { x() }"),
    ("Go", "func F() (n int, err error) { x() }", "func F() (int, error) { x() }"),
    ("Rust", "pub fn f() -> (A, B) { x() }", "pub fn f() -> (\n  A, // why\n  B,\n) { x() }"),
    ("Rust", "pub fn f(mut a: Box<T>) { x() }", "pub fn f(b: Box<dyn T>) { x() }"),
]
APART = [
    ("Python", "def f(a, b): return a", "def f(b, a): return a"),
    ("Python", "def f(a, b): return a", "def f(a, b=1): return a"),
    ("Python", "def f(a, b): return a", "def f(a, *, b): return a"),
    ("Python", "def f(a): return a", "def f(a, /): return a"),
    ("Python", "def f(a): return a", "async def f(a): return a"),
    ("Python", "def f(a): return a", "def f(*a): return a"),
    ("JavaScript", "function f(a) { x(); }", "function f(a, b) { x(); }"),
    ("JavaScript", "function f(a) { x(); }", "function f(...a) { x(); }"),
    ("TypeScript", "function f(a: number) { x(); }", "function f(a?: number) { x(); }"),
    ("PHP", "<?php function f($a) { x(); }", "<?php function f(&$a) { x(); }"),
    ("Ruby", "def f(a)\n x\nend", "def f(a:)\n x\nend"),
    ("Ruby", "def f(a:)\n x\nend", "def f(a: 1)\n x\nend"),
    ("Java", "class A { public void f(int a) { x(); } }", "class A { public void f(long a) { x(); } }"),
    ("Java", "class A { public void f() { x(); } }", "class A { public int f() { x(); } }"),
    ("Java", "record A(int a) { }", "record A(int a, int b) { }"),
    ("C#", "class A { public void f(int a) { x(); } }", "class A { public void f(int b) { x(); } }"),
    ("C#", "class A { public void f(int a) { x(); } }", "class A { public void f(ref int a) { x(); } }"),
    ("C#", "record A(int a);", "record A(int b);"),
    ("C", "int f(int a);", "int f(int *a);"),
    ("C", "int f(int a);", "long f(int a);"),
    ("C", "int f(int a);", "int f(int a, ...);"),
    ("C", "#define F(a) a\n", "#define F(a, b) a\n"),
    ("C++", "void f(A& a);", "void f(A&& a);"),
    ("C++", "void f(int a);", "void f(int a = 1);"),
    ("Go", "func F(a int) { x() }", "func F(a ...int) { x() }"),
    ("Go", "func F() error { x() }", "func F() { x() }"),
    ("Rust", "pub fn f(a: &T) { x() }", "pub fn f(a: &mut T) { x() }"),
    ("Rust", "pub fn f(a: T) { x() }", "pub async fn f(a: T) { x() }"),
]


def public(text: str, language: str) -> dict[str, str]:
    found = code_structure(text, language)
    assert found is not None
    assert found.public
    return dict(found.public)


@pytest.mark.parametrize(("language", "one", "other"), ALIKE)
def test_style_keeps_the_signature(language: str, one: str, other: str) -> None:
    assert public(one, language) == public(other, language)


@pytest.mark.parametrize(("language", "one", "other"), APART)
def test_what_callers_must_know_is_in_the_signature(language: str, one: str, other: str) -> None:
    before, after = public(one, language), public(other, language)
    assert before.keys() == after.keys()
    assert before != after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int (*f)(int);", {}),
        ("int (f)(int);", {"f": "(int)->int;"}),
        ("void (*f(int a))(char) { x(); }", {"f": "(int)->void*"}),
        ("int a[3], b = f(1);", {}),
        ("unsigned long f(unsigned char (*a)[3]);", {"f": "(unsignedchar(*)[3])->unsignedlong;"}),
        ("__attribute__((cold)) void f(register int a);", {"f": "(registerint)->void;"}),
        ("int f(int (*call)(int a), void *);", {"f": "(int(*)(inta),void*)->int;"}),
    ],
)
def test_declarators_of_c(text: str, expected: dict[str, str]) -> None:
    found = code_structure(text, "C")
    assert found is not None
    assert dict(found.public) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("template <> void A<B<int>>::f<char>(int) { x(); }", {"A.f": "(int)->void"}),
        ("struct A { explicit operator bool() const; };", {"A": "type", "A.operator bool": "()->bool;"}),
        ("A& a::b::A<T>::operator<<(int) { x(); }", {"a.b.A.operator<<": "(int)->A&"}),
        ('extern "C" { int f(int); }', {"f": "(int)->int;"}),
        ("namespace a::b { void f(); }", {"a.b.f": "()->void;"}),
        ("template <class... T> void f(T&&... a);", {"f": "(T&&...)->void;"}),
    ],
)
def test_declarators_of_cpp(text: str, expected: dict[str, str]) -> None:
    found = code_structure(text, "C++")
    assert found is not None
    assert dict(found.public) == expected

import pytest

from filters.code_structure import code_structure
from filters.code_stubs import is_placeholder

STUBS = [
    ("Python", "def f(): pass"),
    ("Python", "def f():\n    '''Doc.'''\n    ..."),
    ("Python", "def f():\n    '''Doc.'''"),
    ("Python", "def f():\n    # rest of the code\n    raise NotImplementedError('x')"),
    ("Python", "def f():\n    # ... existing code ...\n    return None"),
    ("Python", "def f():\n    # the rest of the function\n\nx = 1"),
    ("Java", 'class f { void f() { throw new RuntimeException("Not implemented yet"); } }'),
    ("Java", "class f { f() { } }"),
    ("C", "int f(void) { /* implementation unchanged */ return 0; }"),
    ("C++", "A::f() { }"),
    ("C#", "class f { void f() => throw new NotImplementedException(); }"),
    ("Go", "func f() {\n\t// your code here\n\treturn nil\n}"),
    ("Go", 'func f() { panic("TODO") }'),
    ("Rust", 'fn f() { unimplemented!("later") }'),
    ("Rust", "fn f() -> u8 { todo!() }"),
    ("JavaScript", "const f = () => {};"),
    ("JavaScript", "exports.f = function () { throw new Error('not implemented'); };"),
    ("PHP", "<?php function f() { throw new \\RuntimeException('todo'); }"),
    ("Ruby", "def f\n  # same as before\nend"),
    ("Ruby", "def f; raise NotImplementedError, 'x'; end"),
]
BODIES = [
    ("Python", "def f():\n    return None"),
    ("Python", "def f():\n    '''Doc.'''\n    x()"),
    ("Python", "def f():\n    pass\n    x()"),
    ("Python", "def f():\n    raise ValueError('a thing')"),
    ("Python", "def f():\n    # rest of the code\n    return x()"),
    ("Java", "interface f { void f(); }"),
    ("C", "int f(void) { return 0; }"),
    ("C", "int f(void);"),
    ("C++", "A::f() : a(1) { }"),
    ("C#", "class f { f() : base(1) { } int g() => 1; int h { get; set; } }"),
    ("TypeScript", "class f { constructor(private a: string) { } }"),
    ("JavaScript", "const f = x => x;"),
    ("PHP", "<?php class f { function __construct(private $a) { } }"),
    ("Ruby", "def f = 1"),
]


def stubs(text: str, language: str) -> frozenset[str]:
    found = code_structure(text, language)
    assert found is not None
    return found.stubs


@pytest.mark.parametrize(("language", "text"), STUBS)
def test_body_that_is_not_there_is_a_stub(language: str, text: str) -> None:
    assert {name.rpartition(".")[2] for name in stubs(text, language)} == {"f"}


@pytest.mark.parametrize(("language", "text"), BODIES)
def test_body_that_does_something_is_none(language: str, text: str) -> None:
    assert stubs(text, language) == frozenset()


@pytest.mark.parametrize(
    "comment",
    [
        "# ... rest of the code ...",
        "// rest of the code remains the same",
        "/* The rest of your implementation goes here */",
        "# ... existing code ...",
        "// ... other methods",
        "// unchanged",
        "# implementation omitted for brevity",
        "// Existing imports remain unchanged",
        "# add your code here",
        "# TODO: implement",
        "# ...",
        "// …",
        "<!-- same as before -->",
        "// [previous code here]",
        "// implement this method here",
    ],
)
def test_comments_that_stand_for_code(comment: str) -> None:
    assert is_placeholder(comment)


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "//",
        "# The rest of the header is syntactically valid",
        "# The Original Code is mozilla.org code.",
        "/* Same as above, except check type_T. */",
        "// pick a remaining element...",
        "# Other functions",
        "// the value is left unchanged by callers",
        "# TODO: faster",
        "# and so on, for the rest of a long sentence that goes on ...",
        "# ... " + "rest of the code " * 30,
    ],
)
def test_ordinary_comments(comment: str) -> None:
    assert not is_placeholder(comment)

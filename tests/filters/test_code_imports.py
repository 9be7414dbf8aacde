import pytest

from filters.code_structure import code_structure

CASES = [
    (
        "Python",
        "from __future__ import annotations\nfrom . import a\nfrom ..b.c import *",
        {"__future__", ".", "..b.c"},
    ),
    ("Python", "try:\n import a\nexcept ImportError:\n import b as a", {"a", "b"}),
    ("Java", "import a.b.*; import a.C.D; import static a.d.E.f; import F;", {"a.b", "a", "a.d", "F"}),
    ("Java", "import static a.b.c;", {"a.b"}),
    ("C", '#ifdef A\n# include <a/b.h>\n#else\n#include "c.h" // why\n#include D\n#endif\n', {"<a/b.h>", '"c.h"', "D"}),
    (
        "C#",
        "global using A; using static B.C; using D = E.F; namespace G.H; class I { void f() { using (x) { } } }",
        {"A", "B.C", "E.F"},
    ),
    ("C#", "using A.B; namespace A.B { }", set()),
    ("Go", 'import "a"\nimport (\n _ "b/c"\n . `d`\n)', {"a", "b/c", "d"}),
    (
        "Rust",
        "use a::{self, b::{c, d as e}}; use f; use {g::h, r#i}; use self::j::*;",
        {"a", "f", "g", "r#i", "self::j"},
    ),
    ("Rust", "use Kind::*; fn f() { use super::super::a; } mod b; mod c { }", {"super::super::a", "self::b"}),
    (
        "JavaScript",
        "export * from 'a'; if (x) { require(`b`); require('c'); } async () => import(/* why */ 'd');",
        {"a", "c", "d"},
    ),
    ("JavaScript", "define(['a', \"b\"], f); load(['c']); x.require('d'); require(y);", {"a", "b"}),
    ("TypeScript", "import type { A } from './a'; import b = require('b'); import c = A.B;", {"./a", "b"}),
    (
        "PHP",
        "<?php namespace A\\B; use A\\B\\C; use function D\\e; use F\\{G, H\\I as J}; use K;",
        {"D", "F", "F\\H", "\\"},
    ),
    (
        "PHP",
        "<?php include 'a.php'; require dirname(__FILE__) . \"/b.php\"; include $c;",
        {"a.php", "/b.php", "include$c"},
    ),
    (
        "Ruby",
        "require \"a/b\"\nrequire_relative '../c'\nautoload :D, 'd'\nx.require 'e'\nrequire f",
        {"a/b", "./../c", "d"},
    ),
]


@pytest.mark.parametrize(("language", "text", "modules"), CASES)
def test_imports_anywhere_in_a_file(language: str, text: str, modules: set[str]) -> None:
    found = code_structure(text, language)
    assert found is not None
    assert found.imports == modules


def test_deep_groups_cost_no_more_than_their_text() -> None:
    found = code_structure("use " + "a::{" * 2000 + "b" + "}" * 2000 + ";", "Rust")
    assert found is not None
    assert found.imports == {"a"}

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.code_structure import CodeStructure, code_structure, structure_and_units, top_level_units
from filters.grammars import GRAMMARS

# language -> (source, public names with signatures, imports, stubs)
Case = tuple[str, dict[str, str], set[str], set[str]]
CASES: dict[str, Case] = {
    "Python": (
        '''\
import os.path, json as j
from .a import b

class Store(Base):
    """Doc."""
    def __init__(self, path: str, *, size=3) -> None:
        self.path = path
    def _hidden(self): pass
    async def read(self, *names, **more):
        import zlib
        return zlib

if x:
    def top(a, /, b=1): raise NotImplementedError("later")
''',
        {
            "Store": "type",
            "Store.__init__": "(self,path,*,size=)",
            "Store.read": "async(self,*names,**more)",
            "top": "(a,/,b=)",
        },
        {"os.path", "json", ".a", "zlib"},
        {"Store._hidden", "top"},
    ),
    "Java": (
        """\
import java.util.List;
import static org.junit.Assert.*;
public class Store<T> {
    public Store(final int size, String... names) { this.size = size; }
    protected List<T> read(int a[]) { throw new UnsupportedOperationException("later"); }
    void inner() { new Thread(new Runnable() { public void run() { } }); }
    private int hidden() { return 1; }
}
interface Source { byte[] next(); }
record Pair(int a, String b) { }
""",
        {
            "Store": "type",
            "Store.Store": "(int,String...)",
            "Store.read": "(int[])->List<T>",
            "Source": "type",
            "Source.next": "()->byte[]",
            "Pair": "type(int,String)",
        },
        {"java.util", "org.junit"},
        {"Store.read", "Store.inner.run"},
    ),
    "C#": (
        """\
using System.Text;
using Own.Space;
namespace Own.Space {
    public class Store {
        public Store(int size = 1) : base(size) { }
        public int Size { get; set; }
        protected void Read(ref int a, params string[] names) => throw new NotImplementedException();
        internal void Hidden() { }
    }
    interface ISource { void Next(); }
}
""",
        {
            "Store": "type",
            "Store.Store": "(int:size=)",
            "Store.Size": "->int",
            "Store.Read": "(ref:int:a,params:string[]:names)->void",
            "ISource": "type",
            "ISource.Next": "()->void",
        },
        {"System.Text"},
        {"Store.Read", "Store.Hidden"},
    ),
    "Go": (
        """\
package store
import (
    "fmt"
    y "gopkg.in/yaml.v3"
)
type Store struct { size int }
type Source interface { Next(n int) error }
func (s *Store) Read(a, b int, names ...string) (n int, err error) { panic("not implemented") }
func New(f func(int) string) *Store { return nil }
func hidden() { }
func main() { fmt.Println(y.A) }
""",
        {
            "Store": "type",
            "Source": "type",
            "Source.Next": "(int)->(error)",
            "Store.Read": "(int,int,...string)->(int,error)",
            "New": "(func(int)string)->(*Store)",
            "main": "()->()",
        },
        {"fmt", "gopkg.in/yaml.v3"},
        {"Store.Read", "hidden"},
    ),
    "Rust": (
        """\
use std::{fmt, io::Write as W};
use crate::model::{Item, sub::*};
extern crate serde;
mod tests;
pub struct Store<T> { size: T }
impl<T> Store<T> {
    pub fn new(size: T) -> Self { todo!() }
    fn hidden(&self) {}
}
impl fmt::Display for Store<u8> { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { Ok(()) } }
pub trait Source { fn next(&mut self) -> u8; }
fn main() { x(); }
""",
        {
            "Store": "type",
            "Store.new": "(T)->Self",
            "Store.fmt": "(&self,&mutfmt::Formatter<'_>)->fmt::Result",
            "Source": "type",
            "Source.next": "(&mutself)->u8",
            "main": "()",
        },
        {"std", "crate::model", "serde", "self::tests"},
        {"Store.new", "Store.hidden"},
    ),
    "C": (
        """\
#include <stdio.h>
#include "store.h"
#define MAX(a, b) ((a) > (b) ? (a) : (b))
struct store { int size; };
static int hidden(void) { return 1; }
char *store_read(const struct store *s, int a[], ...) { return 0; }
int store_open(void);
int (*hook)(int);
void store_close() { }
""",
        {
            "MAX": "(_,_)",
            "store": "type",
            "store_read": "(conststructstore*,int[],...)->char*",
            "store_open": "()->int;",
            "store_close": "()->void",
        },
        {"<stdio.h>", '"store.h"'},
        {"store_close"},
    ),
    "C++": (
        """\
#include <vector>
namespace own {
template <class T> class Store : public Base {
    int hidden() { return 1; }
public:
    Store(int size = 1) : size_(size) {}
    virtual ~Store() = default;
    std::vector<T> read(const std::string& name) const;
    bool operator<(const Store& other) const { return true; }
};
namespace { int local(); }
}
auto own::Store<int>::close(int&& a) -> void { throw std::logic_error("not implemented"); }
""",
        {
            "own.Store": "type",
            "own.Store.Store": "(int=)",
            "own.Store.~Store": "()",
            "own.Store.read": "(conststring&)->vector<T>;",
            "own.Store.operator<": "(constStore&)->bool",
            "own.Store.close": "(int&&)->void",
        },
        {"<vector>"},
        {"own.Store.close"},
    ),
    "JavaScript": (
        """\
import a, { b } from './a';
const c = require("c");
export default class Store {
  constructor(size = 1, { x, y }) { this.size = size; }
  #hidden() {}
  static read = (...names) => {};
}
(function ($) {
  function inner() { import('lazy'); return () => { function local() {} }; }
  $.fn.plugin = function (options) { return 1; };
})(jQuery);
Store.prototype.close = function () { throw new Error("TODO"); };
module.exports = { open: function (path) { return c; }, inner };
exports.again = inner;
""",
        {
            "Store": "type",
            "default": "type",
            "Store.constructor": "(size=,{x,y})",
            "Store.read": "(...names)",
            "Store.close": "()",
            "inner": "()",
            "$.fn.plugin": "(options)",
            "open": "(path)",
            "again": "()",
        },
        {"./a", "c", "lazy"},
        {"Store.#hidden", "Store.read", "Store.close", "inner.local"},
    ),
    "TypeScript": (
        """\
import fs = require("fs");
export { a as b } from "./a";
export abstract class Store<T> {
  constructor(private readonly size: number) {}
  private hidden(): void {}
  abstract read(this: Store<T>, name: string, more?: number): Promise<T>;
}
export interface Source { next(n: number): void }
declare function top(a: string): void;
export const f = async <T>(x: T, ...rest: T[]): Promise<void> => { throw new Error("Not implemented"); };
""",
        {
            "b": "",
            "Store": "type",
            "Store.constructor": "(size)",
            "Store.read": "(name,more=)",
            "Source": "type",
            "Source.next": "(n)",
            "top": "(a)",
            "f": "(x,...rest)",
        },
        {"fs", "./a"},
        {"Store.hidden", "f"},
    ),
    "TSX": (
        "export const View = ({ a }: Props) => <p>{a}</p>;\nfunction hook(): void { }\n",
        {"View": "({a})", "hook": "()"},
        set(),
        {"hook"},
    ),
    "PHP": (
        """\
<?php
namespace Own\\Space;
use Other\\{Thing, Sub\\Deep as D};
use Exception;
require_once __DIR__ . '/top.php';
class Store {
    public function __construct(private int $size, string &$name = 'x', ...$more) { }
    protected function hidden() { return 1; }
    function read(?int $a = null): array { throw new Exception('not implemented'); }
}
if (!function_exists('top')) { function top($x) { return fn ($y) => $y; } }
""",
        {
            "Store": "type",
            "Store.__construct": "($size,&$name=,...$more)",
            "Store.read": "($a=)",
            "top": "($x)",
        },
        {"Other", "Other\\Sub", "\\", "/top.php"},
        {"Store.read"},
    ),
    "Ruby": (
        """\
require 'json'
require_relative 'model/item'
module Own
  class Store < Base
    def initialize(size, name = 1, *rest, key:, other: 2, **more, &block)
      @size = size
    end
    def self.open; raise NotImplementedError; end
    class << self
      def close(x) = x
    end
    def listed; 1; end
    private :listed
    private
    def hidden; end
    public
    def read? = true
  end
end
""",
        {
            "Own": "type",
            "Own.Store": "type",
            "Own.Store.initialize": "(size,name=,*rest,key:,other:=,**more,&block)",
            "Own.Store.self.open": "()",
            "Own.Store.self.close": "(x)",
            "Own.Store.read?": "()",
        },
        {"json", "./model/item"},
        {"Own.Store.self.open", "Own.Store.hidden"},
    ),
    "JSON": ('{"a": [1]}\n', {}, set(), set()),
}


def structure(text: str, language: str) -> CodeStructure:
    found = code_structure(text, language)
    assert found is not None
    return found


def test_every_grammar_has_a_case() -> None:
    assert set(CASES) == set(GRAMMARS)


@pytest.mark.parametrize("language", CASES)
def test_structure_of_a_file(language: str) -> None:
    source, public, imports, stubs = CASES[language]
    found = structure(source, language)
    assert dict(found.public) == public
    assert found.imports == imports
    assert found.stubs == stubs
    assert (found.num_errors, found.error_bytes) == (0, 0)


def test_what_parses_around_an_error_has_its_structure() -> None:
    found = structure("import os\n\ndef f(a):\n    return 1\n\nx = = 2\n\ndef g(b):\n    return 2\n", "Python")
    assert dict(found.public) == {"f": "(a)", "g": "(b)"}
    assert found.imports == {"os"}
    assert (found.num_errors, found.error_bytes) == (1, 1)


def test_overloads_are_one_name_whatever_their_order() -> None:
    first, second = "public void f(int a) { x(); }", "public int f(String b) { return 1; }"
    one, other = (structure(f"class A {{ {body} }}", "Java") for body in (first + second, second + first))
    assert one.public["A.f"] == other.public["A.f"] == "(String)->int | (int)->void"


def test_lost_definition_shows_where_its_declaration_stays() -> None:
    declaration, definition = "int f(int a);\n", "int f(int b) { return b; }\n"
    assert structure(declaration + definition, "C").public == structure(definition, "C").public == {"f": "(int)->int"}
    assert structure(declaration, "C").public == {"f": "(int)->int;"}


def test_placeholder_comments_are_counted() -> None:
    text = "def f():\n    # ... rest of the code ...\n    return 1\n\n\n# your code here\n# a word about g\n"
    assert structure(text, "Python").placeholder_comments == 2


def test_no_grammar_gives_none() -> None:
    assert code_structure("x", "Fortran") is None
    assert structure_and_units("x", "Fortran") is None
    assert top_level_units("xé", "Fortran") == [(0, 2)]


@pytest.mark.parametrize(
    ("piece", "language"),
    [
        ("class A { ", "Java"),
        ("namespace a { ", "C++"),
        ("function f() { ", "JavaScript"),
        ("class A:\n ", "Python"),
        ("a::{", "Rust"),
    ],
)
def test_deep_nesting_is_read_to_an_end(piece: str, language: str) -> None:
    found = structure(piece * 300, language)
    assert all(len(name) < 2000 for name in [*found.public, *found.stubs])


def test_long_names_do_not_multiply() -> None:
    name = "a" * 100_000
    found = structure(f"class {name}:\n" + "".join(f"    def f{n}(self): return 1\n" for n in range(50)), "Python")
    assert len(found.public) == 51
    assert sum(map(len, found.public)) < 20_000


FRAGMENTS = st.lists(
    st.one_of(
        st.sampled_from([line + "\n" for source, *_ in CASES.values() for line in source.splitlines()]),
        st.text(st.sampled_from("(){}[]<>'\"#/*;=:.,!\\ \r\n\x00é\ufeff\U0001f600\ud800")),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(FRAGMENTS, st.sampled_from(sorted(GRAMMARS)))
def test_any_text_has_a_structure_and_units_that_join_to_it(fragments: list[str], language: str) -> None:
    text = "".join(fragments)
    both = structure_and_units(text, language)
    assert both is not None
    found, units = both
    assert found == code_structure(text, language)
    assert units == top_level_units(text, language)
    assert "".join(text[start:stop] for start, stop in units) == text
    assert units[0][0] == 0
    assert all(one[1] == other[0] for one, other in pairwise(units))
    assert 0 <= found.error_bytes <= len(text.encode("utf-8", "surrogatepass")) + found.num_errors

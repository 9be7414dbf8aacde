"""How each language marks comments and strings: a small table by language, nothing more.

Languages have linguist's names. A family shares one table; what a table does not know is read as code: heredocs,
regular expression literals, raw strings with a delimiter of their own choice. Strings end with their line unless the
language lets them go on and says so by a mark of its own (triple quotes, backticks): an apostrophe in prose or in a
heredoc then spoils one line, not the rest of the file.

Source: the languages' own references; where several dialects share a name, the most common one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["comment", "string", "documentation", "character"]
Place = Literal["anywhere", "after_blank", "not_after_word", "not_escaped", "line_start", "first_column"]


@dataclass(frozen=True, slots=True)
class Mark:
    r"""What opens a comment or a string, and what closes it.

    Attributes:
        opening: at most 8 bytes; of marks with one first byte, the longest that fits counts.
        closing: at most 8 bytes; empty where the line's end closes.
        kind: "documentation" is a string that stands where a statement would and so says nothing to the machine; a
            "character" holds one code point or one escape, else its mark is code (Rust's lifetimes, Haskell's primes).
        place: where the mark opens: "line_start" allows blanks before it, "not_escaped" no backslash.
        escapes: whether a backslash takes the byte after it along.
        spans_lines: whether it may go on after its line.
        nests: whether it may hold itself.
    """

    opening: bytes
    closing: bytes = b""
    kind: Kind = "comment"
    place: Place = "anywhere"
    escapes: bool = False
    spans_lines: bool = False
    nests: bool = False


def _line(opening: bytes, place: Place = "anywhere") -> Mark:
    return Mark(opening, place=place)


def _block(opening: bytes, closing: bytes, *, nests: bool = False, place: Place = "anywhere") -> Mark:
    return Mark(opening, closing, spans_lines=True, nests=nests, place=place)


def _quoted(quote: bytes, *, escapes: bool = True, place: Place = "anywhere") -> Mark:
    return Mark(quote, quote, "string", place, escapes=escapes)


def _long(opening: bytes, closing: bytes, *, escapes: bool = False, kind: Kind = "string") -> Mark:
    return Mark(opening, closing, kind, escapes=escapes, spans_lines=True)


_DOUBLE, _SINGLE = _quoted(b'"'), _quoted(b"'")
_PROSE_SINGLE = _quoted(b"'", place="not_after_word")
_CHARACTER = Mark(b"'", b"'", "character", escapes=True)
_TRIPLE = _long(b'"""', b'"""', escapes=True)
_BACKTICK = _long(b"`", b"`", escapes=True)
_HASH, _SPACED_HASH, _LEADING_HASH = _line(b"#"), _line(b"#", "after_blank"), _line(b"#", "line_start")
_SLASHES, _STARS, _NESTED_STARS = _line(b"//"), _block(b"/*", b"*/"), _block(b"/*", b"*/", nests=True)
_XML = _block(b"<!--", b"-->")

_C = (_SLASHES, _STARS, _DOUBLE, _CHARACTER)
_NESTED_C = (_SLASHES, _NESTED_STARS, _DOUBLE, _CHARACTER)
_SCRIPT = (_SPACED_HASH, _DOUBLE, _PROSE_SINGLE)
_LISP = (
    _line(b";", "not_escaped"),
    Mark(b'"', b'"', "string", "not_escaped", escapes=True, spans_lines=True),
    _block(b"#|", b"|#", nests=True),
)
_ML = (_block(b"(*", b"*)", nests=True), _DOUBLE, _CHARACTER)
_PERCENT = (_line(b"%", "not_escaped"),)
_DASHES = (_line(b"--"), _DOUBLE)

_FAMILIES: tuple[tuple[str, tuple[Mark, ...]], ...] = (
    (
        (
            "C|C++|Objective-C|Objective-C++|Java|Cuda|OpenCL|GLSL|HLSL|Solidity|Protocol Buffer|Thrift|Logos|Yacc|Lex|"
            "Ragel|Vala|Haxe|ActionScript|Verilog|SystemVerilog|Apex|AspectJ|Bison|JFlex|Metal|QML|Zig|Hack|JSON5"
        ),
        _C,
    ),
    ("JavaScript|TypeScript|JSX|TSX|Svelte|Astro", (_SLASHES, _STARS, _DOUBLE, _SINGLE, _BACKTICK)),
    ("JSON with Comments|Less|SCSS|Stylus|Sass", (_SLASHES, _STARS, _DOUBLE, _SINGLE)),
    ("CSS|PostCSS", (_STARS, _DOUBLE, _SINGLE)),
    ("JSON", (_DOUBLE,)),
    ("C#", (*_C, _long(b'"""', b'"""'), _long(b'@"', b'"'))),
    ("Go", (*_C, _long(b"`", b"`"))),
    ("Rust", (*_NESTED_C, _long(b'r#"', b'"#'), _long(b'r##"', b'"##'))),
    ("Kotlin|Scala|Swift", (*_NESTED_C, _long(b'"""', b'"""'))),
    ("Dart|Groovy|Gradle", (_SLASHES, _STARS, _DOUBLE, _SINGLE, _TRIPLE, _long(b"'''", b"'''", escapes=True))),
    ("D", (*_C, _block(b"/+", b"+/", nests=True), _long(b"`", b"`"))),
    ("PHP", (_SLASHES, _STARS, _SPACED_HASH, _DOUBLE, _PROSE_SINGLE)),
    ("HCL|Terraform|Nix|Jsonnet", (_HASH, _SLASHES, _STARS, _DOUBLE)),
    (
        "Python|Cython|Starlark|GDScript|Sage|Xonsh",
        (
            _HASH,
            _long(b'"""', b'"""', escapes=True, kind="documentation"),
            _long(b"'''", b"'''", escapes=True, kind="documentation"),
            Mark(b'"', b'"', "documentation", escapes=True),
            Mark(b"'", b"'", "documentation", escapes=True),
        ),
    ),
    (
        "Julia",
        (
            _HASH,
            _block(b"#=", b"=#", nests=True),
            _long(b'"""', b'"""', escapes=True, kind="documentation"),
            _DOUBLE,
            _CHARACTER,
        ),
    ),
    (
        "Shell|YAML|R|RMarkdown|Tcl|Awk|Fish|Nim|GraphQL|CODEOWNERS|Nginx|Proguard|jq|Puppet|Snakemake|Slim|Haml|Bitbake",
        _SCRIPT,
    ),
    ("Ruby|Crystal", (*_SCRIPT, _block(b"=begin", b"\n=end", place="first_column"))),
    ("Perl|Raku|Pod", (*_SCRIPT, _block(b"=", b"\n=cut", place="first_column"))),
    ("PowerShell", (_SPACED_HASH, _block(b"<#", b"#>"), _quoted(b'"', escapes=False), _PROSE_SINGLE)),
    ("CoffeeScript", (_HASH, _block(b"###", b"###"), _TRIPLE, _DOUBLE, _PROSE_SINGLE)),
    ("Elixir", (_SPACED_HASH, _TRIPLE, _DOUBLE, _PROSE_SINGLE)),
    ("TOML", (_HASH, _TRIPLE, _long(b"'''", b"'''"), _DOUBLE, _SINGLE)),
    ("CMake", (_HASH, _block(b"#[[", b"]]"), _DOUBLE)),
    ("Makefile|Dockerfile", (_line(b"#", "not_escaped"),)),
    (
        "Ignore List|Git Attributes|Git Config|EditorConfig|Gettext Catalog|robots.txt|NPM Config|Ruby Gemfile",
        (_LEADING_HASH,),
    ),
    ("INI", (_LEADING_HASH, _line(b";", "line_start"))),
    ("Java Properties", (_LEADING_HASH, _line(b"!", "line_start"))),
    ("SQL|PLpgSQL|PLSQL|TSQL|SQLPL", (_line(b"--"), _STARS, _quoted(b"'", escapes=False))),
    ("Haskell|Elm|PureScript|Idris|Agda", (*_DASHES, _block(b"{-", b"-}", nests=True), _CHARACTER)),
    ("Lua|MoonScript|Terra|Luau", (*_DASHES, _block(b"--[[", b"]]"), _long(b"[[", b"]]"), _PROSE_SINGLE)),
    ("Ada|VHDL|AppleScript|Eiffel", _DASHES),
    ("Emacs Lisp|Common Lisp|Scheme|Racket|Clojure|NewLisp|Hy", _LISP),
    ("LLVM|AutoHotkey|Assembly", (_line(b";"), _LEADING_HASH, _SLASHES, _STARS)),
    ("WebAssembly", (_line(b";;"), _block(b"(;", b";)", nests=True), _DOUBLE)),
    ("OCaml|Standard ML|Coq|Rocq Prover|Mathematica|Isabelle", _ML),
    ("F#", (*_ML, _SLASHES, _TRIPLE)),
    (
        "Pascal|Modula-2|Component Pascal",
        (_SLASHES, _block(b"{", b"}"), _block(b"(*", b"*)"), _quoted(b"'", escapes=False)),
    ),
    ("TeX|PostScript|BibTeX|Turing", _PERCENT),
    ("Erlang|Prolog", (*_PERCENT, _DOUBLE, _quoted(b"'", place="not_after_word"))),
    ("MATLAB|Mercury", (*_PERCENT, _block(b"%{", b"%}"), _DOUBLE)),
    ("Vim Script", (_line(b'"', "line_start"), _DOUBLE, _PROSE_SINGLE)),
    ("Fortran Free Form", (_line(b"!"), _quoted(b'"', escapes=False), _quoted(b"'", escapes=False))),
    (
        "Fortran",
        (_line(b"!"), *(_line(mark, "first_column") for mark in (b"C", b"c", b"*")), _quoted(b"'", escapes=False)),
    ),
    ("Batchfile", tuple(_line(mark, "line_start") for mark in (b"REM ", b"rem ", b"Rem ", b"@REM ", b"@rem ", b"::"))),
    ("Visual Basic .NET|VBA|VBScript|Visual Basic 6.0", (_line(b"'"), _quoted(b'"', escapes=False))),
    ("Roff|Roff Manpage", (_line(b'.\\"', "line_start"), _line(b"'\\\"", "line_start"))),
    ("M4|M4Sugar", (_line(b"dnl "), _LEADING_HASH)),
    (
        (
            "HTML|XML|SVG|Vue|Maven POM|XML Property List|Ant Build System|HTML+ERB|HTML+EEX|HTML+Razor|EJS|Markdown|"
            "XSLT|XAML|Handlebars|Mustache|MSBuild"
        ),
        (_XML,),
    ),
    ("Jinja|Twig|Liquid", (_XML, _block(b"{#", b"#}"))),
)

MARKS: Mapping[str, tuple[Mark, ...]] = {
    language: marks for languages, marks in _FAMILIES for language in languages.split("|")
}
"""The marks of a language, by linguist's name for it."""

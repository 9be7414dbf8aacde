import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.source_comments import code_lines, comment_fraction, comment_line_fraction
from filters.source_kinds import CODE, COMMENT, STRING, source_kinds
from filters.source_syntax import MARKS
from manifests.document import Document

LANGUAGES = st.sampled_from(sorted(MARKS))
PIECES = [
    "'",
    '"',
    '"""',
    "//",
    "/*",
    "*/",
    "#",
    "--",
    "{-",
    "-}",
    "(*",
    "*)",
    "<!--",
    "-->",
    "\\",
    "\n",
    "\n=cut",
    "=",
]
PIECES += [" ", "\t", "a", "r", "é", "\ud800", "\x00", "`", ";", "%", "!", "REM ", "x = ", ":", "(", "'a", "\r\n", "[["]
SOURCES = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def document(text: str, language: str) -> Document:
    return Document(id="", text=text, kind="code", source="", language=language)


def shown(text: str, language: str) -> str:
    """`c` for the bytes of comments, `s` for those of strings, else what stands there."""
    encoded = text.encode()
    return "".join(
        {COMMENT: "c", STRING: "s"}.get(k, chr(b)) for b, k in zip(encoded, source_kinds(text, language), strict=True)
    )


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("C", "a; // b\nc;", "a; cccc\nc;"),
        ("C", "a /* b\nc */ d", "a ccccccccc d"),
        ("C", 'f("// no", "\\"x") // yes', 'f("sssss", "sss") cccccc'),
        ("C", "c = '\"'; d = '\\''; // x", "c = 's'; d = 'ss'; cccc"),
        ("C", "// it's\nint a;", "ccccccc\nint a;"),
        ("C", "/* /* */ a", "cccccccc a"),
        ("Rust", "/* /* */ */ a", "ccccccccccc a"),
        ("Rust", "fn f<'a>(x: &'a str) // x", "fn f<'a>(x: &'a str) cccc"),
        ("Rust", 'r#"a " // b"# // c', 'r#"ssssssss"# cccc'),
        ("Python", "x = '#' # b", "x = 's' ccc"),
        ("Python", '"""Doc."""\nx = """a"""', 'cccccccccc\nx = """s"""'),
        ("Python", 'def f():  # why\n    r"""Doc."""', "def f():  ccccc\n    rcccccccccc"),
        ("Python", 'f(\n    """a""")', 'f(\n    """s""")'),
        ("Python", 'x = [\n    "a",\n    "b"]', 'x = [\n    "s",\n    "s"]'),
        ("Python", "x = 1\n'about x'\n", "x = 1\nccccccccc\n"),
        ("JavaScript", "`a\n// b` // c", "`ssssss` cccc"),
        ("Shell", "a=$# # b\necho don't # c\n", "a=$# ccc\necho don't ccc\n"),
        ("YAML", "a: it's # b", "a: it's ccc"),
        ("Haskell", "f' x = {- a {- b -} c -} x -- y", "f' x = ccccccccccccccccc x cccc"),
        ("Lua", "--[[ a\nb ]] c -- d", "ccccccccccc c cccc"),
        ("SQL", "SELECT 'a--''b' -- c", "SELECT 'sss''s' cccc"),
        ("Emacs Lisp", '?\\; "a;\\"" ; b', '?\\; "ssss" ccc'),
        ("HTML", "<b>x</b><!-- y\nz -->w", "<b>x</b>ccccccccccccw"),
        ("TeX", "50\\% a % b", "50\\% a ccc"),
        ("Vim Script", '" a\nlet b = "c"', 'ccc\nlet b = "s"'),
        ("Ruby", "a\n=begin\nb\n=end\nc # d", "a\nccccccccccccc\nc ccc"),
        ("Perl", "$#a;\n=head1 b\n\n=cut\nc", "$#a;\ncccccccccccccc\nc"),
        ("Fortran", "C a\n      b\n", "ccc\n      b\n"),
        ("Batchfile", "@rem a\necho rem b", "cccccc\necho rem b"),
        ("Erlang", "a. % b", "a. ccc"),
        ("OCaml", "(* a (* b *) *) c", "ccccccccccccccc c"),
    ],
)
def test_kinds(language: str, text: str, expected: str) -> None:
    assert shown(text, language) == expected


@pytest.mark.parametrize("language", ["", "Unknown"])
def test_unknown_language_has_no_comments(language: str) -> None:
    assert comment_fraction(document("# a", language)) == 0
    assert comment_line_fraction(document("# a", language)) == 0
    assert code_lines("# a\n\n", language).code == b"# a\n"


def test_comment_fraction_counts_code_points() -> None:
    assert comment_fraction(document("éé //éé", "C")) == 4 / 7


def test_comment_fraction_of_the_empty_text() -> None:
    assert comment_fraction(document("", "C")) == 0


def test_comment_lines_among_visible_lines() -> None:
    assert comment_line_fraction(document("// a\n\n  \nb; // c\n/*\n\nd */\n", "C")) == 0.75


def test_code_lines_hold_no_comments_no_strings_and_no_blank_lines() -> None:
    source = code_lines('import a  # b\n\n"""Doc."""\n# c\nx = "import é"\n  \ny', "Python")
    assert source.code == b'import a\nx = "______ __"\ny\n'
    assert (source.num_lines, source.num_visible_lines) == (3, 5)


@given(SOURCES, LANGUAGES)
def test_views_of_any_source(text: str, language: str) -> None:
    encoded = text.encode("utf-8", "surrogatepass")
    kinds = source_kinds(text, language)
    source = code_lines(text, language)
    assert kinds.size == len(encoded)
    assert set(kinds.tolist()) <= {CODE, COMMENT, STRING}
    assert source.num_lines == source.code.count(b"\n") <= source.num_visible_lines
    assert source.num_visible_lines == sum(
        re.search(rb"[^\x00-\x20]", line) is not None for line in encoded.split(b"\n")
    )
    assert not source.code or source.code.endswith(b"\n")
    assert b"\n\n" not in source.code


@given(st.text(st.characters(exclude_characters="/*\"'\\\n")), st.text(st.characters(exclude_characters="\n\\")))
def test_a_line_comment_in_c_is_all_after_its_mark(code: str, comment: str) -> None:
    assert comment_fraction(document(f"{code}//{comment}", "C")) == (len(comment) + 2) / (len(code) + len(comment) + 2)


def test_hostile_input_gives_a_share() -> None:
    for text in (
        "'" * 300_000,
        '"""a"""\n' * 50_000,
        "/*" * 200_000,
        " " * 400_000 + "#",
        "(*" * 200_000,
        "\n=" * 200_000,
    ):
        for language in ("Python", "Rust", "OCaml", "Perl", "Vim Script"):
            assert 0 <= comment_fraction(document(text, language)) <= 1

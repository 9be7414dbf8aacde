"""Globs of paths: what they match, in both engines that read the patterns."""

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.globs import glob_pattern, is_glob, literal_characters, quoted

TEXTS = st.text(st.sampled_from("ab/.*?[]!^-\\+(){}|$ é"), max_size=12)


def matches(glob: str, path: str) -> bool:
    return re.fullmatch(glob_pattern(glob), path, re.DOTALL) is not None


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("a/b.c", ["a/b.c"], ["a/bxc", "A/b.c", "x/a/b.c", "a/b.c/d"]),
        ("*.pem", ["x.pem", ".pem"], ["a/x.pem", "x.pem.txt"]),
        ("**/id_rsa", ["id_rsa", "a/id_rsa", "a/b/id_rsa"], ["id_rsa2", "xid_rsa", "a/id_rsa/b"]),
        ("vendor/**", ["vendor/a", "vendor/a/b.c"], ["vendor", "vendors/a", "x/vendor/a"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("a?c", ["abc", "aéc"], ["a/c", "ac"]),
        ("pages/[id].py", ["pages/[id].py"], ["pages/i.py", "pages/d.py"]),
        ("[z-a]/*", ["[z-a]/x"], ["z/x"]),
        ("a[1", ["a[1"], ["a1"]),
        (r"a\*b", [r"a\xb"], ["a*b"]),
        ("a\\", ["a\\"], ["a"]),
        ("{a,b}", ["{a,b}"], ["a"]),
    ],
)
def test_a_glob_matches_whole_paths(glob: str, yes: list[str], no: list[str]) -> None:
    assert [path for path in [*yes, *no] if matches(glob, path)] == yes


@given(TEXTS, TEXTS)
def test_both_engines_agree(glob: str, path: str) -> None:
    [found] = pc.match_substring_regex(pa.array([path]), rf"(?s)\A(?:{glob_pattern(glob)})\z").to_pylist()
    assert found == matches(glob, path)


@given(TEXTS)
def test_a_quoted_text_matches_itself_alone(text: str) -> None:
    assert re.fullmatch(quoted(text), text)
    assert not re.fullmatch(quoted(text), text + "a")


def test_a_path_without_signs_is_one_path() -> None:
    assert [glob for glob in ("a/b.c", "a*", "a?", "[a]", "a\\") if is_glob(glob)] == ["a*", "a?"]


def test_signs_are_no_literal_characters() -> None:
    assert literal_characters("**/[ab]?/x.*/**") == "[ab]x."

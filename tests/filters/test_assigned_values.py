"""Assigned values: where a value begins and ends."""

import pytest

from filters.assigned_values import (
    MAXIMUM_VALUE_BYTES,
    Place,
    element_value,
    in_quotes,
    is_expression,
    line_value,
    quoted_value,
    run_value,
    word_value,
)


def cut(data: bytes, place: Place | None) -> bytes | None:
    return data[slice(*place)] if place else None


@pytest.mark.parametrize(
    ("behind", "value"),
    [
        (b' "abc"', b"abc"),
        (b"= 'abc'", b"abc"),
        (b'> "abc"', b"abc"),
        (b' "a\\"bc"', b'a\\"bc'),
        (b'\\"abc\\", \\"d\\"', b"abc"),
        (b' str = "abc"', b"abc"),
        (b' &\'static str = "abc";', b"abc"),
        (b' @"abc"', b"abc"),
        (b' u"abc"', b"abc"),
        (b' """abc"""', b"abc"),
        (b' []byte("abc")', b"abc"),
        (b' new SecureString("abc")', b"abc"),
        (b' ["abc"]', b"abc"),
        (b'\n    "abc"', b"abc"),
        (b"&quot;abc&quot;", b"abc"),
        (b' "abc', None),
        (b' "abc\n"', None),
        (b' "' + 700 * b"a" + b'"', None),
    ],
)
def test_a_value_in_quotes(behind: bytes, value: bytes | None) -> None:
    quoted, place = quoted_value(behind, 0)
    assert quoted
    assert cut(behind, place) == value


@pytest.mark.parametrize("behind", [b" abc", b" get('abc')", b"", b"\n  name = 'x'"])
def test_no_quote_opens(behind: bytes) -> None:
    assert quoted_value(behind, 0) == (False, None)


def test_an_element_closes() -> None:
    assert cut(b" abc </x>", element_value(b" abc </x>", 0)) == b"abc"
    assert cut(b"<![CDATA[abc]]></x>", element_value(b"<![CDATA[abc]]></x>", 0)) == b"abc"
    assert element_value(b"abc <x>", 0) is None


@pytest.mark.parametrize(
    ("behind", "value"),
    [(b"a{b)c\n", b"a{b)c"), (b"abc # why", b"abc"), (b"abc  \r\n", b"abc"), (b"abc def", None), (b"'abc'", None)],
)
def test_a_value_that_ends_its_line(behind: bytes, value: bytes | None) -> None:
    assert cut(behind, line_value(behind, 0)) == value


def test_a_word_and_a_run() -> None:
    assert cut(b"ab$c&d=1", word_value(b"ab$c&d=1", 0)) == b"ab$c"
    assert cut(b"ab-c&d=1", run_value(b"ab-c&d=1", 0)) == b"ab-c"
    assert run_value(b"call(x)", 0) is None
    assert in_quotes(b"a", b'"', 1) is None


def test_a_long_value_shows_that_it_is_too_long() -> None:
    for value in (word_value, line_value, run_value):
        place = value(1_000 * b"a", 0)
        assert place is None or place[1] > MAXIMUM_VALUE_BYTES


@pytest.mark.parametrize(
    ("value", "loose", "tight"),
    [
        (b"password", True, True),
        (b"password2", True, False),
        (b"user_password", True, True),
        (b"config.value", True, True),
        (b"get(x)", True, True),
        (b"None):", True, True),
        (b"hunter22", False, False),
        (b"x9$k!2", False, False),
        (b"{{h}o)p${e]n-_$#t}}", False, False),
    ],
)
def test_what_may_be_code(value: bytes, loose: bool, tight: bool) -> None:
    assert (is_expression(value, tight=False), is_expression(value, tight=True)) == (loose, tight)

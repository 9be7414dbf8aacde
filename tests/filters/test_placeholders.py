"""Placeholders: one spelling for a document, such that it still parses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.placeholders import Spelling, sheltered, spelling_of
from filters.spans import Span, replaced
from filters.text_syntax import Syntax

MARK = b"VALUE"


def spans_of(data: bytes, value: bytes = MARK) -> list[Span]:
    starts, place = [], data.find(value)
    while place >= 0:
        starts.append(place)
        place = data.find(value, place + len(value))
    return [Span(start, start + len(value), "email", "address") for start in starts]


def spelled(text: str, syntax: Syntax, value: str = "VALUE") -> str:
    data = text.encode()
    spans = spans_of(data, value.encode())
    return replaced(data, spans, spelling_of(data, spans, syntax).of).decode()


@pytest.mark.parametrize(
    "line",
    [
        "x = 'VALUE'",
        'x = "mail VALUE now"',
        "x = `VALUE`",
        "x = b'VALUE'",
        r"x = 'it\'s VALUE'",
        """x = "it's VALUE" """,
        "f('a', \"b\", 'VALUE')",
        "# VALUE",
        "x = 1  # by VALUE",
        "#VALUE",
        "// VALUE",
        "    //VALUE",
        "int x; // VALUE",
        "/* VALUE */",
        "/** @author VALUE",
        " * VALUE",
        "-- VALUE",
        "SELECT 1 -- VALUE",
        "; VALUE",
        "% VALUE",
        "<!-- VALUE -->",
        "REM VALUE",
        "# don't ask VALUE",
        "url = 'http://VALUE'",
    ],
)
def test_a_string_or_a_comment_shelters(line: str) -> None:
    data = f"first\n{line}\nlast".encode()
    assert list(sheltered(data, spans_of(data))) == [True]


@pytest.mark.parametrize(
    "line",
    [
        "VALUE",
        "mail VALUE",
        "x = 'a' VALUE 'b'",
        "x = 'VALUE",
        "don't VALUE, it's",
        "<p>Don't write to VALUE, that's all</p>",
        "#define MAIL VALUE",
        "#  define MAIL VALUE",
        "#[VALUE]",
        "curl http://VALUE/x",
        "npm config set //VALUE/x",
        "tool --user VALUE",
        "/* one */ VALUE",
        'f"{VALUE}"',
        "echo $#VALUE",
        '"a\\\\" VALUE \'x',
    ],
)
def test_nothing_else_does(line: str) -> None:
    data = f"'first\n{line}\nlast'".encode()
    assert list(sheltered(data, spans_of(data))) == [False]


def test_a_line_is_read_on_from_its_last_span() -> None:
    data = b"'VALUE' VALUE 'VALUE' # VALUE\nVALUE 'VALUE'"
    assert list(sheltered(data, spans_of(data))) == [True, False, True, True, False, True]


def test_a_long_line_is_read_once() -> None:
    for text in (b"'VALUE' ", b"VALUE ", b"VALUE' ", b'"VALUE'):
        data = b'x = "' + text * 20_000
        assert len(list(sheltered(data, spans_of(data)))) == 20_000


def test_a_span_of_several_lines_closes_its_string_on_its_last() -> None:
    data = b'key = """BEGIN\nabc\nEND"""\nother = \'BEGIN\nabc\nEND'
    spans = spans_of(data, b"BEGIN\nabc\nEND")
    assert list(sheltered(data, spans)) == [True, False]


@pytest.mark.parametrize(
    ("syntax", "text", "expected"),
    [
        ("prose", "VALUE and 'VALUE", "<EMAIL> and '<EMAIL>"),
        ("markup", "<a href='VALUE'>VALUE</a>", "<a href='REDACTED_EMAIL'>REDACTED_EMAIL</a>"),
        ("code", "x = 'VALUE'  # VALUE", "x = '<EMAIL>'  # <EMAIL>"),
        ("code", "x = 'VALUE'\nmail VALUE", "x = 'REDACTED_EMAIL'\nmail REDACTED_EMAIL"),
    ],
)
def test_a_document_has_one_spelling(syntax: Syntax, text: str, expected: str) -> None:
    assert spelled(text, syntax) == expected


def test_an_integer_literal_becomes_zero_wherever_its_value_stands() -> None:
    text = '{"card": 4111222233334444, "text": "4111222233334444"}'
    assert spelled(text, "code", "4111222233334444") == '{"card": 0, "text": "0"}'
    assert spelled(text, "prose", "4111222233334444") == '{"card": <EMAIL>, "text": "<EMAIL>"}'


def test_digits_in_strings_alone_have_a_placeholder() -> None:
    assert spelled("card = '41112222'", "code", "41112222") == "card = '<EMAIL>'"


def test_an_integer_literal_asks_nothing_of_the_others() -> None:
    data = b"x = 41112222; y = 'VALUE'"
    spans = [*spans_of(data, b"41112222"), *spans_of(data)]
    assert replaced(data, spans, spelling_of(data, spans, "code").of) == b"x = 0; y = '<EMAIL>'"


def test_spellings_join_to_the_one_that_is_safe_for_both() -> None:
    assert Spelling(bare=True).joined(Spelling(zeros=frozenset({b"1"}))) == Spelling(True, frozenset({b"1"}))


@given(
    st.lists(st.sampled_from([b"VALUE", b"'", b'"', b"\\", b"\n", b" ", b"# ", b"//", b"x", b"*/", b"{"]), max_size=30)
)
def test_any_code_has_a_spelling(parts: list[bytes]) -> None:
    data = b"".join(parts)
    spans = spans_of(data)
    assert len(list(sheltered(data, spans))) == len(spans)
    shown = replaced(data, spans, spelling_of(data, spans, "code").of)
    assert shown.count(b"\n") == data.count(b"\n")
    assert not (b"<EMAIL>" in shown and b"REDACTED_EMAIL" in shown)

"""A line holds the fields of a row or has exactly one fault, with the right name."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.rows import MAXIMUM_NESTING, Fault, Fields, json_object, parse_line

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def fields(line: bytes) -> Fields:
    parsed = parse_line(line)
    assert isinstance(parsed, dict), parsed
    return parsed


def fault(line: bytes) -> Fault:
    parsed = parse_line(line)
    assert isinstance(parsed, Fault), parsed
    return parsed


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "empty_line"),
        (b" \t\r", "empty_line"),
        (b"\x00", "invalid_json"),
        (b'{"text": "a"', "invalid_json"),
        (b'{"text": "a"} {}', "invalid_json"),
        (b'{"text": "tab\there"}', "invalid_json"),
        (b'{"text": "\\q"}', "invalid_json"),
        (b'\xef\xbb\xbf{"text": "a"}', "invalid_json"),
        (b'{"text": "a", "x": NaN}', "invalid_json"),
        (b'{"text": "a", "x": -Infinity}', "invalid_json"),
        (b'{"text": "a", "x": 1e999}', "invalid_json"),
        (b'{"text": "a", "x": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b'{"text": "a", "x": ' + nested(10_000) + b"}", "invalid_json"),
        (b'{"text": ' + nested(10_000) + b"}", "invalid_json"),
        (b"[" * 10_000, "invalid_json"),
        (b'{"a":' * 10_000, "invalid_json"),
        (b'{"text": "\xff"}', "invalid_utf8"),
        (b'{"text": "a", "x": "\xed\xa0\x80"}', "invalid_utf8"),
        (b'{"text": "a", "\xc0\x80": 1}', "invalid_utf8"),
        (b'{"text": "\\ud800"}', "lone_surrogate"),
        (b'{"text": "\\udc00 a"}', "lone_surrogate"),
        (b'{"text": "\\ud800\\u0041"}', "lone_surrogate"),
        (b'{"text": "a", "x": [{"y": "\\ud800"}]}', "lone_surrogate"),
        (b'{"text": "a", "\\udfff": 1}', "lone_surrogate"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"1", "not_an_object"),
    ],
)
def test_fault_has_its_reason(line: bytes, reason: str) -> None:
    assert fault(line).reason == reason


def test_unterminated_strings_with_many_quotes_are_refused_in_linear_time() -> None:
    assert fault(b"[" * (MAXIMUM_NESTING + 1) + b'"' + b'\\"' * 500_000).reason == "invalid_json"


def test_surrogate_pairs_are_characters() -> None:
    assert fields(b'{"text": "\\ud83d\\ude00 \\\\ud800"}') == {"text": "\N{GRINNING FACE} \\ud800"}


def test_carriage_return_at_the_end_is_white_space() -> None:
    assert fields(b'{"text": "a"}\r') == {"text": "a"}


def test_detail_holds_no_content() -> None:
    lines = [b'{"text": "private" x', b'{"text": "private\xff"}', b'{"text": "private\\ud800"}', b'"private"']
    assert not [line for line in lines if "private" in fault(line).detail]


@settings(deadline=None)
@given(value=st.dictionaries(st.text(), JSON, max_size=5))
def test_a_line_gives_the_object_that_was_written(value: Fields) -> None:
    assert fields(json.dumps(value).encode()) == value


@settings(deadline=None)
@given(line=st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ud80text 1e9-.nl', max_size=40).map(str.encode))
def test_any_line_has_fields_or_a_fault(line: bytes) -> None:
    assert isinstance(parse_line(line), dict | Fault)


@settings(deadline=None)
@given(value=st.dictionaries(st.text(), JSON, max_size=5))
def test_an_object_is_the_fields(value: Fields) -> None:
    encoded = json_object(value)
    assert isinstance(encoded, str)
    assert json.loads(encoded) == value


def test_what_json_lacks_has_a_form() -> None:
    written = '{"x":null,"y":"' + base64.b64encode(b"\xff\x00").decode() + '"}'
    assert json_object({"x": float("nan"), "y": b"\xff\x00"}) == written


@pytest.mark.parametrize("depth", [MAXIMUM_NESTING, MAXIMUM_NESTING + 1, 100_000])
def test_an_object_nested_too_deep_is_a_fault(depth: int) -> None:
    value: object = 1
    for _ in range(depth - 1):
        value = [value]
    found = json_object({"x": value})
    assert isinstance(found, str) == (depth <= MAXIMUM_NESTING)

"""A line is a row or has exactly one fault, with the right name."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.rows import MAXIMUM_NESTING, Fault, Row, RowFormat, parse_row

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def row(line: bytes, row_format: RowFormat = "jsonl") -> Row:
    parsed = parse_row(line, row_format)
    assert isinstance(parsed, Row), parsed
    return parsed


def fault(line: bytes, row_format: RowFormat = "jsonl") -> Fault:
    parsed = parse_row(line, row_format)
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
        (b'{"text": "a", "x": ' + nested(MAXIMUM_NESTING) + b"}", "invalid_json"),
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
        (b"{}", "missing_text"),
        (b'{"text": null}', "missing_text"),
        (b'{"content": "a"}', "missing_text"),
        (b'{"text": 1}', "wrong_type"),
        (b'{"text": ["a"]}', "wrong_type"),
    ],
)
def test_fault_has_its_reason(line: bytes, reason: str) -> None:
    assert fault(line).reason == reason


@pytest.mark.parametrize(
    ("line", "row_format", "field"),
    [
        (b'{"content": "a", "path": 1}', "stack-v2", "path"),
        (b'{"content": "a", "detected_licenses": "MIT"}', "stack-v2", "detected_licenses"),
        (b'{"content": "a", "detected_licenses": [null]}', "stack-v2", "detected_licenses"),
        (b'{"content": "a", "is_vendor": "no"}', "stack-v2", "is_vendor"),
        (b'{"content": "a", "star_events_count": "12"}', "stack-v2", "star_events_count"),
        (b'{"text": "a", "meta": "Github"}', "pile", "meta"),
        (b'{"text": "a", "meta": {"pile_set_name": 1}}', "pile", "pile_set_name"),
    ],
)
def test_wrong_type_names_the_field(line: bytes, row_format: RowFormat, field: str) -> None:
    found = fault(line, row_format)
    assert found.reason == "wrong_type"
    assert field in found.detail


def test_detail_holds_no_content() -> None:
    lines = [
        b'{"text": "private" x',
        b'{"text": ["private"]}',
        b'{"text": "private\xff"}',
        b'{"text": "private\\ud800"}',
    ]
    assert not [line for line in lines if "private" in fault(line).detail]


def test_brackets_in_strings_are_no_nesting() -> None:
    line = json.dumps({"text": "a", "x": '[{\\"[' * 500, "y": [[]] * 500}).encode()
    assert row(line).text == "a"


def test_deepest_nesting_allowed_is_read() -> None:
    assert row(b'{"text": "a", "x": ' + nested(MAXIMUM_NESTING - 1) + b"}").text == "a"


def test_unterminated_strings_with_many_quotes_are_refused_in_linear_time() -> None:
    assert fault(b"[" * (MAXIMUM_NESTING + 1) + b'"' + b'\\"' * 500_000).reason == "invalid_json"


def test_surrogate_pairs_are_characters() -> None:
    assert row(b'{"text": "\\ud83d\\ude00 \\\\ud800"}').text == "\N{GRINNING FACE} \\ud800"


def test_empty_text_is_a_row() -> None:
    assert row(b'{"text": ""}').text == ""


def test_carriage_return_at_the_end_is_white_space() -> None:
    assert row(b'{"text": "a"}\r').text == "a"


def test_huge_integer_is_kept_in_metadata() -> None:
    line = b'{"text": "a", "x": ' + b"9" * 100 + b"}"
    assert json.loads(row(line).metadata) == {"x": int("9" * 100)}


@pytest.mark.parametrize("meta", ["", ', "meta": null', ', "meta": {}', ', "meta": {"pile_set_name": null}'])
def test_pile_row_without_a_set_name_has_no_subset(meta: str) -> None:
    assert row(f'{{"text": "a"{meta}}}'.encode(), "pile").subset == ""


def test_pile_row() -> None:
    line = b'{"text": "a", "meta": {"pile_set_name": "ArXiv", "url": "u"}, "more": 1}'
    assert row(line, "pile") == Row(
        "a", "ArXiv", "", "", "", "", '{"meta":{"pile_set_name":"ArXiv","url":"u"},"more":1}'
    )


def test_stack_row() -> None:
    line = b'{"blob_id": "b", "path": "/a.py", "repo_name": "o/r", "language": "Python", "new": [1.5], "content": "x"}'
    assert row(line, "stack-v2") == Row(
        "x",
        "",
        "Python",
        "o/r",
        "/a.py",
        "o/r:/a.py",
        '{"blob_id":"b","path":"/a.py","repo_name":"o/r","language":"Python","new":[1.5]}',
    )


def test_stack_row_may_be_null_but_for_its_content() -> None:
    names = ["path", "repo_name", "language", "detected_licenses", "is_vendor", "github_id", "visit_date"]
    parsed = row(json.dumps({"content": "x", **dict.fromkeys(names)}).encode(), "stack-v2")
    assert (parsed.repo, parsed.path, parsed.language) == ("", "", "")
    assert list(json.loads(parsed.metadata)) == names


def test_stack_counts_may_be_floats_as_pandas_writes_them() -> None:
    assert row(b'{"content": "x", "github_id": 12.0, "visit_date": 1.6e12}', "stack-v2").text == "x"


def test_jsonl_takes_language_and_subset_only_where_they_are_strings() -> None:
    parsed = row(b'{"text": "a", "language": ["en"], "subset": 1, "source": "wiki"}')
    assert (parsed.language, parsed.subset) == ("", "wiki")
    assert row(b'{"text": "a", "language": "en", "subset": "s", "source": "wiki"}')[1:3] == ("s", "en")


@settings(deadline=None)
@given(fields=st.dictionaries(st.text(), JSON, max_size=5), text=st.text())
def test_metadata_is_the_row_without_its_text(fields: dict[str, object], text: str) -> None:
    parsed = row(json.dumps({**fields, "text": text}).encode())
    assert parsed.text == text
    assert json.loads(parsed.metadata) == {name: value for name, value in fields.items() if name != "text"}


@settings(deadline=None)
@given(line=st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ud80text 1e9-.nl', max_size=40).map(str.encode))
@pytest.mark.parametrize("row_format", ["stack-v2", "pile", "jsonl"])
def test_any_line_is_a_row_or_has_a_fault(line: bytes, row_format: RowFormat) -> None:
    assert isinstance(parse_row(line, row_format), Row | Fault)

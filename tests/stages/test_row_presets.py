"""A row of a published data set is a document or has exactly one fault, with the right name."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.row_layouts import row_layout
from stages.row_presets import PresetName
from stages.rows import MAXIMUM_NESTING, Fault, Row, parse_line

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def parse(line: bytes, preset: PresetName) -> Row | Fault:
    fields = parse_line(line)
    if isinstance(fields, Fault):
        return fields
    (part,) = row_layout(preset).parts(fields)
    return part


def row(line: bytes, preset: PresetName = "jsonl") -> Row:
    parsed = parse(line, preset)
    assert isinstance(parsed, Row), parsed
    return parsed


def fault(line: bytes, preset: PresetName = "jsonl") -> Fault:
    parsed = parse(line, preset)
    assert isinstance(parsed, Fault), parsed
    return parsed


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "a", "x": ' + nested(MAXIMUM_NESTING) + b"}", "invalid_json"),
        (b'{"text": "a", "x": ' + nested(10_000) + b"}", "invalid_json"),
        (b'{"text": ' + nested(10_000) + b"}", "invalid_json"),
        (b"{}", "missing_text"),
        (b'{"text": null}', "missing_text"),
        (b'{"content": "a"}', "missing_text"),
        (b'{"text": 1}', "wrong_type"),
        (b'{"text": ["a"]}', "wrong_type"),
        (b'{"text": ' + nested(MAXIMUM_NESTING) + b"}", "invalid_json"),
        (b'{"x": ' + nested(MAXIMUM_NESTING) + b"}", "invalid_json"),
    ],
)
def test_fault_has_its_reason(line: bytes, reason: str) -> None:
    assert fault(line).reason == reason


@pytest.mark.parametrize(
    ("line", "preset", "field"),
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
def test_wrong_type_names_the_field(line: bytes, preset: PresetName, field: str) -> None:
    found = fault(line, preset)
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


def test_empty_text_is_a_row() -> None:
    assert row(b'{"text": ""}').text == ""


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
@pytest.mark.parametrize("preset", ["stack-v2", "pile", "jsonl"])
def test_any_line_is_a_row_or_has_a_fault(line: bytes, preset: PresetName) -> None:
    assert isinstance(parse(line, preset), Row | Fault)

"""Named columns find their fields; a repository's row is one part for each of its files, and none costs another."""

import json

import pytest

from pipeline.measuring import RowFacts
from stages.row_layouts import MAXIMUM_SHARED_CHARACTERS, Columns, row_layout
from stages.rows import MAXIMUM_NESTING, Fault, Fields, Row

PLAIN = Columns("body.text", subset="meta.set", language="lang", repo="repo", path="path")
NESTED = Columns("content", language="language", repo="repo_name", path="path", files="files")


def parts(fields: Fields, columns: Columns = NESTED) -> list[Row | Fault]:
    return list(row_layout("columns", columns).parts(fields))


def row(part: Row | Fault) -> Row:
    assert isinstance(part, Row), part
    return part


def reasons(fields: Fields, columns: Columns = NESTED) -> list[str]:
    return [part.reason if isinstance(part, Fault) else "row" for part in parts(fields, columns)]


def test_the_format_columns_needs_their_names() -> None:
    with pytest.raises(ValueError, match="columns"):
        row_layout("columns")


def test_dots_lead_into_objects() -> None:
    fields = {
        "body": {"text": "a", "html": "<a>"},
        "meta": {"set": "s"},
        "lang": "en",
        "repo": "r",
        "path": "p",
        "x": 1,
    }
    assert parts(fields, PLAIN) == [
        Row(
            "a",
            "s",
            "en",
            "r",
            "p",
            "r:p",
            '{"body":{"html":"<a>"},"meta":{"set":"s"},"lang":"en","repo":"r","path":"p","x":1}',
        )
    ]


@pytest.mark.parametrize("rest", [{}, {"meta": None, "lang": None}, {"meta": {}}, {"meta": {"set": None}}])
def test_absent_and_null_columns_are_empty(rest: Fields) -> None:
    (part,) = parts({"body": {"text": ""}, **rest}, PLAIN)
    assert row(part)[:6] == ("", "", "", "", "", ":")


def test_without_repository_and_path_there_is_no_key() -> None:
    (part,) = parts({"text": "a", "repo": "r", "path": "p"}, Columns("text"))
    assert row(part).natural_key == ""


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "missing_text"),
        ({"body": None}, "missing_text"),
        ({"body": {"text": None}}, "missing_text"),
        ({"body": "a"}, "wrong_type"),
        ({"body": {"text": 1}}, "wrong_type"),
        ({"body": {"text": "a"}, "meta": "s"}, "wrong_type"),
        ({"body": {"text": "a"}, "meta": {"set": 1}}, "wrong_type"),
        ({"body": {"text": "a"}, "lang": ["en"]}, "wrong_type"),
    ],
)
def test_a_row_has_its_fault(fields: Fields, reason: str) -> None:
    assert reasons(fields, PLAIN) == [reason]


def test_a_wrong_type_names_the_column() -> None:
    (part,) = parts({"body": {"text": "a"}, "meta": {"set": 1}}, PLAIN)
    assert part == Fault("wrong_type", "expected a string, got int - at `meta.set`")


def test_a_row_nested_too_deep_is_refused() -> None:
    deep: object = []
    for _ in range(MAXIMUM_NESTING):
        deep = [deep]
    assert reasons({"text": "a", "x": deep}, Columns("text")) == ["invalid_json"]
    assert reasons({"files": [{"content": "a", "x": deep}, {"content": "b"}]}) == ["invalid_json", "row"]
    assert reasons({"files": [{"content": "a"}, {"content": "b"}], "x": deep}) == ["invalid_json"]


def test_every_file_is_a_part_with_what_the_row_says_of_it() -> None:
    files = [{"content": "a", "path": "/1", "language": "C"}, {"content": "b", "path": "/2", "repo_name": "fork"}]
    first, second = parts({"repo_name": "o/r", "language": "Python", "stars": 7, "files": files})
    assert row(first)[:6] == ("a", "", "C", "o/r", "/1", "o/r:/1")
    assert row(second)[:6] == ("b", "", "Python", "fork", "/2", "fork:/2")
    assert json.loads(row(first).metadata) == {"repo_name": "o/r", "language": "C", "stars": 7, "path": "/1"}
    assert json.loads(row(second).metadata)["repo_name"] == "fork"


def test_the_text_is_never_taken_from_the_row() -> None:
    assert reasons({"content": "of the repository", "files": [{"path": "/1"}]}) == ["missing_text"]


def test_a_null_of_a_file_does_not_hide_what_the_row_says() -> None:
    (part,) = parts({"detected_licenses": ["GPL-3.0-only"], "files": [{"content": "a", "detected_licenses": None}]})
    assert json.loads(row(part).metadata) == {"detected_licenses": ["GPL-3.0-only"]}


def test_a_bad_file_costs_itself_alone() -> None:
    files = [{"content": "a"}, None, 1, {}, {"content": 2}, {"content": "b", "path": 3}, {"content": "c"}]
    assert reasons({"files": files}) == [
        "row", "wrong_type", "wrong_type", "missing_text", "wrong_type", "wrong_type", "row"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "missing_files"),
        ({"files": None}, "missing_files"),
        ({"files": []}, "no_files"),
        ({"files": {"content": "a"}}, "wrong_type"),
        ({"files": "a"}, "wrong_type"),
    ],
)
def test_a_row_without_files_is_one_fault(fields: Fields, reason: str) -> None:
    assert reasons(fields) == [reason]


def test_files_may_stand_deeper() -> None:
    columns = Columns("content", files="repository.files", repo="repository.name")
    (part,) = parts({"repository": {"name": "r", "files": [{"content": "a"}]}}, columns)
    assert part == Row("a", "", "", "r", "", "r:", '{"repository":{"name":"r"}}')


def test_what_a_row_says_is_repeated_up_to_a_limit() -> None:
    readme = "x" * MAXIMUM_SHARED_CHARACTERS
    fields = {"readme": readme, "url": "u", "repo_name": "r", "files": [{"content": str(n)} for n in range(3)]}
    for part in parts(fields):
        assert json.loads(row(part).metadata) == {"repo_name": "r", "url": "u"}


@pytest.mark.parametrize("name", ["detected_licenses", "gha_license_id", "repo_name"])
def test_what_is_needed_of_a_row_is_never_left_out(name: str) -> None:
    fields = {name: "x" * MAXIMUM_SHARED_CHARACTERS, "files": [{"content": "a"}, {"content": "b"}]}
    assert reasons(fields) == ["metadata_too_long"]


@pytest.mark.parametrize("name", RowFacts.__struct_fields__)
def test_whatever_a_decision_is_made_from_goes_before_all_else(name: str) -> None:
    fields = {"readme": "x" * (MAXIMUM_SHARED_CHARACTERS - 20), name: "value", "files": [{"content": "a"}]}
    (part,) = parts(fields)
    assert json.loads(row(part).metadata) == {name: "value"}

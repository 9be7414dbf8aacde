"""A row without its content becomes the document that the row with its content would; only hashes become names."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.blob_rows import BlobRow, blob_row
from stages.row_layouts import row_layout
from stages.rows import Fault, Fields, Row, parse_line

BLOB, GIT = "a29dd2b3" * 5, "072b3138" * 5
FILE: Fields = {"blob_id": BLOB, "path": "/a.py", "content_id": GIT, "src_encoding": "UTF-8", "language": "Python"}
REPOSITORY: Fields = {
    "repo_name": "a/b",
    "repo_url": "https://example.org/a/b",
    "revision_id": "1" * 40,
    "gha_license_id": "MIT",
    "star_events_count": 3.0,
    "num_files": 2,
}

values = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)
)
names = st.sampled_from(
    ["path", "language", "repo_name", "src_encoding", "license_type", "detected_licenses", "is_vendor", "x"]
)


def parts(fields: Fields) -> list[Row | BlobRow | Fault]:
    return list(row_layout("stack-v2-ids").parts(fields))


def inline(fields: Fields, content: str) -> Row | Fault:
    (row,) = row_layout("stack-v2").parts({"content": content, **fields})
    assert not isinstance(row, BlobRow)
    return row


def reasons(fields: Fields) -> list[str]:
    return [part.reason if isinstance(part, Fault) else "row" for part in parts(fields)]


@given(fields=st.dictionaries(names, values), content=st.text(max_size=5))
def test_all_but_the_text_is_as_if_the_content_stood_there(fields: Fields, content: str) -> None:
    (found,) = parts({"blob_id": BLOB, **fields})
    expected = inline({"blob_id": BLOB, **fields}, content)
    assert (found.row._replace(text=content) if isinstance(found, BlobRow) else found) == expected


def test_a_row_says_what_is_to_be_fetched() -> None:
    (found,) = parts({**FILE, "repo_name": "a/b", "src_encoding": "koi8-r"})
    assert isinstance(found, BlobRow)
    assert found[1:] == (BLOB, GIT, "koi8-r")


def test_capitals_make_no_other_blob() -> None:
    found = blob_row({"blob_id": BLOB.upper(), "content_id": GIT.upper()})
    assert isinstance(found, BlobRow)
    assert found[1:] == (BLOB, GIT, "UTF-8")


def test_a_content_in_the_row_is_not_believed() -> None:
    assert parts({**FILE, "content": "other"}) == parts(FILE)
    assert parts({**FILE, "content": 7}) == parts(FILE)


def test_files_of_a_repository_are_those_of_flat_rows() -> None:
    files = [FILE, {**FILE, "path": "/b.py", "license_type": "permissive", "language": None}]
    nested = parts({**REPOSITORY, "files": files})
    flat = [part for file in files for part in parts({**REPOSITORY, **file})]
    assert len(nested) == len(flat) == 2
    for one, other in zip(nested, flat, strict=True):
        assert isinstance(one, BlobRow)
        assert isinstance(other, BlobRow)
        assert one.row[:-1] == other.row[:-1]
        assert json.loads(one.row.metadata) == json.loads(other.row.metadata)
        assert one[1:] == other[1:]


@pytest.mark.parametrize(
    "blob_id",
    ["", "..", "../" * 13 + "a", "/etc/passwd", BLOB[:-1], BLOB + "0", BLOB[:-1] + "g", BLOB + "\n", "４" * 40],
)
def test_no_other_name_gets_through(blob_id: str) -> None:
    assert reasons({"blob_id": blob_id}) == ["invalid_blob_id"]
    assert reasons({"files": [{"blob_id": blob_id}, FILE]}) == ["invalid_blob_id", "row"]


@pytest.mark.parametrize("content_id", [None, "", "swh:1:cnt:" + GIT, "../x"])
def test_a_content_id_of_another_form_is_not_checked(content_id: str | None) -> None:
    found = blob_row({"blob_id": BLOB, "content_id": content_id})
    assert isinstance(found, BlobRow)
    assert found.content_id == ""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["missing_blob_id"]),
        ({"blob_id": None, "files": None}, ["missing_blob_id"]),
        ({"blob_id": 7}, ["wrong_type"]),
        ({"blob_id": BLOB, "src_encoding": 7}, ["wrong_type"]),
        ({"files": []}, ["no_files"]),
        ({"files": {}}, ["wrong_type"]),
        ({"files": [7, FILE, {}]}, ["wrong_type", "row", "missing_blob_id"]),
        ({"files": [FILE], "repo_name": "x" * 20_000}, ["metadata_too_long"]),
        ({"blob_id": BLOB, "x": json.loads("[" * 200 + "]" * 200)}, ["invalid_json"]),
    ],
)
def test_rows_that_name_no_blob_say_why(fields: dict[str, Any], expected: list[str]) -> None:
    assert reasons(fields) == expected


def test_urls_in_a_row_are_text_and_nothing_else() -> None:
    line = parse_line(json.dumps({**FILE, "repo_url": "file:///etc/passwd", "path": "../../etc/passwd"}).encode())
    assert not isinstance(line, Fault)
    (found,) = parts(line)
    assert isinstance(found, BlobRow)
    assert found.blob_id == BLOB

import json
from dataclasses import replace
from hashlib import sha1, sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.document import Document, Kind, document_id, text_sha256
from stages.content_names import BLOB_BYTES, MAXIMUM_URL_CHARACTERS, content_names
from stages.text_forms import in_form

GIT_ID = "3B18E512DBA79E4C8300DD08AEB37F8E728B8DAD"
TEXT = "naïve\r\n"


def document(text: str = TEXT, *, kind: Kind = "code", path: str = "a.py", **metadata: Any) -> Document:
    key = f"o/r:{path}"
    return Document(document_id("s", key, text), text, kind, "s", repo="o/r", path=path, metadata=json.dumps(metadata))


def blob(text: str) -> bytes:
    return sha1(b"blob %d\0%b" % (len(text.encode()), text.encode())).digest()  # noqa: S324 - git's


def test_all_hashes_are_of_the_text_as_it_was_read() -> None:
    found = content_names(document(), kind="code", encoding="")
    assert found == (sha256(TEXT.encode()).digest(), blob(TEXT), "")


def test_the_sha256_of_the_id_is_taken_where_there_is_one() -> None:
    assert content_names(replace(document(), sha256=b"x" * 32), kind="code", encoding="").sha256 == b"x" * 32


def test_a_document_that_was_put_in_form_keeps_the_sha256_of_what_was_read() -> None:
    formed = in_form(replace(document(), sha256=text_sha256(TEXT)), notebooks="script")
    assert formed.document.sha256 == text_sha256(TEXT)  # type: ignore[union-attr]


@pytest.mark.parametrize("encoding", ["", "cp1252"])
def test_the_rows_own_git_id_is_believed(encoding: str) -> None:
    found = content_names(document(content_id=GIT_ID), kind="text", encoding=encoding)
    assert found.blob == bytes.fromhex(GIT_ID)


def test_the_plain_sha1_of_the_bytes_is_no_blob_id() -> None:
    assert content_names(document(blob_id=GIT_ID), kind="code", encoding="").blob == blob(TEXT)


@pytest.mark.parametrize(
    ("kind", "path", "encoding", "is_known"),
    [("code", "", "", True), ("text", "README.md", "", True), ("text", "", "", False), ("code", "a.py", "big5", False)],
)
def test_a_blob_id_is_computed_of_files_whose_bytes_are_known(
    kind: Kind, path: str, encoding: str, is_known: bool
) -> None:
    found = content_names(document(kind=kind, path=path), kind=kind, encoding=encoding)
    assert found.blob == (blob(TEXT) if is_known else None)


@pytest.mark.parametrize(
    ("metadata", "url"),
    [
        ({"url": "https://a.example/1", "html_url": "https://a.example/2"}, "https://a.example/1"),
        ({"url": "", "html_url": "https://a.example/2"}, "https://a.example/2"),
        ({"url": 5, "repo_url": "https://a.example/3"}, "https://a.example/3"),
        ({"source_url": "https://a.example/4", "meta": {"url": "x"}}, "https://a.example/4"),
        ({"meta": {"url": "https://a.example/5", "more": [1]}}, "https://a.example/5"),
        ({"meta": "https://a.example/6"}, ""),
        ({"url": "h" * MAXIMUM_URL_CHARACTERS}, "h" * MAXIMUM_URL_CHARACTERS),
        ({"url": "h" * (MAXIMUM_URL_CHARACTERS + 1)}, ""),
        ({}, ""),
    ],
)
def test_the_first_url_of_the_row_is_taken(metadata: dict[str, Any], url: str) -> None:
    assert content_names(document(**metadata), kind="code", encoding="").url == url


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "meta", "content_id", "html_url"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(JSON)
def test_any_metadata_is_survived(value: object) -> None:
    found = content_names(replace(document(), metadata=json.dumps(value)), kind="code", encoding="")
    assert found.blob is not None
    assert len(found.blob) == BLOB_BYTES
    assert len(found.url) <= MAXIMUM_URL_CHARACTERS

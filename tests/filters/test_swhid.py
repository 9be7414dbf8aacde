import io
import json
import os
from hashlib import sha1
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from filters.swhid import SWHID, swhid_of_git_id, swhid_of_text

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))
EMPTY = "swh:1:cnt:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


@pytest.mark.parametrize(
    ("text", "swhid"),
    [
        ("", EMPTY),
        ("hello world\n", "swh:1:cnt:3b18e512dba79e4c8300dd08aeb37f8e728b8dad"),
        ("half \ud800", ""),
    ],
)
def test_a_text_has_the_name_that_git_gives_to_its_bytes(text: str, swhid: str) -> None:
    assert swhid_of_text(text) == swhid


@pytest.mark.parametrize("git_id", ["", "e69de29b", EMPTY, "g" * 40, "0" * 41, "0" * 40 + "\n", "٣" * 40])
def test_what_is_no_git_id_has_no_name(git_id: str) -> None:
    assert swhid_of_git_id(git_id) == ""


@given(st.text(max_size=200))
def test_a_text_and_its_git_id_have_one_name(text: str) -> None:
    data = text.encode()
    git_id = sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
    assert swhid_of_text(text) == swhid_of_git_id(git_id.upper()) == f"swh:1:cnt:{git_id}"


@given(st.text(st.characters(exclude_categories=())) | st.from_regex(r"[0-9a-fA-F]{39,41}", fullmatch=True))
def test_any_string_gives_a_name_or_none(text: str) -> None:
    for name in (swhid_of_text(text), swhid_of_git_id(text)):
        assert name == "" or SWHID.fullmatch(name)


def test_real_rows_in_utf8_have_the_name_of_their_content_id() -> None:
    shard = SHARED / "data/stack_v2/part-00000-of-00010.jsonl.zst"
    if not shard.exists():
        pytest.skip("shared data absent: set CORPUSMILL_SHARED")
    with shard.open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        rows = [row for row in map(json.loads, lines) if row["src_encoding"] == "UTF-8"]
    assert len(rows) > 1000
    assert all(swhid_of_text(row["content"]) == swhid_of_git_id(row["content_id"]) for row in rows)

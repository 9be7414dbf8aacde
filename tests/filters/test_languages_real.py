"""Names of languages, generated and vendored files held against the rows' own on real data, with the fields hidden."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import zstandard

from filters.content_languages import content_language
from filters.generated_files import is_generated, is_vendor
from filters.programming_languages import programming_language
from filters.signals import Signal
from manifests.document import Document

pytestmark = pytest.mark.real

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    shards = sorted((SHARED / "data" / "stack_v2").glob("*.jsonl.zst"))
    if not shards:
        pytest.skip("shared data absent: set CORPUSMILL_SHARED")
    found = []
    for shard in shards:
        with shard.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            found += [json.loads(line) for line in io.TextIOWrapper(stream, encoding="utf-8", newline="\n")]
    return found


def test_programming_language_agrees_with_the_rows(rows: list[dict[str, Any]]) -> None:
    named = [row for row in rows if row["language"] is not None]
    agreeing = sum(programming_language(row["path"], row["content"]) == row["language"] for row in named)
    assert len(named) == 14_010
    assert agreeing / len(named) >= 0.984


def test_rows_without_a_language_have_none(rows: list[dict[str, Any]]) -> None:
    unnamed = [row for row in rows if row["language"] is None]
    assert len(unnamed) == 1_417
    assert sum(programming_language(row["path"], row["content"]) == "" for row in unnamed) == 1_417


def test_content_language_is_mostly_right_where_it_answers(rows: list[dict[str, Any]]) -> None:
    sample = [row for row in rows[::40] if row["language"] is not None]
    answers = [(content_language(row["content"]), row["language"]) for row in sample]
    right = sum(said == own for said, own in answers)
    given = sum(said != "" for said, _ in answers)
    assert given / len(answers) >= 0.70
    assert right / given >= 0.95


@pytest.mark.parametrize(
    ("signal", "field", "floor"), [(is_generated, "is_generated", 0.999), (is_vendor, "is_vendor", 0.999)]
)
def test_path_agrees_with_the_rows_own_word(
    rows: list[dict[str, Any]], signal: Signal, field: str, floor: float
) -> None:
    agreeing = 0
    for row in rows:
        document = Document(id="", text=row["content"], kind="code", source="", path=row["path"])
        agreeing += signal(document) == float(row[field])
    assert agreeing / len(rows) >= floor

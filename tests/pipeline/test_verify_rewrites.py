"""Rewrites that are not what the release says, each of them signed as if they were."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from signing import signed

from manifests.errors import IntegrityError
from manifests.release import Manifest
from manifests.release_rewriting import ReleaseRewriting
from manifests.storage import Storage
from pipeline.verify import verify_release

pytestmark = pytest.mark.servers
DATA, REWRITES, TEXTS = (f"{folder}/shard-00000-of-00002.parquet" for folder in ("data", "rewrites", "texts"))
Rows = list[dict[str, Any]]
Change = Callable[[Rows], object]


@pytest.fixture
def release(rewritten_recipe: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rewritten_recipe.parent / "releases/rewritten-0.1.0", tmp_path / "release"))


def manifest_of(release: Path) -> Manifest:
    return Manifest.read(Storage(str(release)))


def rewriting_of(release: Path) -> ReleaseRewriting:
    found = manifest_of(release).rewriting
    assert isinstance(found, ReleaseRewriting)
    return found


def findings(release: Path, **changes: object) -> str:
    """What `verify` finds in the release, signed."""
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(signed(release, **changes)))
    return caught.value.message


def rows_of(release: Path, path: str) -> Rows:
    rows: Rows = pq.read_table(release / path).to_pylist()
    return rows


def change_rows(release: Path, path: str, change: Change) -> None:
    """Change the rows of a file in place; its row groups, but the last one, stay as long as they were."""
    file = pq.ParquetFile(release / path)
    ends = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    rows = file.read().to_pylist()
    change(rows)
    table = pa.Table.from_pylist(rows, schema=file.schema_arrow)
    with pq.ParquetWriter(release / path, table.schema) as writer:
        start = 0
        for num_rows in (*ends[:-1], table.num_rows):
            writer.write_table(table.slice(start, num_rows))
            start += num_rows


def test_a_rewrite_that_documents_do_not_tell(release: Path) -> None:
    def turn(rows: Rows) -> None:
        rewritten = next(row for row in rows if row["rewrite"])
        original = next(row for row in rows if not row["rewrite"])
        rewritten["rewrite"], original["rewrite"] = "", rewritten["rewrite"]

    change_rows(release, REWRITES.replace("rewrites", "documents"), turn)
    message = findings(release)
    assert "expected the rewrite that rewrites/ says, got another" in message
    assert "expected no rewrite that rewrites/ says, got another" in message


def put(column: str, value: object) -> Change:
    """A change of the first row."""

    def change(rows: Rows) -> None:
        rows[0][column] = value

    return change


def rename(old: str, new: str) -> Change:
    """A change of the names of packed documents."""

    def change(rows: Rows) -> None:
        for row in rows:
            row["doc_ids"] = [new if name == old else name for name in row["doc_ids"]]

    return change


def test_what_is_written_anew_and_signed_is_sound(release: Path) -> None:
    change_rows(release, REWRITES, lambda _rows: None)
    told: list[int] = []
    report = verify_release(str(signed(release)), progress=told.append)
    assert sum(told) == report.num_bytes


def test_a_rewrite_without_a_row(release: Path) -> None:
    name = rows_of(release, REWRITES)[-1]["doc_id"]
    change_rows(release, REWRITES, lambda rows: rows.pop())
    message = findings(release)
    assert f"{REWRITES}: document {name}: expected a row for it, as its name in the shard says, got none" in message
    assert f"{REWRITES}: document {name}: expected a row for it, as texts/ says, got none" in message
    assert "rewriting.languages: Python: released documents and bytes: expected [" in message


def test_a_row_for_a_document_that_is_not_there(release: Path) -> None:
    change_rows(release, REWRITES, lambda rows: rows.append(rows[-1] | {"doc_id": "f" * 32}))
    message = findings(release)
    assert f"{'f' * 32}: expected no row, for the shard has no such document, got one" in message
    assert f"{'f' * 32}: expected its modes in texts/, got none" in message


def test_a_name_that_does_not_tell_a_rewrite(release: Path) -> None:
    name = rows_of(release, REWRITES)[0]["doc_id"]
    change_rows(release, DATA, rename(f"{name}-rewrite", name))
    assert f"{REWRITES}: document {name}: expected -rewrite in its name in the shard, got none" in findings(release)


def test_a_name_that_makes_an_original_a_rewrite(release: Path) -> None:
    name = next(row["doc_id"] for row in rows_of(release, TEXTS) if not row["rewrite"])
    change_rows(release, DATA, rename(name, f"{name}-rewrite"))
    message = findings(release)
    assert f"{REWRITES}: document {name}: expected a row for it, as its name in the shard says, got none" in message


def test_texts_that_deny_a_rewrite(release: Path) -> None:
    name = rows_of(release, REWRITES)[0]["doc_id"]

    def deny(rows: Rows) -> None:
        next(row for row in rows if row["doc_id"] == name)["rewrite"] = ""

    change_rows(release, TEXTS, deny)
    assert f"{REWRITES}: document {name}: expected its modes in texts/, got none" in findings(release)


def test_a_text_that_is_not_the_one_that_was_accepted(release: Path) -> None:
    name = rows_of(release, REWRITES)[0]["doc_id"]

    def turn(rows: Rows) -> None:
        row = next(row for row in rows if row["doc_id"] == name)
        row["text"] = row["text"][::-1]

    change_rows(release, TEXTS, turn)
    assert f"row group 0: document {name}: expected text_sha256 " in findings(release)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("original", "another", "original_sha256 '"),
        ("original_bytes", 1, "original_bytes "),
        ("original_sha256", "0" * 64, "original_sha256 '"),
        ("text_sha256", "0" * 64, "text_sha256 '"),
        ("model", "other/model", "model 'scripted/coder-1B', got 'other/model'"),
        ("revision", "2", "revision '1', got '2'"),
        ("licence", "MIT", "licence 'Apache-2.0', got 'MIT'"),
        ("temperature", 0.9, "temperature 0.2, got 0.9"),
        ("seed", 7, "seed 0, got 7"),
        ("language", "Go", "language 'Python', got 'Go'"),
        ("modes", "style", "modes '"),
        ("modes", "", "modes '"),
        ("prompts", [], "prompts ["),
    ],
)
def test_a_row_that_says_something_else(release: Path, column: str, value: object, expected: str) -> None:
    name = rows_of(release, REWRITES)[0]["doc_id"]
    change_rows(release, REWRITES, put(column, value))
    assert f"{REWRITES}: row group 0: document {name}: expected {expected}" in findings(release)


def test_rows_out_of_order(release: Path) -> None:
    change_rows(release, REWRITES, lambda rows: rows.reverse())
    assert f"{REWRITES}: row group 0: expected rows sorted by doc_id" in findings(release)


def test_a_file_that_is_not_listed_and_one_that_is_not_there(release: Path) -> None:
    (release / REWRITES).unlink()
    assert f"{REWRITES}: expected a file of " in findings_unsigned(release)


def findings_unsigned(release: Path) -> str:
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(release))
    return caught.value.message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"chosen": 1000}, "chosen: expected at most 24, got 1000"),
        ({"rewritten": 1000}, "rewritten: expected at most 24, got 1000"),
        ({"overruled": {"equal_rewrite": 99}}, "overruled: expected at most 16, got 99"),
        ({"released_documents": 1000}, "released_documents: expected at most 14, got 1000"),
        ({"released_bytes": 10**9}, "released_bytes: expected at most "),
        ({"released_bytes": 5}, "released documents and bytes: expected [14, 5], got [14, "),
    ],
)
def test_numbers_of_the_manifest_that_cannot_be(release: Path, change: dict[str, Any], expected: str) -> None:
    rewriting = rewriting_of(release)
    python = msgspec.structs.replace(rewriting.languages["Python"], **change)
    forged = msgspec.structs.replace(rewriting, languages={"Python": python})
    assert f"rewriting.languages: Python: {expected}" in findings(release, rewriting=forged)


def test_an_account_without_the_documents_that_rewriting_rejected(release: Path) -> None:
    rewriting = rewriting_of(release)
    surveyed = rewriting.languages["Python"].surveyed | {"hopeless": 7}
    python = msgspec.structs.replace(rewriting.languages["Python"], surveyed=surveyed)
    forged = msgspec.structs.replace(rewriting, languages={"Python": python})
    message = findings(release, rewriting=forged)
    assert "ledgers.tokenize: rewrite/hopeless_code: expected 7 documents, got 1" in message


def test_a_model_that_is_not_the_recipes(release: Path) -> None:
    rewriting = rewriting_of(release)
    model = msgspec.structs.replace(rewriting.model, name="other/model")
    message = findings(release, rewriting=msgspec.structs.replace(rewriting, model=model))
    assert "manifest.json: rewriting.model: expected {'name': 'scripted/coder-1B'" in message
    assert "expected model 'other/model', got 'scripted/coder-1B'" in message


def test_a_recipe_that_rewrites_and_a_manifest_that_says_nothing_of_it(release: Path) -> None:
    message = findings(release, rewriting=msgspec.UNSET)
    assert "manifest.json: rewriting: is there: expected True, got False" in message
    assert "expected no -rewrite in its name" in message

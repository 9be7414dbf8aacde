"""Documents and lookup that are not what the rest of the release says, each of them signed as if they were."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from signing import signed

from manifests.errors import IntegrityError
from pipeline.verify import verify_release

DOCUMENTS, LOOKUP = (f"{folder}/shard-00000-of-00002.parquet" for folder in ("documents", "lookup"))
Row = dict[str, Any]
Rows = list[Row]


@pytest.fixture
def release(holding_out: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(holding_out.parent / "releases/tiny-0.2.0", tmp_path / "release"))


def findings(release: Path) -> str:
    """What `verify` finds in the release, signed."""
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(signed(release)))
    return caught.value.message


def rewrite(release: Path, path: str, change: Callable[[Rows], object]) -> None:
    table = pq.read_table(release / path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), release / path)


def of(rows: Rows, *, held_out: bool) -> Row:
    return next(row for row in rows if row["held_out"] == held_out and row["source"] == "stack")


def test_row_groups_are_no_promise(release: Path) -> None:
    for path, size in ((DOCUMENTS, 7), (LOOKUP, 50)):
        pq.write_table(pq.read_table(release / path), release / path, row_group_size=size)
    verify_release(str(signed(release)))


Change = tuple[str, object, str]
# Told of one document each, some at a time: a release is looked into once for each of these lists.
PACKED: list[list[Change]] = [
    [
        ("source", "pile", "expected the source that attribution/ says"),
        ("subset", "other", "expected the subset that attribution/ says"),
        ("repository", "team/other", "expected the repository that attribution/ says"),
        ("path", "src/other.py", "expected the path that attribution/ says"),
        ("revision", "r9", "expected the revision that attribution/ says"),
        ("licence", "Apache-2.0", "expected the licence that attribution/ says"),
    ],
    [
        ("kind", "text", "expected the kind that positions/ says"),
        ("copies", 3, "expected the copies that positions/ says"),
        ("tokens", 5, "expected the tokens that positions/ says"),
        ("content_hash", "0" * 32, "expected the content_hash that index/ says"),
        ("num_bytes", 5, "expected the num_bytes that texts/ says"),
        ("language", "Perl", "expected the language that texts/ says"),
    ],
    [
        ("swhid", "", "expected the SWHID of its blob, got ''"),
        ("sha256", "F" * 64, "expected a sha256 of 64 hex digits"),
        ("rewrite", "repair", "expected no mode, for nothing rewrote it"),
        ("held_out", True, "expected the held_out that index/ says"),
    ],
    [
        ("blob", "0" * 40, "expected the SWHID of its blob, got 'swh:1:cnt:"),
        ("content_hash", "", "expected a content hash of 32 hex digits"),
        ("tokens", 0, "expected tokens of packed documents, and none of held-out ones"),
    ],
    [("blob", "0" * 39, "expected a git blob id of 40 hex digits or none")],
]
HELD_OUT: list[list[Change]] = [
    [
        ("language", "Perl", "expected the language that held_out/ says"),
        ("licence", "Apache-2.0", "expected the licence that held_out/ says"),
        ("repository", "team/other", "expected the repository that held_out/ says"),
        ("num_bytes", 5, "expected the num_bytes that held_out/ says"),
    ],
    [
        ("tokens", 5, "expected tokens of packed documents, and none of held-out ones"),
        ("copies", 1, "expected copies of packed documents, and none of held-out ones"),
    ],
]


@pytest.mark.parametrize(
    ("held_out", "changes"), [*((False, changes) for changes in PACKED), *((True, changes) for changes in HELD_OUT)]
)
def test_documents_that_are_told_otherwise(release: Path, held_out: bool, changes: list[Change]) -> None:
    changed: list[str] = []

    def change(rows: Rows) -> None:
        own = [row for row in rows if row["held_out"] == held_out and row["source"] == "stack"]
        for row, (column, value, _) in zip(own, changes, strict=False):
            assert row[column] != value
            row[column] = value
            changed.append(row["doc_id"])

    rewrite(release, DOCUMENTS, change)
    lines = findings(release).splitlines()
    assert len(changed) == len(changes)
    for identifier, (_, _, said) in zip(changed, changes, strict=True):
        assert any(f"document {identifier}" in line and said in line for line in lines), said


@pytest.mark.parametrize("held_out", [False, True])
def test_a_document_that_is_not_told(release: Path, held_out: bool) -> None:
    gone: list[str] = []

    def leave_out(rows: Rows) -> None:
        rows.remove(row := of(rows, held_out=held_out))
        gone.append(row["doc_id"])

    rewrite(release, DOCUMENTS, leave_out)
    message = findings(release)
    assert f"{DOCUMENTS}: document {gone[0]}: expected a row for it, got none" in message
    assert ("in documents/" in message) == (not held_out)
    assert "must not have key" in message


def test_a_document_that_is_not_there(release: Path) -> None:
    rewrite(release, DOCUMENTS, lambda rows: rows.append(of(rows, held_out=False) | {"doc_id": "f" * 32}))
    message = findings(release)
    assert f"document {'f' * 32}: expected no row, for the shard has no such document, got one" in message
    assert "it lacks key" in message


def test_documents_that_are_sorted_within_row_groups_alone(release: Path) -> None:
    table = pq.read_table(release / DOCUMENTS)
    half = table.num_rows // 2
    turned = pa.concat_tables([table.slice(half), table.slice(0, half)])
    pq.write_table(turned, release / DOCUMENTS, row_group_size=table.num_rows - half)
    assert "expected rows sorted by doc_id over the whole file, got others" in findings(release)


def test_a_sum_that_is_not_the_manifests(release: Path) -> None:
    def change(rows: Rows) -> None:
        of(rows, held_out=False)["language"] = "Perl"

    rewrite(release, DOCUMENTS, change)
    assert "documents of code, stack, (none), Perl, MIT, documents: expected 0, got 1 in documents/".replace(
        ", documents:", ":"
    ) in findings(release)


def test_a_url_that_lookup_does_not_know(release: Path) -> None:
    rewrite(release, DOCUMENTS, lambda rows: of(rows, held_out=False).update(url="https://a.example/1"))
    assert "it lacks key" in findings(release)


# Lookup


def test_a_key_that_is_gone(release: Path) -> None:
    rewrite(release, LOOKUP, lambda rows: rows.pop(3))
    message = findings(release)
    assert f"{LOOKUP}: expected what names the documents of documents/; it lacks key" in message


def test_a_key_that_names_nothing(release: Path) -> None:
    def add(rows: Rows) -> None:
        rows.insert(1, rows[0] | {"key_low": rows[0]["key_low"] + 1})

    rewrite(release, LOOKUP, add)
    assert f"{LOOKUP}: expected what names the documents of documents/; it must not have key" in findings(release)


def test_a_key_that_leads_to_another_shard(release: Path) -> None:
    rewrite(release, LOOKUP, lambda rows: rows[5].update(shard=9))
    message = findings(release)
    assert "it lacks key" in message


def test_keys_out_of_order(release: Path) -> None:
    def swap(rows: Rows) -> None:
        rows[0], rows[1] = rows[1], rows[0]

    rewrite(release, LOOKUP, swap)
    assert f"{LOOKUP}: row group 0: expected rows sorted by key_high, key_low and shard" in findings(release)


def test_a_key_that_is_there_twice(release: Path) -> None:
    rewrite(release, LOOKUP, lambda rows: rows.insert(0, rows[0]))
    message = findings(release)
    assert "each once, got others" in message


def test_keys_of_another_range(release: Path) -> None:
    other = LOOKUP.replace("shard-00000", "shard-00001")
    one, two = ((release / path).read_bytes() for path in (LOOKUP, other))
    (release / LOOKUP).write_bytes(two)
    (release / other).write_bytes(one)
    assert f"{LOOKUP}: row group 0: expected keys of range 0 of 2, got others" in findings(release)


def test_columns_of_something_else(release: Path) -> None:
    pq.write_table(pa.table({"key": [1]}), release / LOOKUP)
    assert f"{LOOKUP}: expected the columns key_high uint64, key_low uint64, shard uint32, got" in findings(release)

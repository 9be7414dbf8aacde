"""Index, bands and held-out texts that are not what the release says, each of them signed as if they were."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from signing import signed

from manifests.errors import IntegrityError
from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.verify import verify_release

SHARD, HELD_OUT, INDEX, BANDS = (
    f"{folder}/shard-00000-of-00002.parquet" for folder in ("data", "held_out", "index", "bands")
)
Rows = list[dict[str, Any]]


@pytest.fixture
def release(holding_out: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(holding_out.parent / "releases/tiny-0.2.0", tmp_path / "release"))


def manifest_of(release: Path) -> Manifest:
    return Manifest.read(Storage(str(release)))


def findings(release: Path, **changes: object) -> str:
    """What `verify` finds in the release, signed."""
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(signed(release, **changes)))
    return caught.value.message


def rows_of(release: Path, path: str) -> Rows:
    rows: Rows = pq.read_table(release / path).to_pylist()
    return rows


def rewrite(release: Path, path: str, change: Callable[[Rows], object]) -> None:
    table = pq.read_table(release / path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), release / path)


def test_a_release_that_holds_documents_out_is_sound(release: Path) -> None:
    told: list[int] = []
    report = verify_release(str(release), progress=told.append)
    assert sum(told) == report.num_bytes
    assert report.files == 26
    assert {file.path.partition("/")[0] for file in manifest_of(release).files} >= {"held_out", "index", "bands"}


def test_what_is_written_anew_and_signed_is_sound(release: Path) -> None:
    for path in (INDEX, BANDS):
        rewrite(release, path, lambda _rows: None)
    verify_release(str(signed(release)))


def test_row_groups_are_no_promise(release: Path) -> None:
    for path, size in ((INDEX, 5), (BANDS, 100)):
        pq.write_table(pq.read_table(release / path), release / path, row_group_size=size)
    verify_release(str(signed(release)))


# Index


@pytest.mark.parametrize(("held_out", "of"), [(False, "the shard"), (True, "held_out/")])
def test_a_document_of_the_index_that_is_not_there(release: Path, held_out: bool, of: str) -> None:
    gone: Rows = []

    def rename(rows: Rows) -> None:
        row = next(row for row in rows if row["held_out"] == held_out)
        gone.append(dict(row))
        row["doc_id"] = "f" * 32

    rewrite(release, INDEX, rename)
    message = findings(release)
    assert f"{INDEX}: document {gone[0]['doc_id']}: expected a row for it, got none" in message
    assert f"{INDEX}: document {'f' * 32}: expected no row, for {of} has no such document, got one" in message


def test_a_held_out_document_that_the_index_takes_for_another(release: Path) -> None:
    def turn(rows: Rows) -> None:
        next(row for row in rows if row["held_out"])["held_out"] = False

    rewrite(release, INDEX, turn)
    message = findings(release)
    assert "expected no row, for the shard has no such document, got one" in message
    assert "expected a row for it, got none" in message


def test_a_document_that_the_index_lacks(release: Path) -> None:
    rewrite(release, INDEX, lambda rows: rows.pop())
    message = findings(release)
    assert f"{INDEX}: document " in message
    assert "expected a row for it, got none" in message
    assert f"{BANDS}: row group 0: expected rows below " in message


def test_an_index_out_of_order(release: Path) -> None:
    rewrite(release, INDEX, lambda rows: rows.reverse())
    assert f"{INDEX}: row group 0: expected rows sorted by key_high, key_low and doc_id" in findings(release)


def test_an_index_out_of_order_between_two_row_groups(release: Path) -> None:
    table = pq.read_table(release / INDEX)
    turned = pa.concat_tables([table.slice(10), table.slice(0, 10)])
    pq.write_table(turned, release / INDEX, row_group_size=table.num_rows - 10)
    message = findings(release)
    assert f"{INDEX}: row group 1: expected rows sorted" in message
    assert f"{INDEX}: row group 0" not in message


@pytest.mark.parametrize(
    ("value", "expected"),
    [("abc", "expected doc_ids of 32 hex digits, got abc"), ("g" * 32, "expected doc_ids of lower-case hex digits")],
)
def test_ids_of_the_index_that_are_none(release: Path, value: str, expected: str) -> None:
    rewrite(release, INDEX, lambda rows: rows[3].update({"doc_id": value}))
    assert expected in findings(release)


# Bands


def test_values_without_bands(release: Path) -> None:
    rows = rows_of(release, INDEX)
    row = next(number for number, row in enumerate(rows) if row["values"] is not None)
    rewrite(release, BANDS, lambda bands: bands.remove(next(band for band in bands if band["row"] == row)))
    assert f"{BANDS}: document {rows[row]['doc_id']}: expected 32 bands and signature values, or none" in findings(
        release
    )


def test_bands_without_values(release: Path) -> None:
    rewrite(release, INDEX, lambda rows: rows[0].update({"values": None}))
    assert "or none of either, got 32 and no signature values" in findings(release)


def test_bands_of_a_row_that_is_not_there(release: Path) -> None:
    rewrite(release, BANDS, lambda bands: bands[5].update({"row": 10_000}))
    assert f"{BANDS}: row group 0: expected rows below {len(rows_of(release, INDEX))}" in findings(release)


def test_bands_out_of_order(release: Path) -> None:
    rewrite(release, BANDS, lambda bands: bands.reverse())
    assert f"{BANDS}: row group 0: expected rows sorted by key and row, got others" in findings(release)


@pytest.mark.parametrize(
    ("near", "expected"),
    [
        (None, "expected 0 bands and signature values, or none of either, got 32 and signature values"),
        ({"bands": 16}, "expected 16 bands and signature values"),
        ({"bands": "32"}, "manifest.json: recipe: expected a number as deduplication.near.bands, got none"),
        ({}, "manifest.json: recipe: expected a number as deduplication.near.bands, got none"),
        ("near", "manifest.json: recipe: expected a number as deduplication.near.bands, got none"),
    ],
)
def test_bands_that_are_not_those_of_the_recipe(release: Path, near: object, expected: str) -> None:
    recipe = manifest_of(release).recipe | {"deduplication": {"near": near}}
    assert expected in findings(release, recipe=recipe)


def test_a_release_without_near_duplicates_has_neither_bands_nor_values(release: Path) -> None:
    recipe = manifest_of(release).recipe | {"deduplication": {"near": None}}
    for name in ("shard-00000-of-00002.parquet", "shard-00001-of-00002.parquet"):
        rewrite(release, f"index/{name}", lambda rows: [row.update({"values": None}) for row in rows])
        rewrite(release, f"bands/{name}", lambda bands: bands.clear())
    verify_release(str(signed(release, recipe=recipe)))


# Held-out texts


def test_a_held_out_document_without_a_text(release: Path) -> None:
    gone: Rows = []
    rewrite(release, HELD_OUT, lambda rows: gone.append(rows.pop()))
    message = findings(release)
    assert f"{INDEX}: document {gone[0]['doc_id']}: expected no row, for held_out/ has no such document" in message
    assert "manifest.json: held_out: rows of held_out/: expected" in message


def test_a_held_out_document_that_is_in_training(release: Path) -> None:
    inside = rows_of(release, SHARD)[0]["doc_ids"][0]

    def replace(rows: Rows) -> None:
        rows[0]["doc_id"] = inside
        rows.sort(key=lambda row: row["doc_id"])

    rewrite(release, HELD_OUT, replace)
    assert f"document {inside}: expected it in one place, got it in {SHARD} and {HELD_OUT}" in findings(release)


def test_a_held_out_document_that_is_in_training_elsewhere(release: Path) -> None:
    inside = rows_of(release, SHARD.replace("00000-of", "00001-of"))[0]["doc_ids"][0]
    rewrite(release, HELD_OUT, lambda rows: rows[0].update({"doc_id": inside}))
    assert f"document {inside}: expected it in one place" in findings(release)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("kind", "prose", "expected code or text, got 'prose'"),
        ("licence", "", "expected a licence, got ''"),
        ("text", None, "expected no null, got some in text"),
    ],
)
def test_held_out_texts_that_cannot_be_signed(release: Path, column: str, value: object, expected: str) -> None:
    rewrite(release, HELD_OUT, lambda rows: rows[0].update({column: value}))
    message = findings(release)
    assert f"{HELD_OUT}: row group 0: " in message
    assert expected in message


def test_held_out_texts_out_of_order(release: Path) -> None:
    rewrite(release, HELD_OUT, lambda rows: rows.reverse())
    assert f"{HELD_OUT}: row group 0: expected rows sorted by doc_id" in findings(release)


def test_another_number_of_held_out_documents(release: Path) -> None:
    message = findings(release, held_out=1)
    assert "manifest.json: held_out: 1 documents and 0 taken out; expected the " in message


def test_held_out_documents_that_the_recipe_does_not_ask_for(release: Path) -> None:
    message = findings(release, recipe=manifest_of(release).recipe | {"held_out": None})
    assert f"manifest.json: files: entries of {HELD_OUT}: expected 0, got 1" in message


# Files


@pytest.mark.parametrize("path", [INDEX, BANDS, HELD_OUT])
def test_a_file_of_another_release(release: Path, path: str) -> None:
    table = pq.read_table(release / path)
    pq.write_table(table.replace_schema_metadata({b"corpusmill.release": b"other"}), release / path)
    assert f"{path}: expected the metadata" in findings(release)


@pytest.mark.parametrize("path", [INDEX, BANDS, HELD_OUT])
def test_a_file_of_other_columns(release: Path, path: str) -> None:
    table = pq.read_table(release / path)
    pq.write_table(table.drop_columns(table.column_names[:1]), release / path)
    assert f"{path}: expected the columns " in findings(release)


@pytest.mark.parametrize("path", [INDEX, BANDS])
def test_a_file_that_may_hold_nulls(release: Path, path: str) -> None:
    table = pq.read_table(release / path)
    fields = [field.with_nullable(True) for field in table.schema]
    pq.write_table(table.cast(pa.schema(fields, table.schema.metadata)), release / path)
    assert f"{path}: expected the columns " in findings(release)


@pytest.mark.parametrize("path", [INDEX, BANDS, HELD_OUT])
def test_a_file_that_is_no_parquet(release: Path, path: str) -> None:
    manifest = manifest_of(release)
    (release / path).write_bytes(b"PAR1" * 9)
    listed = ReleaseFile(path, 36, sha256(b"PAR1" * 9).hexdigest(), 1)
    files = [listed if file.path == path else file for file in manifest.files]
    (release / "manifest.json").write_bytes(msgspec.structs.replace(manifest, files=files).to_bytes())
    with pytest.raises(IntegrityError, match=f"{path}: expected a Parquet file"):
        verify_release(str(release))


def test_an_index_that_would_fill_the_memory_is_not_read(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.verify_documents.MAXIMUM_ROW_GROUP_BYTES", 1000)
    assert f"{INDEX}: row group 0: expected at most" in findings(release)

"""A release that somebody made to harm whoever looks into it: each file is refused by name, before memory is taken."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from manifests.errors import IntegrityError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import By, Request
from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.removal_report import check_release
from pipeline.verify_documents import MAXIMUM_ROW_GROUP_ROWS

ASKED: list[tuple[By, str]] = [("path", "**/*.py"), ("owner", "team")]


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """A file with another table, in one row group."""
    table = change(pq.read_table(path))
    pq.write_table(table, path, row_group_size=max(1, table.num_rows))


def huge(path: Path) -> None:
    """A few kB, and more rows in a group than any release has."""

    def change(table: pa.Table) -> pa.Table:
        return table.take(pa.array(np.zeros(MAXIMUM_ROW_GROUP_ROWS + 1, dtype=np.int32)))

    rewritten(path, change)


def repeated(path: Path) -> None:
    """Few kB, of which a text column makes 4 GB: every row has the same long value."""
    schema, rows = pq.read_schema(path), 4_000
    columns: dict[str, pa.Array] = {
        field.name: pa.repeat(pa.scalar("" if pa.types.is_string(field.type) else 0).cast(field.type), rows)
        for field in schema
    }
    columns["path"] = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * 1_000_000])
    fields = [pa.field(field.name, columns[field.name].type, field.nullable) for field in schema]
    table = pa.table(columns, schema=pa.schema(fields))
    with pq.ParquetWriter(path, table.schema, store_schema=False, compression="zstd") as writer:
        writer.write_table(table, row_group_size=rows)
        writer.add_key_value_metadata(schema.metadata)


def another_column(path: Path) -> None:
    rewritten(path, lambda table: table.append_column("more", pa.array([0] * table.num_rows)))


def another_type(path: Path) -> None:
    rewritten(path, lambda table: table.set_column(0, table.schema.field(0).name, pa.nulls(table.num_rows)))


def another_label(path: Path) -> None:
    rewritten(path, lambda table: table.replace_schema_metadata({"corpusmill.release": "other 1.0.0"}))


def no_parquet(path: Path) -> None:
    path.write_bytes(b"PAR1" + b"\xff" * 64 + b"\x40\0\0\0PAR1")


def listed(release: Path, path: Path) -> None:
    """Have the manifest list a file as it is."""
    manifest, name = Manifest.read(Storage(str(release))), path.relative_to(release).as_posix()
    files = {file.path: file for file in manifest.files}
    rows = files[name].rows
    with suppress(OSError, pa.ArrowException):
        rows = pq.ParquetFile(path).metadata.num_rows
    files[name] = msgspec.structs.replace(ReleaseFile.of(name, path.read_bytes()), rows=rows)
    (release / "manifest.json").write_bytes(manifest.with_files(files.values()).to_bytes())


def refusal(release: Path, registry: Path) -> str:
    """What `optout check` says."""
    asked = Registry(str(registry))
    asked.append([Request("T-1", "2026-03-04", by, value, "asked") for by, value in ASKED])
    with pytest.raises(IntegrityError) as caught:
        check_release(asked, str(release), ("", ""), near_copies="remove")
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize(
    ("harm", "folder", "expected"),
    [
        (huge, "lookup", "row group 0: expected at most 1048576 rows"),
        (huge, "documents", "row group 0: expected at most 1048576 rows"),
        (repeated, "documents", "expected a row group that memory can take"),
        (another_column, "lookup", "expected the columns key_high uint64"),
        (another_column, "documents", "expected the columns doc_id string"),
        (another_type, "index", "expected the columns key_high uint64"),
        (another_type, "bands", "expected the columns key uint64"),
        (another_label, "documents", "expected the metadata"),
        (no_parquet, "documents", "expected a Parquet file"),
    ],
)
def test_a_hostile_file_is_refused_by_name(
    harm: Callable[[Path], None], folder: str, expected: str, *, small_release: Path, tmp_path: Path
) -> None:
    release = Path(shutil.copytree(small_release, tmp_path / "small-0.1.0"))
    path = min((release / folder).iterdir())
    harm(path)
    assert path.stat().st_size < 10_000_000
    listed(release, path)
    said = refusal(release, tmp_path / "registry")
    assert f"{folder}/{path.name}: " in said
    assert expected in said


def test_another_file_than_the_one_that_is_listed_is_refused_by_name(small_release: Path, tmp_path: Path) -> None:
    release = Path(shutil.copytree(small_release, tmp_path / "small-0.1.0"))
    path = min((release / "documents").iterdir())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert f"documents/{path.name}: expected sha256 " in refusal(release, tmp_path / "registry")


def test_folders_that_do_not_belong_together_are_refused_before_one_is_read(
    small_release: Path, tmp_path: Path
) -> None:
    release = Path(shutil.copytree(small_release, tmp_path / "small-0.1.0"))
    manifest = Manifest.read(Storage(str(release)))
    left = manifest.with_files(file for file in manifest.files if not file.path.startswith(("lookup/", "bands/")))
    (release / "manifest.json").write_bytes(left.to_bytes())
    assert "lookup/" in refusal(release, tmp_path / "registry")

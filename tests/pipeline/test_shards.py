"""The shards of a unit give their documents twice, in whatever container they are; a replaced shard is found out."""

import io
import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from manifests.document import ID_BYTES, Document
from manifests.errors import IntegrityError
from manifests.storage import Storage
from pipeline.plan import Plan, Shard
from pipeline.recipe import Columns, Recipe, Source
from pipeline.shards import documents_again, unit_rows
from pipeline.steps import UnitContext

TEXTS = [f"text {number}" for number in range(20)]


NOTES = Source(name="notes", format="jsonl", paths=["*"], kind="text")


class Heard:
    """Progress as it was reported."""

    def __init__(self) -> None:
        self.reports: list[int] = []

    def __call__(self, num_bytes: int) -> None:
        self.reports.append(num_bytes)


def shard_of(path: Path) -> Shard:
    data = path.read_bytes()
    return Shard(f"notes/{path.name}", str(path), "notes", len(data), sha256(data).hexdigest())


def context_of(shards: Sequence[Shard], folder: Path, source: Source = NOTES) -> tuple[UnitContext, Heard]:
    heard = Heard()
    context = UnitContext(
        recipe=Recipe(name="r", version="0.1.0", sources=[source]),
        plan=Plan([list(shards)], 1, 1),
        unit=0,
        storage=Storage(str(folder)),
        step="ingest",
        reads={},
        inputs={},
        earlier={},
        failed={},
        progress=heard,
    )
    return context, heard


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    lines = tmp_path / "0.jsonl"
    lines.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    parquet = tmp_path / "1.parquet"
    pq.write_table(pa.table({"text": [text + "!" for text in TEXTS]}), parquet, row_group_size=6)
    return [lines, parquet]


def documents(context: UnitContext) -> list[Document]:
    return [item for item in unit_rows(context) if isinstance(item, Document)]


def places_of(items: Sequence[Document]) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([bytes.fromhex(item.id) for item in items], pa.binary(ID_BYTES)),
            "shard": [item.shard for item in items],
            "row": [item.row for item in items],
            "part": [item.part for item in items],
            "kind": [item.kind for item in items],
            "language": [item.language for item in items],
        }
    )


def test_every_row_is_read_and_every_byte_reported_once(shards: list[Path], tmp_path: Path) -> None:
    context, heard = context_of([shard_of(path) for path in shards], tmp_path)
    assert [item.text for item in documents(context)] == TEXTS + [text + "!" for text in TEXTS]
    assert sum(heard.reports) == sum(path.stat().st_size for path in shards)
    assert heard.reports.count(0) >= len(TEXTS)  # reading rows at random is a sign of life


def test_wanted_documents_are_read_again_with_their_ordinals(shards: list[Path], tmp_path: Path) -> None:
    context, _ = context_of([shard_of(path) for path in shards], tmp_path)
    seen = documents(context)
    again = list(documents_again(context, places_of(seen), {0, 7, 25, 39}))
    assert again == [(ordinal, seen[ordinal]) for ordinal in (0, 7, 25, 39)]


def test_files_of_one_row_have_ordinals_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "0.parquet"
    rows = [{"files": [{"text": f"{row}{part}"} for part in range(3)]} for row in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    columns = Columns(text="text", files="files")
    source = Source(name="notes", format="columns", paths=["*"], kind="text", columns=columns)
    context, _ = context_of([shard_of(path)], tmp_path, source)
    seen = documents(context)
    again = list(documents_again(context, places_of(seen), {1, 3, 8}))
    assert again == [(ordinal, seen[ordinal]) for ordinal in (1, 3, 8)]
    assert [(item.text, item.row, item.part) for _, item in again] == [("01", 0, 1), ("10", 1, 0), ("22", 2, 2)]


@pytest.mark.parametrize("number", [0, 1])
def test_another_document_at_the_place_is_found_out(shards: list[Path], tmp_path: Path, number: int) -> None:
    context, _ = context_of([shard_of(shards[number])], tmp_path)
    seen = documents(context)
    places = places_of(list(reversed(seen))).set_column(2, "row", pa.array(range(len(seen))))
    with pytest.raises(IntegrityError, match="another document than ingest saw here"):
        list(documents_again(context, places, {3}))


@pytest.mark.parametrize("number", [0, 1])
def test_a_replaced_shard_is_found_out(shards: list[Path], tmp_path: Path, number: int) -> None:
    context, _ = context_of([shard_of(path) for path in shards], tmp_path)
    shards[number].write_bytes(shards[1 - number].read_bytes())
    with pytest.raises(IntegrityError, match=r"the file changed since the run was planned; expected sha256"):
        documents(context)


def test_a_parquet_shard_that_changes_under_the_reader_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "0.parquet"
    file = io.BytesIO()
    pq.write_table(pa.table({"text": TEXTS}), file)
    path.write_bytes(file.getvalue())
    context, _ = context_of([shard_of(path)], tmp_path)
    rows = unit_rows(context)
    next(rows)
    os.utime(path, ns=(1, 1))
    with pytest.raises(IntegrityError, match="a later change of the file"):
        list(rows)

import io
import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.document import Document, Kind, document_id
from stages import attribution as module
from stages.attribution import (
    ATTRIBUTION,
    EVIDENCE,
    NOT_KNOWN,
    PROVENANCE,
    attribution,
    attribution_schema,
    attribution_writer,
    not_known,
    provenances,
    row_groups,
    stated_revision,
)

PIECE = {"id": "0" * 16, "kind": "header", "expression": "MIT", "where": "line 1", "confidence": 1.0}


def document(text: str = "x = 1\n", *, kind: Kind = "code", key: str = "a/b:c.py", **metadata: object) -> Document:
    repo, _, path = key.partition(":")
    identifier = document_id("files", key, text)
    return Document(identifier, text, kind, "files", repo=repo, path=path, metadata=json.dumps(metadata))


def table_of(*rows: dict[str, Any]) -> tuple[pa.Table, pa.Array]:
    """What pack holds of some documents, and their ids."""
    given = [{"id": f"{n:032x}", "licence": "MIT", "declared": "", "evidence": [], "known": ("", "", [])} | row
             for n, row in enumerate(rows)]  # fmt: skip
    column = provenances(
        [row["known"] for row in given],
        pa.array([row["declared"] for row in given], pa.string()),
        pa.array([row["evidence"] for row in given], pa.list_(EVIDENCE)),
    )
    names = ("kind", "source", "subset", "repo", "path", "licence")
    columns = {name: pa.array([row.get(name, "") for row in given], pa.string()) for name in names}
    return pa.table(columns | {"attribution": column}), pa.array([row["id"] for row in given], pa.string())


# What a row says


def test_the_row_names_its_revision() -> None:
    assert stated_revision(document(revision_id="abc")) == "abc"


@pytest.mark.parametrize("wrong", [5, None, ["abc"], {"abc": 1}, "r" * 201])
def test_a_revision_that_is_none(wrong: object) -> None:
    assert stated_revision(document(revision_id=wrong)) == ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["revision_id"]) | st.text(), inner),
    )
)
def test_any_metadata_is_survived(value: object) -> None:
    assert len(stated_revision(replace(document(), metadata=json.dumps(value)))) <= 200


@given(st.text())
def test_metadata_that_is_no_json_is_survived(metadata: str) -> None:
    stated_revision(replace(document(), metadata=metadata))


# The release's table


def test_a_row_says_all_there_is_to_say() -> None:
    said = {
        "kind": "code", "source": "files", "subset": "s", "repo": "a/b", "path": "c.py", "licence": "MIT",
        "declared": "MIT OR Apache-2.0", "evidence": [PIECE], "known": ("r1", "swh:1:cnt:x", ["Copyright Jane Doe"]),
    }  # fmt: skip
    assert attribution(*table_of(said)).to_pylist() == [
        {
            "doc_id": "0" * 32, "kind": "code", "source": "files", "subset": "s", "repository": "a/b", "revision": "r1",
            "path": "c.py", "swhid": "swh:1:cnt:x", "licence": "MIT", "licence_declared": "MIT OR Apache-2.0",
            "evidence": [PIECE], "copyright": ["Copyright Jane Doe"],
        }
    ]  # fmt: skip


@given(st.permutations(range(12)))
def test_rows_are_in_order_of_their_ids_with_what_is_theirs(order: list[int]) -> None:
    rows = [
        {
            "id": f"{n:032x}",
            "path": f"{n}.py",
            "evidence": [PIECE] * (n % 3),
            "known": (f"r{n}", "", [f"c{n}"] * (n % 2)),
        }
        for n in order
    ]
    found = attribution(*table_of(*rows)).to_pylist()
    assert [row["doc_id"] for row in found] == [f"{n:032x}" for n in range(12)]
    for number, row in enumerate(found):
        assert (row["path"], row["revision"]) == (f"{number}.py", f"r{number}")
        assert row["evidence"] == [PIECE] * (number % 3)
        assert row["copyright"] == [f"c{number}"] * (number % 2)


def test_a_filtered_table_keeps_rows_together() -> None:
    table, names = table_of(*({"path": str(n), "known": (f"r{n}", "", [f"c{n}"])} for n in range(6)))
    mask = pa.array([False, True, False, True, True, False])
    found = attribution(table.filter(mask), names.filter(mask))
    assert [(row["path"], row["revision"], row["copyright"]) for row in found.to_pylist()] == [
        ("1", "r1", ["c1"]), ("3", "r3", ["c3"]), ("4", "r4", ["c4"])
    ]  # fmt: skip


def test_no_documents_are_a_table_too() -> None:
    found = attribution(*table_of())
    assert found.schema.equals(ATTRIBUTION)
    assert found.num_rows == 0
    assert not_known(found) == dict.fromkeys(NOT_KNOWN, 0)
    assert list(row_groups(found)) == []


def test_the_column_that_travels_has_its_type() -> None:
    assert table_of({})[0].schema.field("attribution").type == PROVENANCE


def test_what_is_not_known_is_counted() -> None:
    known = {"repo": "a/b", "known": ("r", "s", ["c"])}
    rows = [known, known | {"licence": "NOASSERTION"}, known | {"repo": ""}, known | {"known": ("", "s", ["c"])}]
    rows += [known | {"known": ("r", "", ["c"])}, known | {"known": ("r", "s", [])}]
    assert not_known(attribution(*table_of(*rows))) == dict.fromkeys(NOT_KNOWN, 1)


# The file


def written(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with attribution_writer(sink, attribution_schema("tiny 0.1.0")) as writer:
        for part in row_groups(table):
            writer.write_table(part, row_group_size=part.num_rows)
    return sink.getvalue()


def test_a_file_gives_back_its_rows_and_names_its_release() -> None:
    table = attribution(*table_of(*({"evidence": [PIECE], "known": (f"r{n}", "", ["c"])} for n in range(50))))
    data = written(table)
    back = pq.read_table(io.BytesIO(data))
    assert back.to_pylist() == table.to_pylist()
    assert back.schema.metadata == {b"corpusmill.release": b"tiny 0.1.0"}
    assert written(table) == data


def test_what_repeats_is_stored_once() -> None:
    table = attribution(*table_of({"evidence": [PIECE], "known": ("r", "s", ["c"])}))
    group = pq.ParquetFile(io.BytesIO(written(table))).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    once = {column.path_in_schema for column in columns if "RLE_DICTIONARY" in column.encodings}
    assert {column.path_in_schema for column in columns} - once == {"doc_id", "path", "swhid"}


@given(st.lists(st.integers(0, 3000), max_size=40), st.integers(1, 12))
def test_row_groups_are_bounded_and_lose_nothing(sizes: list[int], rows: int) -> None:
    table = attribution(*table_of(*({"path": "x" * size} for size in sizes)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROW_GROUP_ROWS", rows)
        patch.setattr(module, "ROW_GROUP_BYTES", 4000)
        parts = list(row_groups(table))
    assert pa.concat_tables([ATTRIBUTION.empty_table(), *parts]).equals(table)
    assert all(part.num_rows == 1 or (part.num_rows <= rows and part.nbytes <= 4000) for part in parts)

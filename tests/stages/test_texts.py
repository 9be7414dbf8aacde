import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.document import ID_BYTES
from manifests.errors import IntegrityError
from stages import texts as module
from stages.text_lines import read_lines
from stages.texts import RELEASED_TEXTS, TextsFormat, text_rows, texts_schema, texts_writer

OF_DOCUMENT = ("kind", "source", "subset", "language", "licence", "repo", "path")


def documents_of(ids: list[int]) -> tuple[pa.Table, pa.Array]:
    """What pack holds of some documents, each column naming its document, and their ids as text."""
    raw = [number.to_bytes(ID_BYTES, "big") for number in ids]
    columns = {name: pa.array([f"{name} {number}" for number in ids], pa.string()) for name in OF_DOCUMENT}
    copies = {"copies": pa.array([number % 3 for number in ids], pa.int32())}
    table = pa.table({"id": pa.array(raw, pa.binary(ID_BYTES))} | columns | copies)
    return table, pa.array([identifier.hex() for identifier in raw], pa.string())


def texts_of(texts: dict[int, str]) -> pa.Table:
    ids = pa.array([number.to_bytes(ID_BYTES, "big") for number in texts], pa.binary(ID_BYTES))
    return pa.table({"id": ids, "text": pa.array(texts.values(), pa.large_string())})


def written(parts: list[pa.Table], form: TextsFormat = "parquet") -> bytes:
    sink = io.BytesIO()
    with texts_writer(sink, texts_schema("tiny 0.1.0"), form) as write:
        for part in parts:
            write(part)
    return sink.getvalue()


@given(st.lists(st.integers(0, 1000), unique=True, max_size=30), st.integers(0, 5), st.data())
def test_every_document_gets_its_text_whatever_the_order(ids: list[int], others: int, data: st.DataObject) -> None:
    everything = data.draw(st.permutations([*ids, *range(2000, 2000 + others)]))
    texts = {number: f"{number}\n" * (number % 5) for number in everything}
    table = texts_of(texts)
    half = table.num_rows // 2
    pieces = pa.concat_tables([table.slice(0, half), table.slice(half)])
    found = [row for part in text_rows(*documents_of(ids), pieces) for row in part.to_pylist()]
    assert found == [
        {"doc_id": f"{number:032x}", "text": texts[number], "copies": number % 3}
        | {name: f"{name} {number}" for name in OF_DOCUMENT}
        for number in sorted(ids)
    ]


def test_no_documents_make_no_rows() -> None:
    assert list(text_rows(*documents_of([]), texts_of({}))) == []
    assert list(text_rows(*documents_of([]), texts_of({1: "of another document"}))) == []


def test_a_document_without_its_text_is_an_error_that_names_it() -> None:
    with pytest.raises(IntegrityError, match=f"document {2:032x}: expected the text"):
        list(text_rows(*documents_of([1, 2]), texts_of({1: "one"})))


def weight_of(row: dict[str, str | int]) -> int:
    return sum(len(value) for value in row.values() if isinstance(value, str))


@given(st.lists(st.integers(0, 3000), max_size=40), st.integers(1, 12))
def test_row_groups_are_bounded_full_and_lose_nothing(sizes: list[int], rows: int) -> None:
    texts = {number: "x" * size for number, size in enumerate(sizes)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROW_GROUP_ROWS", rows)
        patch.setattr(module, "ROW_GROUP_BYTES", 4000)
        parts = list(text_rows(*documents_of(list(texts)), texts_of(texts)))
    assert [text for part in parts for text in part["text"].to_pylist()] == list(texts.values())
    weights = [sum(map(weight_of, part.to_pylist())) for part in parts]
    for part, weight in zip(parts, weights, strict=True):
        assert part.num_rows == 1 or (part.num_rows <= rows and weight <= 4000)
    for (part, weight), following in zip(zip(parts, weights, strict=True), parts[1:], strict=False):
        first = weight_of(following.slice(0, 1).to_pylist()[0])
        assert part.num_rows == rows or weight + first > 4000


def test_a_text_may_begin_where_no_offset_of_a_string_column_reaches() -> None:
    # Of the 2 GiB before it, which are the text of another document, none is ever touched, so none takes memory.
    offsets = np.array([0, 0, 1 << 31, (1 << 31) + 5], dtype=np.int64)
    data = np.zeros((1 << 31) + 5, dtype=np.uint8)
    far = pa.LargeStringArray.from_buffers(3, pa.py_buffer(offsets), pa.py_buffer(data))
    table = texts_of({0: "", 1: "", 2: ""}).set_column(1, "text", far)
    [part] = text_rows(*documents_of([0, 2]), table)
    assert part["text"].to_pylist() == ["", "\0" * 5]


def test_a_file_gives_back_its_rows_and_names_its_release() -> None:
    texts = {number: f"naïve {number}\r\n\0" for number in range(50)}
    parts = list(text_rows(*documents_of(list(texts)), texts_of(texts)))
    data = written(parts)
    back = pq.read_table(io.BytesIO(data))
    assert back.to_pylist() == [row for part in parts for row in part.to_pylist()]
    assert back.schema.equals(RELEASED_TEXTS)
    assert back.schema.metadata == {b"corpusmill.release": b"tiny 0.1.0"}
    assert written(parts) == data


def test_lines_give_back_the_same_rows() -> None:
    texts = {number: f"naïve {number}\r\n\0" for number in range(50)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROW_GROUP_ROWS", 20)
        parts = list(text_rows(*documents_of(list(texts)), texts_of(texts)))
    assert list(read_lines(io.BytesIO(written(parts, "jsonl.zst")), texts_schema("tiny 0.1.0"))) == parts
    assert [part.num_rows for part in parts] == [20, 20, 10]


def test_what_repeats_is_stored_once_and_rows_are_found_by_id() -> None:
    group = pq.ParquetFile(io.BytesIO(written(list(text_rows(*documents_of([1]), texts_of({1: "one"})))))).metadata
    columns = [group.row_group(0).column(number) for number in range(group.num_columns)]
    once = {column.path_in_schema for column in columns if "RLE_DICTIONARY" in column.encodings}
    assert {column.path_in_schema for column in columns} - once == {"doc_id", "text", "path"}
    assert {column.compression for column in columns} == {"ZSTD"}
    indexed = {column.path_in_schema for column in columns if column.has_column_index}
    assert {column.path_in_schema for column in columns} - indexed <= {"text"}
    assert all(column.has_offset_index for column in columns)

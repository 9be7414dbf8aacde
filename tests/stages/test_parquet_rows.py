"""Parquet gives the rows that JSON lines would give; a bad row costs itself, a bad file says what is wrong with it."""

import io
import random
from collections.abc import Container
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from manifests.errors import DamagedShardError, UnitError
from stages.parquet_rows import BATCH_ROWS, parquet_rows
from stages.row_layouts import Columns, row_layout
from stages.rows import Fault, Fields, json_object

TEXT = Columns("text")
# "a", two bytes that are no UTF-8, "z"
INVALID = pa.StringArray.from_buffers(
    3, pa.py_buffer(bytes([0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0])), pa.py_buffer(b"a\xff\xfez")
)


def written(columns: dict[str, Any] | pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), file, **options)
    return file.getvalue()


def read(
    data: bytes, columns: Columns = TEXT, *, limit: int = 1 << 20, only: Container[int] | None = None
) -> list[tuple[int, Fields | Fault]]:
    layout = row_layout("columns", columns)
    return list(parquet_rows(io.BytesIO(data), "a.parquet", layout, maximum_bytes=limit, only=only))


def metadata(data: bytes) -> list[str | Fault]:
    return [fields if isinstance(fields, Fault) else json_object(fields) for _, fields in read(data)]


def reasons(rows: list[tuple[int, Fields | Fault]]) -> list[str]:
    return [fields.reason if isinstance(fields, Fault) else "row" for _, fields in rows]


@pytest.mark.parametrize("group_rows", [1, 7, 2_000])
def test_rows_are_in_order_over_batches_and_row_groups(group_rows: int) -> None:
    texts = [str(number) for number in range(2 * BATCH_ROWS + 50)]
    rows = read(written({"text": texts}, row_group_size=group_rows))
    assert rows == [(row, {"text": text}) for row, text in enumerate(texts)]


def test_a_file_without_rows_has_none() -> None:
    assert read(written({"text": pa.array([], pa.string())})) == []


def test_nulls_and_nested_values_are_those_of_json() -> None:
    table = pa.Table.from_pylist([{"text": "a", "meta": {"x": [1, None]}, "n": 1.5}, {"text": None, "meta": None}])
    assert read(written(table)) == [
        (0, {"text": "a", "meta": {"x": [1, None]}, "n": 1.5}),
        (1, {"text": None, "meta": None, "n": None}),
    ]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1], pa.timestamp("ns", tz="Europe/Paris")), '"1970-01-01 00:00:00.000000001"'),
        (pa.array([253402300800], pa.timestamp("s")), '"10000-01-01 00:00:00.000"'),
        (pa.array([{"t": [0]}], pa.struct([("t", pa.list_(pa.timestamp("s")))])), '{"t":["1970-01-01 00:00:00.000"]}'),
        (pa.array([1], pa.date32()), '"1970-01-02"'),
        (pa.array([10**8], pa.date32()), '"<value out of range: 100000000>"'),
        (pa.array([1], pa.time64("ns")), '"00:00:00.000000001"'),
        (pa.array([5], pa.duration("us")), "5"),
        (pa.array(["1.50"]).cast(pa.decimal128(5, 2)), '"1.50"'),
        (pa.array([float("nan")]), "null"),
        (pa.array([b"\xff"]), '"/w=="'),
        (pa.array(["d"]).dictionary_encode(), '"d"'),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), '[["k",1]]'),
        (pa.array([[1, 2]], pa.list_(pa.int8(), 2)), "[1,2]"),
        (pa.array(["s"], pa.large_string()), '"s"'),
        (pa.array([b"0123456789abcdef"], pa.uuid()), '"MDEyMzQ1Njc4OWFiY2RlZg=="'),
    ],
)  # fmt: skip
def test_what_json_lacks_becomes_text_or_a_number(column: pa.Array, expected: str) -> None:
    assert metadata(written({"text": ["a"], "x": column})) == [f'{{"text":"a","x":{expected}}}']


def test_invalid_utf8_costs_its_row_alone() -> None:
    assert reasons(read(written({"text": INVALID}))) == ["row", "invalid_utf8", "row"]
    assert reasons(read(written({"text": ["1", "2", "3"], "note": INVALID}))) == ["row", "invalid_utf8", "row"]


def test_a_value_that_json_cannot_hold_costs_its_row_alone() -> None:
    twice = pa.StructArray.from_arrays([pa.array([1, 2])] * 2, ["k", "k"], mask=pa.array([False, True]))
    assert reasons(read(written({"text": ["a", "b"], "x": twice}))) == ["wrong_type", "row"]


def test_a_row_that_is_too_long_is_not_looked_at() -> None:
    rows = read(written({"text": ["a", "b" * 200, "c"]}), limit=100)
    assert reasons(rows) == ["row", "line_too_long", "row"]
    files = [[{"text": "a" * 60}], [{"text": "b" * 60}, {"text": "c" * 60}]]
    assert reasons(read(written({"files": files}), Columns("text", files="files"), limit=100)) == [
        "row",
        "line_too_long",
    ]


def test_a_long_row_is_measured_without_what_a_dictionary_holds_for_others() -> None:
    rows = read(written({"text": pa.array(["a", "b" * 200, "c"]).dictionary_encode()}), limit=100)
    assert reasons(rows) == ["row", "line_too_long", "row"]


@pytest.mark.parametrize("group_rows", [1, 4, 100])
def test_only_the_wanted_rows_are_given(group_rows: int) -> None:
    data = written({"text": [str(number) for number in range(10)]}, row_group_size=group_rows)
    assert read(data, only={3, 8}) == [(3, {"text": "3"}), (8, {"text": "8"})]
    assert read(data, only=()) == []


def test_row_groups_without_wanted_rows_are_not_touched() -> None:
    data = bytearray(written({"text": ["one", "two"]}, row_group_size=1, compression="none", use_dictionary=False))
    data[4:40] = bytes(36)  # the first page
    with pytest.raises(DamagedShardError):
        read(bytes(data))
    assert read(bytes(data), only={1}) == [(1, {"text": "two"})]


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ({"x": ["a"], "y": ["b"]}, TEXT, "a.parquet: expected column text, found x, y"),
        ({"x": [{"y": "a"}]}, Columns("x.text"), "a.parquet: expected column x.text, found x"),
        ({"text": ["a"]}, Columns("text", files="files"), "a.parquet: expected column files, found text"),
        ({"files": [[{"path": "a"}]]}, Columns("text", files="files"), "a.parquet: expected column text, found path"),
    ],
)
def test_an_absent_text_column_is_told(table: dict[str, Any], columns: Columns, message: str) -> None:
    with pytest.raises(UnitError, match=message) as caught:
        read(written(table), columns)
    assert not isinstance(caught.value, DamagedShardError)


def test_a_column_of_another_type_is_for_each_row_to_tell() -> None:
    assert read(written({"files": ["a"]}), Columns("text", files="files")) == [(0, {"files": "a"})]
    assert read(written({"x": ["a"]}), Columns("x.text")) == [(0, {"x": "a"})]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"no Parquet file" * 10])
def test_what_is_no_parquet_file_is_damaged(data: bytes) -> None:
    with pytest.raises(DamagedShardError, match=r"a\.parquet: expected a sound Parquet file, got "):
        read(data)


def test_a_cut_or_changed_file_never_gives_other_rows() -> None:
    table = pa.table({"text": [f"{number} {number * number}" for number in range(300)]})
    data = written(table, row_group_size=100, write_page_checksum=True)
    pages = max(column["total_compressed_size"] for column in _chunks(data))
    chance = random.Random(1)
    for number in range(150):
        changed = bytearray(data)
        if number % 2:
            del changed[chance.randrange(len(data)) :]
        else:
            changed[4 + chance.randrange(pages)] ^= 1 << chance.randrange(8)
        try:
            assert read(bytes(changed)) == read(data)
        except UnitError:
            continue


def _chunks(data: bytes) -> list[dict[str, Any]]:
    footer = pq.read_metadata(io.BytesIO(data)).to_dict()
    return [column for group in footer["row_groups"] for column in group["columns"]]


def test_a_read_error_of_the_machine_is_no_damage() -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    rows = parquet_rows(Broken(written({"text": ["a"]})), "a", row_layout("columns", TEXT), maximum_bytes=1)
    with pytest.raises(OSError, match="Input/output error"):
        list(rows)


def test_large_row_groups_are_read_in_small_batches() -> None:
    texts = ["x" * 100_000 + str(number) for number in range(400)]
    data = written({"text": texts}, use_dictionary=False, compression="zstd", write_batch_size=8)
    before = pa.total_allocated_bytes()
    most = 0
    layout = row_layout("columns", TEXT)
    for _ in parquet_rows(io.BytesIO(data), "a", layout, maximum_bytes=1 << 20):
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 30_000_000  # of 40 MB

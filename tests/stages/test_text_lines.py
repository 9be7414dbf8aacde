import io
import json
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from stages import text_lines as module
from stages.text_lines import MalformedLinesError, lines_writer, read_lines

SCHEMA = pa.schema([("doc_id", pa.string()), ("text", pa.string()), ("copies", pa.int32())])
TABLES = st.lists(
    st.lists(
        st.tuples(st.text(max_size=5), st.text(st.characters(codec="utf-8")), st.integers(-(1 << 31), (1 << 31) - 1)),
        min_size=1,
        max_size=5,
    ),
    max_size=4,
)


def table(rows: list[tuple[str, str, int]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)


def written(tables: list[pa.Table]) -> bytes:
    sink = io.BytesIO()
    with lines_writer(sink) as write:
        for rows in tables:
            write(rows)
    return sink.getvalue()


def read(data: bytes, schema: pa.Schema = SCHEMA, **options: bool) -> list[pa.Table]:
    return list(read_lines(io.BytesIO(data), schema, **options))


def frame(*lines: bytes) -> bytes:
    return zstandard.compress(b"".join(line + b"\n" for line in lines))


def line(**changed: object) -> bytes:
    return json.dumps({"doc_id": "a", "text": "b", "copies": 1} | changed).encode()


def fault(data: bytes) -> str:
    with pytest.raises(MalformedLinesError) as caught:
        read(data)
    return str(caught.value)


@given(TABLES)
def test_every_table_comes_back_as_it_was(rows: list[list[tuple[str, str, int]]]) -> None:
    tables = [table(part) for part in rows]
    data = written(tables)
    assert [part for part in read(data) if part.num_rows] == tables
    assert written(tables) == data


@given(TABLES)
def test_it_is_one_compact_object_a_line_with_the_columns_in_order(rows: list[list[tuple[str, str, int]]]) -> None:
    everything = [row for part in rows for row in part]
    content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(written([table(part) for part in rows]))).readall()
    lines = content.decode().split("\n")
    assert lines.pop() == ""
    assert [tuple(json.loads(text).items()) for text in lines] == [
        tuple(zip(SCHEMA.names, row, strict=True)) for row in everything
    ]
    assert all(text.startswith('{"doc_id":"') for text in lines)


def test_frames_say_what_they_hold_and_have_a_checksum() -> None:
    one = table([("a", "naïve\r\n\0\u2028", 1)])
    data = written([one])
    assert data == written([one, one])[: len(data)]
    parameters = zstandard.get_frame_parameters(data)
    content = '{"doc_id":"a","text":"naïve\\r\\n\\u0000\u2028","copies":1}\n'.encode()
    assert zstandard.decompress(data) == content
    assert parameters.content_size == len(content)
    assert parameters.has_checksum


def test_a_file_of_no_rows_is_a_frame_of_nothing() -> None:
    data = written([])
    assert zstandard.decompress(data) == b""
    assert [part.num_rows for part in read(data)] == [0]


@pytest.mark.skipif(not shutil.which("zstd"), reason="the program zstd is not installed")
def test_the_program_zstd_reads_all_frames() -> None:
    data = written([table([(str(n), "x" * n, n)]) for n in range(40)])
    content = subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True).stdout
    assert content.count(b"\n") == 40


def test_zstandard_reads_all_frames(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl.zst"
    path.write_bytes(written([table([(f"{n}x", "text " * 20_000, n)]) for n in range(40)]))
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        assert [json.loads(text)["copies"] for text in file] == list(range(40))


def test_some_columns_can_be_read_alone() -> None:
    some = pa.schema([SCHEMA.field("text"), SCHEMA.field("doc_id")])
    assert read(frame(line()), some, others=True)[0].to_pylist() == [{"text": "b", "doc_id": "a"}]
    with pytest.raises(MalformedLinesError, match="unknown field `copies`"):
        read(frame(line()), some)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (b"", "truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `doc_id`"),
        (line()[:-1], "truncated"),
        (line() + b"x", "trailing characters"),
        (line(text=None), "Expected `str`, got `null` - at `$.text`"),
        (line(copies=1.5), "Expected `int`"),
        (line(copies="1"), "Expected `int`, got `str`"),
        (line(copies=1 << 31), "Expected `int` <= 2147483647"),
        (line(other=1), "unknown field `other`"),
        (line().replace(b'"b"', b'"\xff"'), "invalid start byte"),
        (line().replace(b'"b"', b'"\\ud800x"'), "JSON is malformed"),
        (line().replace(b'"b"', b'"\t"'), "JSON is malformed"),
    ],
)
def test_a_line_that_is_no_such_object_is_named(wrong: bytes, what: str) -> None:
    message = fault(frame(line(), line()) + frame(line(), wrong, line()))
    assert message.startswith("line 4: expected an object of doc_id, text, copies: ")
    assert what in message


def test_a_last_line_must_end_in_its_frame() -> None:
    data = frame(line(), line()) + zstandard.compress(line() + b"\n" + line()) + frame(line())
    assert fault(data) == "line 4: expected a line feed at the end of its frame, got none"


def test_a_damaged_frame_is_told_by_the_line_before_it() -> None:
    first, second = written([table([("a", "b", 1)] * 3)]), written([table([("c", "d", 2)] * 3)])
    assert fault(first + second[:-1]).startswith("line 4 or later: compressed byte ")
    assert fault(first[:-1]).startswith("line 1 or later: compressed byte ")
    flipped = bytearray(second)
    flipped[-1] ^= 1
    assert "line 4 or later: " in fault(first + bytes(flipped))
    assert "expected a zstd frame, got bytes" in fault(first + b"more of it")
    assert fault(b"") == "line 1 or later: compressed byte 0: expected a zstd frame, got an empty file"


def test_what_comes_before_a_fault_is_read() -> None:
    rows = read_lines(io.BytesIO(frame(line()) + frame(b"wrong")), SCHEMA)
    assert next(rows).num_rows == 1
    with pytest.raises(MalformedLinesError, match="line 2: "):
        next(rows)


def test_a_frame_is_as_large_as_memory_can_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAXIMUM_FRAME_BYTES", 1 << 20)
    small = [frame(line(text="x" * 1_000_000))] * 3
    assert len(read(b"".join(small))) == 3
    assert "a zstd frame of at most 1048576 bytes, got a larger one" in fault(frame(line(text="x" * 1_100_000)))

"""Hostile shards: bombs, lies and names that lead elsewhere cost bounded memory, are counted, and are never followed.

`docs/hostile-input.md` lists what other modules test. What takes long runs in tests/pipeline/test_hostile_run.py.
"""

import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from parquet_forgery import BINARY, I32, I64, LIST, STRUCT, Struct, chunks, encoded, forged, page_header, with_footer

from manifests.document import Document, Rejected
from manifests.errors import DamagedShardError, UnitError
from manifests.inputs import find_inputs
from manifests.objects import Access
from manifests.printable import printable, printable_json
from pipeline.markdown import cell
from stages.decompression import decompressed, maximum_content_bytes, maximum_rows
from stages.notebooks import script_of
from stages.parquet_headers import MalformedPagesError
from stages.parquet_pages import MAXIMUM_FOOTER_BYTES, WatchedParquet
from stages.parquet_rows import MINIMUM_PAGE_BYTES
from stages.readers import ShardSource, read_documents
from stages.row_layouts import Columns
from stages.rows import Fault, parse_line
from stages.text_forms import in_form, source_encoding

MIB = 1 << 20
STACK = ShardSource("stack", "stack-v2", "code")
FILES = ShardSource("files", "columns", "code", columns=Columns("content", repo="repo", path="path", files="files"))
TEXTS = ShardSource("texts", "columns", "text", columns=Columns("text"))


def written(columns: dict[str, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **({"compression": "zstd", "store_schema": False} | options))
    return file.getvalue()


def read(data: bytes, shard: str, source: ShardSource = TEXTS, limit: int = MIB) -> Iterator[Document | Rejected]:
    return read_documents(io.BytesIO(data), shard=shard, source=source, maximum_line_bytes=limit)


def lines(*rows: object) -> bytes:
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


def reasons(items: Iterator[Document | Rejected]) -> Counter[str]:
    return Counter(item.reason if isinstance(item, Rejected) else "document" for item in items)


@contextmanager
def arrow_peak() -> Iterator[Callable[[], int]]:
    """The most that Arrow held at once, in bytes."""
    before, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.system_memory_pool())
    pa.set_memory_pool(pool)
    try:
        yield lambda: pool.max_memory() or 0
    finally:
        pa.set_memory_pool(before)


def repeated(value: str, times: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([value]))


def list_of(values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)


# Parquet: what a few hundred bytes claim.


def bomb(name: str) -> bytes:
    """A few hundred bytes of Parquet that want gigabytes of memory, or hours."""
    columns: dict[str, Any] = {"text": ["a"]}
    if name == "rows of one text":
        columns = {"text": repeated("x" * 4 * MIB, 100)}
    elif name == "a list of one text":
        columns["l"] = list_of(repeated("x" * MIB, 30_000))
    elif name == "more rows than bytes":
        columns = {"text": pa.nulls(2_000_000, pa.string())}
    elif name == "a list of 2**30 nulls":
        columns["l"] = list_of(pa.nulls(3))
        return values_claimed(written(columns), 1 << 30)
    return written(columns, row_group_size=1 << 30)


def values_claimed(data: bytes, number: int) -> bytes:
    """A file whose last column says that so many values are in its page."""
    place = int(pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(1).data_page_offset)
    header, length = page_header(data, place)
    header[5][1][1] = (I32, number)
    changed = encoded(header)

    def change(footer: Struct) -> None:
        *_, last = chunks(footer)
        last[5], last[7] = (I64, number), (I64, last[7][1] + len(changed) - length)

    return forged(data[:place] + changed + data[place + length :], change)


@pytest.mark.parametrize(
    "name", ["rows of one text", "a list of one text", "more rows than bytes", "a list of 2**30 nulls"]
)
def test_a_parquet_bomb_fails_its_shard_within_its_memory(name: str) -> None:
    data = bomb(name)
    assert len(data) < 10_000
    with arrow_peak() as peak, pytest.raises(DamagedShardError, match=r"expected (at most|a row of at most)"):
        list(read(data, "a.parquet"))
    assert peak() < 3 * MINIMUM_PAGE_BYTES


def test_values_of_a_large_dictionary_are_rows_like_any() -> None:
    texts = [f"{number}" + "x" * 900_000 for number in range(5)] * 4
    data = written({"text": texts}, dictionary_pagesize_limit=1 << 30, write_batch_size=20)
    with arrow_peak() as peak:
        assert [item.text for item in read(data, "a.parquet") if isinstance(item, Document)] == texts
    assert peak() < 3 * MINIMUM_PAGE_BYTES


def test_texts_in_lists_with_a_dictionary_are_files_like_any() -> None:
    files = [{"path": f"{number}.py", "content": "x" * 20_000 + str(number % 3)} for number in range(40_000 // 50)]
    data = written({"repo": ["a"] * 20, "files": [files[start::20] for start in range(20)]})
    found = [item for item in read(data, "a.parquet", FILES, limit=8 * MIB) if isinstance(item, Document)]
    expected = [(file["path"], file["content"]) for start in range(20) for file in files[start::20]]
    assert [(item.path, item.text) for item in found] == expected


def _rows(number: int) -> Callable[[Struct], None]:
    def change(footer: Struct) -> None:
        footer[3] = (I64, number)
        footer[4][1][1][0][3] = (I64, number)

    return change


def _chunks(**fields: tuple[int, int]) -> Callable[[Struct], None]:
    def change(footer: Struct) -> None:
        for chunk in chunks(footer):
            chunk.update({int(name[1:]): value for name, value in fields.items()})

    return change


LIES: dict[str, Callable[[Struct], None]] = {
    "more rows": _rows(1 << 40),
    "a few more rows": _rows(9),
    "fewer than no rows": _rows(-5),
    "pages beyond the file": _chunks(_9=(I64, 1 << 40)),
    "pages before the file": _chunks(_9=(I64, -100)),
    "columns larger than the file": _chunks(_7=(I64, 1 << 40)),
    "columns of less than nothing": _chunks(_7=(I64, -1)),
    "two columns on one place": _chunks(_9=(I64, 4)),
    "a codec that there is not": _chunks(_4=(I32, 99)),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_footer_that_lies_fails_its_shard(lie: str) -> None:
    data = written({"text": ["a", "b", "c"], "n": [1, 2, 3]}, use_dictionary=False)
    with arrow_peak() as peak, pytest.raises(UnitError, match=r"^a\.parquet: "):
        list(read(forged(data, LIES[lie]), "a.parquet"))
    assert peak() < 64 * MIB


@pytest.mark.parametrize("number", [6, 10**15, -(10**15)])
def test_sizes_that_a_footer_lies_about_change_no_row(number: int) -> None:
    data = written({"text": ["a", "b", "c"]})

    def change(footer: Struct) -> None:
        footer[4][1][1][0][2] = (I64, number)
        for chunk in chunks(footer):
            chunk[6] = (I64, number)

    assert reasons(read(forged(data, change), "a.parquet")) == {"document": 3}


@pytest.mark.parametrize("field", [2, 3])
@pytest.mark.parametrize("size", [(1 << 31) - 1, -5])
@pytest.mark.parametrize("compression", ["zstd", "snappy", "brotli", "gzip", "lz4", "none"])
def test_a_page_that_lies_about_its_size_fails_its_shard(compression: str, size: int, field: int) -> None:
    data = written({"text": ["abc" * 200]}, use_dictionary=False, compression=compression)
    header, length = page_header(data, 4)
    header[field] = (I32, size)
    changed = encoded(header)
    shift = len(changed) - length

    def change(footer: Struct) -> None:
        for chunk in chunks(footer):
            chunk[7] = (I64, chunk[7][1] + shift)

    lying = forged(data[:4] + changed + data[4 + length :], change)
    with arrow_peak() as peak, pytest.raises(DamagedShardError, match=r"^a\.parquet: "):
        list(read(lying, "a.parquet"))
    assert peak() < 64 * MIB


def _schema(num_groups: int) -> Callable[[Struct], None]:
    def change(footer: Struct) -> None:
        group = {3: (I32, 1), 4: (BINARY, b"g"), 5: (I32, 1)}
        leaf = {1: (I32, 6), 3: (I32, 1), 4: (BINARY, b"text")}
        root = {4: (BINARY, b"schema"), 5: (I32, 2)}
        footer[2] = (LIST, (STRUCT, [root, leaf, *[group] * num_groups, {**leaf, 4: (BINARY, b"x")}]))

    return change


@pytest.mark.parametrize("data", [
    b"PAR1" + b"\0" * 100 + (1 << 31).to_bytes(4, "little") + b"PAR1",
    with_footer(b"PAR1", b"\x19" * 1_000),
    with_footer(b"PAR1", b"\xff" * 1_000),
    with_footer(b"PAR1", bytes(MAXIMUM_FOOTER_BYTES + 1)),
    forged(written({"text": ["a"]}), _schema(10_000)),
])  # fmt: skip
def test_metadata_that_are_none_or_too_much_fail_their_shard(data: bytes) -> None:
    with pytest.raises(DamagedShardError, match=r"^a\.parquet: "):
        list(read(data, "a.parquet"))


def test_a_row_group_of_another_release_is_no_larger_than_may_be() -> None:
    file = WatchedParquet(io.BytesIO(written({"text": repeated("x" * MIB, 2_000)})), maximum_bytes=64 * MIB)
    with pytest.raises(MalformedPagesError):
        file.read_row_group(0)
    sound = WatchedParquet(io.BytesIO(written({"text": ["a", "b"]})), maximum_bytes=64 * MIB)
    assert sound.read_row_group(0).num_rows == 2


# Compressed lines.


def test_a_bomb_ends_when_it_has_become_a_thousand_times_its_bytes() -> None:
    frame = bytearray(zstandard.FRAME_HEADER + bytes([0x00, 0x58]))
    block = (131_072 << 3 | 1 << 1).to_bytes(3, "little") + b"\n"  # run length
    bomb = bytes(frame) + block * 4_000  # 500 MiB in 16 kB
    chunks_of = decompressed(io.BytesIO(bomb), "a.zst")
    total = 0

    def read_on() -> None:
        nonlocal total
        for chunk in chunks_of:
            total += len(chunk)

    with pytest.raises(DamagedShardError, match="bytes of content"):
        read_on()
    assert total <= maximum_content_bytes(len(bomb)) < 300 * MIB


def test_many_empty_frames_and_members_are_passed_over() -> None:
    empty = zstandard.compress(b"")
    skippable = (0x184D2A50).to_bytes(4, "little") + bytes(4)
    row = zstandard.compress(lines({"text": "a"}))
    assert reasons(read((empty + skippable) * 5_000 + row, "a.jsonl.zst")) == {"document": 1}


def test_real_shards_are_far_from_the_limits() -> None:
    assert maximum_content_bytes(0) >= 1 << 28
    assert maximum_rows(0) >= 1 << 20
    same = lines(*[{"text": "the same line of a log"}] * 2_000)
    assert reasons(read(zstandard.compress(same), "a.jsonl.zst")) == {"document": 2_000}


# Lines.

NESTED = {
    "arrays": b"[" * 10_000 + b"]" * 10_000,
    "objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "both": b'[{"a":' * 5_000 + b"1" + b"}]" * 5_000,
    "never closed": b"[" * 100_000,
}


@pytest.mark.parametrize("value", NESTED.values(), ids=NESTED)
def test_ten_thousand_levels_are_a_counted_row(value: bytes) -> None:
    data = lines(b'{"content":"a","meta":' + value + b"}", value, {"content": "b"})
    assert reasons(read(data, "a.jsonl", STACK)) == {"invalid_json": 2, "document": 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"content":"a","n":1e400}', "invalid_json"),
        (b'{"content":"a","n":' + b"9" * 100_000 + b"}", "invalid_json"),
        (b'{"content":"a","n":NaN}', "invalid_json"),
        (b'{"content":"a","n":-Infinity}', "invalid_json"),
        (b'{"content":"a","n":-0,"e":1e-400}', "document"),
        (b'{"content":"a","' + b"k" * 500_000 + b'":1}', "document"),
        (b'{"content":"a","k":"\\udc80"}', "lone_surrogate"),
        (b'\xef\xbb\xbf{"content":"a"}', "invalid_json"),
        ('{"content":"a"}'.encode("utf-16"), "invalid_utf8"),
        (b'{"content":"\xc0\xaf"}', "invalid_utf8"),
        (b'{"content":"\xed\xa0\x80"}', "invalid_utf8"),
        (b'{"content":"a"}\0', "invalid_json"),
        (b"\0" * 1_000, "invalid_json"),
        (b'{"content":"a","path":"\\u0000"}', "document"),
        (b'{"content":"a","path":["../x"]}', "wrong_type"),
        (b"x" * (MIB + 1), "line_too_long"),
    ],
)
def test_a_hostile_line_costs_itself_alone(line: bytes, reason: str) -> None:
    found = list(read(lines(line, {"content": "sound"}), "a.jsonl", STACK))
    assert reasons(iter(found)) == Counter([reason, "document"])
    assert isinstance(found[-1], Document)


def test_the_last_of_equal_keys_stands_wherever_it_is_read() -> None:
    line = b'{"content":"first","path":"1","x":1,"content":"last","path":"2","x":2}'
    fields = parse_line(line)
    assert fields == {"content": "last", "path": "2", "x": 2}
    [document] = read(lines(line), "a.jsonl", STACK)
    assert isinstance(document, Document)
    assert (document.text, document.path, document.metadata) == ("last", "2", '{"path":"2","x":2}')
    assert parse_line(line.replace(b'"last"', b'"\\ud800"')) == Fault(
        "lone_surrogate", "an escape names half of a surrogate pair, which is no character"
    )
    cells = '{"cells":[{"cell_type":"code","source":"a"}],"cells":[{"cell_type":"code","source":"b"}]}'
    assert script_of(cells) == "# %%\nb\n"


def test_very_many_keys_and_files_are_read() -> None:
    keys = {"content": "a"} | {f"k{number}": 0 for number in range(20_000)}
    assert reasons(read(lines(keys), "a.jsonl", STACK)) == {"document": 1}
    repository = {"repo": "a", "files": [{"content": ""}] * 5_000}
    assert reasons(read(lines(repository, {"repo": "a", "files": []}), "a.jsonl", FILES)) == {
        "document": 5_000,
        "no_files": 1,
    }


# Names.

LOCATIONS = [
    *("../../../../etc/passwd", "/etc/passwd", "C:\\Windows\\win.ini", "file:///etc/passwd", "\\\\host\\share"),
    *("http://127.0.0.1:9/a", "https://[::1]/a", "s3://bucket/key", "gs://bucket/key", "~/.ssh/id_rsa", "-rf"),
    *("a\nb", "\x1b[2J\x1b]0;title\x07", "\u202egnp.exe", "x" * 100_000, "encodings.rot_13", "$(id)", "\0"),
]
_watched: list[tuple[str, object]] | None = None


def _see(event: str, arguments: tuple[object, ...]) -> None:
    kind = event.partition(".")[0]
    if _watched is not None and kind in {"open", "socket", "os", "subprocess", "import", "glob"}:
        _watched.append((event, arguments[0] if arguments else None))


@contextmanager
def watched() -> Iterator[list[tuple[str, object]]]:
    """What this process opens, imports, connects to and starts: a hook that stays, and is silent outside."""
    global _watched  # noqa: PLW0603 - an audit hook cannot be taken away
    if "hook" not in vars(sys.modules[__name__]):
        sys.addaudithook(_see)
        vars(sys.modules[__name__])["hook"] = True
    _watched = found = []
    try:
        yield found
    finally:
        _watched = None


def test_the_watch_sees_what_it_is_for(tmp_path: Path) -> None:
    with watched() as seen:
        (tmp_path / "a").write_bytes(b"")
    assert any(event == "open" for event, _ in seen)


def test_no_location_in_a_row_is_ever_followed() -> None:
    names = ("repo_name", "path", "branch_name", "snapshot_id", "revision_id", "src_encoding", "blob_id", "language")
    rows = [{"content": "print('a')\n"} | dict.fromkeys(names, place) for place in LOCATIONS]
    source_encoding(Document(id="0" * 32, text="", kind="code", source="s", metadata='{"src_encoding":"x"}'))  # loads
    data = lines(*rows)
    with watched() as seen:
        documents = [item for item in read(data, "a.jsonl", STACK) if isinstance(item, Document)]
        for document in documents:
            in_form(document, notebooks="script")
            source_encoding(document)
    assert [document.path for document in documents] == LOCATIONS
    assert seen == []


@pytest.mark.parametrize("name", [*LOCATIONS, "utf_8_sig/../x", "x" * 1_000_000, "aliases", "undefined."])
def test_the_encoding_that_a_row_names_is_one_that_is_known_or_other(name: str) -> None:
    document = Document(
        id="0" * 32, text="", kind="code", source="s", metadata=json.dumps({"src_encoding": name}, ensure_ascii=False)
    )
    assert source_encoding(document) == "other"


ENCODINGS = {"ISO-8859-1": "iso8859-1", "windows-1252": "cp1252", "Shift_JIS": "shift_jis", "EUC-KR": "euc_kr"}


@pytest.mark.parametrize(("name", "expected"), [*ENCODINGS.items(), ("UTF-8", "")])
def test_encodings_have_python_s_names(name: str, expected: str) -> None:
    document = Document(id="0" * 32, text="", kind="code", source="s", metadata=json.dumps({"src_encoding": name}))
    assert source_encoding(document) == expected


# What is printed.

STEERING = "\x1b[31m\r\n\x00\x07\x9b2J\x7f\u202e\u2066\u2028\u2029\u200f\ufeff\ud800\U000e0041"


def test_nothing_printed_steers_a_terminal() -> None:
    shown = printable(f"a{STEERING}b")
    assert shown.isprintable()
    assert shown.startswith("a�")
    assert shown.endswith("b")
    assert printable("x" * 10_000, 10) == "xxxxxxxxxx […]"
    assert printable("a\u3000b") == "a\u3000b"


def test_json_says_the_same_without_what_steers_a_terminal() -> None:
    said = {"a": STEERING.replace("\ud800", "") + "é\u00a0字"}
    data = printable_json(json.dumps(said, ensure_ascii=False).encode())
    assert data.decode().isprintable() or "\u00a0" in data.decode()
    assert not any(mark in data.decode() for mark in "\x7f\x9b\u202e\u2028\ufeff\U000e0041")
    assert json.loads(data) == said


def test_no_message_of_an_error_steers_a_terminal_or_forges_a_line() -> None:
    error = UnitError(f"a{STEERING}\n  unit 1: fine", hint=f"b{STEERING}", items=["c\n  unit 2: fine", "d"])
    first, *others = error.message.split("\n")
    assert (len(others), others[1]) == (2, "  d")
    assert all(line.isprintable() for line in (first, *others, error.hint))
    again = error.__reduce__()[0](*error.__reduce__()[1])  # type: ignore[operator,index]
    assert (again.message, again.hint) == (error.message, error.hint)


@pytest.mark.parametrize("name", ["[a](javascript:x)", "![a](http://a)", "<script>", "a|b", "`a`", STEERING, "&lt;"])
def test_a_cell_holds_neither_link_nor_markup(name: str) -> None:
    shown = cell(name)
    assert shown.isprintable()
    assert "<" not in shown
    assert "[" not in shown.replace("\\[", "")
    assert "|" not in shown.replace("\\|", "")


@pytest.mark.parametrize("name", ["https://example.org", "ftp://a", "www.example.org", "someone@example.org"])
def test_a_cell_makes_no_link_by_itself(name: str) -> None:
    assert not any(mark in cell(name) for mark in ("e://", "p://", "s://", "www.e", "e@"))


# Names of shards.


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    below = tmp_path / "in" / "deep"
    below.mkdir(parents=True)
    for name in ("a", "b", "c"):
        (below / name).symlink_to(tmp_path / "in")
    (below / "x.jsonl").write_bytes(b"")
    (below / "loop.jsonl").symlink_to(below / "loop.jsonl")
    (tmp_path / "in" / "y.jsonl").write_bytes(b"")
    found = {Path(item.path).name for item in find_inputs(f"{tmp_path}/**/*.jsonl", Access())}
    assert found == {"x.jsonl", "y.jsonl"}
    assert {Path(item.path).name for item in find_inputs(f"{tmp_path}/**", Access())} == found

"""Every line gives one item, in order, however the bytes arrive; real shards lose nothing."""

import gzip
import hashlib
import io
import json
import os
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.document import Document, Rejected, document_id
from manifests.errors import UnitError
from stages.readers import Line, ShardSource, lines, read_documents
from stages.row_layouts import Columns

JSONL = ShardSource("notes", "jsonl", "text")
LINES = (b'{"text":"plain"}', b"", b"  ", b'{"text":', b"[]", b'{"text":"\xff"}', b'{"text":"\\ud800"}', b'{"text":7}')


class Dribble(io.BytesIO):
    """A file that gives less than it is asked for."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size if size is not None and size >= 0 else self._most, self._most))


def read(
    content: bytes, *, shard: str = "a.jsonl", source: ShardSource = JSONL, limit: int = 1 << 20
) -> list[Document | Rejected]:
    return list(read_documents(io.BytesIO(content), shard=shard, source=source, maximum_line_bytes=limit))


def document(item: Document | Rejected) -> Document:
    assert isinstance(item, Document), item
    return item


def reasons(items: list[Document | Rejected]) -> list[str]:
    return [item.reason if isinstance(item, Rejected) else "kept" for item in items]


def pieces(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def shared(pattern: str) -> list[Path]:
    root = Path(__file__).parents[2]
    folder = (root / os.environ.get("CORPUSMILL_SHARED", "../shared")) / "data"
    if not folder.is_dir():
        pytest.skip("shared data absent: set CORPUSMILL_SHARED")
    return sorted(folder.glob(pattern))


def test_lines_are_split_at_lf_only() -> None:
    content = "a\rb\x0bc\u2028d\r\n\ne".encode()
    assert list(lines([content])) == [
        Line(0, "a\rb\x0bc\u2028d\r".encode(), True),
        Line(1, b"", True),
        Line(2, b"e", False),
    ]


@settings(deadline=None)
@given(
    parts=st.lists(st.binary(max_size=12).filter(lambda part: b"\n" not in part), max_size=12),
    size=st.integers(1, 30),
    limit=st.integers(0, 12),
)
def test_chunk_sizes_do_not_change_the_lines(parts: list[bytes], size: int, limit: int) -> None:
    content = b"\n".join(parts)
    expected = [Line(row, part if len(part) <= limit else None, True) for row, part in enumerate(parts)]
    if expected:
        last = expected.pop()
        expected += [last._replace(terminated=False)] if parts[-1] else []
    assert list(lines(pieces(content, size), limit)) == expected


def test_long_line_is_dropped_as_it_comes() -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(500):
            yield b"x" * 100_000
        yield b"\nnext\n"

    tracemalloc.start()
    found = list(lines(endless(), 150_000))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [Line(0, None, True), Line(1, b"next", True)]
    assert peak_bytes < 1_000_000


def test_long_line_is_rejected_and_the_next_is_read() -> None:
    content = b'{"text":"1"}\n{"text":"' + b"x" * 100 + b'"}\n{"text":"3"}\n'
    items = read(content, limit=50)
    assert reasons(items) == ["kept", "line_too_long", "kept"]
    assert document(items[2]).row == 2


def test_long_last_line_without_lf_is_too_long() -> None:
    assert reasons(read(b"x" * 100, limit=50)) == ["line_too_long"]


def test_last_line_without_lf_that_parses_is_a_row() -> None:
    assert reasons(read(b'{"text":"1"}\n{"text":"2"}')) == ["kept", "kept"]


@pytest.mark.parametrize("cut", [b'{"text":"2', b'{"text":"\xc3', b'{"text":"2"'])
def test_last_line_cut_short_ends_mid_line(cut: bytes) -> None:
    assert reasons(read(b'{"text":"1"}\n' + cut)) == ["kept", "file_ends_mid_line"]


def test_only_the_last_line_can_end_mid_line() -> None:
    assert reasons(read(b'{"text":"1\n{"text":"\xff\n')) == ["invalid_json", "invalid_utf8"]


def test_last_line_without_lf_keeps_any_other_reason() -> None:
    assert reasons(read(b"[]")) == ["not_an_object"]
    assert reasons(read(b"  ")) == ["empty_line"]


def test_rejection_says_where_and_why() -> None:
    (item,) = read(b'{"text":7}\n', shard="x/a.jsonl")
    assert item == Rejected(
        id="",
        stage="read",
        reason="wrong_type",
        shard="x/a.jsonl",
        row=0,
        detail="Expected `str`, got `int` - at `$.text`",
    )


def test_document_has_every_part() -> None:
    source = ShardSource("stack", "stack-v2", "code")
    row = {"repo_name": "o/r", "path": "/a.py", "language": "Python", "content": "x = 'é'\n"}
    (item,) = read(json.dumps(row).encode(), shard="p/0.jsonl", source=source)
    assert item == Document(
        id=document_id("stack", "o/r:/a.py", "x = 'é'\n"),
        text="x = 'é'\n",
        kind="code",
        source="stack",
        language="Python",
        repo="o/r",
        path="/a.py",
        shard="p/0.jsonl",
        metadata='{"repo_name":"o/r","path":"/a.py","language":"Python"}',
    )


def test_kind_is_by_subset_then_language_then_default() -> None:
    source = ShardSource("s", "jsonl", "text", {"Github": "code", "prose": "text", "Python": "code"})
    rows: list[dict[str, str]] = [
        {"subset": "Github"},
        {"subset": "prose", "language": "Python"},
        {"subset": "other", "language": "Python"},
        {},
    ]
    content = "\n".join(json.dumps({"text": "a", **row}) for row in rows).encode()
    assert [document(item).kind for item in read(content, source=source)] == ["code", "text", "code", "text"]


@settings(deadline=None)
@given(chosen=st.lists(st.sampled_from(LINES), max_size=20), most=st.integers(1, 40))
def test_exactly_one_item_for_each_line(chosen: list[bytes], most: int) -> None:
    content = b"".join(line + b"\n" for line in chosen)
    items = list(read_documents(Dribble(content, most), shard="a", source=JSONL))
    assert [item.row for item in items] == list(range(len(chosen)))
    assert items == read(content, shard="a")


@settings(deadline=None)
@given(
    texts=st.lists(st.text(), max_size=8),
    most=st.integers(1, 200),
    suffix=st.sampled_from(["", ".gz", ".zst"]),
    ascii_only=st.booleans(),
)
def test_texts_survive_writing_and_reading(texts: list[str], most: int, suffix: str, ascii_only: bool) -> None:
    content = "".join(json.dumps({"text": text}, ensure_ascii=ascii_only) + "\n" for text in texts).encode()
    if suffix == ".gz":
        content = gzip.compress(content)
    elif suffix == ".zst":
        content = zstandard.compress(content)
    items = read_documents(Dribble(content, most), shard=f"a.jsonl{suffix}", source=JSONL)
    assert [document(item).text for item in items] == texts


PLAIN = Columns("content", subset="meta.set", language="language", repo="repo_name", path="path")
NESTED = Columns("content", subset="meta.set", language="language", repo="repo_name", path="path", files="files")
# Parquet has one type for each column and none for a list or an object that is always empty.
PARTS = {"path": pa.string(), "language": pa.string(), "stars": pa.int64()}
FILE = pa.struct([("content", pa.string()), *PARTS.items()])
ROW = pa.struct([("repo_name", pa.string()), ("meta", pa.struct([("set", pa.string())])), ("files", pa.list_(FILE))])
words = st.none() | st.text(max_size=5)
files = st.fixed_dictionaries(
    {"content": words, "path": words}, optional={"language": words, "stars": st.integers(0, 9)}
)
repositories = st.fixed_dictionaries(
    {"repo_name": words, "files": st.none() | st.lists(st.none() | files, max_size=4)},
    optional={"meta": st.none() | st.fixed_dictionaries({"set": words})},
)


def containers(rows: list[dict[str, object]], kind: pa.DataType) -> Iterator[tuple[str, bytes]]:
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    yield "a.jsonl.zst", zstandard.compress(content)
    yield "a.jsonl.gz", gzip.compress(content)
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, pa.schema(list(kind))), file, row_group_size=3)
    yield "a.parquet", file.getvalue()


def what_was_read(item: Document | Rejected) -> tuple[object, ...]:
    place = (item.row, item.part)
    if isinstance(item, Rejected):
        return (*place, item.reason)
    return (*place, item.id, item.text, item.kind, item.subset, item.language, item.repo, item.path)


@settings(deadline=None)
@given(rows=st.lists(repositories, max_size=5))
def test_repositories_are_the_same_documents_in_every_container(rows: list[dict[str, object]]) -> None:
    source = ShardSource("s", "columns", "code", {"C": "text"}, NESTED)
    found = [list(map(what_was_read, read(data, shard=shard, source=source))) for shard, data in containers(rows, ROW)]
    assert found[0] == found[1] == found[2]
    entries = [len(row["files"] or [0]) for row in rows]  # type: ignore[arg-type]
    assert [item[:2] for item in found[0]] == [(row, part) for row, num in enumerate(entries) for part in range(num)]


@settings(deadline=None)
@given(rows=st.lists(files, max_size=5))
def test_rows_are_the_same_documents_in_every_container(rows: list[dict[str, object]]) -> None:
    source = ShardSource("s", "columns", "code", columns=PLAIN)
    kind = pa.struct(
        [*FILE, *(ROW.field(name) for name in ("repo_name", "meta"))]
    )  # what the recipe names must be there
    found = [list(map(what_was_read, read(data, shard=shard, source=source))) for shard, data in containers(rows, kind)]
    assert found[0] == found[1] == found[2]
    assert [item[:2] for item in found[0]] == [(row, 0) for row in range(len(rows))]


def test_a_file_has_the_id_that_it_has_as_a_row() -> None:
    plain = {"repo_name": "o/r", "path": "/a.py", "language": "Python", "content": "x\n"}
    nested = {"repo_name": "o/r", "files": [{"path": "/0", "content": ""}, {**plain, "repo_name": None}]}
    (row,) = read(json.dumps(plain).encode(), source=ShardSource("s", "stack-v2", "code"))
    first, second = read(json.dumps(nested).encode(), source=ShardSource("s", "columns", "code", columns=NESTED))
    assert (document(second).id, second.row, second.part) == (document(row).id, 0, 1)
    assert (first.row, first.part) == (0, 0)


@pytest.mark.parametrize("preset", ["stack-v2", "jsonl"])
def test_presets_are_read_from_parquet_too(preset: Literal["stack-v2", "jsonl"]) -> None:
    row = {"content": "x\n", "text": "x\n", "language": "C", "is_vendor": False, "github_id": 7, "stars": None}
    file = io.BytesIO()
    visited = pa.array([1], pa.timestamp("ns"))
    pq.write_table(pa.Table.from_pylist([row]).append_column("visit_date", visited), file)
    source = ShardSource("s", preset, "code")
    (found,) = read(file.getvalue(), shard="a.parquet", source=source)
    (expected,) = read(json.dumps(row).encode(), source=source)
    assert document(found).id == document(expected).id
    metadata = json.loads(document(expected).metadata) | {"visit_date": "1970-01-01 00:00:00.000000001"}
    assert json.loads(document(found).metadata) == metadata


@pytest.mark.real
def test_real_repositories_with_their_contents() -> None:
    (folder,) = shared("stack_v2_repos/content")
    contents = {path.name: gzip.decompress(path.read_bytes()) for path in folder.iterdir()}
    num_files, rows = 0, []
    for path in shared("stack_v2_repos/*.jsonl.zst"):
        for line in zstandard.open(path, "rt", encoding="utf-8", newline="\n"):
            row = json.loads(line)
            num_files += row["num_files"]
            for file in row["files"]:
                with suppress(UnicodeDecodeError):
                    file["content"] = contents.get(file["blob_id"], b"\xff").decode()
            rows.append(json.dumps(row))
    columns = Columns("content", language="language", repo="repo_name", path="path", files="files")
    items = read("\n".join(rows).encode(), source=ShardSource("s", "columns", "code", columns=columns))
    assert len(items) == num_files == 487
    documents = [item for item in items if isinstance(item, Document)]
    assert {item.reason for item in items if isinstance(item, Rejected)} == {"missing_text"}
    assert len(documents) > 400
    for item in documents:
        facts = json.loads(item.metadata)
        assert hashlib.sha1(item.text.encode(), usedforsecurity=False).hexdigest() == facts["blob_id"]
        assert facts["repo_name"] == item.repo
        assert "files" not in facts
        assert "detected_licenses" in facts


@pytest.mark.parametrize("fraction", [0.3, 0.5, 0.7, 0.99])
def test_rows_before_a_cut_are_read(fraction: float) -> None:
    texts = [hashlib.sha256(bytes([number % 256, number // 256])).hexdigest() for number in range(20_000)]
    whole = zstandard.compress("".join(json.dumps({"text": text}) + "\n" for text in texts).encode())
    cut = io.BytesIO(whole[: int(len(whole) * fraction)])
    found: list[str] = []
    with pytest.raises(UnitError, match=r"a\.zst: compressed byte \d+: expected .*, got the end of the file"):
        found.extend(document(item).text for item in read_documents(cut, shard="a.zst", source=JSONL))
    assert found == texts[: len(found)]
    assert len(found) > 20_000 * fraction * 0.7


def test_real_stack_shards_lose_no_row() -> None:
    source = ShardSource("stack", "stack-v2", "code")
    blobs: set[str] = set()
    num_rows = num_checked = 0
    for path in shared("stack_v2/*.jsonl.zst"):
        with path.open("rb") as file:
            for item in read_documents(file, shard=path.name, source=source):
                row = json.loads(document(item).metadata)
                blobs.add(row["blob_id"])
                if row["src_encoding"] == "UTF-8" and num_rows % 20 == 0:
                    content = document(item).text.encode()
                    assert hashlib.sha1(content, usedforsecurity=False).hexdigest() == row["blob_id"]
                    num_checked += 1
                num_rows += 1
    assert (num_rows, len(blobs)) == (15_427, 15_055)
    assert num_checked > 700


def test_real_pile_shards_lose_no_row() -> None:
    source = ShardSource("pile", "pile", "text", {"Github": "code"})
    items = [
        document(item)
        for path in shared("pile/0*.jsonl.zst")
        for item in read_documents(io.BytesIO(path.read_bytes()), shard=path.name, source=source)
    ]
    assert len(items) == 4451
    assert sum(item.kind == "code" for item in items) == sum(item.subset == "Github" for item in items) == 400


@pytest.mark.parametrize(
    ("source", "subset", "language", "kind"),
    [
        (ShardSource("s", "stack-v2", "code"), "", "Markdown", "code"),
        (ShardSource("s", "stack-v2", "code", prose_files="text"), "", "Markdown", "text"),
        (ShardSource("s", "stack-v2", "code", prose_files="text"), "", "Text", "text"),
        (ShardSource("s", "stack-v2", "code", prose_files="text"), "", "RMarkdown", "code"),
        (ShardSource("s", "stack-v2", "code", prose_files="text"), "", "Python", "code"),
        (
            ShardSource("s", "stack-v2", "code", {"Markdown": "code", "Org": "text"}, None, "text"),
            "",
            "Markdown",
            "code",
        ),
        (ShardSource("s", "stack-v2", "code", {"Markdown": "code", "Org": "text"}, None, "text"), "", "Org", "text"),
        (ShardSource("s", "jsonl", "text", {"Github": "code"}), "Github", "Markdown", "code"),
        (ShardSource("s", "jsonl", "text"), "", "Markdown", "text"),
    ],
)
def test_kinds_go_by_subset_then_language_then_prose(
    source: ShardSource, subset: str, language: str, kind: str
) -> None:
    assert source.kind_of(subset, language) == kind

"""Rows without contents give the documents that rows with contents give; what cannot be had is counted, or an error."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from manifests.document import Document, Rejected
from manifests.errors import RetryableError, UnitError
from manifests.storage import Storage
from stages.blob_cache import BlobCache
from stages.readers import ShardSource, read_documents
from stages.rows import Fault
from stages.software_heritage import BLOB_FAULTS, Contents

LIMIT = 1 << 16
TEXTS = {"a.py": ("print('a')\n", "UTF-8"), "b.txt": ("Привет\n", "koi8-r"), "c.md": ("", "UTF-8")}


def sha1(raw: bytes) -> str:
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


def file_row(path: str, raw: bytes, encoding: str = "UTF-8") -> dict[str, Any]:
    return {
        "blob_id": sha1(raw),
        "path": f"/{path}",
        "content_id": sha1(b"blob %d\0" % len(raw) + raw),
        "detected_licenses": ["MIT"],
        "license_type": "permissive",
        "src_encoding": encoding,
        "language": None,
    }


REPOSITORY = {
    "repo_name": "a/b",
    "revision_id": "1" * 40,
    "revision_date": "2023-02-07T21:31:59",
    "gha_license_id": None,
}
FILES = [file_row(path, text.encode(encoding), encoding) for path, (text, encoding) in TEXTS.items()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Contents as the archive keeps them."""
    contents = tmp_path / "content"
    contents.mkdir()
    for text, encoding in TEXTS.values():
        put(contents, text.encode(encoding))
    return contents


def put(folder: Path, raw: bytes) -> str:
    (folder / sha1(raw)).write_bytes(gzip.compress(raw))
    return sha1(raw)


def contents_in(folder: Path, cache: Path | None = None, *, storage: Storage | None = None) -> Contents:
    return Contents(
        storage or Storage(str(folder)),
        None if cache is None else BlobCache(str(cache)),
        concurrency=4,
        maximum_bytes=LIMIT,
    )


def read(
    rows: list[dict[str, Any]],
    contents: Contents | None,
    *,
    parquet: bool = False,
    only: Mapping[int, set[int]] | None = None,
) -> list[Document | Rejected]:
    file = io.BytesIO()
    if parquet:
        pq.write_table(pa.Table.from_pylist(rows), file)
        file.seek(0)
    else:
        file = io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())
    source = ShardSource("stack", "stack-v2" if contents is None else "stack-v2-ids", "code", contents=contents)
    return list(read_documents(file, shard=f"x.{'parquet' if parquet else 'jsonl'}", source=source, only=only))


def reasons(items: list[Document | Rejected]) -> list[str]:
    return [item.reason if isinstance(item, Rejected) else "document" for item in items]


def as_facts(item: Document | Rejected) -> tuple[Any, ...]:
    """All that the rest of the mill sees of a document, but its place."""
    assert isinstance(item, Document), item
    metadata = json.loads(item.metadata)
    return (item.id, item.text, item.kind, item.subset, item.language, item.repo, item.path, metadata)


@pytest.mark.parametrize("parquet", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_documents_are_those_of_rows_with_contents(folder: Path, *, parquet: bool, nested: bool) -> None:
    flat = [{**REPOSITORY, **file} for file in FILES]
    inline = [{**row, "content": TEXTS[row["path"][1:]][0]} for row in flat]
    rows = [{**REPOSITORY, "files": FILES}] if nested else flat
    found = read(rows, contents_in(folder), parquet=parquet)
    assert list(map(as_facts, found)) == list(map(as_facts, read(inline, None)))
    places = [(item.row, item.part) for item in found]
    assert places == ([(0, 0), (0, 1), (0, 2)] if nested else [(0, 0), (1, 0), (2, 0)])


def test_flat_rows_are_the_same_to_the_byte(folder: Path) -> None:
    flat = [{**REPOSITORY, **file} for file in FILES]
    inline = [{**row, "content": TEXTS[row["path"][1:]][0]} for row in flat]
    assert read(flat, contents_in(folder)) == read(inline, None)


def test_a_blob_that_cannot_be_had_costs_its_file_alone(folder: Path) -> None:
    bomb, other = bytes(LIMIT + 1), b"other"
    put(folder, bomb)
    put(folder, "Grüße".encode("latin-1"))
    (folder / sha1(other)).write_bytes(gzip.compress(b"not that"))
    (folder / sha1(b"cut")).write_bytes(gzip.compress(b"cut")[:-9])
    (folder / sha1(b"long")).write_bytes(bytes(2 * LIMIT))
    files = [
        FILES[0],
        file_row("1", b"never archived"),
        file_row("2", other),
        file_row("3", b"cut"),
        file_row("4", bomb),
        file_row("5", b"long"),
        file_row("6", "Grüße".encode("latin-1")),
        {**FILES[0], "src_encoding": "klingon"},
        {**FILES[0], "content_id": "0" * 40},
        FILES[1],
    ]
    found = read([{**REPOSITORY, "files": files}], contents_in(folder))
    assert reasons(found) == [
        "document",
        "blob_missing",
        "blob_corrupt",
        "blob_corrupt",
        "blob_too_large",
        "blob_too_large",
        "blob_undecodable",
        "blob_undecodable",
        "content_id_mismatch",
        "document",
    ]
    rejected = [item for item in found if isinstance(item, Rejected)]
    assert {item.reason for item in rejected} == BLOB_FAULTS
    for item in rejected:
        assert item.stage == "read"
        assert files[item.part]["blob_id"] in item.detail


def test_only_the_parts_that_are_wanted_are_fetched(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    found = read([{"files": FILES}, {"files": FILES}], contents_in(folder, cache), only={1: {0, 2}})
    assert [(item.row, item.part) for item in found] == [(1, 0), (1, 2)]
    assert {path.name for path in cache.glob("???/*")} == {FILES[0]["blob_id"], FILES[2]["blob_id"]}


def test_what_was_fetched_once_is_not_asked_for_again(folder: Path, tmp_path: Path) -> None:
    first = read(FILES, contents_in(folder, tmp_path / "cache"))
    for path in folder.iterdir():
        path.unlink()
    assert read(FILES, contents_in(folder, tmp_path / "cache")) == first
    assert reasons(read(FILES, contents_in(folder))) == ["blob_missing"] * 3


def test_a_run_that_was_stopped_fetches_what_it_lacks(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    read(FILES[:2], contents_in(folder, cache))
    for row in FILES[:2]:
        (folder / row["blob_id"]).unlink()
    assert reasons(read(FILES, contents_in(folder, cache))) == ["document"] * 3


@pytest.mark.parametrize("damage", [lambda _: b"", lambda old: old[:-3], lambda _: gzip.compress(b"other")])
def test_a_damaged_entry_is_fetched_anew(folder: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    first = read(FILES, contents_in(folder, tmp_path / "cache"))
    entries = list((tmp_path / "cache").glob("???/*"))
    for entry in entries:
        entry.write_bytes(damage(entry.read_bytes()))
    assert read(FILES, contents_in(folder, tmp_path / "cache")) == first
    for entry in entries:
        assert sha1(gzip.decompress(entry.read_bytes())) == entry.name


def test_what_is_missing_or_damaged_is_not_kept(folder: Path, tmp_path: Path) -> None:
    (folder / FILES[0]["blob_id"]).unlink()
    (folder / FILES[1]["blob_id"]).write_bytes(b"damaged")
    assert reasons(read(FILES[:2], contents_in(folder, tmp_path / "cache"))) == ["blob_missing", "blob_corrupt"]
    assert list((tmp_path / "cache").glob("???/*")) == []


class Faulty(Storage):
    """A place that fails in some way the first times that a blob is asked for."""

    def __init__(self, folder: Path, failures: Iterator[Callable[[bytes], bytes]]) -> None:
        super().__init__(str(folder))
        self._failures = failures

    def read_start(self, name: str, maximum_bytes: int) -> bytes | None:
        found = super().read_start(name, maximum_bytes)
        return None if found is None else next(self._failures, bytes)(found)


def _torn(packed: bytes) -> bytes:
    return packed[:-1]


def _refused(packed: bytes) -> bytes:
    raise RetryableError("503 Slow Down, eight times")


def test_damage_on_the_way_costs_no_file(folder: Path) -> None:
    once = Faulty(folder, iter([_torn]))
    assert isinstance(contents_in(folder, storage=once).blob(FILES[0]["blob_id"]), bytes)
    twice = Faulty(folder, iter([_torn, _torn]))
    found = contents_in(folder, storage=twice).blob(FILES[0]["blob_id"])
    assert isinstance(found, Fault)
    assert found.reason == "blob_corrupt"


def test_a_servers_fault_is_no_rejection(folder: Path) -> None:
    failing = Faulty(folder, iter([_refused] * 100))
    with pytest.raises(RetryableError, match="Slow Down"):
        read(FILES, contents_in(folder, storage=failing))


def test_a_folder_that_went_away_is_no_rejection(folder: Path) -> None:
    contents = contents_in(folder)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(UnitError, match="expected the folder of contents"):
        read(FILES, contents)


def test_a_format_without_texts_needs_a_place_to_fetch_them() -> None:
    source = ShardSource("stack", "stack-v2-ids", "code")
    with pytest.raises(ValueError, match="contents"):
        list(read_documents(io.BytesIO(json.dumps(FILES[0]).encode()), shard="x.jsonl", source=source))

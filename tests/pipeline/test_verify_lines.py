"""What `verify` finds in texts that are JSON lines."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from manifests.errors import IntegrityError
from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.pass_9_release import release_folder
from pipeline.recipe_file import load_recipe
from pipeline.release_pages import PAGES, pages
from pipeline.runner import open_mill
from pipeline.verify import verify_release

TEXTS = ("texts/shard-00000-of-00002.jsonl.zst", "texts/shard-00001-of-00002.jsonl.zst")
Rows = list[dict[str, Any]]


@pytest.fixture
def release(finished_recipe: Path, run_alone: Callable[..., None]) -> Path:
    mill = open_mill(load_recipe(finished_recipe, ["release.texts=jsonl.zst", "version=0.2.0"]))
    run_alone(mill)
    return Path(release_folder(mill.recipe).root)


def sign(release: Path) -> None:
    """Write a manifest with the size and sha256 that every file now has; rows stay those that were listed."""
    manifest = Manifest.read(Storage(str(release)))
    files = []
    for file in manifest.files:
        if file.path not in PAGES:
            data = (release / file.path).read_bytes()
            files.append(msgspec.structs.replace(ReleaseFile.of(file.path, data), rows=file.rows))
    written = pages(manifest.with_files(files))
    for path, page in written.items():
        (release / path).write_bytes(page)
    signed = manifest.with_files([*files, *map(ReleaseFile.of, written, written.values())])
    (release / "manifest.json").write_bytes(signed.to_bytes())


def findings(release: Path) -> list[str]:
    with pytest.raises(IntegrityError) as caught:
        verify_release(str(release))
    return caught.value.message.split("\n  ")[1:]


def frames(path: Path) -> list[Rows]:
    """The rows of each frame."""
    data, found = path.read_bytes(), []
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        found.append([msgspec.json.decode(line) for line in frame.decompress(data).splitlines()])
        data = frame.unused_data
    return found


def write(path: Path, contents: list[bytes]) -> None:
    path.write_bytes(b"".join(map(zstandard.compress, contents)))


def lines(rows: Rows) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def retell(release: Path, change: Callable[[list[Rows]], object]) -> list[str]:
    """What is found in a release whose first file of texts was changed and then signed."""
    parts = frames(release / TEXTS[0])
    change(parts)
    write(release / TEXTS[0], [lines(rows) for rows in parts])
    sign(release)
    return findings(release)


def test_progress_and_report_are_those_of_any_release(release: Path) -> None:
    told: list[int] = []
    report = verify_release(str(release), progress=told.append)
    assert sum(told) == report.num_bytes


def test_lines_written_in_another_way_and_signed_are_sound(release: Path) -> None:
    """In other frames, other bytes of JSON and another order of keys: that is for the writer to choose."""
    parts = frames(release / TEXTS[0])
    rows = [dict(reversed(row.items())) for row in parts[0]]
    write(release / TEXTS[0], [lines(rows[:2]), lines(rows[2:]).replace(b'":"', b'": "'), b"", lines(parts[1])])
    sign(release)
    verify_release(str(release))


def test_bytes_that_were_changed_are_not_looked_into(release: Path) -> None:
    path = release / TEXTS[0]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    [finding] = findings(release)
    assert finding.startswith(f"{TEXTS[0]}: expected sha256 ")


def test_a_document_without_a_text(release: Path) -> None:
    gone: Rows = []
    found = retell(release, lambda parts: gone.append(parts[1].pop(3)))
    rows = sum(map(len, frames(release / TEXTS[0])))
    assert f"{TEXTS[0]}: expected {rows + 1} rows, got {rows}" in found
    assert f"{TEXTS[0]}: document {gone[0]['doc_id']}: expected a row for it, got none" in found
    assert any("in texts/" in finding for finding in found)


def test_a_text_of_another_document(release: Path) -> None:
    found = retell(release, lambda parts: parts[1][-1].update(doc_id="f" * 32))
    assert any(
        finding.startswith(f"{TEXTS[0]}: document {'f' * 32}: expected no row, for the shard has") for finding in found
    )


def test_rows_out_of_order_are_told_by_their_lines(release: Path) -> None:
    first, second = map(len, frames(release / TEXTS[0]))
    assert retell(release, lambda parts: parts[1].reverse()) == [
        f"{TEXTS[0]}: lines {first + 1} to {first + second}: expected rows sorted by doc_id, each once, got others"
    ]


def test_swapped_files(release: Path) -> None:
    first, second = ((release / path).read_bytes() for path in TEXTS)
    (release / TEXTS[0]).write_bytes(second)
    (release / TEXTS[1]).write_bytes(first)
    sign(release)
    found = findings(release)
    assert all(any(finding.startswith(f"{path}: document ") for finding in found) for path in TEXTS)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("text", "short", "manifest.json: bytes of "),
        ("language", "C", "got 1 in texts/"),
        ("licence", "", "expected a licence, got ''"),
        ("kind", "prose", "expected code or text, got 'prose'"),
        ("doc_id", "x", "expected doc_ids of 32 hex digits, got x"),
    ],
)
def test_values_that_cannot_be_signed(release: Path, column: str, value: str, expected: str) -> None:
    found = retell(release, lambda parts: parts[0][0].update({column: value}))
    assert any(expected in finding for finding in found)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda line: line[:-1], "Input data was truncated"),
        (lambda line: line.replace(b'"text":"', b'"text":"\xff'), "invalid start byte"),
        (lambda line: line.replace(b'"text"', b'"content"'), "unknown field `content`"),
        (lambda line: line.replace(b'"kind":"code"', b'"kind":null').replace(b'"kind":"text"', b'"kind":null'), "null"),
        (lambda _line: b"", "truncated"),
    ],
)
def test_a_damaged_line_is_named(release: Path, spoil: Callable[[bytes], bytes], what: str) -> None:
    contents = [lines(rows) for rows in frames(release / TEXTS[0])]
    number = contents[0].count(b"\n") + 3
    content = contents[1].split(b"\n")
    content[2] = spoil(content[2])
    write(release / TEXTS[0], [contents[0], b"\n".join(content)])
    sign(release)
    [finding] = findings(release)
    assert finding.startswith(f"{TEXTS[0]}: line {number}: expected an object of doc_id, text, kind, ")
    assert what in finding


def test_a_cut_file_is_told_by_its_line(release: Path) -> None:
    path = release / TEXTS[0]
    number = len(frames(path)[0]) + 1
    path.write_bytes(path.read_bytes()[:-9])
    sign(release)
    [finding] = findings(release)
    assert finding.startswith(f"{TEXTS[0]}: line {number} or later: compressed byte ")


def test_parquet_where_the_recipe_says_lines(release: Path, expected_release: dict[str, bytes]) -> None:
    manifest = Manifest.read(Storage(str(release)))
    files = []
    for file in manifest.files:
        if file.path in TEXTS:
            name = file.path.replace("jsonl.zst", "parquet")
            (release / file.path).unlink()
            (release / name).write_bytes(expected_release[name])
            files.append(msgspec.structs.replace(file, path=name))
        else:
            files.append(file)
    (release / "manifest.json").write_bytes(msgspec.structs.replace(manifest, files=files).to_bytes())
    sign(release)
    found = findings(release)
    assert f"manifest.json: files: entries of {TEXTS[0]}: expected 1, got 0" in found
    assert f"manifest.json: files: entries of {TEXTS[0].replace('jsonl.zst', 'parquet')}: expected 0, got 1" in found

"""Taking documents out of a release that the mill made: what goes, what stays, and what is refused."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from manifests.errors import IntegrityError, RecipeError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import By, Request, Scope
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.removal_report import applied_lines, check_release, print_found
from pipeline.removing import Applied, ApplyOptions, apply_opt_outs
from pipeline.verify import verify_release
from stages.release_index import INDEX
from stages.suppression_files import SUPPRESSIONS, NearSettings, read_suppressed, write_suppressed

NEAR = NearSettings(ngram_words=5, bands=32, rows=8, seed=1)
Ask = Callable[..., Registry]


@pytest.fixture
def release(small_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_release, tmp_path / "small-0.1.0"))


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Add a request to the registry."""
    registry = Registry(str(tmp_path / "registry"))

    def ask(by: By, value: str, *, ticket: str = "T-1", scope: Scope = "content") -> Registry:
        registry.append([Request(ticket, "2026-03-04", by, value, "the owner asked", scope)])
        return registry

    return ask


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def documents_of(release: Path) -> list[dict[str, object]]:
    return [row for path in sorted(release.glob("documents/*")) for row in pq.read_table(path).to_pylist()]


def applied(registry: Registry, release: Path, **options: str) -> tuple[Path, Applied]:
    done = apply_opt_outs(registry, str(release), ApplyOptions(**options))
    verify_release(done.folder)
    return Path(done.folder), done


def ids_in(release: Path) -> set[str]:
    """Every id of 32 digits that stands in any column of any Parquet file, and in any text file."""
    found: set[str] = set()
    for path in release.rglob("*.parquet"):
        table = pq.read_table(path)
        for name in ("doc_id", "doc_ids"):
            if name in table.column_names:
                column = table.column(name)
                values = column.combine_chunks().flatten() if pa.types.is_list(column.type) else column
                found |= {value[:32] for value in values.to_pylist()}
    return found


def test_documents_of_a_repository_go_and_nothing_else(ask: Ask, release: Path) -> None:
    before = bytes_of(release)
    gone = {str(row["doc_id"]) for row in documents_of(release) if row["repository"] == "team/project3"}
    made, done = applied(ask("repository", "https://github.com/Team/Project3"), release)
    assert made == release.parent / "small-0.1.1"
    assert len(gone) > 3
    assert ids_in(release) - ids_in(made) == gone
    assert bytes_of(release) == before
    old, new = (Manifest.read(Storage(str(folder))) for folder in (release, made))
    [tombstone] = done.tombstones
    assert (tombstone.by, tombstone.documents, tombstone.version) == ("repository", len(gone), "0.1.1")
    assert new.removals.documents == len(gone)
    assert (
        new.removals.tokens
        == tombstone.tokens
        == sum(old.tokens_by_kind().values()) - sum(new.tokens_by_kind().values())
    )
    assert (new.parent and new.parent.digest, new.packed_as) == (old.digest, "small 0.1.0")
    text = (made / "removals/tombstones.jsonl").read_text() + (made / "removals/proof.json").read_text()
    assert not any(word in text for word in ("T-1", "roject3", *gone))
    assert set(json.loads((made / "removals/proof.json").read_text())["residual"].values()) == {0}


def test_what_was_removed_is_remembered_without_text_path_or_id(ask: Ask, release: Path) -> None:
    registry = ask("repository", "team/project3")
    gone = [row for row in documents_of(release) if row["repository"] == "team/project3"]
    applied(registry, release)
    [suppressed] = read_suppressed(registry.storage, registry.read().suppressed)
    hashes = {f"{high:016x}{low:016x}" for high, low in zip(*(h.tolist() for h in suppressed.content), strict=True)}
    assert hashes == {row["content_hash"] for row in gone}
    assert suppressed.near == NEAR
    assert suppressed.has_values.any()
    data = b"".join(path.read_bytes() for path in Path(registry.storage.root).rglob("*.parquet"))
    assert not any(str(row[name]).encode() in data for row in gone for name in ("doc_id", "path", "repository"))


def test_shards_without_a_document_keep_their_bytes(ask: Ask, release: Path) -> None:
    shard, *_ = sorted(release.glob("documents/*"))
    row = pq.read_table(shard).to_pylist()[0]
    made, done = applied(ask("document", row["doc_id"]), release)
    assert (done.shards, done.of_shards) == (1, 2)
    before, after = bytes_of(release), bytes_of(made)
    other = [path for path in before if "shard-00001" in path and not path.startswith("lookup/")]
    assert other
    assert {path: after[path] for path in other} == {path: before[path] for path in other}
    assert (made / other[0]).stat().st_ino == (release / other[0]).stat().st_ino
    changed = {path.partition("/")[0] for path in before if after.get(path) != before[path]}
    assert {"data", "data-512", "positions", "attribution", "texts", "index", "bands", "documents"} <= changed


def test_a_second_removal_adds_to_the_first_and_both_at_once_come_to_the_same(ask: Ask, release: Path) -> None:
    first, _ = applied(ask("repository", "team/project3"), release)
    registry = ask("path", "team/project5:src/*1*.py", ticket="T-2")
    second, done = applied(registry, first)
    together, _ = applied(registry, release, output=str(release.parent / "together"), version="0.2.0")
    assert done.tombstones[0].documents > 0
    one, both = (Manifest.read(Storage(str(folder))) for folder in (second, together))
    assert (one.version, both.version) == ("0.1.2", "0.2.0")
    for name in ("documents", "packing", "mixture", "not_known", "held_out", "packed_as"):
        assert getattr(one, name) == getattr(both, name), name
    assert msgspec.structs.replace(one.removals) == both.removals
    apart = {"manifest.json", "README.md", "SUMMARY.md", "removals/tombstones.jsonl", "removals/proof.json"}
    left, right = bytes_of(second), bytes_of(together)
    assert {path for path in left | right if left.get(path) != right.get(path)} <= {
        *apart,
        *(file.path for file in both.files if "/" not in file.path),
    }


def test_a_stopped_removal_that_is_run_again_ends_in_the_same_bytes(ask: Ask, release: Path) -> None:
    registry = ask("owner", "team")
    registry = ask("path", "**/file2*.py", ticket="T-2")
    made, _ = applied(registry, release)
    whole, remembered = bytes_of(made), registry.read().suppressed
    (made / "manifest.json").unlink()
    (made / "tmp").mkdir()
    (made / "tmp/123-0123456789abcdef").write_bytes(b"half a file")
    shutil.copy(made / "index/shard-00000-of-00002.parquet", made / "index/shard-00000-of-00009.parquet")
    texts = made / "texts/shard-00000-of-00002.parquet"
    texts.unlink()
    texts.write_bytes(b"other bytes")
    again, _ = applied(registry, release)
    assert bytes_of(again) == whole
    assert registry.read().suppressed == remembered


def test_nothing_to_remove_makes_nothing(ask: Ask, release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = ask("repository", "nobody/nothing")
    done = apply_opt_outs(registry, str(release))
    assert done.folder == ""
    assert [path.name for path in release.parent.iterdir() if path.name.startswith("small")] == ["small-0.1.0"]
    assert "nothing to remove" in "".join(applied_lines(done))
    found = check_release(registry, str(release), ("", ""), near_copies="")
    print_found(found, as_json=False)
    assert not found.rows
    assert capsys.readouterr().out == "nothing of it is in the release\n"


def test_check_says_what_is_there_and_where(ask: Ask, release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = ask("repository", "team/project4")
    rows = [row for row in documents_of(release) if row["repository"] == "team/project4"]
    found = check_release(registry, str(release), ("", ""), near_copies="")
    print_found(found, as_json=False)
    said = capsys.readouterr().out
    assert f"repository team/project4 (T-1): {len(rows)} documents, 0 exact copies, 0 near copies" in said
    assert all(f"{row['doc_id']}  shard" in said and f"team/project4:{row['path']}" in said for row in rows)
    for by, name in (("sha256", "sha256"), ("blob", "blob"), ("document", "doc_id"), ("content", "content_hash")):
        print_found(check_release(registry, str(release), (by, str(rows[0][name])), near_copies=""), as_json=True)
        assert json.loads(capsys.readouterr().out)["doc_id"] == rows[0]["doc_id"]


def test_what_lies_in_a_place_goes_and_is_not_remembered(ask: Ask, release: Path) -> None:
    registry = ask("path", "team/project4:**", scope="place")
    _, done = applied(registry, release)
    assert done.tombstones[0].documents > 0
    assert registry.read().suppressed == []


def _like(release: Path, agreeing: int) -> tuple[str, dict[str, object]]:
    """A document, and the row of a suppression file for content that is like it."""
    shard = min(release.glob("index/*"))
    table = pq.read_table(shard, columns=INDEX.names)
    place = next(place for place, value in enumerate(table.column("values").to_pylist()) if value)
    bands = pq.read_table(release / "bands" / shard.name).filter(pa.compute.field("row") == place)
    values = np.frombuffer(table.column("values")[place].as_py(), dtype="<u4").copy()
    values[agreeing:] += np.uint32(1)
    row = {"content_hash": b"\1" * 16, "bands": bands.column("key").to_pylist(), "values": values.tobytes()}
    return table.column("doc_id")[place].as_py(), row | {"ticket": "T-1"}


@pytest.mark.parametrize(("agreeing", "options", "goes"), [(52, {}, 1), (51, {}, 0), (64, {"near_copies": "keep"}, 0)])
def test_what_is_like_removed_content_goes_by_the_rule_of_runs(
    ask: Ask, release: Path, agreeing: int, options: dict[str, str], goes: int
) -> None:
    registry = ask("repository", "nobody/nothing")
    doc_id, row = _like(release, agreeing)
    write_suppressed(registry.storage, pa.Table.from_pylist([row], schema=SUPPRESSIONS), NEAR)
    done = apply_opt_outs(registry, str(release), ApplyOptions(**options))
    assert bool(done.folder) == bool(goes)
    if goes:
        verify_release(done.folder)
        assert ids_in(release) - ids_in(Path(done.folder)) == {doc_id}
        assert [one.near_copies for one in done.tombstones] == [1]


def _cut(release: Path) -> None:
    path = release / "index/shard-00000-of-00002.parquet"
    path.write_bytes(path.read_bytes()[:-1])


def _flip(release: Path) -> None:
    path = release / "documents/shard-00000-of-00002.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_cut, _flip])
def test_a_damaged_parent_is_refused(ask: Ask, release: Path, damage: Callable[[Path], None]) -> None:
    damage(release)
    with pytest.raises(IntegrityError, match="expected"):
        apply_opt_outs(ask("path", "**/file2*.py"), str(release))
    assert not (release.parent / "small-0.1.1/manifest.json").exists()


def _others(release: Path) -> Iterator[tuple[dict[str, str], str]]:
    yield {"version": "0.1.0"}, "expected three numbers above 0.1.0"
    yield {"output": str(release)}, "a release is never changed"
    yield {"output": str(release.parent / "taken")}, "holds 'somebody.txt'"


def test_a_folder_that_is_taken_and_a_version_that_is_not_above_are_refused(ask: Ask, release: Path) -> None:
    registry = ask("repository", "team/project3")
    (release.parent / "taken").mkdir()
    (release.parent / "taken/somebody.txt").touch()
    for options, said in _others(release):
        with pytest.raises(RecipeError, match=said):
            apply_opt_outs(registry, str(release), ApplyOptions(**options))
    made, _ = applied(registry, release)
    with pytest.raises(RecipeError, match="holds a release"):
        apply_opt_outs(registry, str(release))
    with pytest.raises(RecipeError, match="found no manifest"):
        apply_opt_outs(registry, str(made / "data"))

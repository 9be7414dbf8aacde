"""Files that held what was removed are read themselves, whatever the tables say that lead to them."""

import io
import json
import shutil
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from signing import signed
from synthetic_release import repository_of, write_release

from manifests.errors import IntegrityError
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.released_files import ReleasedFiles
from pipeline.removal_asked import asked_of
from pipeline.removal_proof import search_files, searched_folders
from pipeline.removal_search import search
from pipeline.removing import apply_opt_outs
from stages.text_lines import lines_writer

SHARDS, FIRST, SECOND = 3, 0, 2
FOLDERS = ("data", "positions", "attribution", "texts", "index", "documents")


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proof") / "many-0.1.0"
    write_release(folder, SHARDS)
    return folder


def asking(folder: Path, *shards: int) -> Registry:
    """A registry that asks for a repository of each of some shards."""
    registry = Registry(str(folder))
    registry.append([Request(f"T-{n}", "2026-03-04", "repository", repository_of(n), "asked") for n in shards])
    return registry


def path_of(folder: str, shard: int) -> str:
    return f"{folder}/shard-{shard:05d}-of-{SHARDS:05d}.parquet"


def manifest_of(release: Path) -> Manifest:
    return Manifest.read(Storage(str(release)))


def test_a_proof_says_which_rows_were_read(parent: Path, tmp_path: Path) -> None:
    release = Path(shutil.copytree(parent, tmp_path / "many-0.1.0"))
    done = apply_opt_outs(asking(tmp_path / "registry", FIRST, SECOND), str(release))
    proof = json.loads(Path(done.folder, "removals/proof.json").read_bytes())
    assert set(searched_folders(manifest_of(parent))) == set(FOLDERS)
    assert proof["rows_searched"] == {
        folder: sum(pq.read_metadata(Path(done.folder, path_of(folder, shard))).num_rows for shard in (FIRST, SECOND))
        for folder in FOLDERS
    }
    assert proof["residual"]["in_files"] == 0
    assert proof["active_requests"] == 2


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_that_still_has_a_removed_document_is_named(parent: Path, tmp_path: Path, folder: str) -> None:
    release = Path(shutil.copytree(parent, tmp_path / "many-0.1.0"))
    registry = asking(tmp_path / "registry", FIRST)
    old = manifest_of(release)
    gone = search(ReleasedFiles(Storage(str(release)), old), asked_of(registry, old, near_copies="").wanted)
    made = Path(apply_opt_outs(registry, str(release)).folder)
    new = manifest_of(made)
    assert search_files(ReleasedFiles(Storage(str(made)), new), new, gone)[folder] > 0
    path = path_of(folder, FIRST)
    (made / path).unlink()
    shutil.copy(release / path, made / path)
    listed = [file for file in old.files if file.path == path] + [file for file in new.files if file.path != path]
    with pytest.raises(IntegrityError, match=f"{path}: expected nothing of what was removed"):
        search_files(ReleasedFiles(Storage(str(made)), new.with_files(listed)), new, gone)


def test_a_content_that_is_left_under_another_id_is_found(parent: Path, tmp_path: Path) -> None:
    release = Path(shutil.copytree(parent, tmp_path / "many-0.1.0"))
    registry = asking(tmp_path / "registry", FIRST)
    old = manifest_of(release)
    gone = search(ReleasedFiles(Storage(str(release)), old), asked_of(registry, old, near_copies="").wanted)
    made = Path(apply_opt_outs(registry, str(release)).folder)
    new, path = manifest_of(made), made / path_of("index", FIRST)
    table = pq.read_table(path)
    content = bytes.fromhex(next(iter(gone.rows.values())).column("content_hash")[0].as_py())
    hashes = pa.array([content, *table.column("content_hash").to_pylist()[1:]], pa.binary(16))
    path.unlink()
    pq.write_table(table.set_column(3, table.schema.field(3), hashes), path)
    own = ReleaseFile.of(path_of("index", FIRST), path.read_bytes())
    own = msgspec.structs.replace(own, rows=table.num_rows)
    listed = [own if file.path == own.path else file for file in new.files]
    with pytest.raises(IntegrityError, match="found it 1 times"):
        search_files(ReleasedFiles(Storage(str(made)), new.with_files(listed)), new, gone)


def test_a_removal_that_leaves_something_makes_no_release(parent: Path, tmp_path: Path) -> None:
    """A row that is told of in the wrong shard: what is taken out of that one is its own alone."""
    release = Path(shutil.copytree(parent, tmp_path / "many-0.1.0"))
    documents = pq.read_table(release / path_of("documents", FIRST)).to_pylist()
    lost = next(row["doc_id"] for row in documents if row["repository"] == repository_of(FIRST))
    path = release / path_of("attribution", SECOND)
    rows = pq.read_table(path)
    path.unlink()
    pq.write_table(pa.Table.from_pylist([*rows.to_pylist(), rows.to_pylist()[0] | {"doc_id": lost}], rows.schema), path)
    registry = asking(tmp_path / "registry", FIRST, SECOND)
    with pytest.raises(
        IntegrityError, match=r"attribution/shard-00002-of-00003\.parquet: expected nothing of what was"
    ):
        apply_opt_outs(registry, str(signed(release)))
    assert not (tmp_path / "many-0.1.1/manifest.json").exists()


def test_texts_in_json_lines_are_read_as_well(parent: Path, tmp_path: Path) -> None:
    release = Path(shutil.copytree(parent, tmp_path / "many-0.1.0"))
    registry = asking(tmp_path / "registry", FIRST)
    old = manifest_of(release)
    gone = search(ReleasedFiles(Storage(str(release)), old), asked_of(registry, old, near_copies="").wanted)
    made = Path(apply_opt_outs(registry, str(release)).folder)
    new = manifest_of(made)
    lines = msgspec.structs.replace(new, recipe=new.recipe | {"release": {"texts": "jsonl.zst"}})

    def searched(texts: pa.Table) -> dict[str, int]:
        path, data = path_of("texts", FIRST).replace(".parquet", ".jsonl.zst"), io.BytesIO()
        with lines_writer(data) as write:
            write(texts)
        (made / path).write_bytes(data.getvalue())
        listed = [file for file in new.files if not file.path.startswith("texts/")]
        own = lines.with_files([*listed, ReleaseFile.of(path, data.getvalue())])
        return search_files(ReleasedFiles(Storage(str(made)), own), own, gone)

    kept = pq.read_table(made / path_of("texts", FIRST))
    assert searched(kept)["texts"] == kept.num_rows
    with pytest.raises(IntegrityError, match=r"jsonl\.zst: expected nothing of what was removed"):
        searched(pq.read_table(release / path_of("texts", FIRST)))

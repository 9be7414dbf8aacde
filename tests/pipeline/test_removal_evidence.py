"""A licence file that is removed is not named by what it speaks for, in whatever shard that lies."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from signing import signed

from filters.licence_evidence import Evidence
from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from pipeline.removing import apply_opt_outs
from pipeline.verify import verify_release
from stages.exchange import block_of_hash
from stages.released_documents import document_keys, write_lookup

PATH = "legal/LICENSE-quibblewort"


def _changed(release: Path, folder: str, change: Callable[[dict[str, Any]], None]) -> None:
    for path in sorted(release.glob(f"{folder}/*.parquet")):
        with pq.ParquetFile(path) as file:
            groups = [file.read_row_group(number) for number in range(file.num_row_groups)]
            schema = file.schema_arrow
        with pq.ParquetWriter(path, schema) as writer:
            for group in groups:
                rows = group.to_pylist()
                for row in rows:
                    change(row)
                writer.write_table(pa.Table.from_pylist(rows, schema=schema), row_group_size=len(rows) or 1)


def _look_up(release: Path) -> None:
    """Make `lookup/` anew."""
    documents = [pq.read_table(path) for path in sorted(release.glob("documents/*"))]
    keys = pa.concat_tables([document_keys(table, shard) for shard, table in enumerate(documents)])
    keys = keys.sort_by([(name, "ascending") for name in keys.column_names])
    blocks = block_of_hash(keys.column("key_high").to_numpy(), len(documents))
    for block, path in enumerate(sorted(release.glob("lookup/*"))):
        with path.open("wb") as sink:
            write_lookup(sink, iter([keys.filter(pa.array(blocks == block))]), "small 0.1.0")


def _spoken_for(release: Path) -> tuple[str, str]:
    """Make a document a licence file for its repository, of which another shard has one, too; returns both names."""
    one, other = (
        {row["doc_id"]: row["repository"] for row in pq.read_table(path).to_pylist() if row["repository"]}
        for path in sorted(release.glob("attribution/*"))
    )
    licence, repository = min(one.items())
    elsewhere = min(other)
    said = Evidence("licence_file", "MIT", PATH, 0.75)

    def change(row: dict[str, Any]) -> None:
        if row["doc_id"] == licence:
            row["path"] = PATH
        if row["doc_id"] == elsewhere:
            row["repository" if "repository" in row else "repo"] = repository
        if row.get("repository") == repository and "evidence" in row:
            piece = {"kind": said.kind, "expression": "MIT", "where": PATH, "confidence": 0.75}
            row["evidence"] = [{"id": said.id, **piece}, *row["evidence"]]

    for folder in ("documents", "attribution", "texts"):
        _changed(release, folder, change)
    _look_up(release)
    signed(release)
    verify_release(str(release))
    return repository, licence


def _bytes_of(release: Path) -> dict[str, bytes]:
    """All files; of tables what stands in them, as text."""
    found = {}
    for path in (path for path in release.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if path.suffix == ".parquet":
            data += repr(pq.read_table(path).to_pylist()).encode()
        found[path.relative_to(release).as_posix()] = data
    return found


def test_no_byte_names_a_removed_licence_file(small_release: Path, tmp_path: Path) -> None:
    release = Path(shutil.copytree(small_release, tmp_path / "small-0.1.0"))
    repository, licence = _spoken_for(release)
    registry = Registry(str(tmp_path / "registry"))
    registry.append([Request("T-1", "2026-03-04", "path", f"{repository}:{PATH}", "asked")])
    made = Path(apply_opt_outs(registry, str(release)).folder)
    verify_release(str(made))
    old_id = Evidence("licence_file", "MIT", PATH, 0.75).id.encode()
    naming = {path for path, data in _bytes_of(release).items() if b"quibblewort" in data or old_id in data}
    assert {f"attribution/shard-0000{shard}-of-00002.parquet" for shard in (0, 1)} <= naming
    for path, data in _bytes_of(made).items():
        assert not any(word in data for word in (b"quibblewort", old_id, licence.encode())), path
    rows = [row for path in sorted(made.glob("attribution/*")) for row in pq.read_table(path).to_pylist()]
    before = {row["doc_id"]: row for path in release.glob("attribution/*") for row in pq.read_table(path).to_pylist()}
    changed = [row for row in rows if row != before[row["doc_id"]]]
    assert {row["repository"] for row in changed} == {repository}
    now = Evidence("licence_file", "MIT", "(removed)", 0.75)
    assert {(row["evidence"][0]["where"], row["evidence"][0]["id"]) for row in changed} == {("(removed)", now.id)}

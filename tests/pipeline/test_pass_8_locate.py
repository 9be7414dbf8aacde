"""The documents that a release tells of, and the files that lead to them, where some are held out."""

import json
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from manifests.document import document_id
from stages.exchange import block_of_hash
from stages.released_documents import LOOKUP_KINDS, lookup_keys

SHARDS = 2
_COLUMNS = {"id": "doc_id", "content": "content_hash"}


@pytest.fixture(scope="module")
def release(holding_out: Path) -> Path:
    return holding_out.parent / "releases/tiny-0.2.0"


@pytest.fixture(scope="module")
def documents(release: Path) -> list[list[dict[str, Any]]]:
    """The rows of each shard."""
    return [pq.read_table(path).to_pylist() for path in sorted(release.glob("documents/*.parquet"))]


def values(kind: str, row: dict[str, Any]) -> str:
    if kind in ("repository", "owner"):
        name = str(row["repository"]).lower()
        return name if kind == "repository" else name.partition("/")[0]
    return str(row[_COLUMNS.get(kind, kind)])


def test_a_file_has_the_documents_of_its_shard_and_those_held_out_beside_it(
    release: Path, documents: list[list[dict[str, Any]]]
) -> None:
    assert len(documents) == SHARDS
    for number, rows in enumerate(documents):
        name = f"shard-{number:05d}-of-{SHARDS:05d}.parquet"
        told = {row["doc_id"]: row["held_out"] for row in rows}
        packed = {place["doc_id"] for place in pq.read_table(release / "positions" / name).to_pylist()}
        held_out = {row["doc_id"] for row in pq.read_table(release / "held_out" / name).to_pylist()}
        assert told == dict.fromkeys(packed, False) | dict.fromkeys(held_out, True)
        assert packed
        assert held_out
        assert list(told) == sorted(told)


def test_a_document_is_told_by_the_hashes_of_what_was_read(
    holding_out: Path, documents: list[list[dict[str, Any]]]
) -> None:
    told = {row["doc_id"]: row for rows in documents for row in rows}
    seen = set()
    for path in sorted(holding_out.parent.glob("stack/*.zst")):
        for line in zstandard.decompress(path.read_bytes()).splitlines():
            try:
                row = json.loads(line)
                key, raw = f"{row['repo_name']}:{row['path']}", row["content"].encode()
            except (ValueError, KeyError, TypeError):
                continue
            found = told.get(document_id("stack", key, row["content"]))
            if found is not None:
                seen.add(found["doc_id"])
                blob = sha1(b"blob %d\0%b" % (len(raw), raw)).hexdigest()  # noqa: S324 - git's
                assert (found["sha256"], found["blob"]) == (sha256(raw).hexdigest(), blob)
                assert (found["swhid"], found["url"]) == (f"swh:1:cnt:{blob}", "")
                assert (found["repository"], found["path"]) == (row["repo_name"], row["path"])
    assert seen == {name for name, row in told.items() if row["source"] == "stack"}


@pytest.mark.parametrize("kind", LOOKUP_KINDS)
def test_every_name_leads_to_its_shards(release: Path, documents: list[list[dict[str, Any]]], kind: str) -> None:
    places: dict[str, set[int]] = {}
    for shard, rows in enumerate(documents):
        for row in rows:
            if value := values(kind, row):
                places.setdefault(value, set()).add(shard)
    files = [pq.read_table(path) for path in sorted(release.glob("lookup/*.parquet"))]
    for value, expected in places.items():
        high, low = lookup_keys(kind, [value])
        table = files[int(block_of_hash(high, SHARDS)[0])]
        rows = table.to_pylist()
        found = [row["shard"] for row in rows if (row["key_high"], row["key_low"]) == (high[0], low[0])]
        assert found == sorted(expected)
    assert places or kind == "url"
    assert kind != "repository" or any(len(shards) == 1 for shards in places.values())

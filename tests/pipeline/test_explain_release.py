"""`explain` on releases: a small real one, and one of 1,000 shards of which one is as large as shards are."""

import io
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counting_storage import CountingStorage

from manifests.errors import IntegrityError, RecipeError
from manifests.storage import Storage
from pipeline.cli_explain import explain
from pipeline.explain_release import print_released
from stages.attribution import ATTRIBUTION, attribution_schema, attribution_writer, row_groups
from stages.exchange import block_of_hash
from stages.positions import POSITIONS, in_row_groups, positions_schema, positions_writer
from stages.released_documents import (
    LOOKUP,
    RELEASED_DOCUMENTS,
    document_keys,
    lookup_keys,
    sorted_keys,
    write_documents,
    write_lookup,
)

pytestmark = pytest.mark.servers

SHARDS = 1_000
SHARD = 437
DOCUMENTS = 100_000
POSITIONS_OF_EACH = 3
SLICES = 16
NEIGHBOURS = 6  # documents of the others, which give no more than their keys
MOST_BYTES = 20_000_000
LABEL = "large 1.0.0"
Told = Callable[..., str]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    def told(release: Storage, identifier: str) -> str:
        print_released(release, identifier)
        return capsys.readouterr().out

    return told


# A small one


@pytest.fixture
def release(holding_out: Path) -> Storage:
    return Storage(str(holding_out.parent / "releases/tiny-0.2.0"))


@pytest.fixture
def rows(release: Storage) -> list[dict[str, Any]]:
    files = list(release.list("documents"))
    return [row for name in files for row in pq.read_table(release.path(name)).to_pylist()]


def first(rows: list[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    return next(row for row in rows if all(row[name] == value for name, value in wanted.items()))


def test_a_document_of_a_release_is_told_whole(release: Storage, rows: list[dict[str, Any]], told: Told) -> None:
    row = first(rows, source="stack", held_out=False, licence="MIT")
    lines = told(release, row["doc_id"]).splitlines()
    assert lines[0] == f"document {row['doc_id']}"
    assert lines[1] == f"from: source stack; code Python {row['repository']}:{row['path']}"
    assert f"SWHID: swh:1:cnt:{row['blob']}" in lines
    hashes = f"git blob {row['blob']}; sha256 {row['sha256']}; content hash {row['content_hash']}"
    assert f"hashes: {hashes}" in lines
    assert any(line.startswith("licence evidence ") and "metadata says MIT" in line for line in lines)
    assert "licence: concluded MIT; declared MIT" in lines
    assert f"text: {row['num_bytes']} bytes, {row['tokens']} tokens in 1 copy" in lines
    places = [line for line in lines if line.startswith("copy 0: row ")]
    assert places
    assert places[-1].split(" of the document")[0].endswith(f"to {row['tokens']}")


def test_every_document_is_found_with_all_its_tokens(release: Storage, rows: list[dict[str, Any]], told: Told) -> None:
    for row in rows:
        text = told(release, row["doc_id"])
        assert ("held out: set aside for evaluation" in text) == row["held_out"]
        assert (f", {row['tokens']:,} tokens in " in text) != row["held_out"]
        assert ("copy 0: row " in text) != row["held_out"]


@pytest.mark.parametrize("column", ["blob", "sha256", "swhid", "content_hash"])
def test_a_document_is_found_by_its_hashes(
    release: Storage, rows: list[dict[str, Any]], told: Told, column: str
) -> None:
    row = first(rows, source="stack", held_out=False, copies=1)
    assert f"document {row['doc_id']}" in told(release, row[column].upper() if column == "blob" else row[column])


def test_a_document_is_found_by_its_place(release: Storage, rows: list[dict[str, Any]], told: Told) -> None:
    row = first(rows, source="stack", held_out=False)
    assert f"document {row['doc_id']}" in told(release, f"{row['repository'].upper()}:{row['path']}")
    assert f"document {row['doc_id']}" in told(release, f"{row['repository']}:/{row['path'].replace('/', '//')}")


def test_a_repository_lists_its_documents(release: Storage, rows: list[dict[str, Any]], told: Told) -> None:
    own = [row for row in rows if row["repository"] == "team/project3"]
    lines = told(release, "Team/Project3").splitlines()
    assert {line.split()[0] for line in lines[:-1]} == {row["doc_id"] for row in own}
    assert lines[-1].startswith(f"{len(own)} of {len(own)} documents shown")


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        ("f" * 32, "expected a document with this id or content hash, found none"),
        ("f" * 40, "expected a document with this hash, found none"),
        ("no/body", "expected a document of this repository, found none"),
        ("team/project3:none.py", "expected a document of this repository and path, found none"),
        ("https://a.example/1", "expected a document with this URL, found none"),
        ("f" * 31, "expected 32 hex digits of a document id, a git blob id (40), a sha256 (64), "),
        ("\x1b[2Jx", "found none of them"),
    ],
)
def test_what_is_not_there_is_said(release: Storage, told: Told, identifier: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        told(release, identifier)
    assert said in caught.value.message
    assert caught.value.hint
    assert "\x1b" not in caught.value.message


def test_the_command_tells_a_release_from_a_work_folder(
    release: Storage, rows: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    explain(release.root, rows[0]["doc_id"])
    assert capsys.readouterr().out.startswith(f"document {rows[0]['doc_id']}\nfrom: source ")


def test_a_folder_without_lookup_is_no_release_of_this_kind(tmp_path: Path, told: Told) -> None:
    with pytest.raises(RecipeError, match="expected a release with lookup/, found none"):
        told(Storage(str(tmp_path)), "f" * 32)


def test_a_damaged_file_is_named(release: Storage, rows: list[dict[str, Any]], told: Told, tmp_path: Path) -> None:
    for path in [*release.list("lookup"), *release.list("documents")]:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(release.read(path) if path.startswith("lookup") else b"PAR1nonePAR1")
    with pytest.raises(IntegrityError, match=r"documents/shard-0000.-of-00002\.parquet: cannot be read"):
        told(Storage(str(tmp_path)), rows[0]["doc_id"])


# A large one


def names(shard: int, count: int) -> list[str]:
    return sorted(sha256(f"{shard} {number}".encode()).hexdigest()[:32] for number in range(count))


def asked() -> str:
    """A document of the last slice, before whose row group in `attribution/` all others come."""
    return names(SHARD, DOCUMENTS)[SLICES - 1]


def documents(shard: int, count: int) -> pa.Table:
    """Rows as unlike each other as real ones: hashes everywhere."""
    ids = names(shard, count)
    hashed = [sha256(name.encode()).hexdigest() for name in ids]
    columns: dict[str, Any] = {
        field.name: ["" if pa.types.is_string(field.type) else 0] * count for field in RELEASED_DOCUMENTS
    }
    columns |= {"doc_id": ids, "sha256": hashed, "blob": [name[:40] for name in hashed]}
    columns |= {"content_hash": [name[32:] for name in hashed], "swhid": [f"swh:1:cnt:{name[:40]}" for name in hashed]}
    columns |= {"repository": [f"owner{name[:3]}/{name[3:7]}" for name in hashed]}
    columns |= {
        "path": [f"src/{name[:9]}/{name[9:17]}.py" for name in hashed],
        "url": [f"https://a.example/{n}" for n in ids],
    }
    columns |= {"revision": [name[:40] for name in hashed], "kind": ["code"] * count, "licence": ["MIT"] * count}
    columns |= {"held_out": [False] * count, "copies": [1] * count, "tokens": [700] * count}
    return pa.table(columns, schema=RELEASED_DOCUMENTS)


def attribution_of(told: pa.Table) -> pa.Table:
    columns = {name: told.column(name) for name in ATTRIBUTION.names if name in told.column_names}
    piece = {"id": "0" * 16, "kind": "header", "expression": "MIT", "where": "line 1", "confidence": 1.0}
    columns["licence_declared"] = columns["licence"]
    columns["evidence"] = pa.array([[piece]] * told.num_rows, ATTRIBUTION.field("evidence").type)
    columns["copyright"] = pa.array([[f"Copyright {path}"] for path in told.column("path").to_pylist()])
    return pa.table([columns[name] for name in ATTRIBUTION.names], schema=ATTRIBUTION)


def write_attribution(table: pa.Table) -> bytes:
    """As pack does: slice by slice, each sorted."""
    sink = io.BytesIO()
    with attribution_writer(sink, attribution_schema(LABEL)) as writer:
        for number in range(SLICES):
            own = table.take(pa.array(np.arange(number, table.num_rows, SLICES)))
            for part in row_groups(own):
                writer.write_table(part, row_group_size=part.num_rows)
    return sink.getvalue()


def write_positions(ids: list[str]) -> bytes:
    """As pack does: in the order of the rows, which is none of the ids."""
    count = len(ids) * POSITIONS_OF_EACH
    numbers = np.random.default_rng(0)
    order = numbers.permutation(count)
    columns = {
        "doc_id": pa.array(ids).take(pa.array(order // POSITIONS_OF_EACH)),
        "row": np.arange(count) // 8,
        "offset": numbers.integers(0, 4096, count).astype(np.int32),
        "length": numbers.integers(1, 4096, count).astype(np.int32),
        "doc_offset": (order % POSITIONS_OF_EACH * 233).astype(np.int32),
        "copy": np.zeros(count, dtype=np.int32),
        "form": ["file"] * count,
    }
    sink = io.BytesIO()
    schema = positions_schema({"corpusmill.release": LABEL})
    with positions_writer(sink, schema) as writer:
        for part in in_row_groups([pa.table(columns, schema=POSITIONS)]):
            writer.write_table(part.cast(schema), row_group_size=part.num_rows)
    return sink.getvalue()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> CountingStorage:
    """A release of 1,000 shards: all files of `lookup/`, and of the other folders those of one shard."""
    folder = tmp_path_factory.mktemp("large")
    told = documents(SHARD, DOCUMENTS)
    others = [document_keys(documents(shard, NEIGHBOURS), shard) for shard in range(SHARDS) if shard != SHARD]
    # The file that is opened is one of a release whose shards are all as large: as many keys as one shard gives.
    keys = document_keys(told, SHARD)
    high = keys.column("key_high").to_numpy()
    crowded = int(block_of_hash(lookup_keys("id", [asked()])[0], SHARDS)[0])
    width = (1 << 64) // SHARDS
    squeezed = np.uint64(crowded * width) + high // np.uint64(SHARDS)
    crowd = pa.table([squeezed, keys.column("key_low"), keys.column("shard")], schema=LOOKUP)
    everything = sorted_keys(pa.concat_tables([keys, crowd, *others]))
    blocks = block_of_hash(everything.column("key_high").to_numpy(), SHARDS)
    files: dict[str, bytes] = {}
    for number in range(SHARDS):
        sink = io.BytesIO()
        start, stop = np.searchsorted(blocks, [number, number + 1])
        write_lookup(sink, [everything.slice(start, stop - start)], LABEL)
        files[f"lookup/shard-{number:05d}-of-{SHARDS:05d}.parquet"] = sink.getvalue()
    sink = io.BytesIO()
    write_documents(sink, [told], LABEL)
    of_shard = {
        "documents": sink.getvalue(),
        "attribution": write_attribution(attribution_of(told)),
        "positions": write_positions(names(SHARD, DOCUMENTS)),
    }
    files |= {f"{name}/shard-{SHARD:05d}-of-{SHARDS:05d}.parquet": data for name, data in of_shard.items()}
    for path, data in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
    return CountingStorage(str(folder))


def test_by_id_four_files_are_opened_and_few_bytes_read(large: CountingStorage, told: Told) -> None:
    large.opened.clear()
    large.read_bytes.clear()
    text = told(large, asked())
    assert text.count("copy 0: row ") == POSITIONS_OF_EACH
    assert "licence evidence 0000000000000000: header says MIT (line 1)" in text
    assert large.opened.total() == 4
    assert {path.partition("/")[0] for path in large.opened} == {"lookup", "documents", "attribution", "positions"}
    assert large.read_bytes.total() <= MOST_BYTES

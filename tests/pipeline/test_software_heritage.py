"""Real repositories whose contents lie as Software Heritage keeps them: 487 files, four contents are missing."""

import gzip
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import zstandard

from manifests.document import Document, Rejected
from manifests.ledger import Ledger
from pipeline.inspect_samples import print_samples
from pipeline.recipe_file import load_recipe
from pipeline.release_pages import PAGES
from pipeline.runner import open_mill, run_mill
from pipeline.shards import shard_rows
from pipeline.units import Mill, step_named
from pipeline.verify import verify_release

pytestmark = pytest.mark.real

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2].parent / "shared"))
NUM_FILES, NUM_MISSING = 487, 4
FROM_THE_MANIFEST = {"manifest.json", *PAGES}  # they tell formats and accounts

RECIPE = """\
name: repositories
version: 0.1.0
sources:
- {{name: stack, format: {format}, paths: ["{shards}"]}}
tokenizer: {{path: {tokenizer}}}
mixture: {{code: 1, text: 0}}
software_heritage: {{contents: "{contents}"}}
"""


class Finished(NamedTuple):
    """A run and the files of its release."""

    mill: Mill
    release: Path
    files: dict[str, bytes]


class SilentProgress:
    def start(self, *_: object, **__: object) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, *_: object, **__: object) -> None: ...


@pytest.fixture(scope="module")
def data() -> Path:
    """The repositories' rows, and `content/` beside them."""
    folder = SHARED / "data/stack_v2_repos"
    for needed in (folder / "content", SHARED / "tokenizers/qwen2_5/tokenizer.json"):
        if not needed.exists():
            pytest.skip(f"shared data absent: {needed}")
    return folder.resolve()


@pytest.fixture(scope="module")
def missing(data: Path) -> set[str]:
    return set((data / "missing_blobs.txt").read_text().split())


def rows_of(pattern: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(pattern.parent.glob(pattern.name)):
        with path.open("rb") as file:
            yield from map(json.loads, zstandard.ZstdDecompressor().stream_reader(file).read().splitlines())


def run(folder: Path, row_format: str, shards: Path, contents: str, *overrides: str) -> Finished:
    tokenizer = (SHARED / "tokenizers/qwen2_5/tokenizer.json").resolve()
    folder.mkdir(parents=True)
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(format=row_format, shards=shards, tokenizer=tokenizer, contents=contents))
    mill = open_mill(load_recipe(recipe, overrides))
    run_mill(mill, workers=2, progress=SilentProgress())
    release = folder / "releases/repositories-0.1.0"
    files = {path.relative_to(release).as_posix(): path.read_bytes() for path in release.rglob("*") if path.is_file()}
    return Finished(mill, release, files)


@pytest.fixture(scope="module")
def fetched(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run that takes contents from a local folder."""
    folder = tmp_path_factory.mktemp("fetched") / "run"
    return run(folder, "stack-v2-ids", data / "part-*.jsonl.zst", str(data / "content"))


@pytest.fixture(scope="module")
def inline(data: Path, missing: set[str], tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run on the same files with their contents in the rows."""
    folder = tmp_path_factory.mktemp("inline")
    for shard in sorted(data.glob("part-*.jsonl.zst")):
        lines = []
        for repository in rows_of(shard):
            shared = {name: value for name, value in repository.items() if name != "files"}
            for file in repository["files"]:
                if file["blob_id"] not in missing:
                    raw = gzip.decompress((data / "content" / file["blob_id"]).read_bytes())
                    lines.append(json.dumps({**shared, **file, "content": raw.decode(file["src_encoding"])}) + "\n")
        (folder / shard.name).write_bytes(zstandard.compress("".join(lines).encode()))
    return run(folder / "run", "stack-v2", folder / "part-*.jsonl.zst", "unused")


def items(mill: Mill) -> list[tuple[str, Document | Rejected]]:
    """Every file of the rows with the blob that its row names."""
    shards = [shard for unit in mill.plan.units for shard in unit]
    found = [item for shard in shards for item in shard_rows(mill.recipe, shard)]
    blobs = [file["blob_id"] for shard in shards for row in rows_of(Path(shard.path)) for file in row["files"]]
    return list(zip(blobs, found, strict=True))


def test_every_present_blob_is_fetched_and_every_missing_one_counted(fetched: Finished, missing: set[str]) -> None:
    found = items(fetched.mill)
    assert len(found) == NUM_FILES
    lost = {blob: item for blob, item in found if isinstance(item, Rejected)}
    assert lost.keys() == missing
    assert {(item.stage, item.reason) for item in lost.values()} == {("read", "blob_missing")}


def test_texts_are_the_bytes_of_their_names(fetched: Finished) -> None:
    for blob, item in items(fetched.mill):
        if isinstance(item, Document):
            metadata = json.loads(item.metadata)
            raw = item.text.encode(metadata["src_encoding"])
            assert hashlib.sha1(raw, usedforsecurity=False).hexdigest() == blob == metadata["blob_id"]


def test_texts_are_those_of_the_data_set_with_contents(data: Path, fetched: Finished) -> None:
    """Rows that were made by other means: the shards of whole files hold the same repositories."""
    whole = {
        (row["repo_name"], row["revision_id"], row["path"]): row
        for row in rows_of(data.parent / "stack_v2/part-*.jsonl.zst")
    }
    documents = [item for _, item in items(fetched.mill) if isinstance(item, Document)]
    assert len(documents) == NUM_FILES - NUM_MISSING
    for document in documents:
        metadata = json.loads(document.metadata)
        row = whole[document.repo, metadata["revision_id"], document.path]
        assert document.text == row["content"]
        shared = metadata.keys() & row.keys() - {"content"}
        assert {name: metadata[name] for name in shared} == {name: row[name] for name in shared}


def test_the_release_is_that_of_rows_with_contents(fetched: Finished, inline: Finished) -> None:
    assert fetched.files.keys() == inline.files.keys()
    for name in fetched.files.keys() - FROM_THE_MANIFEST:
        assert fetched.files[name] == inline.files[name], name


def test_the_account_holds_what_was_missing(fetched: Finished) -> None:
    ledgers = [
        Ledger.from_json(record.ledger)
        for record in fetched.mill.records(step_named("ingest"))
        if record and record.ledger
    ]
    total = Ledger.total(ledgers)
    assert total.read.documents == NUM_FILES
    assert total.rejected["read/blob_missing"].documents == NUM_MISSING
    assert verify_release(str(fetched.release)).documents > 100


def test_missing_blobs_are_listed(fetched: Finished, missing: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    print_samples(fetched.mill, stage="read", reason="blob_missing", number=1_000)
    assert set(re.findall(r"blob ([0-9a-f]{40})", capsys.readouterr().out)) == missing

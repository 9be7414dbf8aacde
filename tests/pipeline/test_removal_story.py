"""The whole story of an opt-out on real code: asked for, taken out without a trace, and kept out by the next run.

A repository of the sample has one file that a scripted model rewrites. Its other files lie in somebody else's vendor
folder, too: some as they are, which duplicates take care of, some with a line changed. What is looked for in the new
release is looked for by this test's own means, in every column of every file.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from real_data import SHARED
from rewriting_mill import MODEL, code, script
from scripted_model import scripted_model
from tokenizers import Tokenizer

from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.pass_9_release import release_folder
from pipeline.recipe_file import load_recipe
from pipeline.release_diff import release_diff
from pipeline.removal_report import check_release
from pipeline.removing import apply_opt_outs
from pipeline.runner import open_mill, run_mill
from pipeline.steps import Step
from pipeline.verify import verify_release
from stages.released_documents import lookup_keys

pytestmark = pytest.mark.real

ASKED, OTHER, NEIGHBOUR = "pydantic/pydantic", "bigheiniu/machine-comprehension", "karpathy/nanoGPT"
_RECIPE = """\
name: story
version: 0.1.0
partitions: 4
sources:
- {{name: stack, format: stack-v2, kind: code, paths: ["stack/*.jsonl.zst"]}}
licences: {{allow: [permissive]}}
mixture: {{code: 1.0, text: 0.0}}
filters: {{assign: null}}
deduplication: {{near: {{minimum_similarity: 1.0}}}}
held_out: {{fraction: 0.3}}
tokenizer: {{path: {tokenizer}}}
rendering: {{repository: {{share: 0.5}}}}
packing: {{sequence_tokens: [1024, 4096]}}
rewriting:
  engine: endpoint
  endpoint: {endpoint}
  model: {{name: {model}, revision: "1", licence: Apache-2.0, context: 32768}}
  modes: [repair]
  selection: {{minimum_bytes: 50, smelly_findings: 0.5}}
  maximum_share: 1.0
  cache: answers
"""
Row = dict[str, Any]


class Silent:
    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None: ...

    def advance(self, num_bytes: int) -> None: ...

    def finish(self, step: Step, *, failed: int) -> None: ...


class Story(NamedTuple):
    recipe: Path
    release: Path
    asked: dict[str, str]  # texts of the repository by path
    vendored: dict[str, str]  # changed copies of some of them


def shared_rows() -> dict[str, list[Row]]:
    """Python files of three repositories of the sample, short ones."""
    found: dict[str, list[Row]] = {ASKED: [], OTHER: [], NEIGHBOUR: []}
    for path in sorted((SHARED / "data/stack_v2").glob("part-*.jsonl.zst")):
        for line in io.TextIOWrapper(zstandard.open(path, "rb"), "utf-8"):
            row = json.loads(line)
            if row["repo_name"] in found and row["language"] == "Python" and 400 < len(row["content"]) < 9_000:
                found[row["repo_name"]].append(row)
    return {name: sorted(rows, key=lambda row: str(row["path"]))[:14] for name, rows in found.items()}


def write_inputs(folder: Path, endpoint: str) -> Story:
    if not (SHARED / "data/stack_v2").exists():
        pytest.skip(f"shared data absent: {SHARED / 'data/stack_v2'}")
    by_repository = shared_rows()
    rows = [row for own in by_repository.values() for row in own]
    for name, path, text in ((ASKED, "made.py", code("file3")), (OTHER, "own.py", code("file5"))):
        rows.append(by_repository[name][0] | {"path": path, "content": text, "content_id": None})
    for row in rows:
        row["star_events_count"] = 10_000 if row["repo_name"] == ASKED else 1
    asked = {str(row["path"]): str(row["content"]) for row in rows if row["repo_name"] == ASKED}
    vendored = {f"vendor/{path}": f"# vendored\n{text}" for path, text in list(asked.items())[:6]}
    exact = {f"vendor/{path}": text for path, text in list(asked.items())[6:10]}
    for path, text in (vendored | exact).items():
        rows.append(by_repository[OTHER][0] | {"path": path, "content": text, "content_id": None})
    (folder / "stack").mkdir(parents=True)
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (folder / "stack/part-0.jsonl.zst").write_bytes(zstandard.compress(data))
    tokenizer = (SHARED / "tokenizers/qwen2_5/tokenizer.json").resolve()
    recipe = folder / "recipe.yaml"
    recipe.write_text(_RECIPE.format(endpoint=endpoint, model=MODEL, tokenizer=tokenizer))
    run_mill(open_mill(load_recipe(recipe)), workers=2, progress=Silent())
    return Story(recipe, folder / "releases/story-0.1.0", asked, vendored)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    with scripted_model(script, folder=folder, name=MODEL) as model:
        yield write_inputs(folder / "mill", model.address)


def rows_in(release: Path, folder: str) -> list[Row]:
    return [row for path in sorted(release.glob(f"{folder}/*.parquet")) for row in pq.read_table(path).to_pylist()]


def everything(release: Path) -> Iterator[tuple[str, str]]:
    """Every file, as text: Parquet with every value of every column, bytes as hex digits."""
    for path in sorted(path for path in release.rglob("*") if path.is_file()):
        name = path.relative_to(release).as_posix()
        if path.suffix == ".parquet":
            yield name, json.dumps(pq.read_table(path).to_pylist(), default=bytes.hex, ensure_ascii=False)
        elif not name.startswith("tokenizer/"):
            yield name, path.read_text()


def decoded(release: Path) -> Iterator[str]:
    """Every row of token ids, as text."""
    tokenizer = Tokenizer.from_file(f"{release}/tokenizer/tokenizer.json")
    for folder in ("data", "data-4096"):
        for row in rows_in(release, folder):
            yield tokenizer.decode(row["input_ids"], skip_special_tokens=False)


def ngrams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4))}


def test_an_opt_out_from_request_to_the_next_run(story: Story) -> None:
    release, registry = story.release, Registry(str(story.recipe.parent / "registry"))
    before = rows_in(release, "documents")
    gone = [row for row in before if row["repository"] == ASKED or row["path"] in story.vendored]
    assert {row["path"] for row in gone if row["repository"] == OTHER} == story.vendored.keys()
    assert [row["path"] for row in gone if row["rewrite"]] == ["made.py"]
    assert any(row["held_out"] for row in gone)
    assert any(name.endswith("-repository") for row in rows_in(release, "data") for name in row["doc_ids"])
    registry.append([Request("T-77", "2026-05-06", "repository", f"https://github.com/{ASKED}", "the owner asked")])
    assert check_release(registry, str(release), ("", ""), near_copies="").count("near_copy") == len(story.vendored)

    old = {path: path.read_bytes() for path in release.rglob("*") if path.is_file()}
    made = Path(apply_opt_outs(registry, str(release)).folder)
    assert {path: path.read_bytes() for path in release.rglob("*") if path.is_file()} == old
    verify_release(str(made))
    check_no_trace(made, gone, rows_in(release, "index"), story)
    check_numbers(release, made, gone)
    same = [path for path in (made / "data").iterdir() if path.read_bytes() == old[release / "data" / path.name]]
    touched = {path.name for path in (release / "data").iterdir()} - {path.name for path in same}
    for folder in ("positions", "data-4096", "positions-4096", "attribution", "texts", "documents", "index", "bands"):
        for path in (made / folder).iterdir():
            assert (path.read_bytes() == old[release / folder / path.name]) >= (path.name not in touched)

    overrides = ["version=0.2.0", f"opt_out={{registry: {registry.storage.root}}}"]
    mill = open_mill(load_recipe(story.recipe, overrides))
    run_mill(mill, workers=2, progress=Silent())
    again = Path(release_folder(mill.recipe).root)
    verify_release(str(again))
    check_no_trace(again, gone, [], story)
    assert not check_release(registry, str(again), ("", ""), near_copies="").rows
    rejected = Manifest.read(Storage(str(again))).ledgers["judge"]["rejected"]
    assert rejected["opt_out/opted_out_repository"][0] == len(story.asked)


def check_no_trace(release: Path, gone: list[Row], index: list[Row], story: Story) -> None:
    """No id, hash, signature, line of text or token of what was removed, and nothing that is like it."""
    ids = {row["doc_id"] for row in gone}
    names = {row[name] for row in gone for name in ("doc_id", "blob", "sha256", "content_hash")} - {""}
    names |= {row["values"].hex() for row in index if row["doc_id"] in ids and row["values"]}
    kept = "\n".join(row["text"] for folder in ("texts", "held_out") for row in rows_in(release, folder))
    others = "\n".join(row["original"] for row in rows_in(release, "rewrites"))
    lines = {line for text in story.asked.values() for line in text.splitlines() if len(line) > 40}
    lines -= {*kept.splitlines(), *others.splitlines()}
    assert len(lines) > 100
    for name, text in everything(release):
        assert not [one for one in names if one in text], name
        assert not [line for line in lines if json.dumps(line)[1:-1] in text or line in text], name
    for text in decoded(release):
        assert not [line for line in lines if line in text]
    removed = [ngrams(text) for text in story.asked.values()]
    for row in (row for folder in ("texts", "held_out") for row in rows_in(release, folder)):
        own = ngrams(row["text"])
        assert all(len(own & other) / len(own | other) < 0.7 for other in removed), row["path"]
    keys = {(row["key_high"], row["key_low"]) for row in rows_in(release, "lookup")}
    for kind, column in (("id", "doc_id"), ("sha256", "sha256"), ("content", "content_hash")):
        high, low = lookup_keys(kind, [row[column] for row in gone])
        assert not keys & set(zip(high.tolist(), low.tolist(), strict=True))


def check_numbers(release: Path, made: Path, gone: list[Row]) -> None:
    """Tombstones, manifest, diff and the files themselves tell the same."""
    old, new = (Manifest.read(Storage(str(folder))) for folder in (release, made))
    packed = [row for row in gone if not row["held_out"]]
    [tombstone] = [json.loads(line) for line in (made / "removals/tombstones.jsonl").read_text().splitlines()]
    assert tombstone["documents"] == sum(row["repository"] == ASKED for row in packed)
    assert tombstone["near_copies"] == sum(row["repository"] == OTHER for row in packed)
    assert tombstone["held_out"] == len(gone) - len(packed) == new.removals.held_out
    assert tombstone["rewrites"] == new.removals.rewrites == 1
    assert new.removals.documents == len(packed)
    assert new.removals.num_bytes == tombstone["num_bytes"] == sum(row["num_bytes"] for row in packed)
    tokens = sum(old.tokens_by_kind().values()) - sum(new.tokens_by_kind().values())
    assert new.removals.tokens == tombstone["tokens"] == tokens
    told = release_diff(str(release), str(made)).documents
    assert (told.removed.documents, told.removed.num_bytes) == (len(packed), tombstone["num_bytes"])
    assert (told.removed.tokens, told.removed.held_out) == (tokens, tombstone["held_out"])
    assert (told.changed, told.removed_unexplained) == (0, 0)
    assert told.handed_over.tokens > 0
    assert len(rows_in(made, "documents")) == len(rows_in(release, "documents")) - len(gone)
    assert sum(row["length"] for row in rows_in(made, "positions")) == sum(new.tokens_by_kind().values())
    assert pa.concat_tables([pq.read_table(path) for path in made.glob("texts/*")]).num_rows == sum(
        row.documents for row in new.documents
    )

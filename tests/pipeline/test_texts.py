"""The texts of a release: those that were tokenized, all of them and no other, or none where the recipe says so."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.pass_9_release import release_folder
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.tokenizer_file import load_renderer, load_tokenizer
from pipeline.units import step_named, unit_inputs
from pipeline.verify import verify_release
from stages.text_lines import read_lines
from stages.texts import RELEASED_TEXTS

LINES = ("release.texts=jsonl.zst", "version=0.3.0")
AGAIN = """\
name: again
version: 0.1.0
sources:
- name: released
  format: columns
  kind: text
  kinds: {{Github: code, Python: code}}
  columns: {{text: text, subset: subset, language: language, repo: repo, path: path}}
  declared_licence: MIT
  paths: ["{texts}"]
deduplication: {{near: null}}
filters: {{assign: null}}
tokenizer: {{path: tokenizer.json}}
packing: {{sequence_tokens: 128}}
redaction: {{sensitivity: {{secret: off, assigned_secret: off}}}}
release: {{texts: jsonl.zst}}
"""

Run = Callable[..., None]
Files = dict[str, bytes]
WITHOUT = ("release.texts=off", "version=0.2.0")


def rows(files: Files, folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name of the file and row."""
    for name, data in sorted(files.items()):
        if name.startswith(f"{folder}/"):
            for row in pq.read_table(BytesIO(data)).to_pylist():
                yield name.removeprefix(f"{folder}/"), row


def test_texts_are_those_that_the_tokens_give_back(
    expected_release: Files, finished_recipe: Path, texts_from_tokens: Callable[..., dict[tuple[str, str, int], str]]
) -> None:
    recipe = load_recipe(finished_recipe)
    form = load_tokenizer(recipe).normalize
    texts = {(shard, row["doc_id"]): row["text"] for shard, row in rows(expected_release, "texts")}
    found = texts_from_tokens(expected_release, load_renderer(recipe))
    assert {(*key, 0): form(text) for key, text in texts.items()} == found
    assert len(texts) > 50
    together = "".join(texts.values())
    assert "<|endoftext|>" in together
    assert "<EMAIL>" in together
    assert "company.org" not in together


def test_texts_and_attribution_say_the_same_of_a_document(expected_release: Files) -> None:
    said = {row["doc_id"]: row for _, row in rows(expected_release, "attribution")}
    for _, row in rows(expected_release, "texts"):
        other = said.pop(row["doc_id"])
        assert [row[name] for name in ("kind", "source", "subset", "licence", "path")] == [
            other[name] for name in ("kind", "source", "subset", "licence", "path")
        ]
        assert row["repo"] == other["repository"]
    assert said == {}


def test_every_slice_is_a_row_group_in_order_of_ids(expected_release: Files) -> None:
    for name, data in expected_release.items():
        if name.startswith("texts/"):
            file = pq.ParquetFile(BytesIO(data))
            groups = [file.read_row_group(number)["doc_id"].to_pylist() for number in range(file.num_row_groups)]
            assert len(groups) == 2
            assert all(group == sorted(group) for group in groups)


def test_a_unit_of_pack_reads_the_blocks_of_its_slices_slice_after_slice(finished_recipe: Path) -> None:
    mill = open_mill(load_recipe(finished_recipe))
    for unit in range(mill.plan.partitions):
        inputs = unit_inputs(mill, step_named("pack"), unit)
        blocks = [(block.slice, block.unit) for block in inputs["texts"]]
        assert blocks == sorted(set(blocks))
        assert {number for number, _ in blocks} == set(mill.plan.slices_of(unit))
        assert len({writer for _, writer in blocks}) > 2
        assert [(block.slice, block.unit) for block in inputs["packed"]] == [(n, n) for n in mill.plan.slices_of(unit)]


@pytest.fixture
def without(finished_recipe: Path, run_alone: Run) -> Path:
    """The release of a recipe that asks for no texts."""
    mill = open_mill(load_recipe(finished_recipe, WITHOUT))
    assert not any("texts" in unit_inputs(mill, step_named("pack"), unit) for unit in range(mill.plan.partitions))
    run_alone(mill)
    return Path(release_folder(mill.recipe).root)


def test_a_release_without_texts(without: Path, expected_release: Files) -> None:
    assert not (without / "texts").exists()
    assert verify_release(str(without)).files == len(expected_release) - 2
    assert Manifest.read(Storage(str(without))).recipe["release"] == {"texts": "off"}
    assert "texts/" not in (without / "README.md").read_text()
    assert "has no `texts/`" in (without / "SUMMARY.md").read_text()
    shards = [pq.read_table(path) for path in sorted(without.glob("data/*.parquet"))]
    assert shards == [
        pq.read_table(BytesIO(expected_release[f"data/shard-0000{n}-of-00002.parquet"])) for n in range(2)
    ]


def test_texts_that_a_stopped_run_of_another_recipe_left_are_taken_away(finished_recipe: Path, run_alone: Run) -> None:
    recipe = load_recipe(finished_recipe, WITHOUT)
    left = Path(release_folder(recipe).root) / "texts/shard-00000-of-00002.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    run_alone(open_mill(recipe))
    assert not left.exists()
    verify_release(release_folder(recipe).root)


@pytest.fixture
def lines(finished_recipe: Path, run_alone: Run) -> Path:
    """The release of the same documents whose texts are JSON lines."""
    mill = open_mill(load_recipe(finished_recipe, LINES))
    run_alone(mill)
    return Path(release_folder(mill.recipe).root)


def of_lines(path: Path) -> list[dict[str, Any]]:
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_lines_say_what_parquet_says_in_the_same_order(lines: Path, expected_release: Files) -> None:
    names = [f"texts/shard-0000{number}-of-00002" for number in range(2)]
    assert sorted(path.name for path in lines.glob("texts/*")) == [f"{Path(name).name}.jsonl.zst" for name in names]
    for name in names:
        expected = pq.read_table(BytesIO(expected_release[f"{name}.parquet"])).to_pylist()
        found = of_lines(lines / f"{name}.jsonl.zst")
        assert [list(row.items()) for row in found] == [list(row.items()) for row in expected]
    for path in lines.glob("data/*"):
        assert pq.read_table(path) == pq.read_table(BytesIO(expected_release[f"data/{path.name}"]))
    assert verify_release(str(lines)).files == len(expected_release)
    manifest = Manifest.read(Storage(str(lines)))
    assert manifest.recipe["release"] == {"texts": "jsonl.zst"}
    listed = {file.path: file.rows for file in manifest.files if file.path.startswith("texts/")}
    assert listed == {f"{name}.jsonl.zst": len(of_lines(lines / f"{name}.jsonl.zst")) for name in names}
    assert "data_files: texts/*.jsonl.zst" in (lines / "README.md").read_text()
    assert "as JSON lines" in (lines / "SUMMARY.md").read_text()


def test_a_frame_is_a_slice_in_order_of_ids(lines: Path) -> None:
    for path in lines.glob("texts/*"):
        with path.open("rb") as file:
            frames = [part["doc_id"].to_pylist() for part in read_lines(file, RELEASED_TEXTS)]
        assert len(frames) == 2
        assert all(frame == sorted(frame) for frame in frames)


def test_a_partition_without_a_document_has_a_file_that_readers_take(finished_recipe: Path, run_alone: Run) -> None:
    recipe = load_recipe(finished_recipe, [*LINES, "partitions=24", "mixture.tokens=600"])
    run_alone(open_mill(recipe))
    folder = Path(release_folder(recipe).root)
    verify_release(str(folder))
    counts = [len(of_lines(path)) for path in folder.glob("texts/*")]
    assert len(counts) == 24
    assert min(counts) == 0 < max(counts)


def test_lines_of_a_stopped_run_are_taken_away_where_the_recipe_now_says_parquet(
    finished_recipe: Path, run_alone: Run
) -> None:
    recipe = load_recipe(finished_recipe, ["version=0.2.0"])
    left = Path(release_folder(recipe).root) / "texts/shard-00000-of-00002.jsonl.zst"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    run_alone(open_mill(recipe))
    assert not left.exists()
    verify_release(release_folder(recipe).root)


@pytest.mark.parametrize(("release", "form"), [("tiny-0.1.0", "parquet"), ("tiny-0.3.0", "jsonl.zst")])
def test_texts_of_a_release_are_a_source(lines: Path, tmp_path: Path, run_alone: Run, release: str, form: str) -> None:
    given = {row["text"]: row for path in sorted(lines.glob("texts/*")) for row in of_lines(path)}
    folder = tmp_path / "again"
    folder.mkdir()
    shutil.copy(lines / "tokenizer/tokenizer.json", folder)
    (folder / "recipe.yaml").write_text(AGAIN.format(texts=f"{lines.parent}/{release}/texts/*.{form}"))
    mill = open_mill(load_recipe(folder / "recipe.yaml"))
    run_alone(mill)
    again = Path(release_folder(mill.recipe).root)
    verify_release(str(again))
    assert Manifest.read(Storage(str(again))).ledgers["ingest"]["kept"][0] == len(given)
    found = [row for path in sorted(again.glob("texts/*")) for row in of_lines(path)]
    assert len(found) > len(given) / 2  # what the mixture has room for
    for row in found:
        same = ("kind", "subset", "language", "repo", "path")
        assert [row[name] for name in same] == [given[row["text"]][name] for name in same]


@pytest.mark.parametrize("streaming", ["", "streaming"])
def test_datasets_loads_lines(lines: Path, tmp_path: Path, streaming: str) -> None:
    program = (
        "import json, sys, datasets\n"
        "rows = datasets.load_dataset('json', data_files=sys.argv[1], split='train', cache_dir=sys.argv[2],"
        " streaming=bool(sys.argv[3]))\n"
        "print(json.dumps(list(rows)))\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    arguments = [str(lines / "texts/*.jsonl.zst"), str(tmp_path / "cache"), streaming]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    expected = [row for path in sorted(lines.glob("texts/*")) for row in of_lines(path)]
    assert json.loads(done.stdout.splitlines()[-1]) == expected


def test_datasets_loads_texts_as_the_text_of_other_sets(small_release: Path, tmp_path: Path) -> None:
    program = (
        "import json, sys, datasets\n"
        "rows = datasets.load_dataset('parquet', data_files=sys.argv[1], split='train', cache_dir=sys.argv[2])\n"
        "types = {name: str(kind) for name, kind in rows.features.items()}\n"
        "other = datasets.Dataset.from_list([{'text': 'of another set'}])\n"
        "both = datasets.concatenate_datasets([rows.select_columns(['text']), other])\n"
        "print(json.dumps([len(rows), types, rows[0], both[len(rows)]['text']]))\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    arguments = [str(small_release / "texts/*.parquet"), str(tmp_path / "cache")]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    num_rows, types, first, other = json.loads(done.stdout.splitlines()[-1])
    tables = [pq.read_table(path) for path in sorted(small_release.glob("texts/*.parquet"))]
    assert num_rows == sum(table.num_rows for table in tables)
    assert types.pop("copies") == "Value('int32')"
    assert set(types.values()) == {"Value('string')"}
    assert first == tables[0].to_pylist()[0]
    assert other == "of another set"
    assert tables[0].schema.field("text").type == pa.string()

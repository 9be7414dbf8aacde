"""The texts of a release: those that were tokenized, all of them and no other, or none where the recipe says so."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.pass_9_release import release_folder
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.units import step_named, unit_inputs
from pipeline.verify import verify_release

Run = Callable[..., None]
Files = dict[str, bytes]
WITHOUT = ("release.texts=null", "version=0.2.0")


def rows(files: Files, folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name of the file and row."""
    for name, data in sorted(files.items()):
        if name.startswith(f"{folder}/"):
            for row in pq.read_table(BytesIO(data)).to_pylist():
                yield name.removeprefix(f"{folder}/"), row


def decoded(files: Files, tokenizer: Tokenizer) -> dict[tuple[str, str], str]:
    """The text of every document by shard and id, from its pieces."""
    pieces: dict[tuple[str, str], dict[int, list[int]]] = {}
    for shard, row in rows(files, "data"):
        start = 0
        for name, offset, length in zip(row["doc_ids"], row["doc_offsets"], row["seq_lengths"], strict=True):
            pieces.setdefault((shard, name), {})[offset] = row["input_ids"][start : start + length]
            start += length
    tokens = {key: [token for offset in sorted(parts) for token in parts[offset]] for key, parts in pieces.items()}
    return {key: tokenizer.decode(ids[:-1], skip_special_tokens=False) for key, ids in tokens.items()}


def test_texts_are_those_that_the_tokens_decode_to(expected_release: Files, finished_recipe: Path) -> None:
    tokenizer = Tokenizer.from_file(str(finished_recipe.parent / "tokenizer.json"))
    texts = {(shard, row["doc_id"]): row["text"] for shard, row in rows(expected_release, "texts")}
    form = tokenizer.normalizer.normalize_str if tokenizer.normalizer else str
    assert {key: form(text) for key, text in texts.items()} == decoded(expected_release, tokenizer)
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
    assert Manifest.read(Storage(str(without))).recipe["release"] == {"texts": None}
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
    assert set(types.values()) == {"Value('string')"}
    assert first == tables[0].to_pylist()[0]
    assert other == "of another set"
    assert tables[0].schema.field("text").type == pa.string()

"""Inputs of the benchmarks: the sample shards or the demo's, and copies of them that are no duplicates."""

import json
import os
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
import zstandard

from pipeline.demo_data import write_demo_data

_FOUR_WORDS = re.compile(r"(?:\w++\W++){3}\w++")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Shards of the two sources and the tokenizer."""

    code: list[Path]
    text: list[Path]
    tokenizer: Path


def find_inputs(folder: Path) -> Inputs:
    """The sample shards, else demo shards made in `folder`."""
    shared = Path(os.environ.get("CORPUSMILL_SHARED", "../shared")).resolve()
    tokenizer = shared / "tokenizers/qwen2_5/tokenizer.json"
    if tokenizer.exists():
        code = sorted((shared / "data/stack_v2").glob("part-*.jsonl.zst"))
        text = sorted((shared / "data/pile").glob("0*.jsonl.zst"))
        return Inputs(code, text, tokenizer)
    write_demo_data(folder / "shards")
    code, text = sorted((folder / "shards/stack").iterdir()), sorted((folder / "shards/pile").iterdir())
    inputs = Inputs(code, text, folder / "tokenizer.json")
    recipe = write_recipe(inputs, folder)
    subprocess.run([str(Path(sys.executable).with_name("corpusmill")), "tokenizer", "train", str(recipe)], check=True)
    return inputs


def write_recipe(inputs: Inputs, folder: Path, **more: object) -> Path:
    """A recipe over the inputs with every default; returns its path."""
    path = folder / "recipe.yaml"
    sources = [
        {"name": "stack", "format": "stack-v2", "kind": "code", "paths": [str(shard) for shard in inputs.code]},
        {
            "name": "pile",
            "format": "pile",
            "kind": "text",
            "kinds": {"Github": "code"},
            "declared_licence": "CC0-1.0",
            "paths": [str(shard) for shard in inputs.text],
        },
    ]
    recipe = {
        "name": "bench",
        "version": "0.1.0",
        "sources": sources,
        "tokenizer": {"path": str(inputs.tokenizer)},
        "licences": {"cache": str(folder / "licences")},
        **more,
    }
    path.write_text(yaml.safe_dump(recipe))
    return path


def multiplied(inputs: Inputs, times: int, folder: Path) -> Inputs:
    """The inputs `times` times over; every fourth word gets a letter of its copy, so copies share no word 5-gram.

    A text that speaks of licences stays as it is, a duplicate: else each copy would have notices of its own, and the
    licence detector hours of work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    code = [_copy(shard, copy, folder) for copy in range(times) for shard in inputs.code]
    text = [_copy(shard, copy, folder) for copy in range(times) for shard in inputs.text]
    return Inputs(code, text, inputs.tokenizer)


def _copy(shard: Path, copy: int, folder: Path) -> Path:
    target = folder / f"copy{copy}-{shard.name}"
    mark = string.ascii_lowercase[copy]
    with zstandard.open(target, "wt", encoding="utf-8") as out:
        for row in _rows(shard):
            field = "content" if "content" in row else "text"
            row[field] = _marked(str(row[field]), mark)
            if "repo_name" in row:
                row["repo_name"] = f"{row['repo_name']}-{copy}"
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return target


def _marked(text: str, mark: str) -> str:
    lowered = text.lower()
    if any(word in lowered for word in ("licen", "copyright", "spdx")):
        return text
    return _FOUR_WORDS.sub(lambda words: words.group() + mark, text)


def _rows(shard: Path) -> Iterator[dict[str, object]]:
    with zstandard.open(shard, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            yield json.loads(line)

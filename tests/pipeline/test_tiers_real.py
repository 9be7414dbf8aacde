"""Tiers of the sample's source files, by language, held against golden numbers."""

import io
import json
import os
from collections import Counter
from pathlib import Path

import pytest
import zstandard

from filters.grammars import has_grammar
from pipeline.pass_4_survey import tier
from pipeline.recipe_rewriting import Selection
from stages.code_defects import code_defects
from stages.linting import Linter

pytestmark = pytest.mark.real

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))
SELECTION = Selection()
# Golden numbers: broken, smelly, fine, hopeless. Whoever changes a rule changes them here, in the same commit.
TIERS = {
    "C": (3, 15, 351, 0),
    "C#": (0, 2, 431, 0),
    "C++": (0, 4, 255, 0),
    "Go": (0, 6, 362, 0),
    "JSON": (1, 0, 160, 0),
    "Java": (0, 57, 973, 0),
    "JavaScript": (0, 108, 491, 0),
    "PHP": (0, 9, 306, 0),
    "Python": (7, 162, 641, 7),
    "Ruby": (2, 2, 151, 3),
    "Rust": (2, 3, 522, 0),
    "TSX": (0, 2, 2, 0),
    "TypeScript": (4, 112, 196, 0),
}


def test_the_tiers_of_real_files_are_as_ever() -> None:
    shards = sorted((SHARED / "data" / "stack_v2").glob("*.jsonl.zst"))
    if not shards:
        pytest.skip("shared data absent: set CORPUSMILL_SHARED")
    linter, found = Linter(), Counter[tuple[str, str]]()
    for shard in shards:
        texts = list(files_of(shard))
        for start in range(0, len(texts), 200):
            batch = texts[start : start + 200]
            for (language, text), defects in zip(batch, code_defects(batch, linter), strict=True):
                found[language, tier(defects, text, len(text.encode()), SELECTION)] += 1
    languages = {language for language, _ in found}
    tiers = ("broken", "smelly", "fine", "hopeless")
    assert {name: tuple(found[name, of] for of in tiers) for name in sorted(languages)} == TIERS


def files_of(shard: Path) -> list[tuple[str, str]]:
    """(language, text) of the files that a survey would measure."""
    with shard.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        rows = map(json.loads, io.TextIOWrapper(stream, encoding="utf-8", newline="\n"))
        named = [(row["language"] or "", row["content"]) for row in rows]
    return [
        (language, text)
        for language, text in named
        if has_grammar(language) and SELECTION.minimum_bytes <= len(text.encode()) <= SELECTION.maximum_bytes
    ]

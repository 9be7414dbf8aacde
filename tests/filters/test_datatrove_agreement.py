"""The same verdicts as datatrove's filters on 500 real documents; every pair of reasons that differs is counted here.

Why they differ: datatrove's words are spaCy's, ours are `filters.parts` (a number or an address is cut elsewhere); its
lines count with the white space around them, ours by their visible part; its sentences know abbreviations.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import zstandard

from filters.profiles_text import TEXT_PROFILES
from filters.rules import Profile, Rule
from filters.signals import resolve
from manifests.document import Document

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[3] / "shared"))
NUM_DOCUMENTS = 500

_GOPHER = TEXT_PROFILES["gopher-text"]
_QUALITY = {name: rule for name, rule in _GOPHER.items() if not name.startswith(("duplicate", "top"))}
_REPETITION = {name: rule for name, rule in _GOPHER.items() if name.startswith(("duplicate", "top"))}
# Reason of ours and of datatrove, "" for a kept document: how many documents.
CASES: list[tuple[str, dict[str, object], Profile, dict[tuple[str, str], int]]] = [
    (
        "GopherQualityFilter",
        {},
        _QUALITY,
        {("gopher_letter_word_fraction", ""): 3, ("", "gopher_below_alpha_threshold"): 2},
    ),
    (
        "GopherRepetitionFilter",
        {},
        _REPETITION,
        {("duplicate_5_gram_character_fraction", ""): 3, ("duplicate_line_fraction", ""): 1},
    ),
    ("C4QualityFilter", {"filter_javascript": False, "filter_curly_bracket": False}, TEXT_PROFILES["c4-text"], {}),
    (
        "C4QualityFilter",
        {"filter_javascript": False},
        {**TEXT_PROFILES["c4-text"], "c4_num_curly_brackets": Rule(maximum=0)},
        {},
    ),
    (
        "FineWebQualityFilter",
        {},
        TEXT_PROFILES["fineweb-text"],
        {("", "line_punct_ratio"): 9, ("", "list_ratio"): 1, ("duplicate_line_character_fraction", ""): 2},
    ),
]


@cache
def texts() -> list[str]:
    """Every ninth or so document, over all shards."""
    shards = sorted((SHARED / "data/pile").glob("0*.jsonl.zst"))
    if not shards:
        pytest.skip(f"shared data absent: {SHARED / 'data/pile'}")
    found = []
    for shard in shards:
        with zstandard.open(shard, "rt", encoding="utf-8", newline="\n") as lines:
            found += [json.loads(line)["text"] for line in lines]
    return [found[number * len(found) // NUM_DOCUMENTS] for number in range(NUM_DOCUMENTS)]


def our_reason(profile: Mapping[str, Rule], document: Document) -> str:
    for name, rule in profile.items():
        value = resolve(name)(document)
        if (rule.minimum is not None and value < rule.minimum) or (rule.maximum is not None and value > rule.maximum):
            return name
    return ""


def their_reason(judge: Any, text: str) -> str:
    from datatrove.data import Document as DatatroveDocument

    verdict = judge.filter(DatatroveDocument(text=text, id=""))
    return "" if verdict is True else str(verdict[1])


@pytest.mark.real
@pytest.mark.parametrize(("name", "options", "profile", "expected"), CASES)
def test_same_verdicts_but_for_the_counted(
    name: str, options: dict[str, object], profile: Profile, expected: dict[tuple[str, str], int]
) -> None:
    pytest.importorskip("spacy", reason="spacy is not installed; datatrove's filters ask it for words")
    from datatrove.pipeline import filters

    judge = getattr(filters, name)(**options)
    differing: Counter[tuple[str, str]] = Counter()
    for text in texts():
        document = Document(id="", text=text, kind="text", source="")
        pair = (our_reason(profile, document), their_reason(judge, text))
        differing[pair] += (pair[0] == "") != (pair[1] == "")
    assert +differing == expected
    assert sum(expected.values()) <= 0.03 * NUM_DOCUMENTS

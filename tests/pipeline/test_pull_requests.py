"""Pull requests in the passes: which real ones stay, and that nothing of them escapes redaction and decontamination."""

import json
import os
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from filters.example_values import filled_in
from filters.sections import sections
from manifests.document import Document
from manifests.storage import Storage
from pipeline.decontamination import Decontaminator
from pipeline.judgement import failing
from pipeline.plan import Plan, Shard
from pipeline.recipe import Recipe
from pipeline.redactions import Redactions
from pipeline.tables import tables
from pipeline.units import Mill, run_unit, step_named
from stages.readers import ShardSource, read_documents

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2].parent / "shared"))
SOURCE = {"name": "prs", "format": "pull-requests", "paths": ["*"]}
SECRETS = {
    "title": filled_in("ghp_«alnum:36»"),
    "before": filled_in("ghp_«alnum:36»"),
    "hunk": filled_in("ghp_«alnum:36»"),
    "comment": "some.one" + "@" + "company-mail.org",
}
KEY = filled_in("-----BEGIN «say:RSA PRIVATE» KEY-----\n«pem:4»\n-----END «say:RSA PRIVATE» KEY-----\n")


def recipe(**changed: Any) -> Recipe:
    return Recipe.model_validate({"name": "small", "version": "0.1.0", "sources": [SOURCE]} | changed)


def mill(folder: Path, shards: list[Path]) -> Mill:
    """A mill that has ingested the shards."""
    listed = [
        Shard(f"prs/{path.name}", str(path), "prs", len(data), sha256(data).hexdigest())
        for path in shards
        for data in [path.read_bytes()]
    ]
    made = Mill(recipe(), Plan([[shard] for shard in listed], 1, 1), Storage(str(folder / "work")))
    step = step_named("ingest")
    for unit in range(step.num_units(made.plan)):
        record = run_unit(made, step, unit, lambda _bytes: None)
        assert record.failure is None
    made.records(step, fresh=True)
    return made


def document(tmp_path: Path, before: str, **changed: Any) -> Document:
    """One pull request whose one file is `before` and gets another line."""
    lines = before.split("\n")[:-1]
    added, num_added = changed.pop("added", "x = 1"), changed.pop("num_added", 1)
    hunk = f"@@ -1,{len(lines)} +1,{len(lines) + num_added} @@\n" + "".join(f" {line}\n" for line in lines)
    row = {
        "kind": "merged_pull_request",
        "repo_name": "a/b",
        "pr_number": 1,
        "title": "Count in words",
        "head_sha": "1" * 40,
        "diff": f"diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n{hunk}+{added}\n",
        "files": [{"path": "x.py", "before": before}],
    }
    path = tmp_path / "row.jsonl"
    path.write_text(json.dumps(row | changed) + "\n")
    with path.open("rb") as file:
        [found] = read_documents(file, shard=path.name, source=ShardSource("prs", "pull-requests", "code"))
    assert isinstance(found, Document)
    return found


def test_a_secret_is_found_in_every_part(tmp_path: Path) -> None:
    found = document(
        tmp_path,
        f"token = '{SECRETS['before']}'\n",
        title=f"Use {SECRETS['title']} for now",
        added=f"other = '{SECRETS['hunk']}'",
        review_comments=[{"body": f"Write to {SECRETS['comment']} first.", "user": "x"}],
    )
    assert all(secret in found.text for secret in SECRETS.values())
    cleaned = Redactions(recipe()).of(found)
    assert [name for name, secret in SECRETS.items() if secret in cleaned.text] == []
    assert [part[:2] for part in sections(cleaned.text)] == [part[:2] for part in sections(found.text)]
    assert cleaned.counts == {"email/address": 1, "secret/github_token": 4}  # the file's is in the hunk's context, too


def test_of_a_file_that_held_a_key_no_lines_are_shown(tmp_path: Path) -> None:
    found = document(tmp_path, "a = 1\n" + KEY)
    assert [part.kind for part in sections(found.text)] == ["title", "repository", "file", "status"]


def test_a_key_is_found_behind_the_signs_of_a_hunk(tmp_path: Path) -> None:
    found = document(tmp_path, "a = 1\n", added=KEY.strip().replace("\n", "\n+"), num_added=KEY.count("\n"))
    assert "\n+" + KEY.split("\n")[1] in found.text
    cleaned = Redactions(recipe(redaction={"maximum_key_fraction": None, "maximum_findings_per_kb": None})).of(found)
    assert not any(line in cleaned.text for line in KEY.split("\n")[1:-2])
    assert [part.kind for part in sections(cleaned.text)] == [part.kind for part in sections(found.text)]


@pytest.mark.parametrize("place", ["before", "body"])
def test_a_problem_of_a_benchmark_is_found_where_it_stands(tmp_path: Path, place: str) -> None:
    prompt = (
        "Write a function that counts every seventh blue elephant between two rivers and returns their ages sorted."
    )
    (tmp_path / "own.jsonl").write_text(json.dumps({"id": "own/1", "question": prompt}) + "\n")
    benchmark = {"name": "own", "format": "jsonl", "path": str(tmp_path / "own.jsonl"), "task": "id"}
    given = recipe(decontamination={"benchmarks": [benchmark | {"prompt": "question"}]})
    before = f"# {prompt}\n" if place == "before" else "a = 1\n"
    found = document(tmp_path, before, body=prompt if place == "body" else None)
    rejected = Decontaminator(given).rejected(found, len(found.text))
    assert rejected is not None
    assert rejected.detail == "own own/1"
    assert Decontaminator(given).rejected(document(tmp_path, "a = 1\n"), 1) is None


def test_real_pull_requests_that_stay_and_why_the_others_go(tmp_path: Path) -> None:
    shards = sorted((SHARED / "data/prs").glob("*.jsonl.zst"))
    if not shards:
        pytest.skip("shared data absent: set CORPUSMILL_SHARED")
    made = mill(tmp_path, shards)
    kept, reasons = Counter[str](), Counter[str]()
    for rows in tables(made, "ingest", "rows"):
        left = np.ones(rows.num_rows, bool)
        for found in failing(rows, made.recipe, made.recipe.filters.signals):
            reasons[found.reason] += int(left[found.rows].sum())
            left[found.rows] = False
        kept.update(name for name, stays in zip(rows.column("subset").to_pylist(), left, strict=True) if stays)
    assert kept == {"merged_pull_request": 486, "commit": 395}
    assert +reasons == {
        "pull_request_title_characters_below_minimum": 33,
        "is_dependency_or_release_title_above_maximum": 83,
        "pull_request_description_characters_below_minimum": 1,
        "is_bot_pull_request_above_maximum": 101,
        "num_hunks_below_minimum": 5,
        "base_mean_line_characters_above_maximum": 5,
        "data_file_fraction_above_maximum": 168,
    }
    assert sum(kept.values()) + sum(reasons.values()) == 1_277

"""What the attribution of a release says of files and texts whose rows are written here, after the whole mill."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from filters.swhid import swhid_of_text
from manifests.document import document_id
from manifests.release import Manifest
from manifests.storage import Storage
from pipeline.pass_2_judge import JUDGED
from pipeline.verify import verify_release
from stages.attribution import EVIDENCE, NOT_KNOWN
from stages.tokenizer_training import train

_GIT_ID = "3b18e512dba79e4c8300dd08aeb37f8e728b8dad"
_RECIPE = """\
name: tiny
version: 0.1.0
partitions: 2
sources:
- {name: files, format: stack-v2, kind: code, paths: [files.jsonl]}
- {name: texts, format: jsonl, kind: text, paths: [texts.jsonl], declared_licence: CC-BY-SA-4.0}
filters: {assign: {code: [], text: []}}
tokenizer: {path: tokenizer.json}
packing: {sequence_tokens: 64}
limits: {slice_bytes: 4000}
"""


def _words(seed: object) -> str:
    numbers = random.Random(f"{seed}")
    return " ".join("".join(numbers.choices("abcdefghij", k=5)) for _ in range(60)) + "\n"


def _file(path: str, *, header: str = "", **changed: object) -> dict[str, object]:
    return {
        "repo_name": "team/project",
        "path": path,
        "content": header + _words(path),
        "detected_licenses": ["MIT"],
        "license_type": "permissive",
        "revision_id": "r1",
        "language": "Python",
    } | changed


_FILES = [
    _file("plain.py"),
    _file("archived.py", content_id=_GIT_ID.upper(), src_encoding="Big5"),
    _file("decoded.py", src_encoding="Big5"),
    _file("windows.py", header="x = 1\r\ny = 2\r\n"),
    _file("named.py", header="# Copyright (c) 2019 Jane Doe <jane@company.org>\n# Copyright 2020 The Foo Authors\n"),
    _file("tagged.py", header="# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only\n"),
    _file("loose.py", repo_name="", revision_id=None),
    *(_file(f"more{number}.py", repo_name=f"team/other{number}") for number in range(12)),
]
# More than the mixture asks for, so that every file stays.
_TEXTS = [{"text": f"{_words(number)}Copyright {1990 + number} Ann Author.\n"} for number in range(14)]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, run_alone: Callable[..., None]) -> Path:
    folder = tmp_path_factory.mktemp("attribution")
    for name, rows in (("files", _FILES), ("texts", _TEXTS)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "tokenizer.json").write_bytes(train([_words(n) for n in range(9)], vocabulary_size=300))
    (folder / "recipe.yaml").write_text(_RECIPE)
    run_alone(folder / "recipe.yaml")
    return folder / "releases/tiny-0.1.0"


@pytest.fixture(scope="module")
def rows(release: Path) -> dict[str, dict[str, Any]]:
    """Attribution by path, of texts by their id."""
    found = [row for path in sorted(release.glob("attribution/*.parquet")) for row in pq.read_table(path).to_pylist()]
    return {row["path"] or row["doc_id"]: row for row in found}


def test_judge_and_attribution_mean_the_same_by_evidence() -> None:
    assert JUDGED.field("evidence").type.value_type == EVIDENCE


def test_the_release_is_sound(release: Path) -> None:
    assert verify_release(str(release)).shards == 2


def test_each_shard_has_the_attribution_of_its_documents(release: Path) -> None:
    several = 0
    for shard in sorted(release.glob("data/*.parquet")):
        packed = {name for row in pq.read_table(shard)["doc_ids"].to_pylist() for name in row}
        file = pq.ParquetFile(release / "attribution" / shard.name)
        groups = [file.read_row_group(n)["doc_id"].to_pylist() for n in range(file.num_row_groups)]
        assert sorted(name for group in groups for name in group) == sorted(packed)
        assert all(group == sorted(group) for group in groups)
        several += len(groups) > 1
    assert several, "slices are groups of their own"


def test_a_file_of_a_repository_is_attributed_to_it(rows: dict[str, dict[str, Any]]) -> None:
    row = rows["plain.py"]
    text = _FILES[0]["content"]
    assert isinstance(text, str)
    [evidence] = row.pop("evidence")
    assert row == {
        "doc_id": document_id("files", "team/project:plain.py", text),
        "kind": "code", "source": "files", "subset": "", "repository": "team/project", "revision": "r1",
        "path": "plain.py", "swhid": swhid_of_text(text), "licence": "MIT", "licence_declared": "MIT", "copyright": [],
    }  # fmt: skip
    assert (evidence["kind"], evidence["expression"]) == ("metadata", "MIT")


def test_a_git_id_of_the_row_goes_before_what_could_be_computed(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["archived.py"]["swhid"] == f"swh:1:cnt:{_GIT_ID}"


def test_a_text_that_was_decoded_from_another_encoding_has_no_swhid(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["decoded.py"]["swhid"] == ""


def test_a_text_that_was_put_in_form_is_named_by_what_was_read(rows: dict[str, dict[str, Any]]) -> None:
    [raw] = [row["content"] for row in _FILES if row["path"] == "windows.py"]
    assert "\r\n" in str(raw)
    assert rows["windows.py"]["swhid"] == swhid_of_text(str(raw))


def test_copyright_keeps_names_and_no_addresses(rows: dict[str, dict[str, Any]]) -> None:
    jane, authors = rows["named.py"]["copyright"]
    assert "2019 Jane Doe" in jane
    assert "2020 The Foo Authors" in authors
    assert "company.org" not in str(rows)


def test_the_choice_is_concluded_and_the_evidence_is_as_written(rows: dict[str, dict[str, Any]]) -> None:
    row = rows["tagged.py"]
    assert row["licence"] == "Apache-2.0"
    assert row["licence_declared"] == "MIT"
    said = {piece["kind"]: piece["expression"] for piece in row["evidence"]}
    assert said["header"] == "Apache-2.0 OR GPL-2.0-only"
    assert said["metadata"] == "MIT"


def test_what_a_row_does_not_say_is_empty(rows: dict[str, dict[str, Any]]) -> None:
    assert (rows["loose.py"]["repository"], rows["loose.py"]["revision"]) == ("", "")


def test_a_text_has_the_licence_of_its_source(rows: dict[str, dict[str, Any]]) -> None:
    known = [(number, rows.get(document_id("texts", "", str(text["text"])))) for number, text in enumerate(_TEXTS)]
    packed = [(number, row) for number, row in known if row is not None]
    assert packed
    for number, row in packed:
        assert (row["repository"], row["path"], row["swhid"]) == ("", "", "")
        assert row["licence"] == "CC-BY-SA-4.0"
        assert [piece["kind"] for piece in row["evidence"]] == ["source"]
        assert row["copyright"] == [f"Copyright {1990 + number} Ann Author."]


def test_the_manifest_counts_what_is_not_known(release: Path, rows: dict[str, dict[str, Any]]) -> None:
    manifest = Manifest.read(Storage(str(release)))
    lacking = {"licence": "NOASSERTION", "repository": "", "revision": "", "swhid": "", "copyright": []}
    for name in NOT_KNOWN:
        for kind, documents in manifest.not_known[name].items():
            assert documents == sum(row[name] == lacking[name] for row in rows.values() if row["kind"] == kind)
    assert manifest.licence_words["CC-BY-SA-4.0"] == "share-alike"

"""The demo's raw shards: what is in them, and that an environment always gives the same bytes."""

import ast
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import zstandard

from pipeline.demo_code import StackRow
from pipeline.demo_data import DemoData, write_demo_data
from pipeline.demo_files import local_paths
from pipeline.demo_shards import PlantedRow

ROOT = Path(__file__).resolve().parents[2]
NUM_DOCSTRING_BYTES = 1_000_000  # a sixth of what users get: the same code in half the time
STACK_FIELDS = (
    "blob_id directory_id path content_id detected_licenses license_type repo_name snapshot_id revision_id "
    "branch_name visit_date revision_date committer_date github_id star_events_count fork_events_count "
    "gha_license_id gha_event_created_at gha_created_at gha_language src_encoding language is_vendor "
    "is_generated length_bytes extension filename content"
)


class Twin(NamedTuple):
    """A second run, perhaps still going on."""

    process: subprocess.Popen[bytes]
    out: Path


class Demo(NamedTuple):
    """One run: its folder, its summary, its lines by shard, and the sound rows of the code shards."""

    out: Path
    summary: DemoData
    lines: dict[str, list[bytes]]
    planted: list[PlantedRow]

    def line(self, kind: str, folder: str) -> bytes:
        """The first line planted with this kind."""
        plant = next(each for each in self.planted if each.kind == kind and each.shard.startswith(folder))
        return self.lines[plant.shard][plant.row]

    def rows(self, folder: str) -> list[dict[str, Any]]:
        """Every line of a folder that is a sound row."""
        broken = {
            (plant.shard, plant.row)
            for plant in self.planted
            if plant.kind in ("broken_json", "missing_text", "wrong_type")
        }
        return [
            msgspec.json.decode(line)
            for shard in sorted(self.lines)
            for row, line in enumerate(self.lines[shard])
            if shard.startswith(folder) and (shard, row) not in broken
        ]


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """The same run in another process, folder, hash seed, time zone and locale, beside that of `demo`."""
    folder = tmp_path_factory.mktemp("twin")
    program = (
        "import pathlib; from pipeline.demo_data import write_demo_data; "
        f"write_demo_data(pathlib.Path('out'), docstring_bytes={NUM_DOCSTRING_BYTES})"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT), "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    with subprocess.Popen([sys.executable, "-c", program], cwd=folder, env=environment) as process:
        yield Twin(process, folder / "out")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, twin: Twin) -> Demo:
    out = tmp_path_factory.mktemp("demo")
    summary = write_demo_data(out, docstring_bytes=NUM_DOCSTRING_BYTES)
    lines = {
        str(path.relative_to(out)): zstandard.ZstdDecompressor().decompress(path.read_bytes()).splitlines()
        for path in out.glob("*/*.jsonl.zst")
    }
    planted = msgspec.json.Decoder(PlantedRow).decode_lines((out / "planted.jsonl").read_bytes())
    return Demo(out, summary, lines, planted)


def test_same_bytes_from_another_process_folder_and_hash_seed(demo: Demo, twin: Twin) -> None:
    process, out = twin
    assert process.wait(timeout=120) == 0
    assert _files(out) == _files(demo.out)


def test_shards_are_named_and_dealt_evenly(demo: Demo) -> None:
    assert sorted(demo.lines) == [
        *(f"pile/0{number}.jsonl.zst" for number in range(3)),
        *(f"stack/part-0000{number}-of-00006.jsonl.zst" for number in range(6)),
    ]
    for folder in ("pile", "stack"):
        sizes = [len(lines) for shard, lines in demo.lines.items() if shard.startswith(folder)]
        assert max(sizes) - min(sizes) <= 1


def test_a_shard_is_one_zstd_frame_that_names_its_size(demo: Demo) -> None:
    data = (demo.out / "stack/part-00000-of-00006.jsonl.zst").read_bytes()
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    assert len(decompressor.decompress(data)) == zstandard.frame_content_size(data)
    assert decompressor.unused_data == b""


def test_enough_code_and_text(demo: Demo) -> None:
    code = sum(row["length_bytes"] for row in demo.rows("stack"))
    text = sum(len(row["text"].encode()) for row in demo.rows("pile"))
    found = demo.summary.subsets["Docstrings"]
    assert 20_000_000 <= code <= 32_000_000
    assert NUM_DOCSTRING_BYTES <= found <= 1.5 * NUM_DOCSTRING_BYTES
    assert 1_000_000 <= text - found <= 6_000_000


def test_summary_counts_what_lies_in_the_shards(demo: Demo) -> None:
    summary = asdict(demo.summary)
    assert summary["code_rows"] == sum(len(lines) for shard, lines in demo.lines.items() if shard.startswith("stack"))
    assert summary["text_rows"] == sum(len(lines) for shard, lines in demo.lines.items() if shard.startswith("pile"))
    assert summary["code_bytes"] == sum(len(row["content"].encode()) for row in demo.rows("stack"))
    assert summary["text_bytes"] == sum(len(row["text"].encode()) for row in demo.rows("pile"))
    assert summary["planted_rows"] == len(demo.planted)


def test_code_rows_have_the_fields_of_the_stack_in_order(demo: Demo) -> None:
    assert all(" ".join(row) == STACK_FIELDS for row in demo.rows("stack"))
    assert all(isinstance(msgspec.convert(row, StackRow), StackRow) for row in demo.rows("stack"))


def test_code_ids_and_lengths_are_those_of_the_content(demo: Demo) -> None:
    for row in demo.rows("stack"):
        raw = row["content"].encode()
        assert row["blob_id"] == sha1(raw, usedforsecurity=False).hexdigest()
        assert row["content_id"] == sha1(b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()
        assert row["length_bytes"] == len(raw) <= 402_000  # a plant may add to the largest file
        assert row["path"].startswith("/")
        assert row["path"].endswith("/" + row["filename"])


def test_code_rows_are_named_once(demo: Demo) -> None:
    keys = [(row["repo_name"], row["path"]) for row in demo.rows("stack")]
    assert len(keys) == len(set(keys))


def test_several_licences_and_one_that_is_not_permissive(demo: Demo) -> None:
    by_type: dict[str, set[str]] = {}
    for row in demo.rows("stack"):
        by_type.setdefault(row["license_type"], set()).update(row["detected_licenses"])
    assert {"Apache-2.0", "BSD-3-Clause", "MIT", "PSF-2.0"} <= by_type["permissive"]
    assert "MPL-2.0" in by_type["non_permissive"]
    assert not by_type["permissive"] & by_type["non_permissive"]


def test_licence_texts_are_rows(demo: Demo) -> None:
    assert sum(row["filename"].upper().startswith("LICEN") for row in demo.rows("stack")) >= 20


def test_pile_rows_name_their_set(demo: Demo) -> None:
    rows = demo.rows("pile")
    assert all(list(row) == ["text", "meta"] and list(row["meta"]) == ["pile_set_name"] for row in rows)
    subsets = {row["meta"]["pile_set_name"] for row in rows}
    assert {"PyPI Descriptions", "Python Topics", "Docstrings"} <= subsets
    assert set(demo.summary.subsets) == subsets


def test_prose_files_are_no_code(demo: Demo) -> None:
    texts = {row["text"] for row in demo.rows("pile") if row["meta"]["pile_set_name"] == "Package Documentation"}
    assert texts
    assert texts.isdisjoint(row["content"] for row in demo.rows("stack"))


def test_no_folder_of_this_machine_is_in_a_row(demo: Demo) -> None:
    assert local_paths()
    for lines in demo.lines.values():
        data = b"\n".join(lines)
        assert not [path for path in local_paths() if path.encode() in data]


def test_planted_rows_hold_what_the_truth_says(demo: Demo) -> None:
    marks = {
        "aws_access_key": b"AKIA" + b"FAKE",
        "email": b"jane.doe@mail.corpusmill-demo.dev",
        "ip_address": b"203.0.112.",
        "private_key": b"PRIVATE KEY-----",
    }
    for kind, mark in marks.items():
        for folder in ("stack", "pile"):
            assert mark in demo.line(kind, folder), (kind, folder)
    assert b"gh" + b"p_FAKE" in demo.line("github_token", "stack")
    assert b"<|endoftext|>" in demo.line("control_token", "pile")


def test_three_rows_are_broken_each_in_its_way(demo: Demo) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(demo.line("broken_json", "stack"))
    assert "text" not in msgspec.json.decode(demo.line("missing_text", "pile"))
    assert msgspec.json.decode(demo.line("wrong_type", "pile"))["text"] == 17


def test_planted_code_is_still_python(demo: Demo) -> None:
    planted = [row["content"] for row in demo.rows("stack") if row["repo_name"].startswith("planted/")]
    assert len(planted) == 26
    # an installed file may be for a newer Python than this one
    assert sum(map(_parses, planted)) >= 24


def test_near_copies_stand_beside_their_hosts_and_differ_by_a_few_lines(demo: Demo) -> None:
    rows = {f"{row['repo_name']}:{row['path']}": row for row in demo.rows("stack")}
    copies = [plant for plant in demo.planted if plant.kind == "near_copy"]
    assert len(copies) == 20
    for plant in copies:
        copy = msgspec.json.decode(demo.lines[plant.shard][plant.row])
        pairs = zip(copy["content"].split("\n"), rows[plant.host]["content"].split("\n"), strict=True)
        assert copy["repo_name"] == "planted/near-copies"
        assert 1 <= sum(line != original for line, original in pairs) <= 3


def test_a_secret_takes_the_place_of_its_host(demo: Demo) -> None:
    keys = {f"{row['repo_name']}:{row['path']}" for row in demo.rows("stack")}
    hosts = {plant.host for plant in demo.planted if plant.kind in ("email", "aws_access_key", "private_key")}
    assert hosts
    assert keys.isdisjoint(hosts)


def test_truth_holds_no_planted_value(demo: Demo) -> None:
    assert b"FAKE" not in (demo.out / "planted.jsonl").read_bytes()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _parses(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source)
        except SyntaxError:
            return False
    return True

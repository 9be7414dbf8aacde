"""What ingest sends on its way for the licence steps: texts once a unit, claims and members by repository."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.notices import MAXIMUM_NOTICES, notices, text_key, whole_text
from manifests.storage import Storage
from pipeline.licence_gathering import ANY_REVISION, Place, place_of, slice_of_key, slice_of_repository
from pipeline.plan import Plan, Shard
from pipeline.recipe import Recipe, Source
from pipeline.recipe_filters import Filters
from pipeline.tables import tables
from pipeline.units import Mill, run_unit, step_named

NUM_SLICES = 5
TERMS = "the terms of this licence are these: be kind, and redistribute."
HEADER = f"# {TERMS}\nvalue = 1\n"
Rows = list[dict[str, Any]]


def file(path: str, content: str, repo: str = "a/b", revision: str = "r1") -> dict[str, Any]:
    return {"repo_name": repo, "path": path, "content": content, "revision_id": revision}


def ingested(folder: Path, *units: Sequence[dict[str, Any]], source: str = "code") -> Mill:
    """A mill that has ingested some rows, those of a unit in a shard of its own."""
    sources = [
        Source(name="code", format="stack-v2", paths=["*"], kind="code"),
        Source(name="texts", format="jsonl", paths=["*"], kind="text", declared_licence="MIT"),
    ]
    recipe = Recipe(name="small", version="0.1.0", sources=sources, filters=Filters(assign={"code": [], "text": []}))
    shards = []
    for number, rows in enumerate(units):
        path = folder / f"{number}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        data = path.read_bytes()
        shards.append([Shard(f"{source}/{number}", str(path), source, len(data), sha256(data).hexdigest())])
    mill = Mill(recipe, Plan(shards, 1, NUM_SLICES), Storage(str(folder / "work")))
    for unit in range(len(shards)):
        record = run_unit(mill, step_named("ingest"), unit, lambda _bytes: None)
        assert record.failure is None
    mill.records(step_named("ingest"), fresh=True)
    return mill


def rows_of(mill: Mill, table: str) -> Rows:
    return [row for part in tables(mill, "ingest", table) for row in part.to_pylist()]


def claims(folder: Path, path: str, content: str) -> Rows:
    return rows_of(ingested(folder, [file(path, content)]), "claims")


def test_a_text_goes_once_a_unit_however_many_have_it(tmp_path: Path) -> None:
    mill = ingested(tmp_path, [file(f"{number}.py", HEADER) for number in range(9)], [file("x.py", HEADER)])
    assert rows_of(mill, "notices") == [
        {"key": text_key(TERMS), "text": TERMS, "unit": unit, "slice": -1} for unit in range(2)
    ]
    assert [row["notices"] for row in rows_of(mill, "rows")] == [[text_key(TERMS)]] * 10
    assert rows_of(mill, "claims") == []


def test_a_licence_file_waits_in_its_unit_and_in_its_repository(tmp_path: Path) -> None:
    mill = ingested(tmp_path, [file("docs/LICENSE", TERMS), file("x.py", HEADER)])
    block = slice_of_repository("a/b", NUM_SLICES)
    assert rows_of(mill, "notices") == [
        {"key": text_key(TERMS), "text": TERMS, "unit": 0, "slice": -1},
        {"key": text_key(TERMS), "text": "", "unit": 0, "slice": block},  # the same file has the text
    ]
    assert rows_of(mill, "claims") == [
        {
            "repo": "a/b",
            "revision": "r1",
            "directory": "docs",
            "role": "licence_file",
            "path": "docs/LICENSE",
            "expression": "",
            "keys": [text_key(TERMS)],
            "complete": True,
        }
    ]


def test_every_folder_with_documents_is_a_member_once_a_unit(tmp_path: Path) -> None:
    one = [file("a/x.py", "1\n"), file("/a//./y.py", "2\n"), file("z.py", "3\n"), file("a/x.py", "4\n", revision="r2")]
    mill = ingested(tmp_path, one, [file("a/w.py", "5\n"), {"path": "x.py", "content": "6\n"}])
    members = [(row["repo"], row["revision"], row["directory"], row["unit"]) for row in rows_of(mill, "members")]
    assert sorted(members) == [
        ("a/b", "r1", "", 0),
        ("a/b", "r1", "a", 0),
        ("a/b", "r1", "a", 1),
        ("a/b", "r2", "a", 0),
    ]


def test_a_licence_file_whose_form_is_rejected_still_speaks(tmp_path: Path) -> None:
    wide = TERMS.encode("utf-16").decode("latin-1")
    mill = ingested(tmp_path, [file("LICENSE", wide), file("x.py", "1\n")])
    assert [row["path"] for row in rows_of(mill, "rows")] == ["x.py"]
    assert [row["reason"] for row in rows_of(mill, "decisions")] == ["nul_character"]
    [claim] = rows_of(mill, "claims")
    assert claim["keys"] == [text_key(TERMS)]
    assert {row["text"] for row in rows_of(mill, "notices")} == {"", TERMS}


def test_a_manifest_declares_expressions_and_texts_that_must_be_read(tmp_path: Path) -> None:
    mill = ingested(
        tmp_path,
        [
            file("package.json", '{"license": "MIT OR Apache-2.0"}'),
            file("rust/Cargo.toml", '[package]\nlicense = "Some terms of our own"\n'),
            file("none/package.json", '{"name": "x"}'),
            file("else/package.json", '{"license": "SEE LICENSE IN EULA.txt"}'),
        ],
    )
    claimed = {row["path"]: (row["role"], row["directory"], row["expression"]) for row in rows_of(mill, "claims")}
    assert claimed == {
        "package.json": ("manifest", "", "MIT OR Apache-2.0"),
        "rust/Cargo.toml": ("manifest", "rust", ""),
    }
    asked = "license: Some terms of our own"
    block = slice_of_repository("a/b", NUM_SLICES)
    waiting = {"key": text_key(asked), "text": asked, "unit": 0, "slice": block}
    assert [row for row in rows_of(mill, "notices") if row["slice"] >= 0] == [waiting]


def test_a_manifest_full_of_notices_declares_what_it_declares(tmp_path: Path) -> None:
    lines = "".join(f'"key{number}": "licence {number}",\n"x{number}": 1,\n' * 4 for number in range(9_000))
    content = "{\n" + lines[:200_000].rpartition("\n")[0] + '\n"license": "MIT"}'
    assert not notices(content).complete
    [claim] = claims(tmp_path, "package.json", content)
    assert (claim["expression"], claim["complete"]) == ("MIT", True)


def test_a_manifest_with_half_a_surrogate_pair_does_no_harm(tmp_path: Path) -> None:
    [claim] = claims(tmp_path, "package.json", '{"license": "\\ud800 of terms"}')
    assert len(claim["keys"]) == 1


@pytest.mark.parametrize(
    "target", ["../LICENSE", "../../licenses/MIT.txt", "LICENSE.md", "licence", "./COPYING\n", "/usr/share/x/GPL-2"]
)
def test_the_target_of_a_link_says_nothing(tmp_path: Path, target: str) -> None:
    [claim] = claims(tmp_path, "packages/x/LICENSE", target)
    assert claim["keys"] == []


@pytest.mark.parametrize("text", ["MIT", "MIT License", "See ../LICENSE", "Do as you like.", "../a/" * 100])
def test_short_words_are_no_link(tmp_path: Path, text: str) -> None:
    [claim] = claims(tmp_path, "LICENSE", text)
    assert claim["keys"] == [text_key(text.lower().rstrip("/"))]


def test_a_licence_file_that_is_too_long_says_so(tmp_path: Path) -> None:
    [claim] = claims(tmp_path, "LICENSE", f"{TERMS}\n" * 10_000)
    assert not claim["complete"]
    assert len(claim["keys"]) == len(whole_text(f"{TERMS}\n" * 10_000).found)


def test_text_without_a_path_is_searched_for_tags_alone(tmp_path: Path) -> None:
    text = f"# SPDX-License-Identifier: MIT\n\n{TERMS}\n"
    mill = ingested(tmp_path, [{"text": text}], source="texts")
    [row] = rows_of(mill, "rows")
    assert (row["notices"], row["notices_complete"], row["licence_tags"]) == ([], True, "MIT")
    for table in ("notices", "claims", "members"):
        assert rows_of(mill, table) == []


def test_code_without_a_repository_has_notices_and_speaks_for_nobody(tmp_path: Path) -> None:
    mill = ingested(tmp_path, [{"path": "LICENSE", "content": HEADER}, {"path": "x.py", "content": HEADER}])
    assert [row["notices"] for row in rows_of(mill, "rows")] == [[text_key(TERMS)]] * 2
    assert rows_of(mill, "claims") == rows_of(mill, "members") == []


def test_where_notices_stand_and_whether_there_are_more_is_written_down(tmp_path: Path) -> None:
    text = "x = 1\n" * 1_000 + HEADER + "x = 1\n" * 1_000
    many = "".join(f"# terms of licence {number}\nx = {number}\n" for number in range(MAXIMUM_NOTICES + 1))
    rows = rows_of(ingested(tmp_path, [file("x.py", text), file("y.py", many)]), "rows")
    assert (rows[0]["notice_lines"], rows[0]["notices_at_end"], rows[0]["notices_complete"]) == ([1_001], [False], True)
    assert (len(rows[1]["notices"]), rows[1]["notices_complete"]) == (MAXIMUM_NOTICES, False)


def test_more_rows_than_are_held_at_a_time_all_arrive(tmp_path: Path) -> None:
    number = 2_500
    mill = ingested(tmp_path, [file(f"d{n}/x.py", f"# licence {n}\nx = 1\n", repo=f"a/{n % 7}") for n in range(number)])
    assert len(rows_of(mill, "notices")) == len({row["key"] for row in rows_of(mill, "notices")}) == number
    assert len(rows_of(mill, "members")) == number


@given(st.text(), st.text(), st.lists(st.sampled_from(["a", "b.c", "", ".", "é", "\ud800"]), max_size=6))
def test_places_have_no_empty_parts(repo: str, revision: str, parts: list[str]) -> None:
    place = place_of(repo, revision, "/".join([*parts, "x.py"]))
    assert place == Place(repo, revision, "/".join(part for part in parts if part not in ("", ".")))
    assert place_of(repo, revision, "/" + "/".join([*parts, "y"])) == place


@given(st.text(), st.text())
def test_what_has_no_path_lies_at_any_revision(repo: str, revision: str) -> None:
    assert place_of(repo, revision, "") == Place(repo, ANY_REVISION, "")


@given(st.text(), st.integers(1, 64))
def test_a_repository_has_one_slice(repo: str, num_slices: int) -> None:
    assert 0 <= slice_of_repository(repo, num_slices) < num_slices


@given(st.lists(st.binary(min_size=16, max_size=16)), st.integers(1, 64))
def test_slices_of_keys_are_ranges_of_them(keys: list[bytes], num_slices: int) -> None:
    slices = [slice_of_key(key, num_slices) for key in sorted(keys)]
    assert slices == sorted(slices)
    assert all(0 <= number < num_slices for number in slices)
    assert slice_of_key(b"\xff" * 16, num_slices) == num_slices - 1

"""Copies of repositories, from real shards, against plain Python."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from manifests.opt_out_registry import Registry
from manifests.opt_outs import Request
from manifests.storage import Storage
from pipeline.pass_2_repositories import STEPS
from pipeline.plan import Plan, Shard
from pipeline.recipe import Recipe, Source
from pipeline.recipe_filters import Filters
from pipeline.recipe_opt_out import OptOut
from pipeline.repository_files import hash_of_repository
from pipeline.units import Mill, run_unit, step_named

QUICK = settings(max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate])
Row = dict[str, Any]
Copies = dict[str, str]  # by name of the copy, "repo@revision", what it is a copy of
RECIPE = Recipe(
    name="forks",
    version="0.1.0",
    sources=[Source(name="code", format="stack-v2", paths=["*"], kind="code")],
    filters=Filters(assign={"code": [], "text": []}),
)


def file(repo: str, path: str = "x.py", content: str = "1\n", **facts: Any) -> Row:
    return {"repo_name": repo, "path": path, "content": content, "revision_id": "r1"} | facts


class Forks:
    """Ingest, `trees` and `forks` over the rows of some units."""

    def __init__(
        self, folder: Path, units: Sequence[Sequence[Row]], *, num_slices: int = 2, asked: Sequence[Request] = ()
    ) -> None:
        shards = [[_shard(folder, number, rows)] for number, rows in enumerate(units)]
        registry = Registry(str(folder / "opt-outs"))
        registry.append(asked)
        recipe = RECIPE.model_copy(update={"opt_out": OptOut(registry=str(folder / "opt-outs"))} if asked else {})
        plan = Plan(shards, 1, num_slices, opt_outs=registry.snapshot() if asked else None)
        self._mill = Mill(recipe, plan, Storage(str(folder / "work")))
        for step in (step_named("ingest"), *STEPS):
            every = range(step.num_units(self._mill.plan))
            self._records = [run_unit(self._mill, step, unit, lambda _bytes: None) for unit in every]
            assert [record.failure for record in self._records if record.failure] == []
            self._mill.records(step, fresh=True)

    @property
    def num_copies(self) -> int:
        return sum(int(record.counts["copies"]) for record in self._records)  # type: ignore[call-overload]

    def told(self, unit: int) -> set[tuple[str, int]]:
        """What a unit hears: (copy, hash of what it is a copy of)."""
        outputs = [record.outputs["forks"] for record in self._records]
        data = [self._mill.work.read_range(o.file, s.offset, s.length) for o in outputs for s in o.blocks[unit]]
        rows = [row for part in data for row in pa.ipc.open_stream(part).read_all().to_pylist()]
        return {(f"{row['repo']}@{row['revision']}", row["of"]) for row in rows}

    def copies(self) -> Copies:
        """What all units hear, in names; a copy of two, in two ways, is said to be one of both."""
        rows = {row for unit in range(len(self._mill.plan.units)) for row in self.told(unit)}
        names = {hash_of_repository(repo, revision): f"{repo}@{revision}" for repo in REPOS for revision in REVISIONS}
        pairs = sorted((copy, names[of]) for copy, of in rows)
        return {copy: " and ".join(of for name, of in pairs if name == copy) for copy, _ in pairs}


REPOS, REVISIONS = ("a/x", "b/x", "c/x", "d/x"), ("", "r1", "r2")


def _shard(folder: Path, number: int, rows: Sequence[Row]) -> Shard:
    path = folder / f"{number}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = path.read_bytes()
    return Shard(f"code/{number}", str(path), "code", len(data), sha256(data).hexdigest())


def forks(*units: Sequence[Row], num_slices: int = 2, asked: Sequence[Request] = ()) -> tuple[Copies, int]:
    with TemporaryDirectory() as folder:
        made = Forks(Path(folder), units, num_slices=num_slices, asked=asked)
        return made.copies(), made.num_copies


ROWS = st.lists(
    st.builds(
        file,
        st.sampled_from(REPOS),
        st.sampled_from(["x.py", "y.py"]),
        st.sampled_from(["1\n", "2\n"]),
        revision_id=st.sampled_from(["r1", "r1", "r2"]),
    ),
    max_size=12,
)


def expected_copies(rows: list[Row]) -> Copies:
    """By sets of files alone; all have the same stars and dates."""
    files: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for row in rows:
        files.setdefault((row["repo_name"], row["revision_id"]), set()).add((row["path"], row["content"]))
    copies = {}
    for name in sorted(files):
        best = next(other for other in sorted(files) if files[other] == files[name])
        if best != name:
            copies["@".join(name)] = "@".join(best)
    return copies


@QUICK
@given(ROWS, st.integers(1, 3), st.integers(1, 5))
@example([file("b/x"), file("a/x"), file("c/x", "y.py")], 2, 3)
def test_copies_are_those_of_plain_python(rows: list[Row], num_units: int, num_slices: int) -> None:
    expected = expected_copies(rows)
    found = forks(*(rows[unit::num_units] for unit in range(num_units)), num_slices=num_slices)
    assert found == (expected, len(expected))


def test_the_same_files_in_any_order_are_a_copy() -> None:
    rows = [file("a/x"), file("a/x", "y.py", "2\n"), file("b/x", "y.py", "2\n"), file("b/x"), file("b/x")]
    assert forks(rows) == ({"b/x@r1": "a/x@r1"}, 1)


@pytest.mark.parametrize(
    ("by", "value", "copies"),
    [
        ("repository", "B/X", {"c/x@r1": "a/x@r1"}),
        ("owner", "a", {"c/x@r1": "b/x@r1"}),
        ("url", "https://github.com/a/x/tree/r1", {"c/x@r1": "b/x@r1"}),
        ("path", "**/x.py", {"b/x@r1": "a/x@r1", "c/x@r1": "a/x@r1"}),
        ("url", "https://example.org/", {"b/x@r1": "a/x@r1", "c/x@r1": "a/x@r1"}),
    ],
)
def test_a_repository_that_is_asked_for_as_a_whole_is_neither_the_best_nor_a_copy(
    by: Any, value: str, copies: Copies
) -> None:
    asked = [Request(ticket="T-1", date="2026-07-31", by=by, value=value, reason="asked", scope="place")]
    assert forks([file("a/x"), file("b/x"), file("c/x")], asked=asked) == (copies, len(copies))


def test_repositories_that_all_opted_out_are_nobodys_copies() -> None:
    asked = [Request(ticket="T-1", date="2026-07-31", by="owner", value=owner, reason="asked") for owner in "ab"]
    assert forks([file("a/x"), file("b/x")], asked=asked) == ({}, 0)


@pytest.mark.parametrize("other", [file("b/x", "y.py"), file("b/x", "x.py", "2\n"), file("b/x", "X.py")])
def test_another_path_or_content_is_no_copy(other: Row) -> None:
    assert forks([file("a/x"), other]) == ({}, 0)


def test_more_files_are_no_copy() -> None:
    assert forks([file("a/x"), file("b/x"), file("b/x", "y.py")]) == ({}, 0)


def test_the_same_directory_is_a_copy_whatever_files_are_there() -> None:
    rows = [file("a/x", directory_id="d1"), file("b/x", "y.py", directory_id="d1"), file("c/x", "z.py")]
    assert forks(rows) == ({"b/x@r1": "a/x@r1"}, 1)


def test_a_directory_that_is_no_text_says_nothing() -> None:
    rows = [file("a/x", directory_id=7), file("b/x", "y.py", directory_id=7), file("c/x", "z.py", directory_id="")]
    assert forks(rows) == ({}, 0)


def test_a_copy_in_both_ways_is_counted_once() -> None:
    rows = [file(repo, directory_id="d1") for repo in ("a/x", "b/x", "c/x")]
    assert forks(rows) == ({"b/x@r1": "a/x@r1", "c/x@r1": "a/x@r1"}, 2)


def test_a_copy_of_another_one_in_each_way_is_counted_once() -> None:
    """b and c have the same files; by its directory each is a copy of a, which has others."""
    rows = [file("a/x", "y.py", directory_id="d1"), file("b/x", directory_id="d1"), file("c/x", directory_id="d1")]
    assert forks(rows) == ({"b/x@r1": "a/x@r1", "c/x@r1": "a/x@r1 and b/x@r1"}, 2)


@pytest.mark.parametrize(
    ("facts", "best"),
    [
        ([{}, {}, {}], "a/x"),
        ([{"star_events_count": 1}, {"star_events_count": 9}, {"star_events_count": 3}], "b/x"),
        ([{}, {"revision_date": "2020-01-01"}, {"revision_date": "2021-01-01T00:00:00Z"}], "c/x"),
        ([{"star_events_count": 1}, {"revision_date": "2021-01-01"}, {}], "a/x"),
        ([{"revision_date": "2020-01-01"}, {"star_events_count": 1}, {"star_events_count": 1}], "b/x"),
    ],
)
@pytest.mark.parametrize("directory", [None, "d1"])
def test_the_best_has_most_stars_then_the_latest_date_then_the_first_name(
    facts: list[Row], best: str, directory: str | None
) -> None:
    names = ("a/x", "b/x", "c/x")
    paths = ("x.py", "y.py", "z.py") if directory else ("x.py",) * 3
    rows = [
        file(name, path, directory_id=directory, **more) for name, path, more in zip(names, paths, facts, strict=True)
    ]
    expected = {f"{name}@r1": f"{best}@r1" for name in names if name != best}
    assert forks(rows) == (expected, 2)


def test_two_revisions_of_one_repository_may_be_copies() -> None:
    assert forks([file("a/x", revision_id="r2"), file("a/x", revision_id=None)]) == ({"a/x@r2": "a/x@"}, 1)


def test_a_file_of_no_repository_is_passed_over() -> None:
    assert forks([file(""), file(""), file("a/x")]) == ({}, 0)


def test_every_unit_with_a_file_of_a_copy_is_told(tmp_path: Path) -> None:
    made = Forks(tmp_path, [[file("b/x")], [file("a/x"), file("a/x", "y.py")], [file("b/x", "y.py")]])
    told = {("b/x@r1", hash_of_repository("a/x", "r1"))}
    assert [made.told(unit) for unit in range(3)] == [told, set(), told]


# What the rows of one repository say may differ.
CONTRARY = st.lists(
    st.builds(
        file,
        st.sampled_from(REPOS),
        st.sampled_from(["x.py", "y.py"]),
        star_events_count=st.integers(0, 2),
        revision_date=st.sampled_from([None, "2020-01-01", "2021-01-01"]),
        directory_id=st.sampled_from([None, None, "d1", "d2"]),
    ),
    min_size=2,
    max_size=12,
)


@QUICK
@given(CONTRARY, st.integers(1, 4), st.randoms(use_true_random=False))
@example([file("a/x"), file("b/x"), file("b/x", star_events_count=1)], 2, None)
def test_units_and_slices_and_the_order_of_rows_make_no_difference(
    rows: list[Row], num_units: int, random: Any
) -> None:
    shuffled = list(rows)
    if random:
        random.shuffle(shuffled)
    other = forks(*(shuffled[unit::num_units] for unit in range(num_units)), num_slices=7)
    assert forks(rows, num_slices=1) == other


def test_no_rows_have_no_copies() -> None:
    assert forks([]) == ({}, 0)

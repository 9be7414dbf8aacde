import json
import os
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import RecipeError
from manifests.storage import Storage
from pipeline.plan import Plan, make_plan, read_plan, write_plan
from pipeline.recipe import Recipe


def recipe(sources: dict[str, list[str]], **changed: Any) -> Recipe:
    described = [{"name": n, "format": "jsonl", "kind": "text", "paths": paths} for n, paths in sources.items()]
    return Recipe.model_validate({"name": "x", "version": "1.0.0", "sources": described} | changed)


def shards(folder: Path, sizes: list[int]) -> list[str]:
    folder.mkdir(parents=True)
    for number, num_bytes in enumerate(sizes):
        (folder / f"{number}.jsonl").write_bytes(bytes([number]) * num_bytes)
    return [str(folder / f"{number}.jsonl") for number in range(len(sizes))]


def known_shard(folder: Path, num_bytes: int, suffix: str) -> Plan:
    """The plan of one sparse file whose digest is known already: nobody hashes terabytes in a test."""
    path = folder / f"big.jsonl{suffix}"
    path.touch()
    os.truncate(path, num_bytes)
    identity = [num_bytes, path.stat().st_ctime_ns, "0" * 64]
    work = Storage(str(folder / "work"))
    work.write("inputs.json", json.dumps({str(path): identity}).encode())
    return make_plan(recipe({"a": [str(path)]}), work)


_sizes = st.lists(st.integers(0, 60), min_size=1, max_size=7)


@given(sizes=_sizes, others=_sizes, unit_bytes=st.integers(1, 150), order=st.randoms())
@settings(max_examples=40)
def test_every_shard_is_in_one_unit_in_order_of_name(
    sizes: list[int], others: list[int], unit_bytes: int, order: random.Random
) -> None:
    with TemporaryDirectory() as name:
        sources = {"z": shards(Path(name, "z"), sizes), "a": shards(Path(name, "a"), others)}
        limits = {"unit_bytes": unit_bytes}
        plan = make_plan(recipe(sources, limits=limits), Storage(f"{name}/work"))
        names = [shard.name for unit in plan.units for shard in unit]
        assert names == [f"{source}/{n}.jsonl" for source in "az" for n in range(len(sources[source]))]
        for unit in plan.units:
            assert len({shard.source for shard in unit}) == 1
            assert sum(shard.num_bytes for shard in unit[:-1]) < unit_bytes
        shuffled = {source: order.sample(paths, len(paths)) for source, paths in reversed(sources.items())}
        assert make_plan(recipe(shuffled, limits=limits), Storage(f"{name}/work")) == plan


def test_units_are_filled_before_the_next_begins(tmp_path: Path) -> None:
    paths = shards(tmp_path / "a", [10] * 7)
    plan = make_plan(recipe({"a": paths}, limits={"unit_bytes": 25}), Storage(str(tmp_path / "work")))
    assert [len(unit) for unit in plan.units] == [3, 3, 1]


def test_a_file_that_two_patterns_match_is_read_once(tmp_path: Path) -> None:
    shards(tmp_path / "a", [1, 2])
    sources = {"a": [str(tmp_path / "a/*.jsonl"), str(tmp_path / "a/0*"), str(tmp_path / "**/1.jsonl")]}
    plan = make_plan(recipe(sources), Storage(str(tmp_path / "work")))
    assert [shard.name for unit in plan.units for shard in unit] == ["a/0.jsonl", "a/1.jsonl"]


def test_a_shards_name_does_not_tell_where_it_lies(tmp_path: Path) -> None:
    names = []
    for place in ("here", "there/deep"):
        shards(tmp_path / place / "en", [1])
        shards(tmp_path / place / "de", [2])
        plan = make_plan(recipe({"a": [f"{tmp_path}/{place}/**/*.jsonl"]}), Storage(str(tmp_path / "work")))
        names.append([(shard.name, shard.sha256) for unit in plan.units for shard in unit])
    assert names[0] == names[1]
    assert [name for name, _ in names[0]] == ["a/de/0.jsonl", "a/en/0.jsonl"]


def test_a_pattern_that_matches_nothing_is_an_error_that_names_it(tmp_path: Path) -> None:
    present = shards(tmp_path / "a", [1])
    with pytest.raises(RecipeError, match=r"sources\.a\.paths: .*none/\*\.jsonl: expected at least one file"):
        make_plan(recipe({"a": [*present, f"{tmp_path}/none/*.jsonl"]}), Storage(str(tmp_path / "work")))


def test_a_folder_is_no_shard(tmp_path: Path) -> None:
    (tmp_path / "a/x.jsonl").mkdir(parents=True)
    with pytest.raises(RecipeError, match="found none"):
        make_plan(recipe({"a": [f"{tmp_path}/a/*"]}), Storage(str(tmp_path / "work")))


@pytest.mark.parametrize(
    ("num_bytes", "suffix", "partitions"),
    [
        (1, "", 1),
        (1_000_000_000, "", 1),
        (1_000_000_001, "", 2),
        (250_000_000, ".zst", 1),
        (250_000_001, ".zst", 2),
        (25_000_000_000, ".zst", 100),
        (285_000_000, ".gz", 1),
        (286_000_000, ".gz", 2),
    ],
)
def test_a_partition_holds_about_a_gigabyte_of_text(
    tmp_path: Path, num_bytes: int, suffix: str, partitions: int
) -> None:
    assert known_shard(tmp_path, num_bytes, suffix).partitions == partitions


def test_more_partitions_than_one_exchange_can_serve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"257 partitions .* expected at most 256"):
        known_shard(tmp_path, 256_000_000_001, "")


def test_the_recipe_may_fix_the_partitions(tmp_path: Path) -> None:
    paths = shards(tmp_path / "a", [1])
    assert make_plan(recipe({"a": paths}, partitions=7), Storage(str(tmp_path / "work"))).partitions == 7


@given(num_bytes=st.integers(0, 400), slice_bytes=st.integers(1, 200), partitions=st.integers(1, 5))
@settings(max_examples=30)
def test_slices_are_as_few_as_their_bound_allows(num_bytes: int, slice_bytes: int, partitions: int) -> None:
    with TemporaryDirectory() as name:
        paths = shards(Path(name, "a"), [num_bytes])
        chosen = recipe({"a": paths}, partitions=partitions, limits={"slice_bytes": slice_bytes})
        plan = make_plan(chosen, Storage(f"{name}/work"))
        assert plan.num_slices == partitions * plan.slices_per_partition
        assert plan.num_slices * slice_bytes >= num_bytes
        fewer = (plan.slices_per_partition - 1) * partitions
        assert fewer == 0 or fewer * slice_bytes < num_bytes


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(tmp_path: Path) -> None:
    paths = shards(tmp_path / "a", [3, 3])
    work = Storage(str(tmp_path / "work"))
    first = make_plan(recipe({"a": paths}), work)
    # A mark in place of the digests: who reads the file again does not see it.
    known = {path: [*identity[:2], "f" * 64] for path, identity in json.loads(work.read("inputs.json")).items()}
    work.write("inputs.json", json.dumps(known).encode())
    Path(paths[1]).write_bytes(b"new")
    (unit,) = make_plan(recipe({"a": paths}), work).units
    assert unit[0].sha256 == "f" * 64
    assert unit[1].sha256 not in ("f" * 64, first.units[0][1].sha256)


def test_a_plan_is_found_again(tmp_path: Path) -> None:
    work = Storage(str(tmp_path / "work"))
    plan = make_plan(recipe({"a": shards(tmp_path / "a", [1, 2])}), work)
    write_plan(work, plan)
    assert read_plan(work) == plan


def test_a_folder_without_a_plan_is_no_work_folder(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="not a work folder"):
        read_plan(Storage(str(tmp_path)))

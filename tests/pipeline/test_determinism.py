"""Same inputs and recipe, same bytes: whatever the workers, the order of the work, the layout of the input."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard

from manifests.decision import decisions_of
from manifests.storage import Storage
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.tables import decision_tables
from pipeline.units import Mill

pytestmark = pytest.mark.servers

Run = Callable[..., None]
Files = dict[str, bytes]
ReleaseFiles = Callable[[Path], Files]

REPOSITORY = Path(__file__).parents[2]


def shards(files: Files) -> Files:
    return {name: data for name, data in files.items() if name.startswith("data/")}


def document_ids(files: Files) -> list[str]:
    tables = [pq.read_table(BytesIO(data), columns=["doc_ids", "doc_offsets"]) for data in shards(files).values()]
    pieces = [
        (name, offset)
        for table in tables
        for row in table.to_pylist()
        for name, offset in zip(row["doc_ids"], row["doc_offsets"], strict=True)
    ]
    return sorted(name for name, offset in pieces if offset == 0)


def fates(mill: Mill) -> list[tuple[object, ...]]:
    """What became of every document that went before mix, and of which it is a duplicate; shards left aside."""
    found = [
        (item.id, item.stage, item.reason, item.twin, item.similarity)
        for table in decision_tables(mill, {})
        for item in decisions_of(table)
        if item.stage not in ("mix", "settle")
    ]
    return sorted(found, key=repr)


def shuffle_rows(recipe: Path) -> None:
    """Deal the rows of each source anew among its shards."""
    for source in ("stack", "pile"):
        paths = sorted((recipe.parent / source).iterdir())
        rows = [line for path in paths for line in zstandard.decompress(path.read_bytes()).splitlines(keepends=True)]
        random.Random(2).shuffle(rows)
        for number, path in enumerate(paths):
            path.write_bytes(zstandard.compress(b"".join(rows[number :: len(paths)])))


def test_the_tiny_mill_has_several_of_everything_and_every_fate(finished_recipe: Path, expected_release: Files) -> None:
    plan = open_mill(load_recipe(finished_recipe)).plan
    assert [len(unit) for unit in plan.units] == [2, 1, 2, 2, 2]
    assert (plan.partitions, plan.slices_per_partition) == (2, 2)
    summary = expected_release["SUMMARY.md"].decode()
    fates = "not_an_object missing_text invalid_json num_words_below_minimum copyleft_in_metadata copyleft_in_header "
    fates += "no_licence_found tainted_by_copy "
    fates += "exact_duplicate near_duplicate repository_copy repeated_row over_budget email/address"
    assert [fate for fate in fates.split() if fate not in summary] == []


def test_release_does_not_depend_on_the_order_of_units(
    tiny_recipe: Path, run_alone: Run, release_files: ReleaseFiles, expected_release: Files
) -> None:
    run_alone(tiny_recipe, backwards=True)
    assert release_files(tiny_recipe) == expected_release


def test_release_does_not_depend_on_the_order_in_which_eight_partitions_are_made(
    tiny_recipe: Path, run_alone: Run, expected_release: Files
) -> None:
    made = []
    for backwards in (False, True):
        folder = f"order-{backwards}"
        run_alone(tiny_recipe, "partitions=8", f"work={folder}", f"release.path={folder}", backwards=backwards)
        made.append(Storage(str(tiny_recipe.parent / folder / "tiny-0.1.0")))
    files = [{name: storage.read(name) for name in storage.list("")} for storage in made]
    assert len(shards(files[0])) == 8
    assert files[0] == files[1]
    assert document_ids(files[0]) == document_ids(expected_release)


@pytest.mark.parametrize("partitions", [1, 8])
def test_decisions_do_not_depend_on_the_number_of_partitions_nor_on_where_rows_stand(
    tiny_recipe: Path, finished_recipe: Path, run_alone: Run, partitions: int
) -> None:
    """Some documents are held out, so that there is every way in which a duplicate can go."""
    found = []
    for recipe, number in ((finished_recipe, 2), (tiny_recipe, partitions)):
        if recipe == tiny_recipe:
            shuffle_rows(recipe)
        mill = open_mill(load_recipe(recipe, ["held_out={fraction: 0.1}", f"partitions={number}"]))
        run_alone(mill, before="mix")
        found.append(fates(mill))
    assert {fate[2] for fate in found[0]} >= {"held_out", "near_held_out", "near_duplicate", "exact_duplicate"}
    assert found[0] == found[1]


def test_release_does_not_depend_on_the_order_of_paths_in_the_recipe(
    tiny_recipe: Path, run_alone: Run, release_files: ReleaseFiles, expected_release: Files
) -> None:
    names = sorted(path.name for path in (tiny_recipe.parent / "stack").iterdir())
    random.Random(1).shuffle(names)
    paths = ", ".join(f"stack/{name}" for name in (names[0], *names))
    recipe = tiny_recipe.read_text()
    tiny_recipe.write_text(recipe.replace('"stack/*.jsonl.zst"', paths))
    run_alone(tiny_recipe)
    assert release_files(tiny_recipe) == expected_release


def test_release_does_not_depend_on_the_order_of_sources_in_the_recipe(
    tiny_recipe: Path, run_alone: Run, release_files: ReleaseFiles, expected_release: Files
) -> None:
    head, stack, rest = tiny_recipe.read_text().partition("- {name: stack")
    line, newline, rest = rest.partition("\n")
    pile, licences, tail = rest.partition("\nlicences:")
    tiny_recipe.write_text(head + pile + newline + stack + line + licences + tail)
    run_alone(tiny_recipe)
    assert release_files(tiny_recipe) == expected_release


@pytest.mark.parametrize("unit_bytes", [1, 1_000_000])
def test_data_shards_do_not_depend_on_how_shards_are_grouped_into_units(
    unit_bytes: int, tiny_recipe: Path, run_alone: Run, release_files: ReleaseFiles, expected_release: Files
) -> None:
    run_alone(tiny_recipe, f"limits.unit_bytes={unit_bytes}")
    assert shards(release_files(tiny_recipe)) == shards(expected_release)


def test_data_shards_do_not_depend_on_where_rows_stand(
    tiny_recipe: Path, run_alone: Run, release_files: ReleaseFiles, expected_release: Files
) -> None:
    shuffle_rows(tiny_recipe)
    run_alone(tiny_recipe)
    assert shards(release_files(tiny_recipe)) == shards(expected_release)


def test_release_does_not_depend_on_the_number_of_workers_nor_on_the_hash_seed(
    tiny_recipe: Path, release_files: ReleaseFiles, expected_release: Files
) -> None:
    program = "from pipeline.cli import main; main()"
    command = [sys.executable, "-c", program, "run", str(tiny_recipe), "--workers", "1"]
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert release_files(tiny_recipe) == expected_release

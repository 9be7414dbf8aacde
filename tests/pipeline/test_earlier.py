"""Earlier releases and held-out documents, end to end: what a release holds leaves the next one, and what was held out.

Every similarity is computed again in plain Python, from the texts of the release that was asked.
"""

import json
import random
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow.parquet as pq
import pytest

from manifests.decision import decisions_of
from manifests.document import Rejected
from manifests.errors import IntegrityError, RecipeError
from manifests.release import EarlierRelease, Manifest
from manifests.storage import Storage
from manifests.withdrawal import withdraw
from pipeline.inspect_run import print_plan
from pipeline.pass_9_release import release_folder
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.tables import tables
from pipeline.units import Mill
from pipeline.verify import verify_release

Run = Callable[..., None]
Texts = dict[str, str]
MINIMUM = 0.7
_TEXT_ALONE = ("mixture.code=0", "mixture.text=1")  # nothing but what was over the budget is left
_WORDS = ["a", "bit", "of", "this", "and", "that", "is", "here"]

FRESH = """\
name: fresh
version: 0.1.0
partitions: 2
sources:
- {name: fresh, format: jsonl, kind: text, declared_licence: LicenseRef-tiny, paths: [fresh.jsonl]}
licences: {allow: [MIT, Apache-2.0, LicenseRef-tiny]}
filters: {assign: null}
mixture: {code: 0, text: 1}
tokenizer: {path: tokenizer.json}
packing: {sequence_tokens: 128}
limits: {slice_bytes: 30000}
"""


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


def similarity(one: str, other: str) -> float:
    mine, theirs = shingles(one), shingles(other)
    return len(mine & theirs) / len(mine | theirs)


def texts(release: Path, folder: str) -> Texts:
    """Text by id."""
    rows = (row for path in sorted(release.glob(f"{folder}/*.parquet")) for row in pq.read_table(path).to_pylist())
    return {row["doc_id"]: row["text"] for row in rows}


def rejected(mill: Mill) -> list[Rejected]:
    """What clean rejected."""
    return [item for table in tables(mill, "clean", "decisions") for item in decisions_of(table)]


def made(mill: Mill) -> Path:
    return Path(release_folder(mill.recipe).root)


def accounts(release: Path) -> Manifest:
    verify_release(str(release))
    return Manifest.read(Storage(str(release)))


class Variants(NamedTuple):
    """Texts of a new source, made of some documents that an earlier release has."""

    exact: list[str]
    spaced: list[str]
    near: list[str]
    unrelated: list[str]

    @classmethod
    def of(cls, given: Iterable[str]) -> "Variants":
        given = [text for text in given if len(text.split()) > 40 and "<" not in text]
        return cls(
            exact=given[:4],
            spaced=["\n\n".join(text.split()) for text in given[4:8]],
            near=[text.replace(text.split()[len(text.split()) // 2], "changed", 1) for text in given[8:14]],
            unrelated=[" ".join(random.Random(n).choices(_WORDS, k=60)) for n in (1, 2)],
        )

    @property
    def rows(self) -> list[str]:
        return [text for part in self for text in part]


def fresh_recipe(folder: Path, tokenizer: Path, rows: list[str]) -> Path:
    """A recipe of its own with one source of these texts."""
    folder.mkdir()
    (folder / "fresh.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in rows))
    shutil.copy(tokenizer, folder / "tokenizer.json")
    (folder / "recipe.yaml").write_text(FRESH)
    return folder / "recipe.yaml"


@pytest.fixture(scope="module")
def earlier(_tiny_finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release alone: its inputs and its work are gone."""
    return Path(shutil.copytree(_tiny_finished / "releases/tiny-0.1.0", tmp_path_factory.mktemp("alone") / "earlier"))


@pytest.fixture(scope="module")
def held(holding_out: Path) -> Path:
    """A release that holds documents out."""
    return holding_out.parent / "releases/tiny-0.2.0"


def held_again(recipe: Path, held: Path, *overrides: str) -> Mill:
    return open_mill(
        load_recipe(recipe, ["version=0.3.0", f"held_out={{fraction: 0.0, releases: [{held}]}}", *overrides])
    )


# What an earlier release holds


def test_a_run_against_its_own_release_keeps_nothing_of_it(
    finished_recipe: Path, earlier: Path, run_alone: Run
) -> None:
    overrides = ["version=0.3.0", f"deduplication.against=[{earlier}]", *_TEXT_ALONE]
    mill = open_mill(load_recipe(finished_recipe, overrides))
    run_alone(mill)
    there, here = texts(earlier, "texts"), texts(made(mill), "texts")
    assert here
    assert not there.keys() & here.keys()
    assert max((similarity(one, other) for one in here.values() for other in there.values()), default=0.0) < MINIMUM
    again = {item.id: item for item in rejected(mill) if item.id in there}
    assert again.keys() == there.keys()
    assert {(item.stage, item.reason) for item in again.values()} == {
        ("deduplicate", "in_earlier_release"),
        ("deduplicate", "repeated_row"),
    }
    assert all((item.twin, item.similarity) == (item.id, 1.0) for item in again.values())
    manifest = accounts(made(mill))
    digest = Manifest.read(Storage(str(earlier))).digest
    assert manifest.earlier == [EarlierRelease("tiny 0.1.0", digest, against=True, holds_out=False, has_texts=True)]
    said = (made(mill) / "SUMMARY.md").read_text()
    assert f"| tiny 0.1.0 | {digest[:12]} | what it holds is left out | texts |" in said
    assert str(earlier) not in manifest.to_bytes().decode() + said


def test_a_new_source_loses_what_is_like_an_earlier_release(earlier: Path, tmp_path: Path, run_alone: Run) -> None:
    there = texts(earlier, "texts")
    variants = Variants.of(there.values())
    recipe = fresh_recipe(tmp_path / "fresh", earlier / "tokenizer/tokenizer.json", variants.rows)
    mill = open_mill(load_recipe(recipe, [f"deduplication.against=[{earlier}]"]))
    assert [shard.name for unit in mill.plan.units for shard in unit] == ["fresh/fresh.jsonl"]
    run_alone(mill)
    assert set(texts(made(mill), "texts").values()) == set(variants.unrelated)
    gone = {item.row: item for item in rejected(mill)}
    first = min(gone)
    assert sorted(gone) == list(range(first, first + len(variants.rows) - len(variants.unrelated)))
    for row, item in gone.items():
        text = variants.rows[row - first]
        assert (item.stage, item.reason) == ("deduplicate", "in_earlier_release")
        assert item.similarity == similarity(text, there[item.twin])
        assert item.similarity == max(similarity(text, other) for other in there.values())
    near = [item.similarity for row, item in gone.items() if variants.rows[row - first] in variants.near]
    assert len(near) == len(variants.near) > 3
    assert all(similarity is not None and MINIMUM <= similarity < 1 for similarity in near)
    accounts(made(mill))


def test_a_release_without_texts_removes_equal_documents_only(
    finished_recipe: Path, tmp_path: Path, run_alone: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    without = open_mill(load_recipe(finished_recipe, ["release.texts=off", "version=0.2.0"]))
    run_alone(without)
    given = texts(finished_recipe.parent / "releases/tiny-0.1.0", "texts")
    variants = Variants.of(given.values())
    recipe = fresh_recipe(tmp_path / "fresh", finished_recipe.parent / "tokenizer.json", variants.rows)
    mill = open_mill(load_recipe(recipe, [f"deduplication.against=[{made(without)}]"]))
    withdraw(
        Storage(str(made(without))), date="2026-01-31", reason="wrong licence"
    )  # what it holds is known all the same
    print_plan(mill)
    printed = capsys.readouterr().out
    assert "earlier release tiny 0.2.0: it has no texts: equal documents are found\n" in printed
    assert "warning: earlier release tiny 0.2.0 was withdrawn on 2026-01-31: wrong licence\n" in printed
    run_alone(mill)
    assert set(texts(made(mill), "texts").values()) == {*variants.near, *variants.unrelated}
    assert not accounts(made(mill)).earlier[0].has_texts
    assert (
        "| what it holds is left out | equal documents only; those it held out"
        in (made(mill) / "SUMMARY.md").read_text()
    )


def test_a_release_with_texts_in_lines_is_asked_as_any_other(
    earlier: Path, finished_recipe: Path, tmp_path: Path, run_alone: Run
) -> None:
    lines = open_mill(load_recipe(finished_recipe, ["release.texts=jsonl.zst", "version=0.2.0"]))
    run_alone(lines)
    assert not list(made(lines).glob("texts/*.parquet"))
    variants = Variants.of(texts(earlier, "texts").values())
    gone = []
    for name, release in (("parquet", earlier), ("lines", made(lines))):
        recipe = fresh_recipe(tmp_path / name, earlier / "tokenizer/tokenizer.json", variants.rows)
        mill = open_mill(load_recipe(recipe, [f"deduplication.against=[{release}]"]))
        run_alone(mill)
        assert set(texts(made(mill), "texts").values()) == set(variants.unrelated)
        assert accounts(made(mill)).earlier[0].has_texts
        gone.append([(item.row, item.reason, item.twin, item.similarity) for item in rejected(mill)])
    assert gone[0] == gone[1] != []


def test_damaged_lines_are_told_where_they_are_read(
    finished_recipe: Path, tmp_path: Path, run_alone: Run, run_recipe: Run
) -> None:
    lines = open_mill(load_recipe(finished_recipe, ["release.texts=jsonl.zst", "version=0.2.0"]))
    run_alone(lines)
    path = "texts/shard-00000-of-00002.jsonl.zst"
    release = damaged(made(lines), tmp_path, path, "spoiled")
    with pytest.raises(IntegrityError, match=rf"{path}: cannot be read: line 1 or later: compressed byte "):
        run_recipe(finished_recipe, "version=0.3.0", f"deduplication.against=[{release}]")


def test_without_near_duplicates_equal_contents_leave(tmp_path: Path, earlier: Path, run_alone: Run) -> None:
    variants = Variants.of(texts(earlier, "texts").values())
    tokenizer = earlier / "tokenizer/tokenizer.json"
    first = fresh_recipe(tmp_path / "first", tokenizer, [*variants.exact, *variants.unrelated])
    there = open_mill(load_recipe(first, ["deduplication.near=null"]))
    run_alone(there)
    verify_release(str(made(there)))
    near = [text.replace(text.split()[9], "changed", 1) for text in variants.exact]
    shouted = [text.upper() for text in variants.exact]
    second = fresh_recipe(tmp_path / "second", tokenizer, [*variants.exact, *near, *shouted])
    mill = open_mill(load_recipe(second, ["deduplication.near=null", f"deduplication.against=[{made(there)}]"]))
    run_alone(mill)
    assert set(texts(made(mill), "texts").values()) == {*near, *shouted}
    assert {(item.reason, item.similarity) for item in rejected(mill)} == {("in_earlier_release", 1.0)}
    accounts(made(mill))
    assert "| what it holds is left out | equal documents only |" in (made(mill) / "SUMMARY.md").read_text()


def test_what_a_release_without_texts_held_out_is_compared_all_the_same(
    holding_out: Path, tmp_path: Path, run_alone: Run
) -> None:
    whole = texts(holding_out.parent / "releases/tiny-0.2.0", "texts")
    folder = Path(shutil.copytree(holding_out.parent, tmp_path / "tiny"))
    overrides = ["version=0.4.0", "held_out={fraction: 0.2, seed: 3}", "release.texts=off"]
    without = open_mill(load_recipe(folder / "recipe.yaml", overrides))
    run_alone(without)
    kept, of_held = Variants.of(whole.values()), Variants.of(texts(made(without), "held_out").values())
    rows = [*kept.near, *of_held.near]
    assert of_held.near
    recipe = fresh_recipe(tmp_path / "fresh", folder / "tokenizer.json", rows)
    mill = open_mill(load_recipe(recipe, [f"deduplication.against=[{made(without)}]"]))
    run_alone(mill)
    assert set(texts(made(mill), "texts").values()) == set(kept.near)
    assert {item.reason for item in rejected(mill)} == {"near_held_out"}


# What is held out


def test_held_out_documents_lie_apart_and_nothing_in_training_is_like_one(held: Path) -> None:
    apart, training = texts(held, "held_out"), texts(held, "texts")
    assert len(apart) > 8
    assert len(training) > 30
    attributed = {
        row["doc_id"] for path in held.glob("attribution/*.parquet") for row in pq.read_table(path).to_pylist()
    }
    assert attributed == training.keys()
    assert not apart.keys() & training.keys()
    shards = [pq.read_table(path, columns=["doc_ids"]) for path in held.glob("data/*.parquet")]
    packed = {name for shard in shards for row in shard.to_pylist() for name in row["doc_ids"]}
    assert packed == training.keys()
    assert max(similarity(one, other) for one in apart.values() for other in training.values()) < MINIMUM
    manifest = accounts(held)
    assert manifest.held_out == len(apart) == manifest.ledgers["clean"]["rejected"]["held_out/held_out"][0]
    assert manifest.ledgers["clean"]["rejected"]["held_out/near_held_out"][0] > 0
    assert f"{len(apart)} documents are held out" in (held / "SUMMARY.md").read_text()
    assert "`held_out/`" in (held / "README.md").read_text()


def test_a_release_that_holds_nothing_out_does_not_speak_of_it(earlier: Path) -> None:
    pages = [(earlier / name).read_text() for name in ("SUMMARY.md", "README.md")]
    assert all("held_out" not in page for page in pages)
    assert "Earlier releases" not in pages[0]
    assert "No document is unresolved." in pages[0]


def test_the_same_documents_are_held_out_in_any_number_of_partitions(
    holding_out: Path, held: Path, tmp_path: Path, run_alone: Run
) -> None:
    folder = Path(shutil.copytree(holding_out.parent, tmp_path / "tiny"))
    overrides = ["version=0.4.0", "held_out={fraction: 0.2, seed: 3}"]
    for partitions in (1, 8):
        mill = open_mill(load_recipe(folder / "recipe.yaml", [*overrides, f"partitions={partitions}"]))
        run_alone(mill)
        assert texts(made(mill), "held_out") == texts(held, "held_out")
        verify_release(str(made(mill)))
        shutil.rmtree(made(mill))


def test_what_was_held_out_is_held_out_again(finished_recipe: Path, held: Path, run_alone: Run) -> None:
    mill = held_again(finished_recipe, held)
    run_alone(mill)
    apart, training = texts(made(mill), "held_out"), texts(made(mill), "texts")
    assert apart == texts(held, "held_out")
    assert max(similarity(one, other) for one in apart.values() for other in training.values()) < MINIMUM
    [asked] = accounts(made(mill)).earlier
    assert (asked.against, asked.holds_out) == (False, True)
    assert "| what it held out is held out again | texts |" in (made(mill) / "SUMMARY.md").read_text()


def test_what_was_held_out_is_held_out_again_where_all_else_of_that_release_leaves(
    finished_recipe: Path, held: Path, run_alone: Run
) -> None:
    mill = held_again(finished_recipe, held, f"deduplication.against=[{held}]", *_TEXT_ALONE)
    run_alone(mill)
    apart, training = texts(made(mill), "held_out"), texts(made(mill), "texts")
    assert apart == texts(held, "held_out")
    assert training
    assert not training.keys() & texts(held, "texts").keys()
    [asked] = accounts(made(mill)).earlier
    assert (asked.against, asked.holds_out) == (True, True)


def test_what_is_like_a_held_out_document_leaves_without_it(held: Path, tmp_path: Path, run_alone: Run) -> None:
    apart = texts(held, "held_out")
    of_held = Variants.of(apart.values())
    of_kept = Variants.of(texts(held, "texts").values())
    rows = [*of_held.exact, *of_held.near, *of_kept.exact, *of_kept.near, *of_kept.unrelated]
    recipe = fresh_recipe(tmp_path / "fresh", held / "tokenizer/tokenizer.json", rows)
    mill = held_again(recipe, held)
    run_alone(mill)
    assert set(texts(made(mill), "held_out").values()) == set(of_held.exact)
    assert set(texts(made(mill), "texts").values()) == {*of_kept.exact, *of_kept.near, *of_kept.unrelated}
    gone = [item for item in rejected(mill) if item.reason != "held_out"]
    assert len(gone) == len(of_held.near) > 0
    first = min(item.row for item in rejected(mill))
    for item in gone:
        assert (item.stage, item.reason) == ("held_out", "near_held_out")
        assert item.similarity == similarity(rows[item.row - first], apart[item.twin])
    accounts(made(mill))


@pytest.mark.servers  # two whole runs, which the unit suite has no time for
def test_all_of_this_does_not_depend_on_workers_nor_on_the_order_of_units(
    finished_recipe: Path, earlier: Path, held: Path, run_alone: Run, run_recipe: Run
) -> None:
    folder = finished_recipe.parent
    rows = Variants.of([*texts(earlier, "texts").values(), *texts(held, "held_out").values()]).rows
    (folder / "fresh.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in rows))
    source = "- {name: fresh, format: jsonl, kind: text, declared_licence: LicenseRef-tiny, paths: [fresh.jsonl]}\n"
    finished_recipe.write_text(finished_recipe.read_text().replace("\nlicences:", f"\n{source}licences:", 1))
    held_out = f"held_out={{fraction: 0.3, releases: [{held}]}}"
    overrides = [f"deduplication.against=[{earlier}]", held_out, "version=0.3.0", *_TEXT_ALONE]
    releases = []
    for name in ("work", "backwards"):
        mill = open_mill(load_recipe(finished_recipe, [*overrides, f"work={name}", f"release.path={name}"]))
        if name == "backwards":
            run_alone(mill, backwards=True)
        else:
            run_recipe(mill, workers=2)
        release = release_folder(mill.recipe)
        releases.append({path: release.read(path) for path in release.list("")})
        verify_release(release.root)
    assert releases[0] == releases[1]
    counted = accounts(Path(release.root)).ledgers["clean"]["rejected"]
    assert {"deduplicate/in_earlier_release", "held_out/held_out", "held_out/near_held_out"} <= counted.keys()


# What cannot be asked


def mistake(recipe: Path, *overrides: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        open_mill(load_recipe(recipe, overrides))
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("deduplication.against=[nowhere]", "deduplication.against"),
        ("deduplication.against=[stack]", "deduplication.against"),
        ("held_out={releases: [nowhere]}", "held_out.releases"),
    ],
)
def test_a_folder_that_is_no_release(tiny_recipe: Path, override: str, key: str) -> None:
    message = mistake(tiny_recipe, override).message
    assert message.startswith(f"{key}: {tiny_recipe.parent}/")
    assert "expected the folder of a release" in message


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("deduplication.near.ngram_words=4", "deduplication.near"),
        ("deduplication.near.seed=2", "deduplication.near"),
        ("deduplication.near=null", "deduplication.near"),
        ("text_forms.notebooks=keep", "text_forms"),
    ],
)
def test_a_release_that_was_measured_otherwise(tiny_recipe: Path, earlier: Path, override: str, key: str) -> None:
    error = mistake(tiny_recipe, f"deduplication.against=[{earlier}]", override)
    assert f"{key}: expected " in error.message
    assert key in error.hint


def test_another_threshold_is_no_other_measure(tiny_recipe: Path, earlier: Path) -> None:
    overrides = [f"deduplication.against=[{earlier}]", "deduplication.near.minimum_similarity=0.9"]
    assert len(open_mill(load_recipe(tiny_recipe, overrides)).plan.earlier) == 2


def test_a_release_without_an_index(tiny_recipe: Path, earlier: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(earlier, tmp_path / "old"))
    manifest = Manifest.read(Storage(str(old)))
    files = [file for file in manifest.files if not file.path.startswith("index/")]
    (old / "manifest.json").write_bytes(msgspec.structs.replace(manifest, files=files).to_bytes())
    assert "expected a release with an index" in mistake(tiny_recipe, f"deduplication.against=[{old}]").message


def test_releases_in_remote_storage(tiny_recipe: Path) -> None:
    error = mistake(tiny_recipe, "deduplication.against=[gs://bucket/demo-0.1.0]")
    assert "deduplication.against: gs:// storage: not in this version" in error.message


def test_a_held_out_source_that_is_none(tiny_recipe: Path) -> None:
    assert "held_out.sources: 'stak': expected one of" in mistake(tiny_recipe, "held_out={sources: [stak]}").message


def damaged(earlier: Path, folder: Path, path: str, how: str) -> str:
    """A copy of a release of which one file is damaged."""
    release = Path(shutil.copytree(earlier, folder / "damaged"))
    data = (release / path).read_bytes()
    if how == "gone":
        (release / path).unlink()
    else:
        changed = data[:4] + b"x" * (len(data) // 2) + data[4 + len(data) // 2 :]
        (release / path).write_bytes(data[:-1] if how == "cut" else changed)
    return str(release)


@pytest.mark.parametrize(
    ("name", "how"),
    [*((name, how) for name in ("index", "bands", "texts") for how in ("gone", "cut")), ("index", "spoiled")],
)
def test_a_damaged_file_of_a_release(tiny_recipe: Path, earlier: Path, tmp_path: Path, name: str, how: str) -> None:
    path = f"{name}/shard-00001-of-00002.parquet"
    release = damaged(earlier, tmp_path, path, how)
    with pytest.raises(IntegrityError) as caught:
        open_mill(load_recipe(tiny_recipe, [f"deduplication.against=[{release}]"]))
    assert caught.value.message.startswith(f"{release}/{path}: expected ")
    assert caught.value.hint == f"`corpusmill verify {release}` says what is wrong with that release"


def test_damaged_texts_are_told_where_they_are_read(
    finished_recipe: Path, earlier: Path, tmp_path: Path, run_recipe: Run
) -> None:
    release = damaged(earlier, tmp_path, "texts/shard-00000-of-00002.parquet", "spoiled")
    with pytest.raises(IntegrityError, match=r"texts/shard-00000-of-00002\.parquet: cannot be read: "):
        run_recipe(finished_recipe, "version=0.3.0", f"deduplication.against=[{release}]")


def test_an_index_that_is_damaged_after_the_plan(
    finished_recipe: Path, earlier: Path, tmp_path: Path, run_recipe: Run
) -> None:
    release = Path(shutil.copytree(earlier, tmp_path / "sound"))
    mill = open_mill(load_recipe(finished_recipe, ["version=0.3.0", f"deduplication.against=[{release}]"]))
    path = "index/shard-00000-of-00002.parquet"
    shutil.copy(Path(damaged(earlier, tmp_path, path, "spoiled"), path), release / path)
    with pytest.raises(IntegrityError, match=r"index/shard-00000-of-00002\.parquet: cannot be read"):
        run_recipe(mill)

"""Contents are fetched where the recipe says, under its terms; what ingest had must be had again, and no more is."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from manifests.document import ID_BYTES, Document, Rejected
from manifests.errors import IntegrityError, RecipeError, UnitError
from manifests.storage import Storage
from pipeline.contents import check_contents, contents_of
from pipeline.plan import Plan, Shard, make_plan
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.release_manifest import released_recipe
from pipeline.shards import documents_again, shard_rows, unit_rows
from pipeline.steps import UnitContext

SOURCE = {"name": "stack", "format": "stack-v2-ids", "paths": ["*.jsonl"]}
PUBLIC = {"contents": "s3://softwareheritage/content"}


def recipe(**software_heritage: Any) -> Recipe:
    given = {"name": "r", "version": "0.1.0", "sources": [SOURCE], "software_heritage": software_heritage}
    return Recipe.model_validate(given)


@pytest.mark.parametrize("stated", [{}, PUBLIC, {"contents": "s3://SoftwareHeritage"}, {**PUBLIC, "cache": "/x"}])
def test_the_public_bucket_wants_its_terms_accepted(stated: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="accept_terms: softwareheritage"):
        recipe(**stated)
    assert not recipe(**stated, accept_terms="softwareheritage").software_heritage.lacks_acceptance


@pytest.mark.parametrize("contents", ["content", "/softwareheritage/content", "s3://mirror/softwareheritage"])
def test_any_other_place_does_not(contents: str) -> None:
    assert recipe(contents=contents).software_heritage.contents == contents


def test_a_recipe_that_fetches_nothing_accepts_nothing() -> None:
    inline = Recipe.model_validate({"name": "r", "version": "0.1.0", "sources": [SOURCE | {"format": "stack-v2"}]})
    assert inline.software_heritage.accept_terms is None
    assert contents_of(inline, inline.sources[0]) is None
    check_contents(inline)


@pytest.mark.parametrize(
    "changed",
    [{"accept_terms": "yes"}, {"concurrency": 0}, {"concurrency": 65}, {"cache": "s3://b/x"}, {"cache": "~/x"}],
)
def test_wrong_settings_are_told(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changed))):
        recipe(**{"contents": "content", **changed})


def test_refusal_comes_before_any_work_and_names_the_page(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps({"name": "r", "version": "0.1.0", "sources": [SOURCE]}))
    with pytest.raises(RecipeError, match=r"docs/software-heritage\.md") as caught:
        load_recipe(path)
    assert caught.value.exit_code == 2


def test_a_release_tells_the_terms_and_not_the_place() -> None:
    released = released_recipe(recipe(**PUBLIC, accept_terms="softwareheritage", cache="/secret"))
    assert released["software_heritage"] == {"accept_terms": "softwareheritage"}
    assert "/secret" not in json.dumps(released)


def test_fetched_contents_are_kept_where_that_saves_a_request() -> None:
    assert recipe(contents="content").software_heritage.cache_folder is None
    assert recipe(contents="content", cache="/c").software_heritage.cache_folder == "/c"
    assert (recipe(contents="s3://mirror/content").software_heritage.cache_folder or "").endswith(
        "/corpusmill/software_heritage"
    )


def test_a_folder_that_is_not_there_is_told_before_any_blob_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="expected a folder with one gzip file for each blob"):
        check_contents(recipe(contents=str(tmp_path / "unmounted")))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RecipeError, match="expected a folder for fetched contents"):
        check_contents(recipe(contents=str(tmp_path), cache=str(tmp_path / "file")))
    check_contents(recipe(contents=str(tmp_path), cache=str(tmp_path / "cache")))


def test_units_hold_the_text_that_rows_name_and_not_their_own_bytes(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02d}.jsonl").write_bytes(b"x" * 1_000)
    sizes = {}
    for row_format in ("stack-v2", "stack-v2-ids"):
        given = recipe(contents="x").model_dump() | {"limits": {"unit_bytes": 100_000}}
        given["sources"] = [SOURCE | {"format": row_format, "paths": [str(tmp_path / "*.jsonl")]}]
        sizes[row_format] = len(make_plan(Recipe.model_validate(given), Storage(str(tmp_path / "work"))).units)
    assert sizes == {"stack-v2": 1, "stack-v2-ids": 4}


# Reading again


@pytest.fixture
def context(tmp_path: Path) -> UnitContext:
    """A unit of one shard: three repositories of three files each, of which one is missing."""
    (tmp_path / "content").mkdir()
    repositories = []
    for repository in range(3):
        files = []
        for number in range(3):
            raw = f"print({repository}, {number})\n".encode()
            name = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
            files.append({"blob_id": name, "path": f"/{number}.py", "src_encoding": "UTF-8"})
            if (repository, number) != (1, 1):
                (tmp_path / "content" / name).write_bytes(gzip.compress(raw))
        repositories.append({"repo_name": f"r/{repository}", "files": files})
    data = "".join(json.dumps(row) + "\n" for row in repositories).encode()
    (tmp_path / "a.jsonl").write_bytes(data)
    shard = Shard("stack/a.jsonl", str(tmp_path / "a.jsonl"), "stack", len(data), hashlib.sha256(data).hexdigest())
    return UnitContext(
        recipe=recipe(contents=str(tmp_path / "content"), cache=str(tmp_path / "cache"), concurrency=2),
        plan=Plan([[shard]], 1, 1),
        unit=0,
        storage=Storage(str(tmp_path)),
        step="ingest",
        reads={},
        inputs={},
        earlier={},
        failed={},
        progress=lambda _num_bytes: None,
    )


def places_of(items: list[Document]) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([bytes.fromhex(item.id) for item in items], pa.binary(ID_BYTES)),
            "shard": [item.shard for item in items],
            "row": [item.row for item in items],
            "part": [item.part for item in items],
            "kind": [item.kind for item in items],
            "language": [item.language for item in items],
        }
    )


def kept(context: UnitContext) -> list[Document]:
    return [item for item in unit_rows(context) if isinstance(item, Document)]


def test_a_missing_blob_is_counted_and_the_others_are_read(context: UnitContext) -> None:
    items = list(unit_rows(context))
    [missing] = (item for item in items if isinstance(item, Rejected))
    assert (missing.row, missing.part, missing.stage, missing.reason) == (1, 1, "read", "blob_missing")
    assert [(item.row, item.part) for item in items] == [(row, part) for row in range(3) for part in range(3)]


def test_documents_are_read_again_in_order_and_nothing_else_is_fetched(context: UnitContext, tmp_path: Path) -> None:
    seen = kept(context)
    for entry in [*tmp_path.glob("cache/???/*")]:
        entry.unlink()
    again = list(documents_again(context, places_of(seen), {1, 4, 6}))
    assert again == [(ordinal, seen[ordinal]) for ordinal in (1, 4, 6)]
    assert len(list(tmp_path.glob("cache/???/*"))) == 3


def test_a_later_pass_takes_what_ingest_fetched(context: UnitContext, tmp_path: Path) -> None:
    seen = kept(context)
    for blob in tmp_path.glob("content/*"):
        blob.unlink()
    assert [item for _, item in documents_again(context, places_of(seen), set(range(8)))] == seen


def test_a_kept_content_that_cannot_be_had_again_is_an_error_that_names_it(
    context: UnitContext, tmp_path: Path
) -> None:
    seen = kept(context)
    lost = json.loads(seen[5].metadata)["blob_id"]
    (tmp_path / "content" / lost).unlink()
    for entry in tmp_path.glob(f"cache/*/{lost}"):
        entry.unlink()
    with pytest.raises(UnitError, match=f"stack/a.jsonl:2: .*blob_missing: blob {lost}"):
        list(documents_again(context, places_of(seen), set(range(8))))


def test_a_place_where_nothing_stands_is_found_out(context: UnitContext) -> None:
    seen = kept(context)
    places = places_of(seen).set_column(3, "part", pa.array([7] * len(seen)))
    with pytest.raises(IntegrityError, match="another document than ingest saw here"):
        list(documents_again(context, places, {0}))


def test_single_texts_are_fetched_to_be_shown(context: UnitContext, tmp_path: Path) -> None:
    [[shard]] = context.plan.units
    [item] = shard_rows(context.recipe, shard, {2: {1}})
    assert isinstance(item, Document)
    assert item.text == "print(2, 1)\n"
    assert len(list(tmp_path.glob("cache/???/*"))) == 1

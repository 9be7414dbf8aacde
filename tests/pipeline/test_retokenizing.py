"""`corpusmill tokenize`: a second packed set of a release's texts, by another tokenizer, which verifies by itself."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from manifests.errors import IntegrityError, RecipeError
from manifests.release import Manifest
from manifests.storage import Storage
from manifests.withdrawal import withdraw
from pipeline.recipe_file import load_recipe
from pipeline.release_pages import PAGES
from pipeline.retokenizing import tokenize_release
from pipeline.tokenizer_file import recipe_options
from pipeline.verify import verify_release
from stages.rendering import Renderer
from stages.tokenizer_training import train
from stages.tokenizing import TextTokenizer

Take = Callable[[dict[str, bytes], Renderer], dict[tuple[str, str, int], str]]
Run = Callable[..., None]
OTHER = train((f"vi wo xu zi {n}\n" for n in range(200)), vocabulary_size=300)


@pytest.fixture
def release(finished_recipe: Path) -> Path:
    return finished_recipe.parent / "releases/tiny-0.1.0"


@pytest.fixture
def other(tmp_path: Path) -> str:
    path = tmp_path / "other.json"
    path.write_bytes(OTHER)
    return str(path)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def manifest_of(folder: str | Path) -> Manifest:
    return Manifest.read(Storage(str(folder)))


def test_the_second_set_holds_the_same_documents_and_verifies(
    release: Path, other: str, finished_recipe: Path, texts_from_tokens: Take
) -> None:
    before = files(release)
    lines: list[str] = []
    made = Path(tokenize_release(str(release), other, progress=lines.append))
    assert lines == ["shard 1 of 2", "shard 2 of 2"]
    assert made.name == f"tiny-0.1.0-tokens-{manifest_of(made).tokenizer.sha256[:8]}"
    assert verify_release(str(made)).documents == verify_release(str(release)).documents
    assert files(release) == before

    recipe = load_recipe(finished_recipe)
    tokenizer = TextTokenizer.load(OTHER, end_of_document="<|endoftext|>")
    found = texts_from_tokens(files(made), Renderer(tokenizer, recipe_options(recipe), recipe.seed))
    texts = {
        (name.removeprefix("texts/"), row["doc_id"], 0): row["text"]
        for name, data in before.items()
        if name.startswith("texts/")
        for row in pq.read_table(BytesIO(data)).to_pylist()
    }
    assert found == texts


def test_its_manifest_is_the_releases_with_tokens_of_its_own(release: Path, other: str) -> None:
    made, whole = manifest_of(tokenize_release(str(release), other)), manifest_of(release)
    assert made.packed_from == whole.digest
    assert made.ledgers == whole.ledgers
    assert [(row.kind, row.licence, row.documents) for row in made.documents] == [
        (row.kind, row.licence, row.documents) for row in whole.documents
    ]
    assert made.tokenizer.sha256 != whole.tokenizer.sha256
    assert made.tokens_by_kind() == made.mixture.reached_tokens != whole.mixture.reached_tokens
    expected = {"data": 2, "positions": 2, "tokenizer": 1, **dict.fromkeys(PAGES, 1)}
    assert Counter(file.path.split("/")[0] for file in made.files) == expected


def test_the_same_tokenizer_gives_the_same_rows_wherever_texts_are_alike(release: Path, tmp_path: Path) -> None:
    made = tokenize_release(str(release), str(release / "tokenizer/tokenizer.json"), output=str(tmp_path / "same"))
    ours, theirs = files(Path(made)), files(release)
    for name in ours:
        if name.startswith(("data/", "positions/")):
            assert ours[name] == theirs[name], name


def test_forms_and_packing_change_as_asked(release: Path, other: str, tmp_path: Path) -> None:
    overrides = ["packing.sequence_tokens=[64, 256]", "packing.mode=concat", "rendering.fim.rate=0"]
    made = manifest_of(tokenize_release(str(release), other, output=str(tmp_path / "set"), overrides=overrides))
    verify_release(str(tmp_path / "set"))
    assert [length.sequence_tokens for length in made.packing.lengths] == [64, 256]
    assert made.packing.mode == "concat"
    assert list(made.packing.forms) == ["file"]
    assert made.recipe["rendering"]["fim"]["rate"] == 0


def test_one_token_may_begin_and_end_documents_wherever_they_are_cut(release: Path, other: str, tmp_path: Path) -> None:
    overrides = ["packing={mode: concat, sequence_tokens: 16}", "tokenizer.beginning_of_document=<|endoftext|>"]
    made = Path(tokenize_release(str(release), other, output=str(tmp_path / "set"), overrides=overrides))
    rows = [row for path in (made / "data").iterdir() for row in pq.read_table(path).to_pylist()]
    pieces = [piece for row in rows for piece in zip(row["doc_offsets"], row["seq_lengths"], strict=True)]
    assert (0, 1) in pieces  # the beginning alone, at the end of a sequence
    verify_release(str(made))


def test_json_lines_give_the_same_set_as_parquet(finished_recipe: Path, other: str, run_alone: Run) -> None:
    run_alone(finished_recipe, "release.texts=jsonl.zst", "version=0.3.0")
    folder = finished_recipe.parent / "releases"
    sets = [Path(tokenize_release(str(folder / f"tiny-{version}"), other)) for version in ("0.1.0", "0.3.0")]
    rows = [[pq.read_table(path).to_pylist() for path in sorted((one / "data").iterdir())] for one in sets]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("overrides", "what"),
    [
        (["mixture.code=1"], "expected a key of tokenizer, rendering, packing, got one of 'mixture'"),
        (["packing.length=1"], "packing.length: unknown key"),
        (["packing.sequence_tokens=1"], "packing.sequence_tokens"),
        (["tokenizer=3"], "--set: tokenizer: expected"),
        (["tokenizer.end_of_document=<|end|>"], "no control token '<|end|>'"),
        (["rendering.template=starcoder2"], "no control token '<fim_prefix>'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    release: Path, other: str, tmp_path: Path, overrides: list[str], what: str
) -> None:
    with pytest.raises(RecipeError) as refused:
        tokenize_release(str(release), other, output=str(tmp_path / "set"), overrides=overrides)
    assert what in refused.value.message
    assert not (tmp_path / "set").exists()


def test_a_release_without_texts_and_a_second_set_have_nothing_to_tokenize(
    release: Path, other: str, finished_recipe: Path, run_alone: Run
) -> None:
    made = tokenize_release(str(release), other)
    run_alone(finished_recipe, "release.texts=off", "version=0.2.0")
    for folder in (made, str(release.with_name("tiny-0.2.0"))):
        with pytest.raises(RecipeError, match="expected a release with texts/, found one without"):
            tokenize_release(folder, other)
    with pytest.raises(RecipeError, match="no such folder"):
        tokenize_release(str(release / "absent"), other)


def test_a_folder_that_is_taken_is_left_alone(release: Path, other: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RecipeError, match=r"holds '.*'; expected an empty folder"):
        tokenize_release(str(release), other, output=str(tmp_path))
    made = tokenize_release(str(release), other)
    with pytest.raises(RecipeError, match=r"holds 'manifest\.json'"):
        tokenize_release(str(release), other)
    (Path(made) / "manifest.json").unlink()  # what a stopped run leaves is made anew
    expected = files(Path(made))
    assert tokenize_release(str(release), other) == made
    assert expected.items() <= files(Path(made)).items()


def test_what_a_stopped_run_with_other_lengths_left_goes(release: Path, other: str, tmp_path: Path) -> None:
    overrides = ["packing.sequence_tokens=[64, 256]"]
    made = tokenize_release(str(release), other, output=str(tmp_path / "set"), overrides=overrides)
    (Path(made) / "manifest.json").unlink()
    tokenize_release(str(release), other, output=made)
    verify_release(made)


def test_a_release_that_is_not_whole_yet_is_left_alone(release: Path, other: str, tmp_path: Path) -> None:
    unfinished = Path(shutil.copytree(release, tmp_path / "release"))
    (unfinished / "manifest.json").unlink()
    before = files(unfinished)
    with pytest.raises(RecipeError, match=r"holds 'attribution/.*'; expected an empty folder"):
        tokenize_release(str(release), other, output=str(unfinished))
    assert files(unfinished) == before


@pytest.mark.parametrize("folder", ["texts", "attribution"])
def test_files_that_are_not_those_of_the_manifest_are_an_error(release: Path, other: str, folder: str) -> None:
    [first, *_] = sorted((release / folder).iterdir())
    table = pq.read_table(first)
    pq.write_table(table, first)  # the same rows in other bytes: what changed is not asked
    with pytest.raises(IntegrityError, match=rf"{folder}/shard-00000-of-00002\.parquet: expected sha256"):
        tokenize_release(str(release), other)


def test_texts_that_are_not_those_of_the_attribution_are_an_error(release: Path, other: str) -> None:
    [first, *_] = sorted((release / "texts").iterdir())
    table = pq.read_table(first)
    pq.write_table(table.slice(1), first)
    sign(release, first)
    with pytest.raises(IntegrityError, match="its documents are not those of the attribution beside it"):
        tokenize_release(str(release), other)
    first.write_bytes(b"no Parquet")
    sign(release, first)
    with pytest.raises(IntegrityError, match=r"shard-00000-of-00002\.parquet"):
        tokenize_release(str(release), other)


def sign(release: Path, path: Path) -> None:
    """Write the sha256 that a file has now into the manifest."""
    manifest, name = manifest_of(release), path.relative_to(release).as_posix()
    digest = sha256(path.read_bytes()).hexdigest()
    listed = [msgspec.structs.replace(file, sha256=digest) if file.path == name else file for file in manifest.files]
    (release / "manifest.json").write_bytes(msgspec.structs.replace(manifest, files=listed).to_bytes())


def test_verify_finds_a_changed_set(release: Path, other: str) -> None:
    made = Path(tokenize_release(str(release), other))
    envelope = json.loads((made / "manifest.json").read_bytes())
    manifest = msgspec.convert(envelope["manifest"], Manifest)
    forged = msgspec.structs.replace(manifest, packing=msgspec.structs.replace(manifest.packing, forms={"file": 1}))
    (made / "manifest.json").write_bytes(forged.to_bytes())
    with pytest.raises(IntegrityError, match=r"packing\.forms"):
        verify_release(str(made))
    shutil.copytree(release / "texts", made / "texts")
    with pytest.raises(IntegrityError, match="expected no such file, for the manifest does not list it"):
        verify_release(str(made))


def test_a_withdrawn_release_is_packed_no_more(release: Path, other: str) -> None:
    withdraw(Storage(str(release)), date="2026-01-31", reason="wrong licence")
    with pytest.raises(RecipeError, match="was withdrawn on 2026-01-31: wrong licence"):
        tokenize_release(str(release), other)
    assert [path.name for path in release.parent.iterdir()] == [release.name]

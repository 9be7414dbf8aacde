import json
import shutil
from pathlib import Path

import pytest
import zstandard

from manifests.errors import RecipeError, UnitError
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.tokenizer_corpus import train_tokenizer
from stages.tokenizing import TextTokenizer


@pytest.fixture
def recipe(tiny_recipe: Path) -> Recipe:
    """A recipe that has shards and no tokenizer yet."""
    (tiny_recipe.parent / "tokenizer.json").unlink()
    return load_recipe(tiny_recipe)


def train(recipe: Recipe, *, vocabulary_size: int = 512, maximum_bytes: int = 1_000_000) -> bytes:
    return Path(train_tokenizer(recipe, vocabulary_size=vocabulary_size, maximum_bytes=maximum_bytes)).read_bytes()


def test_a_tokenizer_is_written_where_the_recipe_says(recipe: Recipe) -> None:
    path = train_tokenizer(recipe, vocabulary_size=512, maximum_bytes=1_000_000)
    assert path == recipe.tokenizer.path
    tokenizer = TextTokenizer.load(Path(path).read_bytes(), end_of_document=recipe.tokenizer.end_of_document)
    assert tokenizer.vocabulary_size == 512


def test_a_tokenizer_is_never_replaced(recipe: Recipe) -> None:
    first = train(recipe)
    with pytest.raises(RecipeError, match="a tokenizer is never replaced"):
        train(recipe, vocabulary_size=600)
    assert Path(recipe.tokenizer.path).read_bytes() == first


def test_the_same_shards_in_another_folder_give_the_same_bytes(recipe: Recipe, tmp_path: Path) -> None:
    folder = Path(recipe.tokenizer.path).parent
    shutil.copytree(folder, tmp_path / "elsewhere/deep")
    assert train(load_recipe(tmp_path / "elsewhere/deep/recipe.yaml")) == train(recipe)


def test_nothing_else_is_left_beside_it(recipe: Recipe) -> None:
    folder = Path(recipe.tokenizer.path).parent
    before = {path.name for path in folder.iterdir()}
    train(recipe)
    assert {path.name for path in folder.iterdir()} - before == {"tokenizer.json", "work"}


def test_a_folder_called_tmp_that_is_not_ours_stays(recipe: Recipe) -> None:
    mine = Path(recipe.tokenizer.path).parent / "tmp/mine"
    mine.parent.mkdir()
    mine.write_text("mine")
    train(recipe)
    assert mine.read_text() == "mine"


def test_the_control_token_is_the_recipes(recipe: Recipe) -> None:
    chosen = recipe.model_copy(update={"tokenizer": recipe.tokenizer.model_copy(update={"end_of_document": "<end>"})})
    added = json.loads(train(chosen))["added_tokens"]
    fim = ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>")
    expected = ["<end>", *fim, "<|repo_name|>", "<|file_sep|>"]
    assert [(token["content"], token["special"]) for token in added] == [(name, True) for name in expected]


def test_the_control_tokens_are_those_of_the_recipes_template(recipe: Recipe) -> None:
    tokens = {"beginning_of_document": "<begin>", "end_of_document": "<file_sep>"}
    update = {
        "rendering": recipe.rendering.model_copy(update={"template": "starcoder2"}),
        "tokenizer": recipe.tokenizer.model_copy(update=tokens),
    }
    added = [token["content"] for token in json.loads(train(recipe.model_copy(update=update)))["added_tokens"]]
    fim = ["<fim_prefix>", "<fim_middle>", "<fim_suffix>"]
    assert added == ["<file_sep>", "<begin>", *fim, "<repo_name>", "<jupyter_script>"]


def test_more_text_than_asked_for_is_not_looked_at(tmp_path: Path) -> None:
    # The text that gives the pair "zq" its merges comes after the bytes that may be learned from.
    rows = ["ab ab ab ab " * 500, *(["zq zq zq zq " * 500] * 50)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": f"{row} {n}"}) + "\n" for n, row in enumerate(rows)))
    (tmp_path / "recipe.yaml").write_text(
        "name: x\nversion: 0.1.0\nsources: [{name: a, format: jsonl, kind: text, paths: [a.jsonl]}]\n"
    )
    recipe = load_recipe(tmp_path / "recipe.yaml")
    small = json.loads(train(recipe, maximum_bytes=1))["model"]["merges"]
    Path(recipe.tokenizer.path).unlink()
    whole = json.loads(train(recipe, maximum_bytes=1_000_000))["model"]["merges"]
    assert len(small) < len(whole)


def test_a_damaged_shard_is_told(recipe: Recipe) -> None:
    shard = min(Path(recipe.tokenizer.path).parent.glob("stack/*"))
    shard.write_bytes(shard.read_bytes()[:-20])
    with pytest.raises(UnitError, match=shard.name):
        train(recipe)
    assert not Path(recipe.tokenizer.path).exists()


def test_what_leaks_too_much_is_passed_over(recipe: Recipe) -> None:
    expected = train(recipe)
    Path(recipe.tokenizer.path).unlink()
    contacts = "".join(f"Somebody Contactable <someone.{n}@company-mail.org>\n" for n in range(2_000))
    row = {"content": contacts, "path": "AUTHORS", "repo_name": "team/contacts"}
    shard = Path(recipe.tokenizer.path).parent / "stack/part-00009.jsonl.zst"
    shard.write_bytes(zstandard.compress(json.dumps(row).encode() + b"\n"))
    assert train(recipe) == expected

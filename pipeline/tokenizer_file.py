"""The recipe's tokenizer: read and built once a process, named by its hash in every fingerprint that depends on it."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from manifests.errors import RecipeError
from pipeline.recipe import Recipe
from stages.tokenizing import TextTokenizer


def load_tokenizer(recipe: Recipe) -> TextTokenizer:
    """The recipe's tokenizer; raises RecipeError where the file is absent or not a byte-level BPE."""
    return _load(tokenizer_bytes(recipe), recipe.tokenizer.end_of_document)


def tokenizer_bytes(recipe: Recipe) -> bytes:
    """The `tokenizer.json` as it lies there."""
    return _read(recipe.tokenizer.path)


def tokenizer_settings(recipe: Recipe) -> dict[str, str]:
    """What fingerprints need to know of the tokenizer."""
    digest = sha256(tokenizer_bytes(recipe)).hexdigest()
    return {"sha256": digest, "end_of_document": recipe.tokenizer.end_of_document}


@cache
def _load(data: bytes, end_of_document: str) -> TextTokenizer:
    return TextTokenizer.load(data, end_of_document=end_of_document)


@cache
def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise RecipeError(
            f"tokenizer.path: {path}: cannot be read: {error.strerror}",
            hint="`corpusmill tokenizer train RECIPE` trains one on the recipe's own shards and writes it there",
        ) from error

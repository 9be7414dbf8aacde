"""The recipe's tokenizer and renderer: built once a process, named in every fingerprint that depends on them."""

from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path

from manifests.errors import RecipeError
from pipeline.recipe import Recipe
from pipeline.recipe_tokens import Rendering, TokenSections
from stages.rendering import Renderer, RenderingOptions
from stages.tokenizing import TextTokenizer


def load_tokenizer(recipe: Recipe | TokenSections) -> TextTokenizer:
    """The recipe's tokenizer; raises RecipeError where the file is absent or not a byte-level BPE."""
    return _load(tokenizer_bytes(recipe), recipe.tokenizer.end_of_document, recipe.tokenizer.beginning_of_document)


def load_renderer(recipe: Recipe) -> Renderer:
    """What renders documents as the recipe says; raises RecipeError where its tokenizer lacks a control token."""
    return Renderer(load_tokenizer(recipe), recipe_options(recipe), recipe.seed)


def recipe_options(recipe: Recipe) -> RenderingOptions:
    """The recipe's section `rendering`, and of which forms its sources give documents."""
    return rendering_options(recipe.rendering, [source.format for source in recipe.sources])


def rendering_options(chosen: Rendering, formats: Iterable[str]) -> RenderingOptions:
    """A section `rendering`, and of which forms sources of some formats give documents."""
    return RenderingOptions(
        template=chosen.template,
        fim_rate=chosen.fim.rate,
        spm_share=chosen.fim.spm,
        repository_share=chosen.repository.share,
        maximum_tokens=chosen.repository.maximum_tokens,
        pull_requests="pull-requests" in formats,
    )


def rendering_settings(recipe: Recipe) -> dict[str, object]:
    """What fingerprints need to know of the forms."""
    return {"options": asdict(recipe_options(recipe)), "seed": recipe.seed}


def tokenizer_bytes(recipe: Recipe | TokenSections) -> bytes:
    """The `tokenizer.json` as it lies there."""
    return _read(recipe.tokenizer.path)


def tokenizer_settings(recipe: Recipe) -> dict[str, str]:
    """What fingerprints need to know of the tokenizer."""
    digest = sha256(tokenizer_bytes(recipe)).hexdigest()
    names = recipe.tokenizer.model_dump(exclude={"path"}, exclude_none=True)
    return {"sha256": digest, **names}


@cache
def _load(data: bytes, end_of_document: str, beginning_of_document: str | None) -> TextTokenizer:
    return TextTokenizer.load(data, end_of_document=end_of_document, beginning_of_document=beginning_of_document)


@cache
def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise RecipeError(
            f"tokenizer.path: {path}: cannot be read: {error.strerror}",
            hint="`corpusmill tokenizer train RECIPE` trains one on the recipe's own shards and writes it there",
        ) from error

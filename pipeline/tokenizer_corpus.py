"""Training a tokenizer on a recipe's own shards, before a run: the beginnings of the first documents of each.

Texts are redacted first, for a vocabulary is published with every release; what leaks too much is passed over.
Licences, filters and duplicates are not looked at: word pieces are no copy of a text. Where shards are sorted by
language or subset, so is the sample.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from manifests.document import Document, Rejected
from manifests.errors import RecipeError
from manifests.storage import Storage
from pipeline.plan import Shard, make_plan
from pipeline.recipe import Recipe
from pipeline.redactions import Redactions
from pipeline.shards import shard_rows
from stages.rendering_forms import TEMPLATES
from stages.text_forms import in_form
from stages.tokenizer_training import train

_CODE_POINTS = 20_000  # of one document at most, so that no single file shapes the vocabulary
_MARGIN = 10_000


def train_tokenizer(recipe: Recipe, *, vocabulary_size: int, maximum_bytes: int) -> str:
    """Train and write `tokenizer.path`; returns that path.

    Raises:
        RecipeError: the path is taken already: a tokenizer is never replaced behind a release's back.
    """
    path = Path(recipe.tokenizer.path)
    if path.exists():
        raise RecipeError(
            f"{path}: expected no file, found one: a tokenizer is never replaced",
            hint="use it, remove it, or choose another tokenizer.path",
        )
    plan = make_plan(recipe, Storage(recipe.work))
    shards = [shard for unit in plan.units for shard in unit]
    texts = _sample(recipe, shards, maximum_bytes)
    data = train(texts, vocabulary_size=vocabulary_size, control_tokens=_control_tokens(recipe))
    Storage(str(path.parent)).write(path.name, data)
    with suppress(OSError):  # the folder is the user's: leave nothing of ours in it but the tokenizer
        (path.parent / "tmp").rmdir()
    return str(path)


def _control_tokens(recipe: Recipe) -> list[str]:
    """The token that ends a document, the one that begins it, if any, and those of the recipe's template, once each."""
    ends = (recipe.tokenizer.end_of_document, recipe.tokenizer.beginning_of_document)
    names = [name for name in ends if name is not None]
    return list(dict.fromkeys([*names, *(c.name for c in TEMPLATES[recipe.rendering.template].file_controls)]))


def _sample(recipe: Recipe, shards: list[Shard], maximum_bytes: int) -> list[str]:
    """Beginnings of the documents of lowest id until `maximum_bytes` are reached, in order of id.

    Every shard may give twice its even share, so memory stays near twice `maximum_bytes` however large the input.
    """
    share = 2 * maximum_bytes // max(1, len(shards)) + _CODE_POINTS
    redactions = Redactions(recipe)
    found: dict[str, str] = {}
    for shard in shards:
        taken = 0
        for document in _documents(recipe, shard):
            if taken > share:
                break
            # Cut behind it, not before: half a token would be recognised by no rule.
            cleaned = redactions.of(replace(document, text=document.text[: _CODE_POINTS + _MARGIN]))
            if cleaned.leak is None:
                found[document.id] = cleaned.text[:_CODE_POINTS]
                taken += len(found[document.id].encode())
    chosen, total = [], 0
    for identifier in sorted(found):
        if total >= maximum_bytes:
            break
        chosen.append(found[identifier])
        total += len(found[identifier].encode())
    return chosen


def _documents(recipe: Recipe, shard: Shard) -> Iterator[Document]:
    for item in shard_rows(recipe, shard):
        formed = in_form(item, notebooks=recipe.text_forms.notebooks) if isinstance(item, Document) else item
        if not isinstance(formed, Rejected):
            yield formed.document

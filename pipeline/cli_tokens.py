"""Commands on tokenizers and token ids: `corpusmill tokenize` and `corpusmill tokenizer train`."""

from pathlib import Path
from typing import Annotated

import typer

tokenizer_app = typer.Typer(
    help="Tokenizers made from your own corpus.",
    epilog="Example: corpusmill tokenizer train recipe.yaml",
    invoke_without_command=True,
    rich_markup_mode=None,
)


def tokenize(
    release: Annotated[str, typer.Option(metavar="RELEASE", help="A release folder, with texts/.")],
    tokenizer: Annotated[str, typer.Option(metavar="FILE", help="The tokenizer.json to tokenize with.")],
    output: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where to; without it, beside the release.")
    ] = None,
    overrides: Annotated[
        list[str],
        typer.Option("--set", metavar="KEY=VALUE", help="A key of tokenizer, rendering or packing; may be repeated."),
    ] = [],  # noqa: B006
) -> None:
    """Pack a release's texts again, with another tokenizer.

    Forms and packing are the release's where --set does not say otherwise; the release stays as it is.
    """
    from pipeline.retokenizing import tokenize_release

    folder = tokenize_release(release, tokenizer, output=output, overrides=overrides, progress=typer.echo)
    typer.echo(f"packed set: {folder}")
    typer.echo(f"check it: corpusmill verify {folder}")


@tokenizer_app.command("train", epilog="Example: corpusmill tokenizer train recipe.yaml --vocabulary 16384")
def tokenizer_train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file.")],
    overrides: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe; may be repeated.")
    ] = [],  # noqa: B006
    vocabulary: Annotated[
        int, typer.Option(min=512, metavar="N", help="Size of the vocabulary, control tokens included.")
    ] = 16384,
    maximum_bytes: Annotated[
        int, typer.Option(min=1, metavar="N", help="Bytes of text to learn from, at most.")
    ] = 12_000_000,
) -> None:
    """Train a tokenizer on the recipe's own shards.

    A byte-level BPE, written where the recipe's `tokenizer.path` says; a file that is there is left alone.
    """
    from pipeline.recipe_file import load_recipe
    from pipeline.tokenizer_corpus import train_tokenizer

    path = train_tokenizer(load_recipe(recipe, overrides), vocabulary_size=vocabulary, maximum_bytes=maximum_bytes)
    typer.echo(f"wrote {path}")

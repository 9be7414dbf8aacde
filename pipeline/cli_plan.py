"""The command `corpusmill plan`: what a run would do, and what rewriting would take."""

from pathlib import Path
from typing import Annotated

import typer


def plan(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file.")],
    overrides: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe; may be repeated.")
    ] = [],  # noqa: B006 - typer copies it
    work: Annotated[
        str | None, typer.Option("--work", metavar="FOLDER", help="Work folder; overrides the recipe's `work`.")
    ] = None,
    probe: Annotated[
        float | None,
        typer.Option(metavar="SIZE", help="Rewrite a sample: a share of the chosen documents, or a number of them."),
    ] = None,
) -> None:
    """Show what a run would do, pass by pass, and what is done.

    Units, bytes to read, partitions; runs nothing, but reads every new input shard once to know it by its digest. With
    --probe it asks the recipe's model to rewrite a few documents, a share of 200 at most, and tells by language how
    many were accepted and what all of them will take. It needs a run until pass mix; the answers are kept for the run.
    """
    from pipeline.recipe_file import load_recipe
    from pipeline.runner import open_mill

    mill = open_mill(load_recipe(recipe, overrides), work)
    if probe is None:
        from pipeline.inspect_run import print_plan

        print_plan(mill)
    else:
        from pipeline.inspect_probe import print_probe

        print_probe(mill, probe)

"""The command line. Every command is a thin layer: it reads its arguments, calls one function, prints, and maps errors.

Heavy imports stand inside the commands, so `corpusmill --help` stays quick.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from manifests.errors import CorpusmillError

app = typer.Typer(
    name="corpusmill",
    help="Raw code and text shards in, a verified, explainable, training-ready dataset out.",
    epilog="Exit codes: 0 done; 1 units failed; 2 usage or recipe error; 3 integrity error; 130 stopped by Ctrl-C.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
tokenizer_app = typer.Typer(help="Tokenizers made from your own corpus.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(tokenizer_app, name="tokenizer")

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file.")]
WorkPath = Annotated[Path, typer.Argument(metavar="WORK", help="The work folder of a run.")]
Overrides = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe; may be repeated.")
]
WorkOption = Annotated[Path | None, typer.Option("--work", help="Work folder; overrides the recipe's `work`.")]


@app.command(epilog="Example: corpusmill run recipe.yaml --workers 8 --set mixture.code=0.8")
def run(
    recipe: RecipePath,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    work: WorkOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Units that run at the same time.")] = 2,
    until: Annotated[str | None, typer.Option(metavar="PASS", help="Stop after this pass, e.g. clean.")] = None,
) -> None:
    """Run every pass that is not done; at the end a release is there. Run it again to go on after any stop."""
    from pipeline.progress import run_with_progress
    from pipeline.recipe_file import load_recipe
    from pipeline.runner import open_mill

    mill = open_mill(load_recipe(recipe, overrides), str(work) if work else None)
    run_with_progress(mill, workers=workers, until=until)


@app.command(epilog="Example: corpusmill plan recipe.yaml")
def plan(
    recipe: RecipePath,
    overrides: Overrides = [],  # noqa: B006
    work: WorkOption = None,
) -> None:
    """Show passes, units, bytes, partitions, what is done already and what a run would do; runs nothing."""
    from pipeline.inspect_run import print_plan
    from pipeline.recipe_file import load_recipe
    from pipeline.runner import open_mill

    print_plan(open_mill(load_recipe(recipe, overrides), str(work) if work else None))


@app.command(epilog="Example: corpusmill status work")
def status(work: WorkPath) -> None:
    """Show how far a run is, pass by pass, and why units failed."""
    from pipeline.inspect_run import print_status
    from pipeline.runner import reopen_mill

    print_status(reopen_mill(str(work)))


@app.command(epilog="Example: corpusmill explain work 0123456789abcdef0123456789abcdef")
def explain(
    work: WorkPath,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A document id; its first 8 or more digits will do.")],
) -> None:
    """Tell the life of one document: where it came from, what was measured, what was decided and why."""
    from pipeline.inspect_documents import print_life
    from pipeline.runner import reopen_mill

    print_life(reopen_mill(str(work)), identifier)


@app.command(epilog="Example: corpusmill show work --stage deduplicate --reason near_duplicate -n 5")
def show(
    work: WorkPath,
    stage: Annotated[
        str | None, typer.Option(help="Rejected at this stage, e.g. filter.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Rejected for this reason.")] = None,
    number: Annotated[int, typer.Option("-n", min=1, help="How many documents.")] = 20,
) -> None:
    """Print samples of rejected or kept documents, safe for a terminal. The sample is the same at every call."""
    from pipeline.inspect_documents import print_samples
    from pipeline.runner import reopen_mill

    print_samples(reopen_mill(str(work)), stage=stage, reason=reason, number=number)


@app.command(epilog="Example: corpusmill verify releases/demo-0.1.0")
def verify(release: Annotated[Path, typer.Argument(metavar="RELEASE", help="A release folder.")]) -> None:
    """Recompute everything the manifest says: digests, accounts, token ids, documents. Exit 3 where it does not hold."""
    from pipeline.verify import verify_release

    typer.echo(verify_release(str(release)))


@app.command(epilog="Example: corpusmill init recipe.yaml")
def init(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="Where to write it; an existing file is left alone.")
    ],
) -> None:
    """Write a commented recipe with every default."""
    from pipeline.recipe_template import write_template

    write_template(recipe)
    typer.echo(f"wrote {recipe}; edit `sources`, then: corpusmill plan {recipe}")


@app.command(epilog="Example: corpusmill schema > recipe.schema.json")
def schema() -> None:
    """Print the recipe's JSON schema."""
    import json

    from pipeline.recipe import Recipe

    typer.echo(json.dumps(Recipe.model_json_schema(), indent=2))


@app.command(epilog="Example: corpusmill gc work --dry-run")
def gc(
    work: WorkPath,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove files in a work folder that no record names: leftovers of killed or repeated runs."""
    from pipeline.garbage import collect

    files, num_bytes = collect(str(work), dry_run=dry_run)
    typer.echo(f"{'would remove' if dry_run else 'removed'} {files} files, {num_bytes / 1e6:,.1f} MB")


@app.command("demo-data", epilog="Example: corpusmill demo-data demo/shards")
def demo_data(out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the shards.")]) -> None:
    """Write real input shards from what is installed in this environment; no network. Same environment, same bytes."""
    from pipeline.demo_data import write_demo_data

    typer.echo(str(write_demo_data(out)))


@tokenizer_app.command("train", epilog="Example: corpusmill tokenizer train recipe.yaml --vocabulary 16384")
def tokenizer_train(
    recipe: RecipePath,
    overrides: Overrides = [],  # noqa: B006
    vocabulary: Annotated[int, typer.Option(min=512, help="Size of the vocabulary, control token included.")] = 16384,
    maximum_bytes: Annotated[int, typer.Option(min=1, help="Bytes of text to learn from.")] = 12_000_000,
) -> None:
    """Train a byte-level BPE on the recipe's own shards and write it where `tokenizer.path` says."""
    from pipeline.recipe_file import load_recipe
    from pipeline.tokenizer_corpus import train_tokenizer

    path = train_tokenizer(load_recipe(recipe, overrides), vocabulary_size=vocabulary, maximum_bytes=maximum_bytes)
    typer.echo(f"wrote {path}")


def main() -> None:
    """Run the command line; errors of ours become one message, one hint and their exit code."""
    try:
        app()
    except CorpusmillError as error:
        print(f"error: {_printable(error.message)}", file=sys.stderr)  # noqa: T201
        if error.hint:
            print(f"hint: {_printable(error.hint)}", file=sys.stderr)  # noqa: T201
        raise SystemExit(error.exit_code) from None


def _printable(message: str) -> str:
    """Messages name shards and rows; what stands in them must not steer the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in message)

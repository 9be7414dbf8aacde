"""The command line. Every command is a thin layer: it reads its arguments, calls one function, prints, and maps errors.

Heavy imports stand inside the commands, so `corpusmill --help` stays quick.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from manifests.errors import EXIT_CODES, CorpusmillError
from pipeline.cli_bpb import bpb
from pipeline.cli_explain import explain
from pipeline.cli_plan import plan
from pipeline.cli_release import release_app, verify
from pipeline.cli_removal import optout_app
from pipeline.cli_report import report
from pipeline.cli_select import select
from pipeline.cli_tokens import tokenize, tokenizer_app
from pipeline.complaints import complain, usage

app = typer.Typer(
    name="corpusmill",
    help="Raw code and text shards in, a verified, explainable, training-ready dataset out.",
    epilog="Example: corpusmill init recipe.yaml\n\n"
    "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(tokenizer_app, name="tokenizer")
app.add_typer(optout_app, name="optout")
app.add_typer(release_app, name="release")

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file.")]
WorkPath = Annotated[str, typer.Argument(metavar="WORK", help="The work folder of a run.")]
Overrides = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe; may be repeated.")
]
WorkOption = Annotated[
    str | None, typer.Option("--work", metavar="FOLDER", help="Work folder; overrides the recipe's `work`.")
]


@app.callback()
def _corpusmill(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if show_version:
        from importlib.metadata import version

        typer.echo(f"corpusmill {version('corpusmill')}")
        raise typer.Exit
    _help_without_command(context)


@release_app.callback()
@tokenizer_app.callback()
@optout_app.callback()
def _help_without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


@app.command(epilog="Example: corpusmill run recipe.yaml --workers 8 --set mixture.code=0.8")
def run(
    recipe: RecipePath,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    work: WorkOption = None,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Units that run at the same time.")] = 2,
    until: Annotated[str | None, typer.Option(metavar="PASS", help="Stop after this pass, such as clean.")] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take a work folder in a bucket from a run that is gone.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="With `executor: slurm`: end when the run has ended, with its exit code.")
    ] = False,
) -> None:
    """Run every pass that is not done yet; makes the release.

    Run it again after any stop: what is finished stays finished, and the bytes of the release are the same. With
    `executor: slurm` in the recipe it submits the whole run and ends; `status` follows it.
    """
    from pipeline.inspect_run import earlier_lines
    from pipeline.progress import run_with_progress
    from pipeline.recipe_file import load_recipe
    from pipeline.runner import check_ready, open_mill

    checked = load_recipe(recipe, overrides)
    check_ready(checked, until)  # before any shard is looked at
    mill = open_mill(checked, work)
    for line in earlier_lines(mill):
        typer.echo(line)
    if checked.executor == "slurm":
        from pipeline.slurm_report import submit_and_tell

        submit_and_tell(mill, until=until, wait_for_it=wait, take_over=take_over)
    else:
        run_with_progress(mill, workers=workers, until=until, take_over=take_over)


app.command(epilog="Example: corpusmill plan recipe.yaml")(plan)


@app.command(epilog="Example: corpusmill status work")
def status(
    work: WorkPath,
    stages: Annotated[bool, typer.Option("--stages", help="Show what the time of each step went to instead.")] = False,
) -> None:
    """Show how far a run is and why units failed.

    Also what the units of each step took so far, all together, without the start-up of processes.
    With `executor: slurm` also what runs and waits there, and why; asks squeue once.
    """
    from pipeline.inspect_run import print_stages, print_status
    from pipeline.runner import reopen_mill

    (print_stages if stages else print_status)(reopen_mill(work))


app.command(epilog="Example: corpusmill explain work 0123456789abcdef0123456789abcdef")(explain)


@app.command(epilog="Example: corpusmill show work --signal num_lines --group Python -n 5")
def show(
    work: WorkPath,
    stage: Annotated[str | None, typer.Option(metavar="STAGE", help="Rejected at this stage, such as filter.")] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="REASON", help="Rejected for this reason, such as near_duplicate.")
    ] = None,
    signal: Annotated[
        str | None, typer.Option(metavar="SIGNAL", help="Closest to the limits of this signal, on both sides.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --signal: of this subset or language alone.")
    ] = None,
    number: Annotated[int, typer.Option("-n", min=1, metavar="N", help="How many documents.")] = 20,
) -> None:
    """Print samples of rejected, kept or borderline documents.

    Without --stage, --reason and --signal, of those that were kept; with --signal, the closest to its limits, as many
    on each side. The sample is the same at every call; what could steer the terminal is replaced, and secrets and
    personal data that the recipe's redaction would take are masked, in rejected documents, too.
    """
    from pipeline.inspect_bounds import print_close
    from pipeline.inspect_samples import check_choice, print_samples
    from pipeline.runner import reopen_mill

    check_choice(stage, reason, signal, group)
    if signal:
        print_close(reopen_mill(work), signal, group=group, count=number)
    else:
        print_samples(reopen_mill(work), stage=stage, reason=reason, number=number)


@app.command(epilog="Example: corpusmill retune work --set filters.assign.text=[prose]")
def retune(
    work: WorkPath,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
) -> None:
    """Tell what other limits would keep, from stored values.

    By subset or language, now and with the changed keys of `filters` and `languages`; reads no shard, changes nothing.
    """
    from pipeline.retune import print_retuned
    from pipeline.runner import reopen_mill

    print_retuned(reopen_mill(work), overrides)


app.command(epilog="Example: corpusmill tokenize --release my-corpus-0.1.0 --tokenizer new.json")(tokenize)

app.command(epilog="Example: corpusmill select demo-0.1.0 --where \"language = 'Rust'\" -o rust")(select)


app.command(epilog="Example: corpusmill verify releases/demo-0.1.0")(verify)


app.command(epilog="Example: corpusmill report work")(report)


app.command(epilog="Example: corpusmill bpb --model models/mine releases/demo-0.1.0")(bpb)


@app.command(epilog="Example: corpusmill redact settings.py --level high")
def redact(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Text files in UTF-8; - is standard input.")],
    recipe: Annotated[Path | None, typer.Option(metavar="RECIPE", help="Redact as this recipe says.")] = None,
    level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="Of every kind, without a recipe: low, balanced or high.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each finding.")] = False,
    output: Annotated[
        str | None, typer.Option(metavar="OUT", help="Write the one file's redacted text here; - is standard output.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="End with exit code 1 where something was found.")] = False,
) -> None:
    """Show secrets and personal data in files, values masked.

    Kind, rule, place and length of each finding, and its line without it. The files stay as they are. One that cannot
    be read does not keep the others from being looked at; the exit code is 1 then.
    """
    from pipeline.redact_file import redact_files, redaction_of

    rules = redaction_of(recipe, level)
    raise typer.Exit(redact_files(files, rules, as_json=as_json, output=output, check=check))


@app.command(epilog="Example: corpusmill init recipe.yaml")
def init(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="Where to write it; an existing file is left alone.")
    ],
) -> None:
    """Write a commented recipe with every default."""
    from pipeline.recipe_template import write_template

    write_template(recipe)
    typer.echo(f"wrote {recipe}: edit `sources`, then: corpusmill plan {recipe}")


@app.command(epilog="Example: corpusmill schema > recipe.schema.json")
def schema(
    manifest: Annotated[bool, typer.Option("--manifest", help="That of a release's manifest instead.")] = False,
) -> None:
    """Print the recipe's JSON schema."""
    import json

    from manifests.manifest_schema import manifest_schema
    from pipeline.recipe import Recipe

    typer.echo(json.dumps(manifest_schema() if manifest else Recipe.model_json_schema(), indent=2))


@app.command(epilog="Example: corpusmill gc work --dry-run")
def gc(
    work: WorkPath,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove files of a work folder that no record names.

    They are leftovers of killed and repeated runs, and logs. What a run would use again stays.
    """
    from pipeline.garbage import collect

    files, num_bytes = collect(work, dry_run=dry_run)
    doing, noun = "would remove" if dry_run else "removed", "file" if files == 1 else "files"
    typer.echo(f"{doing} {files:,} {noun}, {num_bytes:,} bytes")


@app.command("demo-data", epilog="Example: corpusmill demo-data demo/shards")
def demo_data(out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the shards.")]) -> None:
    """Write real input shards from what is installed here.

    Code and documentation of the packages in this environment, without a network. Same environment, same bytes.
    """
    from pipeline.demo_data import write_demo_data

    data = write_demo_data(out)
    typer.echo(f"code: {data.code_rows:,} rows, {data.code_bytes:,} bytes of content in {out}/stack")
    typer.echo(f"text: {data.text_rows:,} rows, {data.text_bytes:,} bytes of text in {out}/pile")
    typer.echo(f"planted: {data.planted_rows:,} rows of known defects, listed in {out}/planted.jsonl")


def main() -> None:
    """Run the command line; what goes wrong becomes one message, one hint and the documented exit code."""
    try:
        code = app(standalone_mode=False, prog_name="corpusmill")
    except CorpusmillError as error:
        code = complain(error.message, error.hint, error.exit_code)
    except typer.TyperException as error:
        code = complain(*usage(error), 2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        code = complain(f"{where}{error.strerror or error}", "check the path, its permissions and the free space", 1)
    sys.exit(code or 0)

"""Commands that hold a registry against a release: `corpusmill optout check` and `optout apply`."""

from typing import Annotated

import typer

from pipeline.cli_optout import RegistryFolder, optout_app

__all__ = ["optout_app"]

ReleaseFolder = Annotated[str, typer.Argument(metavar="RELEASE", help="The release's folder, here or in a bucket.")]
NearCopies = Annotated[
    str,
    typer.Option(
        "--near-copies",
        metavar="POLICY",
        help="remove: what is like the documents goes, too; keep: only the same content. As the release has it else.",
    ),
]


@optout_app.command("check", epilog="Example: corpusmill optout check registry releases/demo-0.1.0")
def optout_check(
    registry: RegistryFolder,
    release: ReleaseFolder,
    by: Annotated[str, typer.Option(metavar="KIND", help="Ask for one thing instead: its kind, as `add` has it.")] = "",
    value: Annotated[str, typer.Option(metavar="VALUE", help="And its value, such as owner/name.")] = "",
    near_copies: NearCopies = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each document.")] = False,
) -> None:
    """Say which documents of a release are asked to be left out.

    And where they lie; exits with 1 if there are any. All requests that count, and what was taken out of earlier
    releases; or what --by and --value name. A document that several requests mean stands under the first of them.
    Nothing is changed.
    """
    from manifests.opt_out_registry import Registry
    from pipeline.removal_report import check_release, print_found

    def told(line: str) -> None:
        typer.echo(line, err=True)  # so that --json stays what programs read

    found = check_release(Registry(registry), release, (by, value), near_copies=_policy(near_copies), told=told)
    print_found(found, as_json=as_json)
    if found.rows:
        raise typer.Exit(1)


@optout_app.command("apply", epilog="Example: corpusmill optout apply registry releases/demo-0.1.0")
def optout_apply(
    registry: RegistryFolder,
    release: ReleaseFolder,
    output: Annotated[
        str,
        typer.Option("-o", "--output", metavar="FOLDER", help="The new release's folder; NAME-VERSION beside it else."),
    ] = "",
    version: Annotated[str, typer.Option(metavar="VERSION", help="Of the new release; the next patch else.")] = "",
    near_copies: NearCopies = "",
) -> None:
    """Make a release's next version without what was asked for.

    Only files that hold something of it are written anew; all others are the old release's, on one disk without a copy.
    The old release stays as it is: withdraw it or remove it. Hashes of what was taken out are added to the registry, so
    that later runs leave it out, too. Where there is nothing to remove, nothing is made.
    """
    from manifests.opt_out_registry import Registry
    from pipeline.removal_report import applied_lines
    from pipeline.removing import ApplyOptions, apply_opt_outs

    options = ApplyOptions(output, version, _policy(near_copies))
    for line in applied_lines(apply_opt_outs(Registry(registry), release, options, progress=typer.echo)):
        typer.echo(line)


def _policy(said: str) -> str:
    from manifests.errors import RecipeError

    if said not in ("", "remove", "keep"):
        raise RecipeError(f"--near-copies: expected remove or keep, got {said[:40]!r}")
    return said

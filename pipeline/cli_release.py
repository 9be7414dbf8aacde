"""Commands on releases as such: `corpusmill release list|show|diff|withdraw`, and `corpusmill verify`."""

from datetime import date as calendar_date
from typing import Annotated

import typer

release_app = typer.Typer(
    help="Releases: which there are, what they hold, how they differ.",
    epilog="Example: corpusmill release list releases",
    invoke_without_command=True,
    rich_markup_mode=None,
)

ReleasePath = Annotated[str, typer.Argument(metavar="RELEASE", help="A release folder.")]


@release_app.command("list", epilog="Example: corpusmill release list releases")
def release_list(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder or s3:// prefix in which releases lie.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each release.")] = False,
) -> None:
    """List the releases of a folder, by name and version.

    Documents, tokens, parent and state: whole, withdrawn, unfinished (no manifest yet) or unreadable.
    """
    import msgspec

    from manifests.printable import printable_json
    from pipeline.release_listing import listed_releases
    from pipeline.release_printing import print_listed

    found = listed_releases(folder)
    if as_json:
        for one in found:
            typer.echo(printable_json(msgspec.json.encode(one)).decode())
    else:
        print_listed(folder, found)


@release_app.command("show", epilog="Example: corpusmill release show releases/demo-0.1.0")
def release_show(
    release: ReleasePath,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what a release holds and where it is from.

    By its manifest; `verify` tells whether that is true.
    """
    import msgspec

    from manifests.printable import printable_json
    from pipeline.release_listing import release_summary
    from pipeline.release_printing import print_summary

    summary = release_summary(release)
    if as_json:
        typer.echo(printable_json(msgspec.json.format(msgspec.json.encode(summary), indent=1)).decode())
    else:
        print_summary(summary)


@release_app.command("diff", epilog="Example: corpusmill release diff releases/demo-0.1.0 releases/demo-0.2.0")
def release_diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The folder of the earlier release.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The folder of the later release.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    changelog: Annotated[bool, typer.Option("--changelog", help="An entry for a changelog, in Markdown.")] = False,
    work: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Work folder of the later release's run: it says why documents are gone."),
    ] = None,
) -> None:
    """Show how a release differs from an earlier one.

    Documents added, removed and changed, tokens, sources, recipe and software, and which version that asks for. Without
    --work the reasons of removed documents are those that the later release itself tells.
    """
    import msgspec

    from manifests.errors import RecipeError
    from manifests.printable import printable_json
    from pipeline.changelog_entry import changelog_entry
    from pipeline.diff_printing import print_diff
    from pipeline.release_diff import release_diff as compared

    if as_json and changelog:
        raise RecipeError("expected --json or --changelog, got both", hint="use one of them")
    diff = compared(old, new, work=work)
    if as_json:
        typer.echo(printable_json(msgspec.json.format(msgspec.json.encode(diff), indent=1)).decode())
    elif changelog:
        typer.echo(changelog_entry(diff), nl=False)
    else:
        print_diff(diff)


@release_app.command("withdraw", epilog="Example: corpusmill release withdraw releases/x-0.1.0 --reason outdated")
def release_withdraw(
    release: ReleasePath,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why nobody should use it, in one line.")],
    date: Annotated[str | None, typer.Option(metavar="DATE", help="YYYY-MM-DD; without it, today.")] = None,
) -> None:
    """Say that a release should not be used any more.

    Writes WITHDRAWN.json beside its manifest and changes nothing else: `verify` says so, and nothing is built on it any
    more.
    """
    from manifests.withdrawal import WITHDRAWN, withdraw
    from pipeline.release_listing import open_release

    storage, manifest = open_release(release)
    done = withdraw(storage, date=date or calendar_date.today().isoformat(), reason=reason)  # noqa: DTZ011 - the user's
    typer.echo(f"{manifest.name} {manifest.version}: {done}")
    typer.echo(f"publish {storage.path(WITHDRAWN)} with it")


def verify(
    release: ReleasePath,
    digest: Annotated[
        str | None,
        typer.Option(metavar="SHA256", help="The digest that the publisher gave: no other manifest is taken for it."),
    ] = None,
    opt_out: Annotated[
        str | None,
        typer.Option("--opt-out", metavar="REGISTRY", help="Also look for what this registry asks to leave out."),
    ] = None,
) -> None:
    """Recompute everything that a release's manifest says.

    Digests, accounts, token ids, documents, licences, and a sample of texts from their tokens; ends with exit code 3
    where something does not hold.
    """
    from pipeline.verify import verify_release

    typer.echo(verify_release(release, digest=digest, opt_out=opt_out))

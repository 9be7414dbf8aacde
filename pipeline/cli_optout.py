"""Commands on the opt-out registry: `corpusmill optout add`, `import` and `list`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

optout_app = typer.Typer(
    help="Requests to leave something out; check, apply.",
    epilog="Example: corpusmill optout list registry",
    invoke_without_command=True,
    rich_markup_mode=None,
)

RegistryFolder = Annotated[str, typer.Argument(metavar="REGISTRY", help="The registry's folder, here or in a bucket.")]
DateOption = Annotated[str, typer.Option("--date", metavar="DAY", help="When it was asked, YYYY-MM-DD; today else.")]
ScopeOption = Annotated[
    str,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="content: copies of it go, too, wherever they lie; place: only what lies there. content else.",
    ),
]


@optout_app.command("add", epilog="Example: corpusmill optout add registry --by owner --value me -t 1 -r asked")
def optout_add(
    registry: RegistryFolder,
    by: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What the value is: repository, owner, path, blob, sha256, content, swhid, url, document; "
            "ticket withdraws what was asked under it.",
        ),
    ],
    value: Annotated[str, typer.Option(metavar="VALUE", help="Such as owner/name, or owner/name:vendor/** by path.")],
    ticket: Annotated[
        str,
        typer.Option("--ticket", "-t", metavar="TICKET", help="Your own number for it; it is never published."),
    ],
    reason: Annotated[
        str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, in one line; it is published, so name nobody.")
    ],
    scope: ScopeOption = "",
    date: DateOption = "",
) -> None:
    """Add a request to a registry.

    A registry that is not there is made. The next run whose recipe names it leaves out what it asks for, and
    `optout apply` takes that out of a release. What was asked under this ticket already is not added again.
    """
    from manifests.opt_out_registry import Registry
    from pipeline.opt_out_files import Given, request_of
    from pipeline.opt_out_listing import added_lines

    given = Given(ticket=ticket, reason=reason, date=date, scope=scope, by=by, today=_today())
    request = request_of(given, value)
    for line in added_lines([request], Registry(registry).append([request]), registry):
        typer.echo(line)


@optout_app.command("import", epilog="Example: corpusmill optout import registry removal-request.yaml --ticket T-2")
def optout_import(
    registry: RegistryFolder,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A form in YAML (docs/removal-request.yaml), JSON lines of requests, or digests, one a line.",
        ),
    ],
    ticket: Annotated[
        str, typer.Option("--ticket", "-t", metavar="TICKET", help="Of a form or a list: your own number for it.")
    ] = "",
    reason: Annotated[
        str, typer.Option("--reason", "-r", metavar="TEXT", help="Of a list: why, in one line; it is published.")
    ] = "",
    by: Annotated[
        str,
        typer.Option(
            metavar="KIND", help="Of a list: what its digests are, where their length does not say: content, document."
        ),
    ] = "",
    scope: ScopeOption = "",
    date: DateOption = "",
) -> None:
    """Add all requests of a file, or none.

    Where one cannot be, nothing is added. In a list 40 digits are a git blob id, 64 the sha256 of a file. JSON lines
    are those of a registry, so that one registry can be imported into another.
    """
    from manifests.opt_out_registry import Registry
    from pipeline.opt_out_files import Given, requests_of
    from pipeline.opt_out_listing import added_lines

    given = Given(ticket=ticket, reason=reason, date=date, scope=scope, by=by, today=_today())
    requests = requests_of(file, given)
    for line in added_lines(requests, Registry(registry).append(requests), registry):
        typer.echo(line)


@optout_app.command("list", epilog="Example: corpusmill optout list registry")
def optout_list(
    registry: RegistryFolder,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each request.")] = False,
) -> None:
    """Print the requests of a registry.

    Which count, which were withdrawn and by what, and how many contents each ticket suppresses.

    Suppressed is what was once taken out of a release: later runs leave it out by its hash, wherever it turns up.
    """
    from manifests.opt_out_registry import Registry
    from pipeline.opt_out_listing import print_requests

    print_requests(Registry(registry), as_json=as_json)


def _today() -> str:
    """The day it is, here or in UTC, whichever is later: neither is a day to come."""
    now = datetime.now(UTC)
    return max(now.date(), now.astimezone().date()).isoformat()

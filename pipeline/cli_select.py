"""`corpusmill select`: a part of a release as a release of its own."""

from typing import Annotated

import typer


def select(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="A release folder.")],
    where: Annotated[
        str, typer.Option(metavar="CONDITION", help="SQL over the columns of documents/, true for what is taken.")
    ],
    output: Annotated[str, typer.Option("--output", "-o", metavar="OUT", help="The new release's folder.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name; without it, the release's and -selection.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Its version, as in 0.1.0; without it, the release's.")
    ] = None,
) -> None:
    """Write a part of a release as a release.

    Documents for which the condition holds, with all that belongs to them, packed anew; the manifest says of what it is
    a part. Columns stand in docs/data-format.md, such as language, licence, source, subset, repository and num_bytes.
    """
    from pipeline.selecting import NewName, select_documents

    folder = select_documents(release, where, output, new=NewName(name, version), progress=typer.echo)
    typer.echo(f"selection: {folder}")
    typer.echo(f"check it: corpusmill verify {folder}")

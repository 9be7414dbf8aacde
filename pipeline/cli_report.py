"""The command `corpusmill report`: one page on a run or a release."""

from typing import Annotated

import typer


def report(
    folder: Annotated[str, typer.Argument(metavar="WORK|RELEASE", help="The work folder of a run, or a release.")],
    output: Annotated[
        str | None,
        typer.Option("-o", metavar="FILE", help="Where to; else WORK/report.html, of a release ./report.html."),
    ] = None,
) -> None:
    """Write report.html: one page on a run or a release.

    Warnings first, then the funnel, reasons, mixture, licences, languages, signals with their bounds, duplicates,
    redactions, rewriting, benchmarks and times. It needs no network and has no script. `run` writes it, too. Of a
    release alone it says what the manifest knows.
    """
    from pipeline.report import write_report

    typer.echo(f"report: {write_report(folder, output)}")

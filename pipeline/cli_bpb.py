"""The command `corpusmill bpb`."""

from typing import Annotated, Literal

import typer


def bpb(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="A release folder, with held_out/.")],
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="A folder of a transformers model, or owner/name of the hub.")
    ],
    window: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Tokens read at once, at most; default: the model's context.")
    ] = None,
    stride: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Tokens from window to window; default: half the window.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Of each subset only so many documents, by id.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:1; default: a GPU where there is one.")
    ] = None,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(metavar="DTYPE", help="float32, bfloat16, float16; default: the weights', on CPUs float32."),
    ] = None,
    batch_tokens: Annotated[
        int, typer.Option(min=1, metavar="N", help="Tokens read together; more takes more memory.")
    ] = 4096,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Measure a model's bits per byte on a release's held-out texts.

    By subset or language, by kind, and of all. Needs torch and transformers, which corpusmill does not install.
    No network but for a model of the hub.
    """
    from pipeline.model_bits import ScoringOptions, measure_bits

    found = measure_bits(release, model, ScoringOptions(device, dtype, window, stride, batch_tokens, limit))
    if as_json:
        typer.echo(found.to_json())
    else:
        found.print()

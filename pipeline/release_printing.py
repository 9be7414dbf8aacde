"""What `corpusmill release list` and `release show` print."""

from collections.abc import Iterator, Sequence

from pipeline.aligned import aligned
from pipeline.inspect_run import counted, plain_console, safe, size
from pipeline.release_listing import Amounts, ListedRelease, ReleaseSummary

_SHOWN_VALUES = 10


def print_listed(folder: str, releases: Sequence[ListedRelease]) -> None:
    """A line for each release; notes below."""
    console = plain_console()
    if not releases:
        console.print(safe(f"no release in {folder}"))
        return
    head = ("name", "version", "state", "documents", "tokens", "parent")
    rows = (
        (one.name, one.version, one.state, _number(one.documents), _number(one.tokens), one.parent or "-")
        for one in releases
    )
    console.print(aligned(head, rows, words=3), soft_wrap=False)
    for one in releases:
        if one.note:
            console.print(safe(f"{one.folder}: {one.note}", 700))


def print_summary(summary: ReleaseSummary) -> None:
    """What a release holds, for people."""
    console = plain_console()
    console.print(safe(f"{summary.name} {summary.version}: {summary.withdrawn or summary.state}", 700))
    for line in _lines(summary):
        console.print(safe(line, 700))
    head = ("source", "format", "licence", "snapshot", "shards", "bytes", "documents", "tokens")
    rows = [
        (
            one.name,
            one.format,
            one.declared_licence or "-",
            one.snapshot or "-",
            *(f"{one.shards:,}", size(one.shard_bytes), f"{one.documents:,}", f"{one.tokens:,}"),
        )
        for one in summary.sources
    ]
    console.print()
    console.print(aligned(head, rows, words=4), soft_wrap=False)
    for name, values in summary.by.items():
        if set(values) - {""}:
            console.print()
            console.print(aligned((name, "documents", "bytes", "tokens"), _value_rows(values)), soft_wrap=False)
    console.print()
    folders = ((name, f"{one['files']:,}", size(one["num_bytes"])) for name, one in summary.folders.items())
    console.print(aligned(("folder or file", "files", "bytes"), folders), soft_wrap=False)


def _lines(summary: ReleaseSummary) -> Iterator[str]:
    yield f"digest: {summary.digest}"
    yield f"content: {summary.content}"
    if summary.parent:
        yield f"parent: {summary.parent.name} {summary.parent.version}, digest {summary.parent.digest}"
    if summary.packed_from:
        yield f"packed from: the texts of the release with digest {summary.packed_from}"
    yield f"manifest: schema {summary.schema_version}, by corpusmill {summary.written_by}"
    yield f"tokenizer: {summary.vocabulary_size:,} ids, sha256 {summary.tokenizer_sha256}"
    yield f"sequences of: {', '.join(f'{length:,}' for length in summary.sequence_tokens)} tokens"
    amounts = f"{size(summary.num_bytes)} of text, {summary.tokens:,} tokens"
    yield f"holds: {counted(summary.documents, 'document')}, {amounts}; {summary.held_out:,} held out"
    if summary.selection:
        yield f"selection: {summary.selection.where}; {counted(summary.selection.documents, 'document')} left out"
    if summary.opt_outs:
        one = summary.opt_outs
        yield f"opt-outs: {counted(one.requests, 'request')} as of {one.as_of or 'none'}, {one.suppressed:,} suppressed"
    if summary.removals.requests:
        gone = summary.removals
        what = f"{counted(gone.documents, 'document')}, {gone.tokens:,} tokens, {gone.held_out:,} held out"
        yield f"removed since: {what}, by {counted(gone.requests, 'request')}"


def _value_rows(values: dict[str, Amounts]) -> Iterator[tuple[str, ...]]:
    shown = list(values.items())
    for value, one in shown[:_SHOWN_VALUES]:
        yield value or "(none)", f"{one.documents:,}", size(one.num_bytes), f"{one.tokens:,}"
    rest = [one for _, one in shown[_SHOWN_VALUES:]]
    if rest:
        sums = (sum(getattr(one, name) for one in rest) for name in ("documents", "num_bytes", "tokens"))
        documents, num_bytes, tokens = sums
        yield f"({len(rest):,} others)", f"{documents:,}", size(num_bytes), f"{tokens:,}"


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"

"""What `corpusmill release diff` prints for people."""

from collections.abc import Iterator, Sequence

import msgspec
from rich.console import Console

from manifests.printable import printable_json
from pipeline.aligned import aligned
from pipeline.inspect_run import counted, plain_console, safe, size
from pipeline.release_changes import Documents, ReleaseDiff, SourceChange, TokenChange, ValueChange

_SHOWN = 15
_VALUE_CHARACTERS = 60


def print_diff(diff: ReleaseDiff) -> None:
    """The whole difference: version, documents, tokens, sources, recipe, software, ledgers."""
    console = plain_console()
    for line in (*_heading(diff), *bump_lines(diff)):
        console.print(safe(line, 700))
    if diff.same_content:
        return
    _print_documents(console, diff)
    for name, changes in diff.tokens.items():
        _print_table(console, (name, "tokens before", "now", "difference"), _token_rows(changes))
    _print_table(console, ("source", "", "shards new", "gone", "changed"), _source_rows(diff.sources), words=2)
    fields = [_named(change, source) for source in diff.sources for change in source.fields]
    for name, values in (
        ("of sources", fields),
        ("recipe", diff.recipe),
        ("tokenizer", diff.tokenizer),
        ("software", diff.software),
        ("files", diff.folders),
    ):
        changed = [(one.key, shown(one.old), shown(one.new)) for one in values]
        _print_table(console, (name, "before", "now"), changed, words=3)
    if not diff.documents.removed_reasons:
        rejected = [(one.step, one.reason, f"{one.old:,}", f"{one.new:,}") for one in diff.ledgers]
        _print_table(console, ("pass", "rejected for", "before", "now"), rejected, words=2)


def bump_lines(diff: ReleaseDiff) -> Iterator[str]:
    """The version that the changes ask for, and a warning where the later release has another."""
    bump = diff.bump
    because = "; ".join(bump.because)
    if bump.suggested == "none":
        yield f"version: the same content as {diff.old.version}"
    else:
        yield f"version: {bump.suggested} change, so {bump.version} or later: {because}"
    if not bump.follows:
        rise = "is the version of both" if bump.raised == "none" else f"raises but the {bump.raised} number"
        rise = f"is not later than {diff.old.version}" if bump.raised is None else rise
        yield f"warning: {diff.new.version} {rise}; expected {bump.version} or later"


def shown(value: object) -> str:
    """A value of a recipe or a manifest in one short line; what is not there is a dash."""
    if value is None or value == "":
        return "-"
    text = value if isinstance(value, str) else printable_json(msgspec.json.encode(value)).decode()
    return safe(text, _VALUE_CHARACTERS)


def difference(number: int) -> str:
    """With its sign: "+1,234", "-5", "0"."""
    return f"{number:+,}" if number else "0"


def _heading(diff: ReleaseDiff) -> Iterator[str]:
    old, new = diff.old, diff.new
    how = ", its parent" if diff.parent else ""
    yield f"{new.name} {new.version} against {old.name} {old.version}{how}"
    for name, was, now in (
        ("documents", old.documents, new.documents),
        ("tokens", old.tokens, new.tokens),
        ("held out", old.held_out, new.held_out),
    ):
        yield f"{name}: {was:,} -> {now:,} ({difference(now - was)})"


def _print_documents(console: Console, diff: ReleaseDiff) -> None:
    found = diff.documents
    console.print(
        f"same: {counted(found.unchanged, 'document')}, {found.in_equal_files:,} of them in files that are the same"
    )
    head = ("documents", "number", "bytes", "tokens", "held out")
    rows = [(what, *_amounts(one)) for what, one in (("added", found.added), ("removed", found.removed))]
    _print_table(console, head, rows)
    if found.handed_over.tokens:
        to = counted(found.handed_over.documents, "document")
        console.print(f"{found.handed_over.tokens:,} tokens more of removed ones were handed over to {to} that stay")
    for what, sums in (("added", found.added_by), ("removed", found.removed_by)):
        for name, values in sums.items():
            if set(values) != {""}:
                value_rows = [(value or "(none)", *_amounts(one)) for value, one in values.items()]
                _print_table(console, (f"{what}, by {name}", *head[1:]), value_rows)
    reasons = [(one.stage, one.reason, f"{one.documents:,}", size(one.num_bytes)) for one in found.removed_reasons]
    if reasons and found.removed_unexplained:
        reasons.append(("-", "not told", f"{found.removed_unexplained:,}", "-"))
    _print_table(console, ("removed by", "for", "number", "bytes"), reasons, words=2)
    if found.changed:
        fields = [(name, f"{number:,}") for name, number in found.changed_fields.items()]
        _print_table(console, (f"changed: {counted(found.changed, 'document')}", "number"), fields)
    moved = [
        (name, one.old or "-", one.new or "-", f"{one.documents:,}")
        for name, changes in found.changed_values.items()
        for one in changes
    ]
    _print_table(console, ("changed", "from", "to", "number"), moved, words=3)


def _print_table(console: Console, head: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> None:
    """A table below an empty line, of the first rows; nothing where there are none."""
    if not rows:
        return
    console.print()
    console.print(aligned(head, rows[:_SHOWN], words=words), soft_wrap=False)
    if len(rows) > _SHOWN:
        console.print(f"and {len(rows) - _SHOWN:,} more; --json has all")


def _amounts(one: Documents) -> tuple[str, ...]:
    return f"{one.documents:,}", size(one.num_bytes), f"{one.tokens:,}", f"{one.held_out:,}"


def _token_rows(changes: list[TokenChange]) -> list[tuple[str, ...]]:
    return [(one.value or "(none)", f"{one.old:,}", f"{one.new:,}", difference(one.new - one.old)) for one in changes]


def _source_rows(changes: list[SourceChange]) -> list[tuple[str, ...]]:
    return [
        (one.name, one.what, f"{one.shards_added:,}", f"{one.shards_removed:,}", f"{one.shards_changed:,}")
        for one in changes
    ]


def _named(change: ValueChange, source: SourceChange) -> ValueChange:
    return msgspec.structs.replace(change, key=f"{source.name}.{change.key}")

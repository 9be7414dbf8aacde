"""An entry for the changelog of a dataset, in Markdown, from what differs between two of its releases."""

from collections.abc import Iterator, Mapping

from pipeline.diff_printing import difference, shown
from pipeline.inspect_run import counted
from pipeline.markdown import cell
from pipeline.release_changes import Documents, ReleaseDiff

_SHOWN = 5


def changelog_entry(diff: ReleaseDiff) -> str:
    """The entry, ready to be pasted below the heading of a changelog: `## 0.2.0` and what follows.

    That the version should be another is no matter of an entry; see `pipeline.diff_printing.bump_lines`.
    """
    sections = (
        ("Added", list(_added(diff))),
        ("Removed", list(_removed(diff))),
        ("Changed", list(_changed(diff))),
    )
    lines = [f"## {cell(diff.new.version)}", "", *_totals(diff)]
    for name, items in sections:
        if items:
            lines += ["", f"### {name}", "", *(f"- {item}" for item in items)]
    return "\n".join([*lines, ""])


def _totals(diff: ReleaseDiff) -> Iterator[str]:
    old, new = diff.old, diff.new
    documents = f"{counted(new.documents, 'document')} ({difference(new.documents - old.documents)})"
    tokens = f"{new.tokens:,} tokens ({difference(new.tokens - old.tokens)})"
    yield f"{documents}, {tokens}, against {cell(old.version)}."
    if diff.bump.suggested != "none":
        yield f"\nA {diff.bump.suggested} change: {'; '.join(map(cell, diff.bump.because))}."


def _added(diff: ReleaseDiff) -> Iterator[str]:
    for source in diff.sources:
        if source.what == "added":
            yield f"source {cell(source.name)}, {counted(source.shards_added, 'shard')}"
    for change in diff.folders:
        if change.old is None:
            yield f"{cell(change.key)}/"
    if diff.documents.added != Documents():
        yield f"{_amount(diff.documents.added)}{_largest(diff.documents.added_by)}"


def _removed(diff: ReleaseDiff) -> Iterator[str]:
    for source in diff.sources:
        if source.what == "removed":
            yield f"source {cell(source.name)}"
    for change in diff.folders:
        if change.new is None:
            yield f"{cell(change.key)}/"
    found = diff.documents
    if found.removed != Documents():
        yield f"{_amount(found.removed)}{_largest(found.removed_by)}"
    for reason in found.removed_reasons[:_SHOWN]:
        yield f"of these {reason.documents:,} for {cell(reason.reason)} ({cell(reason.stage)})"


def _changed(diff: ReleaseDiff) -> Iterator[str]:
    found = diff.documents
    if found.changed:
        fields = ", ".join(f"{name} of {number:,}" for name, number in found.changed_fields.items())
        yield f"{counted(found.changed, 'document')}: {fields}"
    for source in diff.sources:
        if source.what == "changed":
            shards = f"{source.shards_added:,} new, {source.shards_removed:,} gone, {source.shards_changed:,} changed"
            keys = "".join(f"; {cell(one.key)} {_from_to(one.old, one.new)}" for one in source.fields)
            yield f"source {cell(source.name)}: shards {shards}{keys}"
    if diff.tokenizer:
        yield "another tokenizer: token ids mean something else"
    for change in diff.folders:
        if change.old is not None and change.new is not None:
            yield f"{cell(change.key)}/: {_from_to(change.old, change.new)}"
    for change in diff.recipe:
        if not change.key.startswith("sources."):
            yield f"recipe: {cell(change.key)} {_from_to(change.old, change.new)}"
    if diff.software:
        names = [f"{cell(one.key)} {_from_to(one.old, one.new)}" for one in diff.software[:_SHOWN]]
        more = f" and {len(diff.software) - _SHOWN} more" if len(diff.software) > _SHOWN else ""
        yield f"software: {', '.join(names)}{more}"


def _from_to(old: object, new: object) -> str:
    return f"{cell(shown(old))} -> {cell(shown(new))}"


def _amount(one: Documents) -> str:
    held_out = f", {one.held_out:,} held out" if one.held_out else ""
    return f"{counted(one.documents, 'document')}, {one.tokens:,} tokens{held_out}"


def _largest(sums: Mapping[str, Mapping[str, Documents]]) -> str:
    """The sources and languages of most of them."""
    parts = []
    for name in ("source", "language"):
        values = [(value, one.documents) for value, one in sums.get(name, {}).items() if value and one.documents]
        if values:
            parts.append(", ".join(f"{cell(value)} {number:,}" for value, number in values[:_SHOWN]))
    return f": {'; '.join(parts)}" if parts else ""

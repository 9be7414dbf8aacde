"""Which part of a version the changes of a release ask for, and why: the rules of docs/releases.md.

major: whoever reads or trains on it must look first: other tokens, folders or forms of files that are gone. minor:
other contents: sources, policy, documents that were not there. patch: the same with less in it, or made again. none:
every file is the same.

Another schema of the manifest is major, too, and never seen here: a version of corpusmill reads one schema, so of two
releases of different ones either manifest is refused, with the schema that was expected and the one it has.
"""

from collections.abc import Iterator

from manifests.release import Manifest
from manifests.versions import PARTS, Part, raised, raised_part
from pipeline.inspect_run import counted
from pipeline.manifest_changes import ManifestChanges
from pipeline.release_changes import DocumentChanges, VersionBump

_SHOWN = 3


def version_bump(old: Manifest, new: Manifest, documents: DocumentChanges, changes: ManifestChanges) -> VersionBump:
    """The suggestion, and whether the later release's version follows it."""
    asked: list[tuple[Part, str]] = []
    if old.content != new.content:
        asked += _major(old, new, changes)
        asked += _minor(documents, changes)
        asked += _patch(documents)
        asked = asked or [("patch", "files differ, though documents and recipe do not")]
    suggested: Part = min((part for part, _ in asked), key=PARTS.index, default="none")
    because = [why for part, why in asked if part == suggested] or ["every file is the same"]
    found = raised_part(old.version, new.version)
    return VersionBump(
        suggested=suggested,
        version=raised(old.version, suggested),
        because=because,
        raised=found,
        follows=found is not None and PARTS.index(found) <= PARTS.index(suggested),
    )


def _major(old: Manifest, new: Manifest, changes: ManifestChanges) -> Iterator[tuple[Part, str]]:
    if old.tokenizer != new.tokenizer:
        yield "major", "another tokenizer"
    for change in changes.folders:
        if change.old is not None:
            yield "major", f"{change.key}/: {change.old} -> {change.new or 'gone'}"


def _minor(documents: DocumentChanges, changes: ManifestChanges) -> Iterator[tuple[Part, str]]:
    for change in changes.folders:
        if change.old is None:
            yield "minor", f"{change.key}/ is new"
    if changes.sources:
        yield "minor", f"sources: {_some([f'{one.name} {one.what}' for one in changes.sources])}"
    policy = [change.key for change in changes.recipe if not change.key.startswith("sources.")]
    if policy:
        yield "minor", f"recipe: {_some(policy)}"
    added = documents.added.documents + documents.added.held_out
    if added:
        yield "minor", f"{counted(added, 'document')} added"


def _patch(documents: DocumentChanges) -> Iterator[tuple[Part, str]]:
    removed = documents.removed.documents + documents.removed.held_out
    if removed:
        yield "patch", f"{counted(removed, 'document')} removed"
    if documents.changed:
        yield "patch", f"{counted(documents.changed, 'document')} changed"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"

"""Releases as lists and summaries: which lie in a folder, and what one holds. `corpusmill release list` and `show`.

Only manifests are read, so what is told is what they say; `verify` tells whether that is so. Cost: one listing of the
folder, and for each release its manifest.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from manifests.errors import IntegrityError, RecipeError
from manifests.release import MANIFEST, Manifest, ReleaseFile
from manifests.release_lineage import ReleaseOptOuts, ReleaseParent, ReleaseRemovals, ReleaseSelection
from manifests.storage import Storage
from manifests.versions import order_of
from manifests.withdrawal import Withdrawal
from pipeline.release_folders import SHARD_FILE

State = Literal["whole", "withdrawn", "unfinished", "unreadable"]
_FOLDER = re.compile(r"(?P<name>.+?)-(?P<version>\d+\.\d+\.\d+)")


class ListedRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release of a folder.

    Attributes:
        folder: its own, within the folder that was listed.
        documents: packed ones; None where there is no manifest that can be read, as all below.
        parent: name and version; empty for none.
        note: what else there is to say, such as why it was withdrawn; from elsewhere, so it must be made printable.
    """

    folder: str
    name: str
    version: str
    state: State
    documents: int | None = None
    tokens: int | None = None
    parent: str = ""
    note: str = ""


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """Documents, bytes of their texts and tokens."""

    documents: int
    num_bytes: int
    tokens: int


class SourceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A source: what the manifest says of it, its shards in numbers, and what of it is in the release."""

    name: str
    format: str
    kind: str
    declared_licence: str
    snapshot: str | None
    url: str | None
    origin: str | None
    shards: int
    shard_bytes: int
    documents: int
    tokens: int


class ReleaseSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What `release show --json` prints. Fields of the manifest's names mean what they mean there.

    Attributes:
        by: for kind, subset, language and licence each value with its documents, bytes and tokens, most tokens first.
        folders: files and bytes by the first part of their path.
    """

    name: str
    version: str
    schema_version: int
    state: State
    digest: str
    content: str
    withdrawn: Withdrawal | None
    parent: ReleaseParent | None
    packed_from: str | None
    packed_as: str | None
    software: dict[str, str]
    written_by: str
    documents: int
    num_bytes: int
    tokens: int
    held_out: int
    by: dict[str, dict[str, Amounts]]
    sources: list[SourceSummary]
    tokenizer_sha256: str
    vocabulary_size: int
    sequence_tokens: list[int]
    opt_outs: ReleaseOptOuts | None
    removals: ReleaseRemovals
    selection: ReleaseSelection | None
    folders: dict[str, dict[str, int]]


def open_release(folder: str) -> tuple[Storage, Manifest]:
    """A release and its manifest.

    Raises:
        RecipeError: there is none.
        IntegrityError: its manifest is damaged.
    """
    release = Storage(folder)
    if not release.exists(MANIFEST):
        raise RecipeError(
            f"{folder}: not a release; expected {MANIFEST}, found none",
            hint="give the release's own folder, as in releases/demo-0.1.0",
        )
    return release, Manifest.read(release)


def listed_releases(folder: str) -> list[ListedRelease]:
    """The releases of a folder, by name and version.

    Raises:
        RecipeError: no such folder, or it is a release itself.
    """
    storage = Storage(folder)
    if storage.folder is not None and not storage.folder.is_dir():
        raise RecipeError(f"{folder}: no such folder", hint="give the recipe's release.path, as in releases")
    names = storage.list("")
    if MANIFEST in names:
        raise RecipeError(
            f"{folder}: is a release; expected the folder in which releases lie",
            hint=f"`corpusmill release show {folder}` shows it",
        )
    found = [_listed(storage, own, part) for own, part in _begun(names)]
    return sorted(found, key=lambda one: (one.name, order_of(one.version), one.folder))


def _begun(names: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Folders with a manifest, or with shards of a release; and whether they have a manifest."""
    folders: dict[str, bool] = {}
    for path in names:
        own, _, name = path.partition("/")
        if name == MANIFEST or SHARD_FILE.fullmatch(name):
            folders[own] = folders.get(own, False) or name == MANIFEST
    yield from folders.items()


def _listed(storage: Storage, own: str, has_manifest: bool) -> ListedRelease:
    parts = _FOLDER.match(own)
    name, version = (parts["name"], parts["version"]) if parts else (own, "")
    if not has_manifest:
        return ListedRelease(folder=own, name=name, version=version, state="unfinished")
    release = Storage(f"{storage.root}/{own}")
    try:
        manifest = Manifest.read(release)
        withdrawn = Withdrawal.read(release, manifest.digest)
    except IntegrityError as error:
        return ListedRelease(folder=own, name=name, version=version, state="unreadable", note=error.message)
    notes = [str(withdrawn)] if withdrawn else []
    if manifest.packed_from:
        notes.append(f"a second packed set of {manifest.packed_from[:12]}")
    return ListedRelease(
        folder=own,
        name=manifest.name,
        version=manifest.version,
        state="withdrawn" if withdrawn else "whole",
        documents=sum(row.documents for row in manifest.documents),
        tokens=sum(row.tokens for row in manifest.documents),
        parent=f"{manifest.parent.name} {manifest.parent.version}" if manifest.parent else "",
        note="; ".join(notes),
    )


def release_summary(folder: str) -> ReleaseSummary:
    """What the manifest of a release says, in short."""
    release, manifest = open_release(folder)
    withdrawn = Withdrawal.read(release, manifest.digest)
    rows = manifest.documents
    same = {
        name: getattr(manifest, name)
        for name in ("name", "version", "schema_version", "digest", "content", "parent", "packed_from", "packed_as")
    } | {
        name: getattr(manifest, name)
        for name in ("software", "written_by", "held_out", "opt_outs", "removals", "selection")
    }
    return ReleaseSummary(
        **same,
        state="withdrawn" if withdrawn else "whole",
        withdrawn=withdrawn,
        documents=sum(row.documents for row in rows),
        num_bytes=sum(row.num_bytes for row in rows),
        tokens=sum(row.tokens for row in rows),
        by={name: _amounts_by(manifest, name) for name in ("kind", "subset", "language", "licence")},
        sources=list(_sources(manifest)),
        tokenizer_sha256=manifest.tokenizer.sha256,
        vocabulary_size=manifest.tokenizer.vocabulary_size,
        sequence_tokens=[length.sequence_tokens for length in manifest.packing.lengths],
        folders=_folders(manifest.files),
    )


def _amounts_by(manifest: Manifest, name: str) -> dict[str, Amounts]:
    return {
        values[0]: Amounts(documents=tally.documents, num_bytes=tally.num_bytes, tokens=tokens)
        for values, tally, tokens in manifest.sums_by(name)
    }


def _sources(manifest: Manifest) -> Iterator[SourceSummary]:
    held = _amounts_by(manifest, "source")
    for source in manifest.sources:
        said: dict[str, Any] = msgspec.structs.asdict(source)
        shards = said.pop("shards")
        own = held.get(source.name, Amounts(documents=0, num_bytes=0, tokens=0))
        yield SourceSummary(
            **said,
            shards=len(shards),
            shard_bytes=sum(shard.num_bytes for shard in shards),
            documents=own.documents,
            tokens=own.tokens,
        )


def _folders(files: Iterable[ReleaseFile]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for file in files:
        sums = found.setdefault(file.path.partition("/")[0], {"files": 0, "num_bytes": 0})
        sums["files"] += 1
        sums["num_bytes"] += file.num_bytes
    return found

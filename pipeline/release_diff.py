"""How a release differs from an earlier one: `corpusmill release diff`.

Documents are compared by `documents/`, all else by the two manifests. A file of documents that both releases have is
not read: an id stands once in a release, which `verify` proves, so none of its documents can be elsewhere in either.
So of a release out of which something was taken, only the shards concerned are read.
"""

from collections.abc import Iterable, Iterator

import msgspec
import pyarrow as pa

from manifests.errors import IntegrityError, RecipeError
from manifests.release import Manifest, ReleaseFile
from manifests.storage import Storage
from pipeline.diff_reasons import removed_reasons
from pipeline.earlier import MAXIMUM_ROW_GROUP_BYTES
from pipeline.manifest_changes import manifest_changes
from pipeline.release_changes import DiffedRelease, DocumentChanges, Documents, FromTo, HandedOver, ReleaseDiff
from pipeline.release_listing import open_release
from pipeline.version_bump import version_bump
from stages.document_changes import AMOUNTS, CLASS, COLUMNS, Changed, DocumentTables
from stages.parquet_headers import MalformedPagesError
from stages.parquet_pages import WatchedParquet
from stages.released_documents import RELEASED_DOCUMENTS

_FOLDER = "documents/"
_BY = ("kind", "source", "subset", "language", "licence")
_COMPARED = pa.schema([RELEASED_DOCUMENTS.field(name) for name in COLUMNS])


def release_diff(old_folder: str, new_folder: str, *, work: str | None = None) -> ReleaseDiff:
    """Compare two releases.

    Args:
        work: the work folder of the later release's run, whose decisions say why documents are gone.

    Raises:
        RecipeError: one of them is no release, or has no documents/.
        IntegrityError: a manifest or a file of documents is damaged.
    """
    (before, old), (after, new) = open_release(old_folder), open_release(new_folder)
    documents = _document_changes((before, old), (after, new), work)
    changes = manifest_changes(old, new)
    return ReleaseDiff(
        old=_diffed(old),
        new=_diffed(new),
        same_content=old.content == new.content,
        parent=new.parent is not None and new.parent.digest == old.digest,
        bump=version_bump(old, new, documents, changes),
        documents=documents,
        **changes._asdict(),
    )


def _diffed(manifest: Manifest) -> DiffedRelease:
    rows = manifest.documents
    return DiffedRelease(
        name=manifest.name,
        version=manifest.version,
        digest=manifest.digest,
        documents=sum(row.documents for row in rows),
        num_bytes=sum(row.num_bytes for row in rows),
        tokens=sum(row.tokens for row in rows),
        held_out=manifest.held_out,
    )


def _document_changes(
    old: tuple[Storage, Manifest], new: tuple[Storage, Manifest], work: str | None
) -> DocumentChanges:
    files = [_documents_of(*one) for one in (old, new)]
    equal = {file.sha256 for file in files[0]} & {file.sha256 for file in files[1]}
    skipped = sum(file.rows or 0 for file in files[1] if file.sha256 in equal)
    comparable = old[1].tokenizer == new[1].tokenizer and old[1].recipe.get("rendering") == new[1].recipe.get(
        "rendering"
    )
    compared = AMOUNTS if comparable else [name for name in AMOUNTS if name != "tokens"]
    with DocumentTables() as tables:
        tables.add_old(_read(old[0], (file for file in files[0] if file.sha256 not in equal)))
        tables.add_new(_read(new[0], (file for file in files[1] if file.sha256 not in equal)))
        found = list(tables.changes(compared))
        changes, handed_over = _handed_over(found) if _is_removal(old[1], new[1]) else (found, HandedOver())
        removed = _sum(change for change in changes if change.new is None)
        reasons = removed_reasons(old[1], new, tables, work) if removed != Documents() else []
    explained = sum(reason.documents for reason in reasons)
    kept = [change for change in changes if change.old is not None and change.new is not None]
    changed = [change for change in kept if change.differs]
    fields = [*CLASS, *AMOUNTS]
    counted = {name: sum(change.documents for change in changed if name in change.differs) for name in fields}
    return DocumentChanges(
        added=_sum(change for change in changes if change.old is None),
        removed=msgspec.structs.replace(removed, tokens=removed.tokens - handed_over.tokens),
        handed_over=handed_over,
        changed=sum(change.documents for change in changed),
        unchanged=sum(change.documents for change in kept if not change.differs) + skipped,
        in_equal_files=skipped,
        added_by=_sums_by([change for change in changes if change.old is None]),
        removed_by=_sums_by([change for change in changes if change.new is None]),
        changed_fields={name: number for name, number in counted.items() if number},
        changed_values={name: _from_to(changed, name) for name in CLASS if counted[name]},
        removed_reasons=reasons,
        removed_unexplained=max(0, removed.documents + removed.held_out - explained),
        tokens_compared=comparable,
    )


def _is_removal(old: Manifest, new: Manifest) -> bool:
    """Whether one release is the other without what was taken out, in one step or several: those keep their label."""
    return new.parent is not None and new.label == old.label and new.removals.documents > old.removals.documents


def _handed_over(changes: Iterable[Changed]) -> tuple[list[Changed], HandedOver]:
    """Changes of which none is one of tokens alone: such documents are as they were; and what these got."""
    kept: list[Changed] = []
    documents = tokens = 0
    for change in changes:
        if change.differs == ("tokens",):
            documents += change.documents
            tokens += change.new_sums["tokens"] - change.old_sums["tokens"]
            kept.append(change._replace(differs=()))
        else:
            kept.append(change)
    return kept, HandedOver(documents=documents, tokens=tokens)


def _documents_of(release: Storage, manifest: Manifest) -> list[ReleaseFile]:
    """The files of documents."""
    files = [file for file in manifest.files if file.path.startswith(_FOLDER)]
    if not files:
        raise RecipeError(
            f"{release.root}: expected a release with {_FOLDER}, found one without",
            hint="name the release itself, not a second packed set of it",
        )
    return files


def _read(release: Storage, files: Iterable[ReleaseFile]) -> Iterator[pa.Table]:
    """Their rows, row group by row group."""
    for file in files:
        try:
            with release.open(file.path) as opened:
                found = WatchedParquet(opened, maximum_bytes=MAXIMUM_ROW_GROUP_BYTES)
                for group in range(found.num_row_groups):
                    yield found.read_row_group(group, columns=list(COLUMNS)).select(COLUMNS).cast(_COMPARED)
        except (OSError, pa.ArrowException, KeyError, MalformedPagesError) as error:
            what = str(error).partition("\n")[0]
            raise IntegrityError(
                f"{release.path(file.path)}: cannot be read: {what}",
                hint=f"`corpusmill verify {release.root}` says what is wrong with that release",
            ) from error


def _sum(changes: Iterable[Changed]) -> Documents:
    """Documents that came or went, packed ones and held-out ones apart."""
    sums = dict.fromkeys(Documents.__struct_fields__, 0)
    for change in changes:
        one, amounts = (change.new, change.new_sums) if change.old is None else (change.old, change.old_sums)
        if one is not None and one["held_out"] == "True":
            sums["held_out"] += change.documents
        else:
            sums["documents"] += change.documents
            sums["num_bytes"] += amounts["num_bytes"]
            sums["tokens"] += amounts["tokens"]
    return Documents(**sums)


def _sums_by(changes: list[Changed]) -> dict[str, dict[str, Documents]]:
    """By each of _BY, then by value; the most documents first."""
    found: dict[str, dict[str, Documents]] = {}
    for name in _BY:
        groups: dict[str, list[Changed]] = {}
        for change in changes:
            groups.setdefault((change.old or change.new or {})[name], []).append(change)
        sums = {value: _sum(group) for value, group in groups.items()}
        found[name] = dict(sorted(sums.items(), key=lambda item: (-item[1].documents, -item[1].held_out, item[0])))
    return found if changes else {}


def _from_to(changes: list[Changed], name: str) -> list[FromTo]:
    """From which value to which; the most documents first."""
    sums: dict[tuple[str, str], int] = {}
    for change in changes:
        if name in change.differs and change.old is not None and change.new is not None:
            key = change.old[name], change.new[name]
            sums[key] = sums.get(key, 0) + change.documents
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return [FromTo(old=old, new=new, documents=number) for (old, new), number in ordered]

"""Why documents of an earlier release are not in a later one, as far as that one or its work folder says."""

from collections import Counter
from collections.abc import Iterator

import msgspec
import pyarrow as pa

from manifests.errors import IntegrityError, RecipeError
from manifests.release import Manifest
from manifests.storage import Storage
from manifests.versions import order_of
from pipeline.passes import steps_of
from pipeline.release_changes import Reason
from pipeline.runner import reopen_mill
from pipeline.tables import tables
from pipeline.units import Mill
from stages.document_changes import DocumentTables

TOMBSTONES = "removals/tombstones.jsonl"


class _Tombstone(msgspec.Struct):
    """What is read of a line of tombstones."""

    version: str
    by: str
    reason: str
    documents: int
    exact_copies: int
    near_copies: int
    held_out: int
    num_bytes: int


def removed_reasons(
    old: Manifest, new: tuple[Storage, Manifest], documents: DocumentTables, work: str | None
) -> list[Reason]:
    """Reasons, the most documents first; by tombstones where there are some, else by decisions.

    Args:
        new: the later release.
        documents: of both.
        work: the work folder of the later release's run; None where it is not known.
    """
    release, manifest = new
    own = manifest.name == old.name and any(file.path == TOMBSTONES for file in manifest.files)
    if own and work is None:
        found = _by_tombstones(release, old.version)
    elif work is not None:
        found = _by_decisions(work, manifest, documents)
    else:
        return []
    return sorted(found, key=lambda one: (-one.documents, one.stage, one.reason))


def _by_tombstones(release: Storage, since: str) -> list[Reason]:
    """What tombstones of versions later than that say."""
    try:
        lines = msgspec.json.Decoder(_Tombstone).decode_lines(release.read(TOMBSTONES))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(
            f"{release.path(TOMBSTONES)}: expected a tombstone in each line: {error}", hint="restore it from a copy"
        ) from error
    sums: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for line in lines:
        if order_of(line.version) > order_of(since):
            sums[line.by, line.reason] += line.documents + line.exact_copies + line.near_copies + line.held_out
            sizes[line.by, line.reason] += line.num_bytes
    return [
        Reason(told_by="tombstones", stage=key[0], reason=key[1], documents=number, num_bytes=sizes[key])
        for key, number in sums.items()
    ]


def _by_decisions(work: str, manifest: Manifest, documents: DocumentTables) -> list[Reason]:
    mill = reopen_mill(work)
    if (mill.recipe.name, mill.recipe.version) != (manifest.name, manifest.version):
        raise RecipeError(
            f"--work {work}: expected the run of {manifest.name} {manifest.version}, found that of "
            f"{mill.recipe.name} {mill.recipe.version}",
            hint="give the work folder of the later release",
        )
    return [
        Reason(told_by="decisions", stage=stage, reason=reason, documents=number, num_bytes=num_bytes)
        for stage, reason, number, num_bytes in documents.reasons(_decisions(mill))
    ]


def _decisions(mill: Mill) -> Iterator[pa.Table]:
    """All decisions of a run, pass by pass."""
    for step in steps_of(mill.recipe):
        yield from tables(mill, step.name, "decisions", columns=["id", "stage", "reason"])

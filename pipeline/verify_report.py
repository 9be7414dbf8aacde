"""What `verify` says of a release in which everything holds."""

from collections.abc import Iterator
from dataclasses import dataclass

from manifests.release import Manifest
from manifests.withdrawal import Withdrawal
from pipeline.inspect_run import counted, safe
from pipeline.verify_licences import LicenceCheck


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at and found true.

    Attributes:
        same_version: whether this version of corpusmill made the release; only then its generated documents are made
            again.
        withdrawn: its publisher's word that it should not be used; None where there is none.
        checked: what was held against what, beside files, rows and accounts: a line each.
    """

    folder: str
    files: int
    num_bytes: int
    shards: int
    sequences: int
    tokens: int
    documents: int
    same_version: bool
    withdrawn: Withdrawal | None = None
    checked: tuple[str, ...] = ()

    def __str__(self) -> str:
        shards = "1 shard" if self.shards == 1 else f"{self.shards:,} shards"
        pages = "" if self.same_version else "; another version wrote card and summary: they are held to their sha256"
        first = (
            f"{self.folder} is what its manifest says: {self.files} files, {self.num_bytes / 1e6:,.1f} MB; "
            f"{shards} of {self.sequences:,} sequences; "
            f"{self.tokens:,} tokens of {self.documents:,} documents{pages}"
        )
        lines = [first, *(f"  {line}" for line in self.checked)]
        if self.withdrawn:
            lines.append(f"WITHDRAWN: do not use it: {self.withdrawn}")
        return "\n".join(safe(line, 700) for line in lines)


def checked_lines(manifest: Manifest, *, digest: str | None, sampled: int, opted_out: str | None) -> Iterator[str]:
    """What was held against what.

    Args:
        digest: that the publisher gave; None for none.
        sampled: documents that were put together from their tokens.
        opted_out: what was looked for of a registry; None without one.
    """
    if digest is None:
        yield f"digest {manifest.digest}: compare it with the publisher's, or give that as --digest"
    else:
        yield f"digest {manifest.digest}: the one that was given"
    if manifest.packed_from is None:
        names = counted(len({row.licence for row in manifest.documents}), "licence")
        possible = LicenceCheck(manifest).is_possible
        held = "all as the recipe allows" if possible else "other versions decided them, so they were not judged"
        yield f"{names}: {held}"
    if sampled:
        yield f"{counted(sampled, 'document')} put together from their tokens: each is its text"
    if opted_out:
        yield opted_out

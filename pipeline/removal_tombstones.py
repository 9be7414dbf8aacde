"""`removals/`: what was taken out of a release since its run, on which grounds, and the proof that nothing is left.

A tombstone says by what kind of request, why and when, and how much went; never what: no value, no ticket, no id.
"""

from collections.abc import Iterable, Mapping
from typing import Self

import msgspec

from manifests.errors import IntegrityError
from manifests.opt_outs import KINDS, Request
from manifests.printable import printable_json
from manifests.release_lineage import ReleaseRemovals
from manifests.storage import Storage
from pipeline.removal_search import Match, Search
from stages.suppression_files import NearSettings

FOLDER = "removals"
RESIDUAL = ("named", "exact_copy", "near_copy", "in_files")
TOMBSTONES, PROOF = f"{FOLDER}/tombstones.jsonl", f"{FOLDER}/proof.json"
SUPPRESSED = "suppressed"
"""`by` of what no request names, here: what was taken out before, by its ticket or another's, and what is like it."""
EARLIER = "taken out of an earlier release"


class Tombstone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of `removals/tombstones.jsonl`: what one request, or the suppression list, took out of one version.

    Attributes:
        version: the one that lacks it first.
        date: of the request; empty for the suppression list, whose rows do not say of which request they are.
        by: its kind; `SUPPRESSED` for the suppression list.
        reason: as the registry has it.
        documents: that it named, apart from held-out ones, as the next two.
        exact_copies: of the same content as those.
        near_copies: that are like those.
        rewrites: of the three together, those that were packed as a model rewrote them.
        held_out: documents of `held_out/`, however they were found.
        num_bytes: of text of the three together, with the tokens that went with them.
    """

    version: str
    date: str
    by: str
    reason: str
    documents: int
    exact_copies: int
    near_copies: int
    rewrites: int
    held_out: int
    num_bytes: int
    tokens: int


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`removals/proof.json`: a search of the release for all that must not be in it.

    Attributes:
        release: name and version.
        documents: of the release, held-out ones among them.
        active_requests: of the registry, all that counted and were searched for; those that took something out have a
            tombstone.
        suppressed: contents taken out before, here or elsewhere, that were searched for.
        near_copies: "remove" or "keep": whether they were searched for.
        near: what bands and values depend on; null where the release has none.
        minimum_agreement: signature values of 64 that must agree for a near copy.
        files_read: of the release, for this search, by folder.
        rows_searched: of the files of shards that were written anew, by folder: none is of a document that went.
        residual: documents that were found, by how; "in_files" counts those rows.
        work: whether what the run read and left out was searched for, too.
    """

    release: str
    documents: int
    active_requests: int
    suppressed: int
    near_copies: str
    near: NearSettings | None
    minimum_agreement: int
    files_read: dict[str, int]
    rows_searched: dict[str, int]
    residual: dict[str, int]
    work: bool = False

    def to_bytes(self) -> bytes:
        """What stands in the file."""
        return printable_json(msgspec.json.format(msgspec.json.encode(self), indent=1)) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse; raises msgspec's errors."""
        return msgspec.json.decode(data, type=cls)


def encoded(tombstones: Iterable[Tombstone]) -> bytes:
    """Lines of the file."""
    return b"".join(printable_json(msgspec.json.encode(one)) + b"\n" for one in tombstones)


def read_tombstones(release: Storage) -> list[Tombstone]:
    """Those of a release; none where it has no such file.

    Raises:
        IntegrityError: a line is none.
    """
    if not release.exists(TOMBSTONES):
        return []
    try:
        return msgspec.json.Decoder(Tombstone).decode_lines(release.read(TOMBSTONES))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(
            f"{release.path(TOMBSTONES)}: expected a tombstone in each line: {error}", hint="restore it from a copy"
        ) from error


def new_tombstones(search: Search, tokens: Mapping[str, int], version: str) -> list[Tombstone]:
    """One for each request that took something out, by dates and kinds; the suppression list's is the first.

    Args:
        tokens: by id, those that went with a document.
    """
    sums: dict[int, dict[str, int]] = {}
    for shard, rows in sorted(search.rows.items()):
        for row in rows.select(["doc_id", "num_bytes", "held_out", "rewrite"]).to_pylist():
            match = search.matches[shard][row["doc_id"]]
            own = sums.setdefault(match.request, dict.fromkeys(_NUMBERS, 0))
            _count(own, match, row, tokens)
    made = [_tombstone(search.requests[place] if place >= 0 else None, own, version) for place, own in sums.items()]
    return sorted(made, key=lambda one: (one.date, _KINDS.index(one.by), one.reason, msgspec.structs.astuple(one)))


def totals(tombstones: Iterable[Tombstone]) -> ReleaseRemovals:
    """What tombstones come to, as the manifest has it."""
    lines = list(tombstones)
    return ReleaseRemovals(
        documents=sum(one.documents + one.exact_copies + one.near_copies for one in lines),
        num_bytes=sum(one.num_bytes for one in lines),
        tokens=sum(one.tokens for one in lines),
        rewrites=sum(one.rewrites for one in lines),
        held_out=sum(one.held_out for one in lines),
        requests=len(lines),
    )


_KINDS = (SUPPRESSED, *KINDS)
_NUMBERS = ("documents", "exact_copies", "near_copies", "rewrites", "held_out", "num_bytes", "tokens")
_OF = {"named": "documents", "exact_copy": "exact_copies", "near_copy": "near_copies"}


def _count(sums: dict[str, int], match: Match, row: dict[str, object], tokens: Mapping[str, int]) -> None:
    if row["held_out"]:
        sums["held_out"] += 1
        return
    sums[_OF[match.how]] += 1
    sums["rewrites"] += row["rewrite"] != ""
    sums["num_bytes"] += int(str(row["num_bytes"]))
    sums["tokens"] += tokens[str(row["doc_id"])]


def _tombstone(request: Request | None, sums: Mapping[str, int], version: str) -> Tombstone:
    if request is None:
        return Tombstone(version=version, date="", by=SUPPRESSED, reason=EARLIER, **sums)
    return Tombstone(version=version, date=request.date, by=request.by, reason=request.reason, **sums)

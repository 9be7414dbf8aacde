"""What a release says of removals, held against its tombstones, its proof and its account of the opt-out registry.

Tombstones add up to the manifest's `removals`, are of versions between the parent's and this one, and have nothing but
what they may; the proof is about this release, by its settings and the rule of runs, and found nothing. Whether it was
searched for cannot be told: the requests stand in the registry, and not here.
"""

from collections.abc import Collection, Iterable

import msgspec
import numpy as np

from manifests.errors import IntegrityError
from manifests.opt_outs import KINDS
from manifests.release import MANIFEST, Manifest
from manifests.release_lineage import ReleaseOptOuts, ReleaseRemovals
from manifests.storage import Storage
from manifests.versions import order_of
from pipeline.findings import Findings
from pipeline.removal_asked import near_settings
from pipeline.removal_proof import searched_folders
from pipeline.removal_tombstones import (
    PROOF,
    RESIDUAL,
    SUPPRESSED,
    TOMBSTONES,
    Proof,
    Tombstone,
    read_tombstones,
    totals,
)
from pipeline.verify_rows import Bools, Int64s
from stages.suppression import MINIMUM_AGREEMENT
from stages.suppression_files import NearSettings


def removal_paths(manifest: Manifest) -> set[str]:
    """The files that it must list: tombstones where something was taken out, and a proof unless it was cut since."""
    if not manifest.removals.requests or manifest.packed_from is not None:
        return set()
    return {TOMBSTONES} if manifest.packed_as is None else {TOMBSTONES, PROOF}


def check_removals(release: Storage, manifest: Manifest, sound: Collection[str], findings: Findings) -> None:
    """Take down what is false.

    Args:
        sound: paths of the files whose bytes are those that the manifest lists.
    """
    removals = manifest.removals
    if min(msgspec.structs.astuple(removals)) < 0:
        findings.add(f"{MANIFEST}: removals: expected numbers of at least 0, got {removals}")
    if not removals.requests and removals != ReleaseRemovals():
        findings.add(f"{MANIFEST}: removals: expected nothing without a request, got {removals}")
    due = removal_paths(manifest)
    if TOMBSTONES in due & set(sound):
        try:
            _check_tombstones(manifest, read_tombstones(release), findings)
        except IntegrityError as error:
            findings.add(f"{TOMBSTONES}: {error.message.rpartition(': ')[2]}")
    if PROOF in due & set(sound):
        try:
            _check_proof(manifest, Proof.from_bytes(release.read(PROOF)), findings)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            findings.add(f"{PROOF}: expected a proof: {error}")


def _check_tombstones(manifest: Manifest, tombstones: list[Tombstone], findings: Findings) -> None:
    for number, one in enumerate(tombstones, 1):
        numbers = [value for value in msgspec.structs.astuple(one) if isinstance(value, int)]
        if min(numbers) < 0 or one.by not in (*KINDS, SUPPRESSED) or not one.reason.isprintable():
            findings.add(f"{TOMBSTONES}: line {number}: expected a kind of request, a reason and numbers from 0 on")
        if one.documents + one.exact_copies + one.near_copies + one.held_out < 1:
            findings.add(f"{TOMBSTONES}: line {number}: expected what it took out, got no document")
    found = totals(tombstones)
    if found != manifest.removals:
        findings.add(f"{MANIFEST}: removals: expected {found}, the sums of {TOMBSTONES}, got {manifest.removals}")
    if manifest.packed_as is not None:
        _check_versions(manifest, tombstones, findings)


def _check_versions(manifest: Manifest, tombstones: list[Tombstone], findings: Findings) -> None:
    """Whether some are of this version, and in it no more requests than the registry had; the others are earlier ones.

    What a selection was cut from has versions of its own, so there older tombstones are not held against any.
    """
    first, own = order_of(manifest.label.rpartition(" ")[2]), order_of(manifest.version)
    for number, one in enumerate(tombstones, 1):
        if manifest.selection is None and not first < order_of(one.version) <= own:
            expected = f"a version above that of {manifest.label!r} and up to {manifest.version}"
            findings.add(f"{TOMBSTONES}: line {number}: expected {expected}, got {one.version}")
    now = [one for one in tombstones if one.version == manifest.version]
    if not now:
        findings.add(f"{TOMBSTONES}: expected a line of version {manifest.version}, got none")
    if manifest.opt_outs is not None:
        _check_requests(manifest.opt_outs, now, findings)


def _check_requests(opt_outs: ReleaseOptOuts, now: Iterable[Tombstone], findings: Findings) -> None:
    """Whether the registry that the manifest tells of can have asked for what went."""
    remembered = [one for one in now if one.by == SUPPRESSED]
    requests = [one for one in now if one not in remembered]
    if len(requests) > opt_outs.requests:
        findings.add(f"{MANIFEST}: opt_outs: requests: expected at least {len(requests)}, got {opt_outs.requests}")
    latest = max((one.date for one in requests), default="")
    if latest > opt_outs.as_of:
        findings.add(f"{MANIFEST}: opt_outs: as_of: expected {latest} or later, got {opt_outs.as_of!r}")
    if remembered and opt_outs.suppressed < 1:
        findings.add(f"{MANIFEST}: opt_outs: suppressed: expected what {TOMBSTONES} has of it, got none")


def _check_proof(manifest: Manifest, proof: Proof, findings: Findings) -> None:
    opt_outs = manifest.opt_outs
    documents = sum(file.rows or 0 for file in manifest.files if file.path.startswith("documents/"))
    compared: list[tuple[str, object, object]] = [
        ("release", f"{manifest.name} {manifest.version}", proof.release),
        ("documents", documents, proof.documents),
        ("active_requests", opt_outs and opt_outs.requests, proof.active_requests),
        ("suppressed", opt_outs and opt_outs.suppressed, proof.suppressed),
        ("near_copies", opt_outs and opt_outs.near_copies, proof.near_copies),
        ("near", _near(manifest), proof.near),
        ("minimum_agreement", MINIMUM_AGREEMENT, proof.minimum_agreement),
        ("rows_searched: folders", sorted(searched_folders(manifest)), sorted(proof.rows_searched)),
        ("residual", dict.fromkeys(RESIDUAL, 0), proof.residual),
    ]
    for name, expected, got in compared:
        if expected != got:
            findings.add(f"{PROOF}: {name}: expected {expected}, got {got}")
    for folder, rows in proof.rows_searched.items():
        listed = sum(file.rows or 0 for file in manifest.files if file.path.startswith(f"{folder}/"))
        if not 0 <= rows <= listed:
            findings.add(f"{PROOF}: rows_searched: {folder}: expected up to {listed}, got {rows}")


def _near(manifest: Manifest) -> NearSettings | str | None:
    try:
        return near_settings(manifest)
    except msgspec.ValidationError:
        return "the settings of a recipe"


def cut_by_removals(manifest: Manifest, *, repositories: Bools, alone: Bools, closes: Bools, number: Int64s) -> Bools:
    """bool[packed documents]: which may be in several pieces although they fit in a sequence.

    A document that was cut because it was longer had whole sequences and a rest; files that were taken out of it made
    it shorter, and its pieces stay where they are. So each but the last one is alone in its row.

    Args:
        repositories: of each piece, in the order of the tokens of documents, whether its document is a repository's.
        alone: whether it is the only one of its row.
        closes: whether it is the last one of its document.
        number: of its document.
    """
    if not manifest.removals.documents:
        return np.zeros(int(closes.sum()), dtype=np.bool_)
    wrong = ~repositories | ~(alone | closes)
    allowed: Bools = np.bincount(number, weights=wrong) == 0
    return allowed

"""What a release says of removals, held against its tombstones, its proof and its account of the opt-out registry.

Tombstones add up to the manifest's `removals`, and have nothing but what they may; the proof is about this release and
found nothing. That it was searched for is not looked at: the requests stand in the registry, and not here.
"""

from collections.abc import Collection

import msgspec
import numpy as np

from manifests.errors import IntegrityError
from manifests.opt_outs import KINDS
from manifests.release import MANIFEST, Manifest
from manifests.release_lineage import ReleaseRemovals
from manifests.storage import Storage
from pipeline.findings import Findings
from pipeline.removal_tombstones import PROOF, SUPPRESSED, TOMBSTONES, Proof, Tombstone, read_tombstones, totals
from pipeline.verify_rows import Bools, Int64s


def removal_paths(manifest: Manifest) -> set[str]:
    """The files that it must list: tombstones where something was taken out, and a proof unless it was cut since."""
    if not manifest.removals.requests or manifest.packed_from is not None:
        return set()
    return {TOMBSTONES} if manifest.selection is not None else {TOMBSTONES, PROOF}


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
    found = totals(tombstones)
    if found != manifest.removals:
        findings.add(f"{MANIFEST}: removals: expected {found}, the sums of {TOMBSTONES}, got {manifest.removals}")


def _check_proof(manifest: Manifest, proof: Proof, findings: Findings) -> None:
    opt_outs = manifest.opt_outs
    documents = sum(file.rows or 0 for file in manifest.files if file.path.startswith("documents/"))
    compared: list[tuple[str, object, object]] = [
        ("release", f"{manifest.name} {manifest.version}", proof.release),
        ("documents", documents, proof.documents),
        ("requests", opt_outs and opt_outs.requests, proof.requests),
        ("suppressed", opt_outs and opt_outs.suppressed, proof.suppressed),
        ("near_copies", opt_outs and opt_outs.near_copies, proof.near_copies),
        ("residual", {"named": 0, "exact_copy": 0, "near_copy": 0}, proof.residual),
    ]
    for name, expected, got in compared:
        if expected != got:
            findings.add(f"{PROOF}: {name}: expected {expected}, got {got}")


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

"""What a registry asks of a release: its requests and what it remembers, ready to be searched for."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from manifests.opt_out_registry import Registry, Snapshot, State
from manifests.release import Manifest
from manifests.release_lineage import ReleaseOptOuts
from manifests.storage import Storage
from manifests.withdrawal import Withdrawal
from pipeline.removal_search import Wanted
from stages.suppression_files import NearSettings, Suppressed, read_suppressed


class Asked(NamedTuple):
    """The registry at one moment.

    Attributes:
        account: what a manifest says of it.
    """

    registry: Registry
    snapshot: Snapshot
    state: State
    wanted: Wanted
    account: ReleaseOptOuts


def asked_of(registry: Registry, manifest: Manifest, *, near_copies: str, snapshot: Snapshot | None = None) -> Asked:
    """Read a registry.

    Args:
        near_copies: "remove" or "keep"; empty: as the release has it.
        snapshot: the moment whose requests count; what is remembered is always that of now. None: now.

    Raises:
        RecipeError: there is no registry.
        IntegrityError: a line or a suppression file is damaged.
    """
    now = registry.snapshot()
    then = now if snapshot is None else msgspec.structs.replace(snapshot, suppressed=now.suppressed)
    state = registry.read(then)
    suppressed = read_suppressed(registry.storage, then.suppressed, withdrawn=state.withdrawn)
    chosen = near_copies or (manifest.opt_outs.near_copies if manifest.opt_outs else "remove")
    account = ReleaseOptOuts(
        requests=len(state.active),
        as_of=max((request.date for request in state.requests), default=""),
        suppressed=num_contents(suppressed),
        near_copies=chosen,
    )
    wanted = Wanted(state.active, suppressed, near_settings(manifest), chosen == "remove")
    return Asked(registry, then, state, wanted, account)


def told_before(release: Storage, manifest: Manifest, near_copies: str) -> Iterator[str]:
    """What whoever searches a release should know of it: that it is withdrawn, and that it keeps near copies.

    Args:
        near_copies: what was said of them; empty for nothing.

    Raises:
        IntegrityError: what withdraws it cannot be read, or withdraws another.
    """
    called = f"{manifest.name} {manifest.version}"
    withdrawn = Withdrawal.read(release, manifest.digest)
    if withdrawn is not None:
        yield f"{called} was {withdrawn}; what is asked for is looked for all the same"
    if not near_copies and manifest.opt_outs is not None and manifest.opt_outs.near_copies == "keep":
        yield f"near copies stay in, as {called} was made with keep; --near-copies remove takes them out, too"


def near_settings(manifest: Manifest) -> NearSettings | None:
    """What the bands and values of a release depend on; None where it compares no texts."""
    section = manifest.recipe.get("deduplication")
    near = section.get("near") if isinstance(section, dict) else None
    if not isinstance(near, dict):
        return None
    return msgspec.convert({name: near.get(name) for name in NearSettings.__struct_fields__}, NearSettings)


def num_contents(suppressed: list[Suppressed]) -> int:
    """Different contents that are remembered."""
    return len({pair for one in suppressed for pair in zip(*(half.tolist() for half in one.content), strict=True)})

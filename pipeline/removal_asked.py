"""What a registry asks of a release: its requests and what it remembers, ready to be searched for."""

from typing import NamedTuple

import msgspec

from manifests.opt_out_registry import Registry, Snapshot, State
from manifests.release import Manifest
from manifests.release_lineage import ReleaseOptOuts
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

"""Opt-outs in a run: the registry as it was when the run was planned, and which documents it keeps out.

The plan holds a snapshot of the registry. Every task reads the bytes of that moment and checks them, so requests that
come during a run change nothing of it, and all units judge by the same ones.

Memory: 0.66 kB for each suppressed document and some 200 bytes for each request, loaded once before workers fork.
"""

from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.errors import RecipeError
from manifests.opt_out_registry import Registry, Snapshot, State
from manifests.release_lineage import ReleaseOptOuts
from pipeline.recipe import Recipe
from pipeline.recipe_duplicates import NearDuplicates
from pipeline.suppression_measures import check_measures
from stages.opt_out_matching import COLUMNS, OptOuts
from stages.suppression import Sketches, SuppressionList
from stages.suppression_files import NearSettings, Suppressed, read_suppressed

I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

OPT_OUT = "opt_out"  # the stage
_KEEP = "give deduplication.near these values, or say opt_out.near_copies: keep"


class Heeded(NamedTuple):
    """A registry, ready to be held against documents.

    Attributes:
        requests: those that count.
        suppressed: sketches of what was taken out of earlier releases; None for nothing.
        near: whether near copies go, too.
        account: what the manifest says of it.
    """

    requests: OptOuts
    suppressed: SuppressionList | None
    near: bool
    account: ReleaseOptOuts

    def repositories(self, names: list[str]) -> Bools:
        """bool[n], which repositories are asked for as a whole, by their name or their owner's."""
        nothing = pa.nulls(len(names), pa.string())
        found = self.requests.match(dict.fromkeys(COLUMNS, nothing) | {"repository": pa.array(names, pa.string())})
        asked: Bools = found >= 0
        return asked


def planned_registry(recipe: Recipe) -> Snapshot | None:
    """The state of the recipe's registry now, checked; None where the recipe names none.

    Raises:
        RecipeError: there is no registry, or what it suppresses was measured by other settings.
        IntegrityError: a line or a suppression file is damaged.
    """
    if recipe.opt_out is None:
        return None
    try:
        snapshot = Registry(recipe.opt_out.registry, recipe.s3.access).snapshot()
    except RecipeError as error:
        raise RecipeError(f"opt_out.registry: {error.message}", hint=error.hint) from error
    heeded(recipe, snapshot)
    return snapshot


_loaded: dict[tuple[object, ...], Heeded] = {}


def heeded(recipe: Recipe, snapshot: Snapshot | None) -> Heeded | None:
    """What a run heeds; None where its recipe names no registry. Loaded once: forked processes find it there.

    Raises:
        RecipeError: there is no registry, or what it suppresses was measured by other settings.
        IntegrityError: the bytes are not those of the snapshot, or damaged.
    """
    if recipe.opt_out is None or snapshot is None:
        return None
    sections = (recipe.opt_out.model_dump_json(), recipe.deduplication.model_dump_json())
    place = (*sections, msgspec.json.encode(snapshot))
    if place not in _loaded:
        _loaded.clear()  # of several in one process, the last
        _loaded[place] = _load(recipe, snapshot)
    return _loaded[place]


def opt_out_settings(recipe: Recipe, snapshot: Snapshot | None) -> object:
    """What the judgement of a document depends on."""
    if recipe.opt_out is None or snapshot is None:
        return None
    return [recipe.opt_out.near_copies, snapshot.num_bytes, snapshot.sha256, snapshot.suppressed]


def released_opt_outs(recipe: Recipe, snapshot: Snapshot | None) -> ReleaseOptOuts | None:
    """What the manifest says of the registry; None where the recipe names none."""
    found = heeded(recipe, snapshot)
    return None if found is None else found.account


def _load(recipe: Recipe, snapshot: Snapshot) -> Heeded:
    assert recipe.opt_out is not None  # noqa: S101 - asked by the caller
    registry = Registry(recipe.opt_out.registry, recipe.s3.access)
    state = registry.read(snapshot)
    removed = read_suppressed(registry.storage, snapshot.suppressed, withdrawn=state.withdrawn)
    near = recipe.opt_out.near_copies == "remove"
    if near:
        check_measures(_measures(recipe.deduplication.near), removed, where="opt_out.registry", keep=_KEEP)
    suppressed = _list(removed)
    account = _account(state, suppressed, near_copies=recipe.opt_out.near_copies)
    return Heeded(OptOuts(state.active), suppressed, near, account)


def _measures(near: NearDuplicates | None) -> NearSettings | None:
    """What bands and values of a run depend on."""
    return None if near is None else NearSettings(*(getattr(near, name) for name in NearSettings.__struct_fields__))


def _list(removed: list[Suppressed]) -> SuppressionList | None:
    """All of one list; bands of other settings are those of nobody."""
    if not removed:
        return None
    starts = np.cumsum([0, *(len(some.content[0]) for some in removed)])
    high, low = (np.concatenate([some.content[half] for some in removed]) for half in (0, 1))
    rows = [some.band_rows + start for some, start in zip(removed, starts[:-1].tolist(), strict=True)]
    values = np.concatenate([some.values for some in removed])
    keys = np.concatenate([some.band_keys for some in removed])
    return SuppressionList(Sketches((high, low), values, keys, np.concatenate(rows)))


def _account(state: State, suppressed: SuppressionList | None, *, near_copies: str) -> ReleaseOptOuts:
    return ReleaseOptOuts(
        requests=len(state.active),
        as_of=max((request.date for request in state.requests), default=""),
        suppressed=0 if suppressed is None else suppressed.num_contents,
        near_copies=near_copies,
    )

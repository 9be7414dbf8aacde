"""Pass 5, overlay: which of the accepted rewrites stand.

Of equal and near-equal ones the first by id does, whatever language and slice they are of; then of each language as
many as its share allows (`stages.rewrite_twins`). What is ruled out goes to its slice: nothing is written anew.

Memory: 60 bytes and the band keys of every rewrite, which is 320 bytes with 32 bands, and for those that share a key
8 bytes a shingle. Cost: one reading of the band keys, and of the shingles where any key is shared.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from pipeline.pass_5_rewrite import SHINGLES, SKETCHED
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.rewriting_counts import summed
from pipeline.rewriting_settings import overlay_settings, rewrites, rewriting_of
from pipeline.steps import RECORDS, Read, Step, UnitContext
from stages.exchange import fixed_binary, lexsorted, sortable, table_of
from stages.rewrite_twins import ShingleSets, Twin, equal_twins, near_twins, over_share, shared_bands

_ID = pa.binary(ID_BYTES)
# One row for each accepted rewrite that does not stand after all.
RULINGS = pa.schema(
    [
        pa.field("id", _ID),
        pa.field("reason", pa.string()),
        pa.field("twin", _ID),
        pa.field("similarity", pa.float64()),
    ]
)
EQUAL, NEAR, OVER_SHARE = "equal_rewrite", "near_duplicate_rewrite", "over_share"
OF_TWINS = (EQUAL, NEAR)
"""What `rewriting.failed` decides about; of what is over the share the original always stays."""


class _Ruling(NamedTuple):
    """Why a rewrite does not stand; `twin` is the number of the one that does."""

    reason: str
    twin: int | None = None
    similarity: float | None = None


class _Accepted(NamedTuple):
    """All accepted rewrites in the order of their ids, and the slice of each."""

    table: pa.Table
    ids: npt.NDArray[np.void]
    slices: npt.NDArray[np.int64]

    @classmethod
    def read(cls, context: UnitContext) -> "_Accepted":
        """Those of all slices."""
        parts, slices = [SKETCHED.empty_table()], []
        for block in context.inputs["sketched"]:
            for part in context.parts([block]):
                parts.append(part)
                slices.append(np.full(part.num_rows, block.unit, dtype=np.int64))
        table = pa.concat_tables(parts)
        order = lexsorted(sortable(fixed_binary(table.column("id"), ID_BYTES)))
        table = table.take(pa.array(order)).combine_chunks()
        slice_of = np.concatenate([np.empty(0, dtype=np.int64), *slices])[order]
        return cls(table, fixed_binary(table.column("id"), ID_BYTES), slice_of)


def _overlay(context: UnitContext) -> None:
    accepted = _Accepted.read(context)
    timing, rulings = context.clock.timing, dict[int, _Ruling]()
    for twin in timing("equal", equal_twins)(fixed_binary(accepted.table.column("content_hash"), ID_BYTES)):
        rulings[twin.gone] = _Ruling(EQUAL, twin.stands, twin.similarity)
    for twin in timing("near", _near)(context, accepted, frozenset(rulings)):
        rulings[twin.gone] = _Ruling(NEAR, twin.stands, twin.similarity)
    for number in timing("share", _over_share)(context, accepted, frozenset(rulings)):
        rulings[number] = _Ruling(OVER_SHARE)
    gone = sorted(rulings)
    ids = accepted.ids
    rows = [
        (ids[number].tobytes(), one.reason, None if one.twin is None else ids[one.twin].tobytes(), one.similarity)
        for number, one in ((number, rulings[number]) for number in gone)
    ]
    with context.blocks("rulings", RULINGS, num_blocks=context.plan.num_slices) as out:
        out.write(table_of(rows, RULINGS), accepted.slices[gone])
    context.counts = {"overruled": _counts(accepted, rulings)}


def _near(context: UnitContext, accepted: _Accepted, gone: frozenset[int]) -> list[Twin]:
    lists = accepted.table.column("bands").combine_chunks()
    has_bands = pc.list_value_length(lists).to_numpy() > 0
    bands = np.zeros((len(lists), 0), dtype=np.uint64)
    if has_bands.any():
        keys = lists.flatten().to_numpy().reshape(int(has_bands.sum()), -1)
        bands = np.zeros((len(lists), keys.shape[1]), dtype=np.uint64)
        bands[has_bands] = keys
    has_bands[sorted(gone)] = False
    shared = shared_bands(bands, has_bands)
    if not shared:
        return []
    shingles = _shingles(context, accepted, np.unique([number for _, number in shared]))
    minimum = rewriting_of(context.recipe).near_duplicate_similarity
    return near_twins(shared, shingles, minimum_similarity=minimum, progress=lambda: context.progress(0))


def _shingles(context: UnitContext, accepted: _Accepted, numbers: npt.NDArray[np.int64]) -> ShingleSets:
    """The sets of some rewrites, given by number."""
    wanted = accepted.table.column("id").take(pa.array(numbers)).combine_chunks()
    parts = [SHINGLES.empty_table()]
    parts += [part.filter(pc.is_in(part.column("id"), value_set=wanted)) for part in context.segments("shingles")]
    table = pa.concat_tables(parts)
    table = table.take(pc.index_in(wanted, value_set=table.column("id").combine_chunks()))
    lists = table.column("shingles").combine_chunks()
    offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(lists).to_numpy())]).astype(np.int64)
    return ShingleSets(numbers, lists.flatten().to_numpy(), offsets)


def _over_share(context: UnitContext, accepted: _Accepted, gone: frozenset[int]) -> list[int]:
    """Numbers of the rewrites for which their languages have no room."""
    rewriting, table = rewriting_of(context.recipe), accepted.table
    bytes_of = _bytes_that_go_on(context)
    originals, sizes = (table.column(name).to_pylist() for name in ("original_bytes", "num_bytes"))
    places: dict[str, list[int]] = {}
    for number, language in enumerate(table.column("language").to_pylist()):
        if number not in gone:
            places.setdefault(language, []).append(number)
        elif rewriting.failed == "drop":  # twins: their originals go as well
            bytes_of[language] -= originals[number]
    order, without = table.column("order").to_numpy(), list[int]()
    for language, numbers in sorted(places.items()):
        over = over_share(
            order[numbers],
            [sizes[number] for number in numbers],
            [originals[number] for number in numbers],
            of_language=bytes_of[language],
            share=rewriting.maximum_share,
        )
        without += [numbers[place] for place in over]
    return without


def _bytes_that_go_on(context: UnitContext) -> dict[str, int]:
    """By language, bytes of the selected code, without what is dropped as hopeless or refused."""
    rewriting = rewriting_of(context.recipe)
    sums: dict[str, int] = {}
    for record in context.earlier["survey"]:
        for language, found in record.counts["surveyed"].items():  # type: ignore[attr-defined]
            sums[language] = sums.get(language, 0) + found["num_bytes"] - found["dropped_bytes"]
    if rewriting.failed == "drop":
        for language, counted in summed(context.earlier["rewrite"]).items():
            sums[language] -= counted.refused_bytes
    return sums


def _counts(accepted: _Accepted, rulings: dict[int, _Ruling]) -> dict[str, dict[str, int]]:
    """By language: rewrites that do not stand, by reason."""
    languages = accepted.table.column("language")
    found: dict[str, dict[str, int]] = {}
    for number, ruling in rulings.items():
        counts = found.setdefault(languages[number].as_py(), dict.fromkeys((*OF_TWINS, OVER_SHARE), 0))
        counts[ruling.reason] += 1
    return dict(sorted(found.items()))


def _settings(recipe: Recipe, plan: Plan) -> object:
    return overlay_settings(recipe) | {"slices": plan.num_slices}


STEPS = [
    Step(
        name="overlay",
        number=5,
        pass_name="rewrite",
        grain="one",
        reads=(
            Read("rewrite", "sketched", "all", SKETCHED),
            Read("rewrite", "shingles", "all", SHINGLES),
            Read("survey", RECORDS, "all"),
        ),
        settings=_settings,
        run=_overlay,
        asked_for=rewrites,
    )
]

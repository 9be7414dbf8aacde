"""Pass 2, decide, step `resolve`: what becomes of every document, sent to the units that read them.

In this order: copies of documents that opted out or went for their licence; what earlier releases hold; near
duplicates; what is held out. The loser of a group goes with its winner: as its duplicate where that stays, else for the
same reason.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.pass_2_copies import COPIES, COPY_REASONS, FOUND, STAGES_OF_COPIES, Fate, decide_copies, write_counted
from pipeline.pass_2_groups import (
    EARLIER,
    EXACT_DUPLICATE,
    HELD,
    LOSERS,
    REPEATED_ROW,
    REPOSITORY_COPY,
    SAME_SHINGLES,
    near_settings,
)
from pipeline.pass_2_rounds import FATES
from pipeline.steps import Read, Step, UnitContext
from stages.exchange import BlockWriter, ordinal_of_refs, unit_of_refs

DUPLICATES = pa.schema(
    [
        pa.field("ordinal", pa.int64()),
        pa.field("stage", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("twin", pa.binary(ID_BYTES)),
        pa.field("similarity", pa.float64()),
    ]
)
HELD_OUT = "held_out"  # the stage, and the reason of documents that are set aside
DEDUPLICATE = "deduplicate"
NEAR_DUPLICATE, IN_EARLIER_RELEASE, NEAR_HELD_OUT = "near_duplicate", "in_earlier_release", "near_held_out"
REASONS = (  # with their stages; those of copies stand in `pass_2_copies`
    *((DEDUPLICATE, reason) for reason in (EXACT_DUPLICATE, SAME_SHINGLES, REPOSITORY_COPY, REPEATED_ROW)),
    (DEDUPLICATE, NEAR_DUPLICATE),
    (DEDUPLICATE, IN_EARLIER_RELEASE),
    (HELD_OUT, HELD_OUT),
    (HELD_OUT, NEAR_HELD_OUT),
)
_FATE_TABLES = ("verify_fates", "second_round_fates", "third_round_fates", "last_fates")


def _resolve(context: UnitContext) -> None:
    found = pa.concat_tables([context.table("same_content"), context.table("near_copies")])
    tainted, counted = decide_copies(found, context.recipe.licences.copies)
    fates = {ref: Fate(HELD_OUT, HELD_OUT, None, None) for ref in context.table("held").column("ref").to_pylist()}
    fates |= _near(context.table(name) for name in _FATE_TABLES)
    fates |= _earlier([context.table("near_earlier"), context.table("equal_earlier")])
    fates |= tainted
    reasons = Counter(fate.reason for fate in fates.values())
    num_units = len(context.plan.units)
    with context.blocks("duplicates", DUPLICATES, num_blocks=num_units) as out:
        _write(out, fates)
        for losers in context.segments("losers"):
            lost = _losers(losers, fates)
            reasons.update(fate.reason for fate in lost.values())
            _write(out, lost)
    with context.blocks("copies", COPIES, num_blocks=num_units) as out:
        num_counted = write_counted(out, counted, fates)
    context.counts = {"copies": {"counted": num_counted} | {name: reasons[name] for name in COPY_REASONS}}


def _near(tables: Iterable[pa.Table]) -> dict[int, Fate]:
    return {
        ref: _duplicate(NEAR_DUPLICATE, twin, similarity, twin_held_out=twin_held_out, held_out=held_out)
        for table in tables
        for ref, twin, similarity, twin_held_out, held_out in _rows(table, FATES)
    }


def _earlier(tables: Iterable[pa.Table]) -> dict[int, Fate]:
    return {
        ref: _duplicate(IN_EARLIER_RELEASE, twin, similarity, twin_held_out=twin_held_out, held_out=False)
        for table in tables
        for ref, twin, similarity, twin_held_out in _rows(table, EARLIER)
    }


def _duplicate(reason: str, twin: bytes, similarity: float, *, twin_held_out: bool, held_out: bool) -> Fate:
    """Whatever is a duplicate of a held-out document, and is not one itself, goes for that."""
    if twin_held_out and not held_out:
        return Fate(HELD_OUT, NEAR_HELD_OUT, twin, similarity, twin_held_out)
    return Fate(DEDUPLICATE, reason, twin, similarity, twin_held_out)


def _losers(losers: pa.Table, fates: Mapping[int, Fate]) -> dict[int, Fate]:
    """Of the losers of groups: each goes as its winner goes, for their words are the same."""
    lost = {}
    for ref, winner, twin, reason, held_out in _rows(losers, LOSERS):
        fate = fates.get(winner)
        if fate is None or fate.twin is None:  # the winner stays, or is set aside
            fate = _duplicate(reason, twin, 1.0, twin_held_out=fate is not None, held_out=held_out)
        elif fate.stage not in STAGES_OF_COPIES and fate.reason != IN_EARLIER_RELEASE:
            assert fate.similarity is not None  # noqa: S101 - it has a twin
            own = NEAR_DUPLICATE if fate.reason == NEAR_HELD_OUT else fate.reason
            fate = _duplicate(own, fate.twin, fate.similarity, twin_held_out=fate.twin_held_out, held_out=held_out)
        if reason == REPEATED_ROW and fate.stage not in STAGES_OF_COPIES:
            fate = fate._replace(stage=DEDUPLICATE, reason=reason)
        lost[ref] = fate
    return lost


def _rows(table: pa.Table, schema: pa.Schema) -> Iterator[tuple[Any, ...]]:
    return zip(*(table.column(name).to_pylist() for name in schema.names), strict=True)


def _write(out: BlockWriter, fates: Mapping[int, Fate]) -> None:
    if not fates:
        return
    refs = np.array(sorted(fates), dtype=np.uint64)
    columns = zip(*(fates[ref][:4] for ref in refs.tolist()), strict=True)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, list(DUPLICATES)[1:], strict=True)]
    out.write(pa.table([ordinal_of_refs(refs), *arrays], schema=DUPLICATES), unit_of_refs(refs))


STEPS = [
    Step(
        name="resolve",
        number=2,
        pass_name="decide",
        grain="slices",
        reads=(
            Read("group", "losers", "blocks", LOSERS),
            Read("group", "same_content", "blocks", FOUND),
            Read("group", "equal_earlier", "blocks", EARLIER),
            Read("group", "held", "blocks", HELD),
            Read("verify", "near_copies", "same", FOUND),
            Read("verify", "near_earlier", "same", EARLIER),
            Read("verify", "verify_fates", "same", FATES),
            Read("second_round", "second_round_fates", "same", FATES),
            Read("third_round", "third_round_fates", "same", FATES),
            Read("last_rounds", "last_fates", "blocks", FATES),
        ),
        settings=near_settings,
        run=_resolve,
    )
]

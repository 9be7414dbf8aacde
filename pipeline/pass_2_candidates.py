"""Pass 2, decide, steps `pair`, `sign`, `sift`: which documents may be near duplicates, told from signatures alone.

    pair   per slice of band keys   pairs of documents that share an LSH bucket
    sign   per unit                 documents of some pair send 64 values of their signatures to where they are compared
    sift   per slice of documents   pairs whose values make the threshold improbable are dropped

A pair lies in the slice of its worse document: where many are alike the better one is a hub, and its slice would hold
them all. What is left is read again, and compared exactly, by the steps after these.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.pass_2_copies import COPY_SIMILARITY
from pipeline.pass_2_groups import BANDS, candidate_settings, near_settings
from pipeline.recipe_duplicates import NearDuplicates
from pipeline.steps import Read, Step, UnitContext
from stages.candidates import Banded, bucket_pairs, fresh, meetings, unique_pairs
from stages.estimates import SKETCH_VALUES, fewest_agreeing, num_agreeing
from stages.exchange import block_of_refs, fixed_binary, lexsorted, ordinal_of_refs, unit_of_refs
from stages.ranks import is_held_out
from stages.release_index import SKETCH, SKETCHES
from stages.taint import TAINTS, copy_pairs

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
# What the better document of a pair is: 0 a survivor, 1 to 3 as in `stages.taint`, or of an earlier release.
EARLIER_KEPT, EARLIER_HELD_OUT = 4, 5
PAIRS = pa.schema(
    [pa.field(name, pa.uint64()) for name in ("better", "worse", "better_rank", "worse_rank")]
    + [pa.field("better_is", pa.uint8())]
)
WANTED = pa.schema([pa.field("ref", pa.uint64()), pa.field("slice", pa.int64())])
SIGNED = pa.schema([pa.field("ref", pa.uint64()), pa.field("values", SKETCH)])
READ_AGAIN = pa.schema([*WANTED, pa.field("worse", pa.bool_())])  # as the worse document of a pair in that slice
ASKS = WANTED  # which slice wants to know what becomes of a document
_PAIRS_AT_ONCE = 1 << 16


def _pair(context: UnitContext) -> None:
    near = context.recipe.deduplication.near
    num_slices = context.plan.num_slices
    with (
        context.blocks("pairs", PAIRS, num_blocks=num_slices) as pairs,
        context.blocks("wanted", WANTED, num_blocks=context.plan.num_readers) as wanted,
    ):
        for part in context.clock.timed("pair", _pairs(context, near)) if near is not None else ():
            context.progress(0)
            pairs.write(part, block_of_refs(part.column("worse").to_numpy(), num_slices))
            refs, slices = _in_slices(part, num_slices)
            wanted.write(pa.table([refs, slices], schema=WANTED), unit_of_refs(refs))
    context.counts = {"pairs": pairs.rows}


def _pairs(context: UnitContext, near: NearDuplicates) -> Iterator[pa.Table]:
    """Rows of `PAIRS`, in parts, some pairs several times."""
    bands = context.table("bands")
    rows = Banded(*(bands.column(name).to_numpy() for name in Banded._fields))
    taint = bands.column("taint").to_numpy()
    known, first = np.unique(rows.ref, return_index=True)
    ranks, taints = rows.rank[first], taint[first]
    for better_is, better, worse in _meetings(context, rows, taint, near.candidates_per_bucket):
        place = np.searchsorted(known, better)
        ours = better_is < EARLIER_KEPT
        better_rank = ranks[place] if ours else np.zeros(len(better), dtype=np.uint64)
        kinds = taints[place] if ours else np.full(len(better), better_is, dtype=np.uint8)
        yield pa.table([better, worse, better_rank, ranks[np.searchsorted(known, worse)], kinds], schema=PAIRS)


def _meetings(
    context: UnitContext, rows: Banded, taint: U8, candidates_per_bucket: int
) -> Iterator[tuple[int, U64, U64]]:
    """What the better documents are, 0 for any of ours; their refs; those of the documents that meet them."""
    plain = rows.take(taint == 0)
    for better, worse in bucket_pairs(plain, candidates_per_bucket=candidates_per_bucket):
        yield 0, better, worse
    yield 0, *copy_pairs(rows, taint, candidates_per_bucket=candidates_per_bucket)
    training = plain.take(~is_held_out(plain.rank))
    for kind, all_leave, leader_key, leader_ref in _earlier(context, plain.key):
        ours = plain if all_leave else training  # what is held out again is like itself, and no reason to go
        yield (
            kind,
            *meetings(ours.key, ours.ref, leader_key, leader_ref, candidates_per_bucket=candidates_per_bucket),
        )


def _earlier(context: UnitContext, keys: U64) -> Iterator[tuple[int, bool, U64, U64]]:
    """What earlier releases hold of some buckets: (what it is, whether all leaves for it, band keys, refs), sorted."""
    if not context.plan.earlier or not len(keys):
        return
    index = context.earlier_index()
    found: dict[tuple[int, bool], list[tuple[U64, U64]]] = {}
    for shard, key, ref, held_out in index.sharing(np.unique(keys)):
        for kind, all_leave, chosen in (
            (EARLIER_HELD_OUT, shard.against and not shard.holds_out, held_out),
            (EARLIER_KEPT, True, ~held_out),
        ):
            found.setdefault((kind, all_leave), []).append((key[chosen], ref[chosen]))
    for (kind, all_leave), parts in sorted(found.items()):
        key, ref = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        order = lexsorted([key, ref])
        yield kind, all_leave, key[order], ref[order]


def _in_slices(pairs: pa.Table, num_slices: int) -> tuple[U64, I64]:
    """Each document of the pairs once for every slice that compares it: (refs, slices), sorted."""
    better, worse = (pairs.column(name).to_numpy() for name in ("better", "worse"))
    slices = block_of_refs(worse, num_slices).astype(np.uint64)
    refs, places = unique_pairs(np.concatenate([better, worse]), np.concatenate([slices, slices]))
    return refs, places.astype(np.int64)


def _sign(context: UnitContext) -> None:
    wanted = context.table("wanted")
    refs, places = unique_pairs(*(wanted.column(name).to_numpy().astype(np.uint64) for name in WANTED.names))
    ordinals, slices = ordinal_of_refs(refs), places.astype(np.int64)
    with context.blocks("signed", SIGNED, num_blocks=context.plan.num_slices) as out:
        for here, values in context.clock.timed("pick", _values(context, np.unique(ordinals))):
            mine = slice(*np.searchsorted(ordinals, [here[0], here[-1] + 1]))
            rows = values.take(pa.array(np.searchsorted(here, ordinals[mine])))
            out.write(pa.table([refs[mine], rows], schema=SIGNED), slices[mine])


def _values(context: UnitContext, ordinals: I64) -> Iterator[tuple[I64, pa.Array]]:
    """Signature values of some documents of the unit, ascending: (ordinals, values)."""
    number = context.unit - len(context.plan.units)
    if not len(ordinals):
        return
    if number >= 0:
        yield from context.earlier_index().values(number, ordinals)
        return
    start = 0
    for table in context.segments("sketches"):
        here = ordinals[np.searchsorted(ordinals, start) : np.searchsorted(ordinals, start + table.num_rows)]
        if len(here):
            yield here, table.column("values").take(pa.array(here - start)).combine_chunks()
        start += table.num_rows


def _sift(context: UnitContext) -> None:
    num_slices = context.plan.num_slices
    pairs = context.table("pairs")
    order = lexsorted([pairs.column(name).to_numpy() for name in ("worse", "better")])
    pairs = pairs.take(pa.array(order))
    met = fresh([pairs.column(name).to_numpy() for name in ("worse", "better")])  # some met in several buckets
    pairs = pairs.filter(pa.array(met))
    likely = pairs.filter(pa.array(context.clock.timing("estimate", _likely)(context, pairs)))
    context.counts = {"pairs": pairs.num_rows, "improbable": pairs.num_rows - likely.num_rows}
    with context.blocks("sifted", PAIRS) as out:
        out.write(likely)
    better, worse = (likely.column(name).to_numpy() for name in ("better", "worse"))
    rows = pa.concat_tables(
        [_read_again(better, context.unit, worse=False), _read_again(worse, context.unit, worse=True)]
    )
    with context.blocks("wanted", READ_AGAIN, num_blocks=context.plan.num_readers) as out:
        out.write(rows, unit_of_refs(rows.column("ref").to_numpy()))
    asked = np.unique(better[likely.column("better_is").to_numpy() == 0])
    with context.blocks("asks", ASKS, num_blocks=num_slices) as out:
        here = np.full(len(asked), context.unit, dtype=np.int64)
        out.write(pa.table([asked, here], schema=ASKS), block_of_refs(asked, num_slices))


def _read_again(refs: U64, place: int, *, worse: bool) -> pa.Table:
    refs = np.unique(refs)
    return pa.table([refs, np.full(len(refs), place), np.full(len(refs), worse)], schema=READ_AGAIN)


def _likely(context: UnitContext, pairs: pa.Table) -> npt.NDArray[np.bool_]:
    """bool[pairs], whether so many values agree that the pair may reach the similarity that is asked of it."""
    near = context.recipe.deduplication.near
    if near is None or not pairs.num_rows:
        return np.ones(pairs.num_rows, dtype=np.bool_)
    signed = context.table("signed")
    refs, first = np.unique(signed.column("ref").to_numpy(), return_index=True)
    values = fixed_binary(signed.column("values"), 4 * SKETCH_VALUES).view(np.uint32).reshape(-1, SKETCH_VALUES)[first]
    better, worse = (np.searchsorted(refs, pairs.column(name).to_numpy()) for name in ("better", "worse"))
    is_copy = np.isin(pairs.column("better_is").to_numpy(), TAINTS)
    fewest = np.where(
        is_copy,
        fewest_agreeing(COPY_SIMILARITY, SKETCH_VALUES),
        fewest_agreeing(near.minimum_similarity, SKETCH_VALUES),
    )
    likely = np.empty(pairs.num_rows, dtype=np.bool_)
    for start in range(0, pairs.num_rows, _PAIRS_AT_ONCE):
        here = slice(start, start + _PAIRS_AT_ONCE)
        likely[here] = num_agreeing(values[better[here]], values[worse[here]]) >= fewest[here]
        context.progress(0)
    return likely


STEPS = [
    Step(
        name="pair",
        version=2,
        number=2,
        pass_name="decide",
        grain="slices",
        reads=(Read("group", "bands", "blocks", BANDS),),
        settings=candidate_settings,
        run=_pair,
    ),
    Step(
        name="sign",
        number=2,
        pass_name="decide",
        grain="readers",
        reads=(Read("pair", "wanted", "blocks", WANTED), Read("ingest", "sketches", "same", SKETCHES)),
        settings=candidate_settings,
        run=_sign,
    ),
    Step(
        name="sift",
        number=2,
        pass_name="decide",
        grain="slices",
        reads=(Read("pair", "pairs", "blocks", PAIRS), Read("sign", "signed", "blocks", SIGNED)),
        settings=near_settings,
        run=_sift,
    ),
]

"""Pass 2, decide, step `group`: documents of equal shingles, or of equal contents where they have no shingles.

One slice holds a range of keys. The best-ranked survivor of a key goes on to LSH with its band keys, and so does the
worst tainting document; every other survivor loses to the winner, whatever becomes of that. What earlier releases hold
is asked here, by key: equal documents need no text to be compared.

What equals a document that opted out goes first of all, and wins and loses nothing: what stays never lost to what goes.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.pass_2_copies import FOUND
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from stages.candidates import Digests, Groups, Rows, groups
from stages.exchange import block_of_hash, block_of_refs, fixed_binary, fixed_binary_array, sortable, table_of
from stages.ranks import held_out_rank, is_held_out
from stages.taint import OPTED_OUT, equals_of_opted_out, removes, tainted_groups, tainters

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
_ID = pa.binary(ID_BYTES)
CONTENTS = pa.schema(
    [
        pa.field("key", _ID),
        pa.field("id", _ID),
        *(pa.field(name, pa.uint64()) for name in ("content", "ref", "rank", "tie", "repository", "copy_of")),
        pa.field("taint", pa.uint8()),  # 0 for a survivor; `stages.taint` says what else there is
        pa.field("bands", pa.list_(pa.uint64())),
    ]
)
BANDS = pa.schema(
    [pa.field(name, pa.uint64()) for name in ("key", "document", "ref", "rank")] + [pa.field("taint", pa.uint8())]
)
LOSERS = pa.schema(
    [
        pa.field("ref", pa.uint64()),
        pa.field("winner", pa.uint64()),
        pa.field("twin", _ID),
        pa.field("reason", pa.string()),
        pa.field("held_out", pa.bool_()),
    ]
)
EARLIER = pa.schema(  # ours, then what an earlier release holds
    [
        pa.field("ref", pa.uint64()),
        pa.field("twin", _ID),
        pa.field("similarity", pa.float64()),
        pa.field("held_out", pa.bool_()),
    ]
)
EXACT_DUPLICATE, SAME_SHINGLES = "exact_duplicate", "same_shingles"
REPOSITORY_COPY, REPEATED_ROW = "repository_copy", "repeated_row"
HELD = pa.schema([pa.field("ref", pa.uint64())])


def _group(context: UnitContext) -> None:
    contents, opted_out = context.clock.timing("opt_out", _without_opted_out)(context)
    rows = _rows(contents)
    with context.clock.during("group"):
        found, tainting = groups(rows), tainters(rows)
        survivor, tainter = tainted_groups(rows.key, found.winner, tainting)
    earlier, again = context.clock.timing("look_up", _equal_earlier)(context, rows, found.winner)
    rank = rows.rank.copy()
    rank[again] = held_out_rank(rank[again])
    strict = context.recipe.licences.copies == "strict"
    gone = survivor[removes(rows.taint[tainter], strict=strict)]
    gone = np.union1d(gone, np.flatnonzero(np.isin(rows.ref, earlier.column("ref").to_numpy())))
    held = np.setdiff1d(found.winner[is_held_out(rank[found.winner])], gone)
    goes_on = np.concatenate([np.setdiff1d(found.winner, gone), tainting])
    num_slices = context.plan.num_slices
    bands = _bands(contents, rows._replace(rank=rank), np.sort(goes_on))
    copies = pa.concat_tables([opted_out, _copies(contents, rows, survivor, tainter)])
    losers = _losers(contents, rows, found, again)
    for name, table, schema, of in (
        ("losers", losers, LOSERS, "winner"),
        ("same_content", copies, FOUND, "ref"),
        ("equal_earlier", earlier, EARLIER, "ref"),
        ("held", pa.table([np.sort(rows.ref[held])], schema=HELD), HELD, "ref"),
    ):
        with context.blocks(name, schema, num_blocks=num_slices) as out:
            out.write(table, block_of_refs(table.column(of).to_numpy(), num_slices))
    with context.blocks("bands", BANDS, num_blocks=num_slices) as out:
        out.write(bands, block_of_hash(bands.column("key").to_numpy(), num_slices))
    context.counts = {"documents": len(rows.ref), "groups": len(found.winner), "held_out": len(held)}


def _without_opted_out(context: UnitContext) -> tuple[pa.Table, pa.Table]:
    """What goes on, and survivors that equal a document which opted out, as rows of `FOUND`.

    Where near copies stay, documents of other contents and the same words do, too, and those who opted out are held
    against nothing more.
    """
    contents, choice = context.table("contents"), context.recipe.opt_out
    is_out = contents.column("taint").to_numpy() == OPTED_OUT
    if choice is None or not is_out.any():
        return contents, FOUND.empty_table()
    rows = _rows(contents)
    near = choice.near_copies == "remove"
    same = rows.key if near else (*rows.key, contents.column("content").to_numpy())
    survivor, named = equals_of_opted_out(rows, same)
    goes_on = np.ones(contents.num_rows, dtype=np.bool_) if near else ~is_out
    goes_on[survivor] = False
    return contents.filter(pa.array(goes_on)), _copies(contents, rows, survivor, named)


def _copies(contents: pa.Table, rows: Rows, survivor: I64, tainter: I64) -> pa.Table:
    """Rows of `FOUND`: survivors of the same words as a document with a taint."""
    names = fixed_binary(contents.column("id"), ID_BYTES)
    ours, theirs = (fixed_binary_array(names[side]) for side in (survivor, tainter))
    return pa.table([rows.ref[survivor], ours, rows.taint[tainter], theirs, np.ones(len(survivor))], schema=FOUND)


def _rows(contents: pa.Table) -> Rows:
    key, document = (sortable(fixed_binary(contents.column(name), ID_BYTES)) for name in ("key", "id"))
    return Rows(key, document, *(contents.column(name).to_numpy() for name in ("rank", "tie", "ref", "taint")))


def _equal_earlier(context: UnitContext, rows: Rows, winner: I64) -> tuple[pa.Table, I64]:
    """Rows of `EARLIER` for winners that an earlier release holds; indices of winners that are held out again."""
    if not context.plan.earlier or not len(winner):
        return EARLIER.empty_table(), winner[:0]
    index = context.earlier_index()
    place = {key: row for row, key in zip(winner.tolist(), _pairs(rows.key, winner), strict=True)}
    found: dict[int, tuple[int, bytes, float, bool]] = {}
    again: set[int] = set()
    for shard, matches in index.equal((rows.key[0][winner], rows.key[1][winner])):
        everything = np.arange(len(matches.name))
        facts = zip(_pairs(matches.key, everything), matches.name, matches.held_out.tolist(), strict=True)
        for key, name, held_out in facts:
            row = place.get(key)
            if row is None:
                continue
            if held_out and shard.holds_out:
                again.add(row)
            elif shard.against:
                ref = int(rows.ref[row])
                found.setdefault(ref, (ref, name, 1.0, held_out))
    held_again = np.array(sorted(again), dtype=np.int64)
    for ref in rows.ref[held_again].tolist():
        found.pop(ref, None)  # once held out, always held out
    return table_of([found[ref] for ref in sorted(found)], EARLIER), held_again


def _pairs(key: Digests, rows: npt.NDArray[np.int64]) -> Iterable[tuple[int, int]]:
    return zip(key[0][rows].tolist(), key[1][rows].tolist(), strict=True)


def _losers(contents: pa.Table, rows: Rows, found: Groups, again: I64) -> pa.Table:
    """Rows of `LOSERS`, by ref; what equals a document that is held `again` is held out as well as that."""
    order = np.argsort(rows.ref[found.loser])
    loser, winner = found.loser[order], found.loses_to[order]
    columns = {name: contents.column(name).to_numpy() for name in ("content", "repository", "copy_of")}
    reason = np.full(len(loser), SAME_SHINGLES, dtype=object)
    reason[columns["content"][loser] == columns["content"][winner]] = EXACT_DUPLICATE
    of_copy = columns["copy_of"][loser] == columns["repository"][winner]
    reason[of_copy & (columns["copy_of"][loser] > 0)] = REPOSITORY_COPY
    reason[found.repeated[order]] = REPEATED_ROW
    names = fixed_binary_array(fixed_binary(contents.column("id"), ID_BYTES)[winner])
    held_out = is_held_out(rows.rank[loser]) | np.isin(winner, again)
    return pa.table([rows.ref[loser], rows.ref[winner], names, reason.tolist(), held_out], schema=LOSERS)


def _bands(contents: pa.Table, rows: Rows, chosen: I64) -> pa.Table:
    """One row of `BANDS` for every band of every chosen document that has a signature."""
    lists = contents.column("bands").take(pa.array(chosen)).combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], lists.type)
    lengths = np.diff(lists.offsets.to_numpy()) if len(lists) else np.empty(0, dtype=np.int32)
    some = rows.take(np.repeat(chosen, lengths))
    return pa.table([lists.flatten(), some.document[0], some.ref, some.rank, some.taint], schema=BANDS)


def candidate_settings(recipe: Recipe, plan: Plan) -> object:
    """What the steps before the first comparison depend on: another threshold does not make them again."""
    return near_settings(recipe, plan) | {"near": _near(recipe, {"minimum_similarity"})}


def near_settings(recipe: Recipe, plan: Plan) -> dict[str, object]:
    """What the steps for duplicates depend on."""
    return {
        "near": _near(recipe, set()),
        "text_forms": recipe.text_forms.model_dump(),
        "copies": recipe.licences.copies,
        "opt_out": recipe.opt_out and recipe.opt_out.near_copies,
        "slices": plan.num_slices,
        "units": len(plan.units),
        "earlier": [shard.identity for shard in plan.earlier],
    }


def _near(recipe: Recipe, without: set[str]) -> object:
    near = recipe.deduplication.near
    return None if near is None else near.model_dump(exclude=without)


STEPS = [
    Step(
        name="group",
        version=2,
        number=2,
        pass_name="decide",
        grain="slices",
        reads=(Read("judge", "contents", "blocks", CONTENTS),),
        settings=candidate_settings,
        run=_group,
    )
]

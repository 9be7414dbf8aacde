"""Pass 2, decide, steps `verify`, `second_round`, `third_round`, `last_rounds`: who stays among near duplicates.

`verify` holds every pair that is left against its threshold, exactly, which is the first round: what reaches it with a
document that nothing can remove goes. Each round tells the slices that asked what became of a document.
`stages.rounds` says what a round is. Copies of documents that went for their licence or at somebody's request, and of
what earlier releases hold, go in the first round and stand as nobody's twin.

What three rounds leave open is a thousandth of the documents or less, chains in which kept and removed alternate.
`last_rounds`, one unit, decides all of it, so that nothing stays undecided. Beyond `_MOST_EDGES` open edges, which take
400 MB, it reads none of them: what is open then is kept, and counted as unresolved.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.pass_2_candidates import ASKS, EARLIER_HELD_OUT, EARLIER_KEPT, PAIRS
from pipeline.pass_2_copies import COPY_SIMILARITY, FOUND
from pipeline.pass_2_groups import EARLIER, near_settings
from pipeline.pass_2_shingles import SHINGLES
from pipeline.steps import Read, Step, UnitContext
from stages.candidates import fresh
from stages.exchange import block_of_refs, fixed_binary, fixed_binary_array, lexsorted, sortable
from stages.ranks import is_held_out
from stages.rounds import Edges, Round, play, play_out
from stages.similarity import jaccards
from stages.taint import TAINTS, removes

U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_ID = pa.binary(ID_BYTES)
EDGES = pa.schema(
    [
        *(pa.field(name, pa.uint64()) for name in ("worse", "better", "better_rank", "worse_rank")),
        pa.field("twin", _ID),
        pa.field("similarity", pa.float64()),
    ]
)
NEWS = pa.schema([pa.field("ref", pa.uint64()), pa.field("kept", pa.bool_())])
FATES = pa.schema(  # of documents that near duplicates remove
    [
        pa.field("ref", pa.uint64()),
        pa.field("twin", _ID),
        pa.field("similarity", pa.float64()),
        pa.field("twin_held_out", pa.bool_()),
        pa.field("held_out", pa.bool_()),
    ]
)
_PAIRS_AT_ONCE = 1 << 14
_MOST_EDGES = 1 << 22


def _verify(context: UnitContext) -> None:
    near = context.recipe.deduplication.near
    minimum = 1.0 if near is None else near.minimum_similarity  # no pairs without near duplicates
    pairs = context.table("sifted")
    compared = context.clock.timing("compare", _Compared)(context, pairs)
    kind = pairs.column("better_is").to_numpy()
    is_copy = np.isin(kind, TAINTS)
    verified = compared.similarity >= np.where(is_copy, COPY_SIMILARITY, minimum)
    copies, earlier = verified & is_copy, verified & (kind >= EARLIER_KEPT)
    worse = pairs.column("worse").to_numpy()
    strict = context.recipe.licences.copies == "strict"
    gone = np.unique(worse[earlier | (copies & removes(kind, strict=strict))])
    edges = compared.edges(np.flatnonzero(verified & (kind == 0) & ~np.isin(worse, gone)))
    with context.blocks("near_copies", FOUND) as out:
        out.write(compared.copies(np.flatnonzero(copies), kind))
    with context.blocks("near_earlier", EARLIER) as out:
        out.write(compared.earlier(np.flatnonzero(earlier), kind))
    first = compared.nothing_removes(edges.column("better").to_numpy())
    free = np.setdiff1d(worse, np.concatenate([gone, edges.column("worse").to_numpy()]))
    context.counts = {"pairs": len(worse), "verified": int(verified.sum()), "copies": int(copies.sum())}
    _leave(context, edges, _play_round(context, edges, kept=first, gone=worse[:0]), kept=free, gone=gone)


class _Compared:
    """Pairs and their exact similarity."""

    def __init__(self, context: UnitContext, pairs: pa.Table) -> None:
        documents = context.table("shingles")
        self._pairs = pairs
        refs = documents.column("ref").to_numpy()
        order = np.argsort(refs, kind="stable")
        self._refs = refs[order]
        self._unremovable = documents.column("unremovable").to_numpy()[order]
        self._names = fixed_binary(documents.column("id"), ID_BYTES)[order]
        sides = [np.searchsorted(self._refs, pairs.column(name).to_numpy()) for name in ("better", "worse")]
        self._better, self._worse = (side.astype(np.int64) for side in sides)
        lists = documents.column("shingles").combine_chunks()
        offsets = lists.offsets.to_numpy() if len(lists) else np.zeros(1, dtype=np.int64)
        self.similarity = np.empty(pairs.num_rows, dtype=np.float64)
        for start in range(0, pairs.num_rows, _PAIRS_AT_ONCE):
            here = slice(start, start + _PAIRS_AT_ONCE)
            left, right = order[self._better[here]], order[self._worse[here]]
            self.similarity[here] = jaccards(lists.values.to_numpy(), offsets, left, right)
            context.progress(0)

    def edges(self, rows: npt.NDArray[np.int64]) -> pa.Table:
        """Rows of `EDGES`."""
        some = self._pairs.take(pa.array(rows))
        names = fixed_binary_array(self._names[self._better[rows]])
        columns = [some.column(name) for name in EDGES.names[:4]]
        return pa.table([*columns, names, self.similarity[rows]], schema=EDGES)

    def copies(self, rows: npt.NDArray[np.int64], kind: npt.NDArray[np.uint8]) -> pa.Table:
        """Rows of `FOUND`."""
        ours, theirs = (fixed_binary_array(self._names[side[rows]]) for side in (self._worse, self._better))
        return pa.table([self._refs[self._worse[rows]], ours, kind[rows], theirs, self.similarity[rows]], schema=FOUND)

    def earlier(self, rows: npt.NDArray[np.int64], kind: npt.NDArray[np.uint8]) -> pa.Table:
        """Rows of `EARLIER`: for each document the most similar one, of held-out ones first."""
        held_out = kind[rows] == EARLIER_HELD_OUT
        names = self._names[self._better[rows]]
        order = lexsorted([self._worse[rows], ~held_out, -self.similarity[rows], *sortable(names)])
        order = order[fresh([self._worse[rows[order]].astype(np.uint64)])]
        chosen = rows[order]
        names = fixed_binary_array(names[order])
        columns = [self._refs[self._worse[chosen]], names, self.similarity[chosen], held_out[order]]
        return pa.table(columns, schema=EARLIER)

    def nothing_removes(self, refs: U64) -> U64:
        """Those of some better documents that are the worse one of no pair."""
        refs = np.unique(refs)
        first: U64 = refs[self._unremovable[np.searchsorted(self._refs, refs)]]
        return first


def _edges(edges: pa.Table) -> Edges:
    worse, better, rank, similarity = (
        edges.column(name).to_numpy() for name in ("worse", "better", "better_rank", "similarity")
    )
    return Edges(worse, better, rank, sortable(fixed_binary(edges.column("twin"), ID_BYTES)), similarity)


def _fates(edges: pa.Table, played: Round) -> pa.Table:
    """Rows of `FATES`: what a round removes."""
    removed = edges.take(pa.array(played.removed))
    held_out = (is_held_out(removed.column(f"{side}_rank").to_numpy()) for side in ("better", "worse"))
    columns = (removed.column(name) for name in ("worse", "twin", "similarity"))
    return pa.table([*columns, *held_out], schema=FATES)


def _play_round(context: UnitContext, edges: pa.Table, *, kept: U64, gone: U64) -> tuple[Round, pa.Table]:
    with context.clock.during("play"):
        played = play(_edges(edges), kept=kept, gone=gone)
        return played, _fates(edges, played)


def _heard(context: UnitContext) -> tuple[U64, U64]:
    """Refs of documents that are known to be kept, and to be gone, since the last round."""
    news = context.table("news")
    refs, kept = news.column("ref").to_numpy(), news.column("kept").to_numpy()
    return refs[kept], refs[~kept]


def _next_round(context: UnitContext) -> None:
    edges = context.table("edges")
    kept, gone = _heard(context)
    _leave(context, edges, _play_round(context, edges, kept=kept, gone=gone), kept=kept[:0], gone=gone[:0])


def _leave(context: UnitContext, edges: pa.Table, played: tuple[Round, pa.Table], *, kept: U64, gone: U64) -> None:
    """Write down what a round decided, tell those who asked, and hand the rest on."""
    decided, fates = played
    still_open = edges.filter(pa.array(decided.open))
    with context.blocks(f"{context.step}_fates", FATES) as out:
        out.write(fates)
    with context.blocks("edges", EDGES) as out:
        out.write(still_open)
    asks = context.table("asks")
    refs, slices = asks.column("ref").to_numpy(), asks.column("slice").to_numpy()
    waiting = np.unique(still_open.column("worse").to_numpy())
    with context.blocks("asks", ASKS) as out:
        out.write(asks.filter(pa.array(np.isin(refs, waiting))))
    kept, gone = np.concatenate([kept, decided.kept]), np.concatenate([gone, fates.column("ref").to_numpy()])
    with context.blocks("news", NEWS, num_blocks=context.plan.num_slices) as out:
        for told, is_kept in ((np.isin(refs, kept), True), (np.isin(refs, gone), False)):
            out.write(pa.table([refs[told], np.full(int(told.sum()), is_kept)], schema=NEWS), slices[told])
    context.counts = {**context.counts, "removed": fates.num_rows, "open": len(waiting)}


def _last_rounds(context: UnitContext) -> None:
    before = context.earlier["third_round"]
    num_edges = sum(record.outputs["edges"].rows for record in before)
    unresolved = sum(int(record.counts["open"]) for record in before)  # type: ignore[call-overload]
    fates = FATES.empty_table()
    if num_edges <= _MOST_EDGES:
        edges, (_, gone) = context.table("edges"), _heard(context)
        with context.clock.during("play"):
            fates, unresolved = _fates(edges, play_out(_edges(edges), gone=gone)), 0
    with context.blocks("last_fates", FATES, num_blocks=context.plan.num_slices) as out:
        out.write(fates, block_of_refs(fates.column("ref").to_numpy(), context.plan.num_slices))
    context.counts = {"edges": num_edges, "unresolved": unresolved}


def _round(name: str, before: str) -> Step:
    reads = (
        Read(before, "edges", "same", EDGES),
        Read(before, "news", "blocks", NEWS),
        Read(before, "asks", "same", ASKS),
    )
    return Step(name, 2, "decide", "slices", reads, near_settings, _next_round)


STEPS = [
    Step(
        name="verify",
        number=2,
        pass_name="decide",
        grain="slices",
        reads=(
            Read("sift", "sifted", "same", PAIRS),
            Read("sift", "asks", "blocks", ASKS),
            Read("shingle", "shingles", "blocks", SHINGLES),
        ),
        settings=near_settings,
        run=_verify,
    ),
    _round("second_round", "verify"),
    _round("third_round", "second_round"),
    Step(
        name="last_rounds",
        number=2,
        pass_name="decide",
        grain="one",
        reads=(Read("third_round", "edges", "all", EDGES), Read("third_round", "news", "all", NEWS)),
        settings=near_settings,
        run=_last_rounds,
    ),
]

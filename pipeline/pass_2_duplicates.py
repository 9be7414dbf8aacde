"""Pass 2, decide: the steps that find duplicates. See `pass_2_decide` for the order and the reason for it."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.pass_1_ingest import PLACES
from pipeline.pass_2_copies import (
    COPIES,
    COPY_REASONS,
    COPY_SIMILARITY,
    FOUND,
    Fate,
    decide_copies,
    same_content,
    write_counted,
)
from pipeline.pass_2_shingles import SHINGLES, WANTED, shingle, shingled
from pipeline.plan import Plan
from pipeline.recipe import NearDuplicates, Recipe
from pipeline.steps import Read, Step, UnitContext
from stages.candidates import bucket_pairs, exact_groups, unique_pairs
from stages.exchange import BlockWriter, block_of_hash, fixed_binary, fixed_binary_array, lexsorted, sortable, table_of
from stages.shingles import shingle_hashes
from stages.similarity import greedy_keep, jaccard, unique_sorted
from stages.taint import copy_pairs

_ID = pa.binary(ID_BYTES)
CONTENTS = pa.schema(
    [
        pa.field("content_hash", _ID),
        pa.field("id", _ID),
        pa.field("ref", pa.uint64()),
        pa.field("rank", pa.uint64()),
        pa.field("taint", pa.uint8()),  # 0 for a survivor; `stages.taint` says what else there is
    ]
)
BANDS = pa.schema(
    [pa.field(name, pa.uint64()) for name in ("key", "content", "document", "ref", "rank")]
    + [pa.field("taint", pa.uint8())]
)
EXACT = pa.schema(
    [
        pa.field("ref", pa.uint64()),
        pa.field("twin_ref", pa.uint64()),
        pa.field("twin", _ID),
        pa.field("repeated", pa.bool_()),
    ]
)
PAIRS = pa.schema([pa.field("left", pa.uint64()), pa.field("right", pa.uint64())])
EDGES = pa.schema(
    [
        pa.field(f"{side}_{name}", kind)
        for side in ("left", "right")
        for name, kind in (("ref", pa.uint64()), ("id", _ID), ("rank", pa.uint64()))
    ]
    + [pa.field("similarity", pa.float64())]
)
DUPLICATES = pa.schema(
    [
        pa.field("ordinal", pa.int64()),
        pa.field("stage", pa.string()),  # deduplicate, or licence for a copy of a document whose licence was rejected
        pa.field("reason", pa.string()),
        pa.field("twin", _ID),
        pa.field("similarity", pa.float64()),
    ]
)
_ORDINAL = 0xFFFFFFFF  # a ref is unit << 32 | ordinal
U64 = npt.NDArray[np.uint64]


def _pair(context: UnitContext) -> None:
    contents = context.table("contents")
    with context.blocks("same_content", FOUND) as found:
        found.write(same_content(contents))
    contents = contents.filter(pa.array(contents.column("taint").to_numpy() == 0))
    identifiers = fixed_binary(contents.column("id"), ID_BYTES)
    refs = contents.column("ref").to_numpy()
    groups = exact_groups(
        sortable(fixed_binary(contents.column("content_hash"), ID_BYTES)),
        contents.column("rank").to_numpy(),
        sortable(identifiers),
        refs,
    )
    order = np.argsort(refs[groups.loser])
    loser, winner, repeated = groups.loser[order], groups.winner[order], groups.repeated[order]
    with context.blocks("exact", EXACT) as exact:
        twin = fixed_binary_array(identifiers[winner])
        exact.write(pa.table([refs[loser], refs[winner], twin, repeated], schema=EXACT))
    near = context.recipe.deduplication.near
    with (
        context.blocks("pairs", PAIRS, num_blocks=context.plan.num_slices) as pairs,
        context.blocks("wanted", WANTED, num_blocks=len(context.plan.units)) as wanted,
    ):
        if near is not None:
            _near_pairs(context, near, pairs, wanted)


def _near_pairs(context: UnitContext, near: NearDuplicates, pairs: BlockWriter, wanted: BlockWriter) -> None:
    bands = context.table("bands")
    columns = {name: bands.column(name).to_numpy() for name in BANDS.names}
    ref, rank, taint = columns["ref"], columns["rank"], columns["taint"]
    described = [columns[name] for name in ("key", "content", "rank", "document")]
    copies = copy_pairs(*described, ref=ref, taint=taint, candidates_per_bucket=near.candidates_per_bucket)
    plain = taint == 0
    pairs_of_plain = bucket_pairs(
        *(column[plain] for column in described),
        ref=ref[plain],
        candidates_per_bucket=near.candidates_per_bucket,
    )
    left, right = (np.concatenate(sides) for sides in zip(pairs_of_plain, copies, strict=True))
    # By the other document: where many are alike the better one is a hub, and its slice would hold them all.
    slices = block_of_hash(_mixed(right), context.plan.num_slices)
    pairs.write(pa.table([left, right], schema=PAIRS), slices)
    refs, places = unique_pairs(np.concatenate([left, right]), np.concatenate([slices, slices]).astype(np.uint64))
    known, first = np.unique(ref, return_index=True)
    row = first[np.searchsorted(known, refs)]
    rows = pa.table([refs, rank[row], places, taint[row]], schema=WANTED)
    wanted.write(rows, (refs >> np.uint64(32)).astype(np.int64))


def _mixed(refs: U64) -> U64:
    """Refs are small numbers: spread them before they choose a slice."""
    return (refs * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(29)


def _verify(context: UnitContext) -> None:
    near = context.recipe.deduplication.near
    minimum = 1.0 if near is None else near.minimum_similarity  # no pairs without near duplicates
    pairs = context.table("pairs")
    left, right = unique_pairs(pairs.column("left").to_numpy(), pairs.column("right").to_numpy())
    documents = shingled(context.segments("shingles"))
    edges, copies = [], []
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        one, other = documents[a], documents[b]
        similarity = jaccard(one.shingles, other.shingles)
        context.progress(0)
        if one.taint:
            if similarity >= COPY_SIMILARITY:
                copies.append((b, other.id, one.taint, one.id, similarity))
        elif similarity >= minimum:
            edges.append((a, one.id, one.rank, b, other.id, other.rank, similarity))
    context.counts = {"pairs": len(left), "verified": len(edges), "copies": len(copies)}
    with context.blocks("edges", EDGES) as out:
        out.write(table_of(edges, EDGES))
    with context.blocks("near_copies", FOUND) as found:
        found.write(table_of(copies, FOUND))


def _resolve(context: UnitContext) -> None:
    found = pa.concat_tables([context.table("same_content"), context.table("near_copies")])
    tainted, counted = decide_copies(found, context.recipe.licences.copies)
    removed = _removed(_without(context.table("edges"), tainted))
    fates: dict[int, Fate] = {ref: ("deduplicate", "near_duplicate", *twin) for ref, twin in removed.items()} | tainted
    exact: Counter[str] = Counter()
    with context.blocks("duplicates", DUPLICATES, num_blocks=len(context.plan.units)) as out:
        _write_duplicates(out, list(fates.items()))
        for table in context.segments("exact"):
            rows = [(item["ref"], _fate_of_exact(item, fates)) for item in table.to_pylist()]
            exact.update(reason for _, (_, reason, _, _) in rows)
            _write_duplicates(out, rows)
    with context.blocks("copies", COPIES, num_blocks=len(context.plan.units)) as out:
        num_counted = write_counted(out, counted, fates)
    tainted_by = exact + Counter(reason for _, reason, _, _ in tainted.values())
    context.counts = {"copies": {"counted": num_counted} | {name: tainted_by[name] for name in COPY_REASONS}}


def _fate_of_exact(item: dict[str, Any], fates: Mapping[int, Fate]) -> Fate:
    """Of the loser of an exact group: it goes as its winner goes, for their content is one."""
    stage, reason, *twin = fates.get(item["twin_ref"], ("deduplicate", "exact_duplicate", item["twin"], 1.0))
    if item["repeated"] and stage == "deduplicate":
        reason = "repeated_row"
    return stage, reason, *twin


def _without(edges: pa.Table, refs: Collection[int]) -> pa.Table:
    """Edges of which neither end is one of the refs."""
    if not refs:
        return edges
    gone = np.array(list(refs), dtype=np.uint64)
    ends = (edges.column(f"{side}_ref").to_numpy() for side in ("left", "right"))
    return edges.filter(pa.array(~np.logical_or(*(np.isin(end, gone) for end in ends))))


def _removed(edges: pa.Table) -> dict[int, tuple[bytes, float]]:
    """By ref of every removed document: id of its kept twin, similarity. Holds all verified edges, as arrays."""
    sides = ("left", "right")
    refs = [edges.column(f"{side}_ref").to_numpy() for side in sides]
    ranks = np.concatenate([edges.column(f"{side}_rank").to_numpy() for side in sides])
    ids = np.concatenate([fixed_binary(edges.column(f"{side}_id"), ID_BYTES) for side in sides])
    known, first, place = np.unique(np.concatenate(refs), return_index=True, return_inverse=True)
    order = lexsorted([ranks[first], *sortable(ids[first]), known])  # best-ranked first
    number = np.empty(len(known), dtype=np.int64)
    number[order] = np.arange(len(known))
    left, right = np.split(number[place], 2)
    twins = greedy_keep(left, right, edges.column("similarity").to_numpy(), num_documents=len(known))
    gone = np.flatnonzero(twins.twin >= 0)
    names = ids[first][order][twins.twin[gone]]
    facts = zip(known[order][gone].tolist(), names, twins.similarity[gone].tolist(), strict=True)
    return {ref: (name.tobytes(), similarity) for ref, name, similarity in facts}


def _write_duplicates(out: BlockWriter, rows: list[tuple[int, Fate]]) -> None:
    if not rows:
        return
    rows.sort()
    units = np.array([ref >> 32 for ref, _ in rows], dtype=np.int64)
    ordinals = [ref & _ORDINAL for ref, _ in rows]
    fates = zip(*(fate for _, fate in rows), strict=True)
    columns = [pa.array(c, f.type) for c, f in zip([ordinals, *fates], DUPLICATES, strict=True)]
    out.write(pa.table(columns, schema=DUPLICATES), units)


def _prepare(recipe: Recipe) -> None:
    """Load the kernels once, for all forked workers."""
    if recipe.deduplication.near is not None:
        hashes = unique_sorted(shingle_hashes("a b c d e f", ngram_words=recipe.deduplication.near.ngram_words))
        similarity = np.array([jaccard(hashes, hashes)])
        one = np.ones(1, dtype=np.int64)
        greedy_keep(one - 1, one, similarity, num_documents=2)


def _near_settings(recipe: Recipe, plan: Plan) -> object:
    near = recipe.deduplication.near
    return {
        "near": None if near is None else near.model_dump(),
        "text_forms": recipe.text_forms.model_dump(),
        "slices": plan.num_slices,
        "units": len(plan.units),
    }


def _resolve_settings(recipe: Recipe, plan: Plan) -> object:
    return {"copies": recipe.licences.copies, "units": len(plan.units)}


def _step(
    name: str, grain: str, reads: tuple[Read, ...], run: object, settings: object = _near_settings, **more: object
) -> Step:
    return Step(name, 2, "decide", grain, reads, settings, run, _prepare, version=2, **more)  # type: ignore[arg-type]


STEPS = [
    _step(
        "pair",
        "slices",
        (Read("judge", "contents", "blocks", CONTENTS), Read("judge", "bands", "blocks", BANDS)),
        _pair,
    ),
    _step(
        "shingle",
        "inputs",
        (Read("pair", "wanted", "blocks", WANTED), Read("ingest", "places", "same", PLACES)),
        shingle,
        reads_shards=True,
    ),
    _step(
        "verify",
        "slices",
        (Read("pair", "pairs", "blocks", PAIRS), Read("shingle", "shingles", "blocks", SHINGLES)),
        _verify,
    ),
    _step(
        "resolve",
        "one",
        (
            Read("verify", "edges", "all", EDGES),
            Read("verify", "near_copies", "all", FOUND),
            Read("pair", "exact", "all", EXACT),
            Read("pair", "same_content", "all", FOUND),
        ),
        _resolve,
        _resolve_settings,
    ),
]

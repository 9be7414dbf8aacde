"""Pass 2, decide: the steps that find duplicates. See `pass_2_decide` for the order and the reason for it."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.pass_1_ingest import PLACES
from pipeline.plan import Plan
from pipeline.recipe import NearDuplicates, Recipe
from pipeline.shards import documents_again
from pipeline.steps import Read, Step, UnitContext
from stages.candidates import bucket_pairs, exact_groups, unique_pairs
from stages.exchange import BlockWriter, block_of_hash, fixed_binary, fixed_binary_array, lexsorted, sortable
from stages.shingles import shingle_hashes
from stages.similarity import greedy_keep, jaccard, unique_sorted

_ID = pa.binary(ID_BYTES)
CONTENTS = pa.schema(
    [
        pa.field("content_hash", _ID),
        pa.field("id", _ID),
        pa.field("ref", pa.uint64()),
        pa.field("rank", pa.uint64()),
    ]
)
BANDS = pa.schema([pa.field(name, pa.uint64()) for name in ("key", "content", "document", "ref", "rank")])
EXACT = pa.schema(
    [
        pa.field("ref", pa.uint64()),
        pa.field("twin_ref", pa.uint64()),
        pa.field("twin", _ID),
        pa.field("repeated", pa.bool_()),
    ]
)
PAIRS = pa.schema([pa.field("left", pa.uint64()), pa.field("right", pa.uint64())])
WANTED = pa.schema([pa.field("ref", pa.uint64()), pa.field("rank", pa.uint64()), pa.field("slice", pa.uint64())])
SHINGLES = pa.schema(
    [
        pa.field("ref", pa.uint64()),
        pa.field("id", _ID),
        pa.field("rank", pa.uint64()),
        pa.field("shingles", pa.large_list(pa.uint64())),
    ]
)
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
        pa.field("reason", pa.string()),
        pa.field("twin", _ID),
        pa.field("similarity", pa.float64()),
    ]
)
_BATCH_BYTES = 16 * 1024 * 1024
_ORDINAL = 0xFFFFFFFF  # a ref is unit << 32 | ordinal
U64 = npt.NDArray[np.uint64]


def _pair(context: UnitContext) -> None:
    contents = context.table("contents")
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
    left, right = bucket_pairs(
        columns["key"],
        columns["content"],
        columns["rank"],
        columns["document"],
        ref=columns["ref"],
        candidates_per_bucket=near.candidates_per_bucket,
    )
    # By the other document: where many are alike the better one is a hub, and its slice would hold them all.
    slices = block_of_hash(_mixed(right), context.plan.num_slices)
    pairs.write(pa.table([left, right], schema=PAIRS), slices)
    refs, places = unique_pairs(np.concatenate([left, right]), np.concatenate([slices, slices]).astype(np.uint64))
    known, first = np.unique(columns["ref"], return_index=True)
    rank = columns["rank"][first][np.searchsorted(known, refs)]
    wanted.write(pa.table([refs, rank, places], schema=WANTED), (refs >> np.uint64(32)).astype(np.int64))


def _mixed(refs: U64) -> U64:
    """Refs are small numbers: spread them before they choose a slice."""
    return (refs * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(29)


def _shingle(context: UnitContext) -> None:
    near = context.recipe.deduplication.near
    wanted = context.table("wanted")
    places: dict[int, list[tuple[int, int]]] = {}
    columns = (wanted.column(name).to_pylist() for name in WANTED.names)
    for ref, rank, place in zip(*columns, strict=True):
        places.setdefault(ref & _ORDINAL, []).append((place, rank))
    with context.blocks("shingles", SHINGLES, num_blocks=context.plan.num_slices, codec="lz4") as out:
        if near is None or not places:
            return
        batch: list[tuple[int, bytes, int, U64]] = []
        targets: list[int] = []
        num_hashes = 0
        for ordinal, document in documents_again(context, context.table("places"), places):
            hashes = unique_sorted(shingle_hashes(document.text, ngram_words=near.ngram_words))
            for place, rank in dict.fromkeys(places[ordinal]):
                batch.append((context.unit << 32 | ordinal, bytes.fromhex(document.id), rank, hashes))
                targets.append(place)
                num_hashes += len(hashes)
            if num_hashes * 8 > _BATCH_BYTES:
                out.write(_shingle_table(batch), np.array(targets))
                batch, targets, num_hashes = [], [], 0
        out.write(_shingle_table(batch), np.array(targets, dtype=np.int64))


def _shingle_table(batch: list[tuple[int, bytes, int, U64]]) -> pa.Table:
    if not batch:
        return SHINGLES.empty_table()
    refs, identifiers, ranks, hashes = zip(*batch, strict=True)
    offsets = np.concatenate([[0], np.cumsum([len(item) for item in hashes])]).astype(np.int64)
    shingles = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(hashes)))
    return pa.table(
        [pa.array(refs, pa.uint64()), pa.array(identifiers, _ID), pa.array(ranks, pa.uint64()), shingles],
        schema=SHINGLES,
    )


def _verify(context: UnitContext) -> None:
    near = context.recipe.deduplication.near
    pairs = context.table("pairs")
    left, right = unique_pairs(pairs.column("left").to_numpy(), pairs.column("right").to_numpy())
    documents: dict[int, tuple[bytes, int, U64]] = {}
    for table in context.segments("shingles"):
        hashes = table.column("shingles").combine_chunks()
        values, offsets = hashes.values.to_numpy(), hashes.offsets.to_numpy()
        identifiers, ranks = table.column("id").to_pylist(), table.column("rank").to_pylist()
        for index, ref in enumerate(table.column("ref").to_pylist()):
            documents[ref] = (identifiers[index], ranks[index], values[offsets[index] : offsets[index + 1]])
    edges = []
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        similarity = jaccard(documents[a][2], documents[b][2])
        context.progress(0)
        if near is not None and similarity >= near.minimum_similarity:
            edges.append((a, *documents[a][:2], b, *documents[b][:2], similarity))
    context.counts = {"pairs": len(left), "verified": len(edges)}
    with context.blocks("edges", EDGES) as out:
        columns: Iterable[list[object]] = map(list, zip(*edges, strict=True)) if edges else [[] for _ in EDGES]
        out.write(pa.table([pa.array(c, f.type) for c, f in zip(columns, EDGES, strict=True)], schema=EDGES))


def _resolve(context: UnitContext) -> None:
    removed = _removed(context.table("edges"))
    with context.blocks("duplicates", DUPLICATES, num_blocks=len(context.plan.units)) as out:
        _write_duplicates(out, [(ref, "near_duplicate", *twin) for ref, twin in removed.items()])
        for table in context.segments("exact"):
            rows = []
            for item in table.to_pylist():
                reason, twin = "repeated_row" if item["repeated"] else "exact_duplicate", (item["twin"], 1.0)
                if item["twin_ref"] in removed:  # the winner itself left: name the document that stayed
                    twin = removed[item["twin_ref"]]
                    reason = reason if item["repeated"] else "near_duplicate"
                rows.append((item["ref"], reason, *twin))
            _write_duplicates(out, rows)


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


def _write_duplicates(out: BlockWriter, rows: list[tuple[int, str, bytes, float]]) -> None:
    if not rows:
        return
    rows.sort()
    refs, reasons, twins, similarities = zip(*rows, strict=True)
    units = np.array([ref >> 32 for ref in refs], dtype=np.int64)
    ordinals = pa.array([ref & _ORDINAL for ref in refs], pa.int64())
    out.write(pa.table([ordinals, list(reasons), pa.array(twins, _ID), list(similarities)], schema=DUPLICATES), units)


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


def _step(name: str, grain: str, reads: tuple[Read, ...], run: object, **more: object) -> Step:
    return Step(name, 2, "decide", grain, reads, _near_settings, run, _prepare, **more)  # type: ignore[arg-type]


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
        _shingle,
        reads_shards=True,
    ),
    _step(
        "verify",
        "slices",
        (Read("pair", "pairs", "blocks", PAIRS), Read("shingle", "shingles", "blocks", SHINGLES)),
        _verify,
    ),
    _step("resolve", "one", (Read("verify", "edges", "all", EDGES), Read("pair", "exact", "all", EXACT)), _resolve),
]

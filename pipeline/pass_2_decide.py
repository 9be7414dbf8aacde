"""Pass 2, decide: licences, quality bounds and duplicates, from columns alone. A barrier in five steps.

    judge     per input unit  licence policy, languages and bounds; survivors go on by content hash and by band key
    pair      per slice       exact groups; pairs of documents that share an LSH bucket
    shingle   per input unit  documents of some pair are read again and send their shingles to where they are compared
    verify    per slice       exact Jaccard similarity of every pair
    resolve   one             in order of rank: removed is who reaches the threshold with a kept, better-ranked document

The text of licence rejections, bounds and duplicates is never moved: only hashes are.
"""

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from filters.licences import NO_LICENCE, Evidence, LicenceDecision, LicencePolicy
from manifests.decision import DECISIONS, decisions_table
from manifests.document import ID_BYTES, Rejected
from manifests.ledger import Ledger
from pipeline.judgement import failing
from pipeline.measuring import ROWS
from pipeline.pass_2_duplicates import BANDS, CONTENTS
from pipeline.pass_2_duplicates import STEPS as DUPLICATE_STEPS
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from stages.exchange import block_of_hash, fixed_binary, hash_of_ids, sortable

JUDGED = pa.schema([pa.field("kept", pa.bool_()), pa.field("licence", pa.string())])
_STARS = 0x7FFFFFFF


def _judge(context: UnitContext) -> None:
    ledger = context.ledger = Ledger()
    num_slices = context.plan.num_slices
    seen = 0
    with (
        context.blocks("decisions", DECISIONS) as decisions,
        context.blocks("judged", JUDGED) as judged,
        context.blocks("contents", CONTENTS, num_blocks=num_slices) as contents,
        context.blocks("bands", BANDS, num_blocks=num_slices) as bands,
    ):
        for rows in context.segments("rows"):
            rejected, licences = _verdicts(rows, context.recipe)
            sizes = rows.column("num_bytes").to_pylist()
            for index, num_bytes in enumerate(sizes):
                if index not in rejected:
                    ledger.keep(num_bytes)
            for item in rejected.values():
                ledger.reject(item)
            decisions.write(decisions_table([rejected[index] for index in sorted(rejected)]))
            keep = np.ones(rows.num_rows, dtype=np.bool_)
            keep[list(rejected)] = False
            judged.write(pa.table([pa.array(keep), pa.array(licences)], schema=JUDGED))
            refs = np.uint64(context.unit << 32) + np.arange(seen, seen + rows.num_rows, dtype=np.uint64)
            survivors = _survivors(rows, keep, refs, licences)
            hashes = hash_of_ids(fixed_binary(survivors.column("content_hash"), ID_BYTES))
            contents.write(survivors.select(CONTENTS.names), block_of_hash(hashes, num_slices))
            keys = _band_rows(survivors)
            bands.write(keys, block_of_hash(keys.column("key").to_numpy(), num_slices))
            seen += rows.num_rows


def _verdicts(rows: pa.Table, recipe: Recipe) -> tuple[dict[int, Rejected], list[str]]:
    """Rejections by row, and the concluded licence of every row."""
    decided = _licences(rows, recipe)
    places = list(
        zip(
            (identifier.hex() for identifier in rows.column("id").to_pylist()),
            rows.column("shard").to_pylist(),
            rows.column("row").to_pylist(),
            rows.column("part").to_pylist(),
            rows.column("num_bytes").to_pylist(),
            strict=True,
        )
    )
    rejected: dict[int, Rejected] = {}

    def reject(index: int, stage: str, reason: str, **facts: object) -> None:
        identifier, shard, row, part, num_bytes = places[index]
        rejected[index] = Rejected(
            id=identifier,
            stage=stage,
            reason=reason,
            shard=shard,
            row=row,
            part=part,
            num_bytes=num_bytes,
            **facts,  # type: ignore[arg-type]
        )

    for index, decision in enumerate(decided):
        if decision.rejected is not None:
            reject(index, "licence", decision.rejected, detail=decision.detail[:200])
    for found in failing(rows, recipe, recipe.filters.signals):
        for place, (index, value) in enumerate(zip(found.rows.tolist(), found.values.tolist(), strict=True)):
            if index not in rejected:
                measured = None if math.isnan(value) else value
                detail = found.details[place] if found.details else ""
                reject(index, found.stage, found.reason, value=measured, bound=found.bound, detail=detail)
    return rejected, [decision.licence for decision in decided]


def _licences(rows: pa.Table, recipe: Recipe) -> list[LicenceDecision]:
    policy = LicencePolicy(frozenset(recipe.licences.allow), recipe.licences.no_licence)
    declared = {source.name: source.declared_licence for source in recipe.sources}
    known: dict[tuple[str, str, str, str], LicenceDecision] = {}
    decisions = []
    columns = (rows.column(name).to_pylist() for name in ("licence_metadata", "licence_header", "licence_header_where"))
    for metadata, header, where, source in zip(*columns, rows.column("source").to_pylist(), strict=True):
        key = (metadata, header, where, source)
        if key not in known:
            evidence = [
                item
                for item in (
                    Evidence("metadata", metadata, "detected_licenses"),
                    Evidence("header", header, where),
                    Evidence("source", declared[source], "recipe"),
                )
                if item.expression
            ]
            known[key] = policy.decide(evidence)
        decisions.append(known[key])
    return decisions


def _survivors(
    rows: pa.Table, keep: npt.NDArray[np.bool_], refs: npt.NDArray[np.uint64], licences: list[str]
) -> pa.Table:
    """What duplicates are decided from."""
    table = rows.select(["content_hash", "id", "bands"])
    table = table.append_column("ref", pa.array(refs)).append_column("rank", pa.array(_ranks(rows, licences)))
    return table.filter(pa.array(keep))


def _ranks(rows: pa.Table, licences: list[str]) -> npt.NDArray[np.uint64]:
    """uint64[n], smaller is better: a licence before none, more stars, then a hash of kind, subset, language, licence.

    The hash tells rows apart that differ in kind or subset alone: shard order does not choose.
    """
    stars = np.minimum(rows.column("stars").to_numpy(), _STARS).astype(np.uint64)
    unlicensed = np.fromiter((name in ("", NO_LICENCE) for name in licences), dtype=np.uint64, count=len(licences))
    classes = zip(*(rows.column(name).to_pylist() for name in ("kind", "subset", "language")), licences, strict=True)
    hashes = (xxhash.xxh3_64_intdigest("\0".join(names).encode()) & 0xFFFFFFFF for names in classes)
    tie = np.fromiter(hashes, dtype=np.uint64, count=len(licences))
    ranks: npt.NDArray[np.uint64] = (unlicensed << np.uint64(63)) | ((np.uint64(_STARS) - stars) << np.uint64(32)) | tie
    return ranks


def _band_rows(survivors: pa.Table) -> pa.Table:
    """One row of `BANDS` for every band of every document that has a signature."""
    banded = survivors.filter(survivors.column("bands").is_valid())
    if not banded.num_rows:
        return BANDS.empty_table()
    keys = banded.column("bands").combine_chunks().flatten().to_numpy()
    per_document = len(keys) // banded.num_rows

    def spread(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        return np.repeat(values, per_document)

    columns = [
        keys,
        spread(hash_of_ids(fixed_binary(banded.column("content_hash"), ID_BYTES))),
        spread(sortable(fixed_binary(banded.column("id"), ID_BYTES))[0]),  # the order that exact groups use
        spread(banded.column("ref").to_numpy()),
        spread(banded.column("rank").to_numpy()),
    ]
    return pa.table([pa.array(column) for column in columns], schema=BANDS)


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "licences": {"allow": sorted(recipe.licences.allow), "no_licence": recipe.licences.no_licence},
        "languages": recipe.languages.model_dump(),
        "filters": recipe.filters.model_dump_json(),  # as text: the order of rules decides which reason is first
        "slices": plan.num_slices,
    }


STEPS = [
    Step(
        name="judge",
        number=2,
        pass_name="decide",
        grain="inputs",
        reads=(Read("ingest", "rows", "same", ROWS),),
        settings=_settings,
        run=_judge,
    ),
    *DUPLICATE_STEPS,
]

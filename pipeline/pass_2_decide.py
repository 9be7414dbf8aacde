"""Pass 2, decide: licences, quality bounds and duplicates, from columns alone. A barrier in eight steps.

    look_up, detect, govern       what notices, licence files and manifests say: see `pass_2_licences`
    judge     per input unit  licence policy, languages and bounds; survivors go on by content hash and by band key
    pair      per slice       exact groups; pairs of documents that share an LSH bucket
    shingle   per input unit  documents of some pair are read again and send their shingles to where they are compared
    verify    per slice       exact Jaccard similarity of every pair
    resolve   one             tainted copies; then, in order of rank, who reaches the threshold with a kept, better one

The text of licence rejections, bounds and duplicates is never moved: only hashes are. Documents that were rejected for
a copyleft or proprietary licence send theirs, too, so that copies of them are found; they win and lose nothing.
"""

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from filters.licence_policy import NO_LICENCE, LicenceDecision, LicencePolicy
from manifests.decision import DECISIONS, decisions_table
from manifests.document import ID_BYTES, Rejected
from manifests.ledger import Ledger
from pipeline.judgement import failing
from pipeline.licence_evidence import Said, Witnesses, evidence_rows
from pipeline.measuring import ROWS
from pipeline.pass_2_duplicates import BANDS, CONTENTS
from pipeline.pass_2_duplicates import STEPS as DUPLICATE_STEPS
from pipeline.pass_2_licences import ANSWERS, GOVERNED, answers_of
from pipeline.pass_2_licences import STEPS as LICENCE_STEPS
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from stages.attribution import EVIDENCE
from stages.exchange import block_of_hash, fixed_binary, hash_of_ids, sortable

JUDGED = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("kept", pa.bool_()),
        pa.field("licence", pa.string()),
        pa.field("licence_declared", pa.string()),
        pa.field("evidence", pa.list_(EVIDENCE)),
    ]
)
_TAINTS = {"": 0, "lies_in": 1, "header": 2}
_STARS = 0x7FFFFFFF


def _judge(context: UnitContext) -> None:
    ledger = context.ledger = Ledger()
    num_slices = context.plan.num_slices
    witnesses = Witnesses(
        context.recipe,
        answers_of(context.segments("answers")),
        (row for table in context.segments("governed") for row in table.to_pylist()),
    )
    policy = context.recipe.licences.policy
    seen = 0
    with (
        context.blocks("decisions", DECISIONS) as decisions,
        context.blocks("judged", JUDGED) as judged,
        context.blocks("contents", CONTENTS, num_blocks=num_slices) as contents,
        context.blocks("bands", BANDS, num_blocks=num_slices) as bands,
    ):
        for rows in context.segments("rows"):
            said = list(witnesses.of(rows))
            decided = _licences(rows, said, policy)
            rejected = _verdicts(rows, decided, context.recipe)
            for index, num_bytes in enumerate(rows.column("num_bytes").to_pylist()):
                if index not in rejected:
                    ledger.keep(num_bytes)
            for item in rejected.values():
                ledger.reject(item)
            decisions.write(decisions_table([rejected[index] for index in sorted(rejected)]))
            keep = np.ones(rows.num_rows, dtype=np.bool_)
            keep[list(rejected)] = False
            licences = [decision.licence for decision in decided]
            declared = [decision.declared for decision in decided]
            evidence = pa.array([evidence_rows(item.evidence) for item in said], JUDGED.field("evidence").type)
            columns = [rows.column("id"), pa.array(keep), pa.array(licences), pa.array(declared), evidence]
            judged.write(pa.table(columns, schema=JUDGED))
            refs = np.uint64(context.unit << 32) + np.arange(seen, seen + rows.num_rows, dtype=np.uint64)
            compared = _compared(rows, keep, refs, decided)
            hashes = hash_of_ids(fixed_binary(compared.column("content_hash"), ID_BYTES))
            contents.write(compared.select(CONTENTS.names), block_of_hash(hashes, num_slices))
            keys = _band_rows(compared)
            bands.write(keys, block_of_hash(keys.column("key").to_numpy(), num_slices))
            seen += rows.num_rows


def _verdicts(rows: pa.Table, decided: list[LicenceDecision], recipe: Recipe) -> dict[int, Rejected]:
    """Rejections by row: for its licence first."""
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
    return rejected


def _licences(rows: pa.Table, said: list[Said], policy: LicencePolicy) -> list[LicenceDecision]:
    decisions = []
    for item, kind in zip(said, rows.column("kind").to_pylist(), strict=True):
        if item.rejected:
            decisions.append(LicenceDecision("", "", item.rejected, "", ""))
        else:
            decisions.append(policy.decide(item.evidence, kind=kind))
    return decisions


def _compared(
    rows: pa.Table, keep: npt.NDArray[np.bool_], refs: npt.NDArray[np.uint64], decided: list[LicenceDecision]
) -> pa.Table:
    """What duplicates are decided from: survivors, and documents whose licence may taint copies of them."""
    licences = [decision.licence for decision in decided]
    taint = np.fromiter(
        (_TAINTS[decision.taints] if decision.rejected else 0 for decision in decided), np.uint8, count=len(decided)
    )
    table = rows.select(["content_hash", "id", "bands"])
    table = table.append_column("ref", pa.array(refs)).append_column("rank", pa.array(_ranks(rows, licences)))
    table = table.append_column("taint", pa.array(taint))
    return table.filter(pa.array(keep | (taint > 0)))


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


def _band_rows(compared: pa.Table) -> pa.Table:
    """One row of `BANDS` for every band of every document that has a signature."""
    banded = compared.filter(compared.column("bands").is_valid())
    if not banded.num_rows:
        return BANDS.empty_table()
    keys = banded.column("bands").combine_chunks().flatten().to_numpy()
    per_document = len(keys) // banded.num_rows

    def spread(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.repeat(values, per_document)

    columns = [
        keys,
        spread(hash_of_ids(fixed_binary(banded.column("content_hash"), ID_BYTES))),
        spread(sortable(fixed_binary(banded.column("id"), ID_BYTES))[0]),  # the order that exact groups use
        spread(banded.column("ref").to_numpy()),
        spread(banded.column("rank").to_numpy()),
        spread(banded.column("taint").to_numpy()),
    ]
    return pa.table([pa.array(column) for column in columns], schema=BANDS)


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "licences": recipe.licences.model_dump(mode="json", exclude={"cache", "text_seconds", "copies"}),
        "sources": {s.name: [s.declared_licence, sorted(s.subset_licences.items())] for s in recipe.sources},
        "languages": recipe.languages.model_dump(),
        "filters": recipe.filters.model_dump_json(),  # as text: the order of rules decides which reason is first
        "slices": plan.num_slices,
    }


STEPS = [
    *LICENCE_STEPS,
    Step(
        name="judge",
        number=2,
        pass_name="decide",
        grain="inputs",
        reads=(
            Read("ingest", "rows", "same", ROWS),
            Read("detect", "answers", "blocks", ANSWERS),
            Read("govern", "governed", "blocks", GOVERNED),
        ),
        settings=_settings,
        run=_judge,
    ),
    *DUPLICATE_STEPS,
]

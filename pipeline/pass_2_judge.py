"""Pass 2, decide, step `judge`: opt-outs, licence policy, language lists and bounds, from columns alone.

Survivors go on to the steps for duplicates by the hash of their words. Documents that opted out with all their copies,
or were rejected for a copyleft or proprietary licence, send theirs, too, so that copies of them are found; they win and
lose nothing.

Rows and sketches go by in step, segment by segment.
"""

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from filters.licence_policy import LicenceDecision, LicencePolicy
from manifests.decision import DECISIONS, decisions_table
from manifests.document import ID_BYTES, Rejected
from manifests.ledger import Ledger
from pipeline.comparable import Comparable, Judged
from pipeline.judgement import failing
from pipeline.licence_evidence import Said, Witnesses, evidence_rows
from pipeline.measuring import ROWS
from pipeline.opt_outs import OPT_OUT, heeded, opt_out_settings
from pipeline.opted_out import OptedOut, opted_out
from pipeline.pass_2_groups import CONTENTS
from pipeline.pass_2_licences import ANSWERS, GOVERNED, answers_of
from pipeline.pass_2_repositories import FORKS
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from stages.attribution import EVIDENCE
from stages.exchange import RowStream, block_of_hash, fixed_binary, sortable
from stages.release_index import SKETCHES
from stages.suppression import compile_kernels

JUDGED = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("kept", pa.bool_()),
        pa.field("licence", pa.string()),
        pa.field("licence_declared", pa.string()),
        pa.field("evidence", pa.list_(EVIDENCE)),
    ]
)


def _judge(context: UnitContext) -> None:
    ledger = context.ledger = Ledger()
    num_slices = context.plan.num_slices
    witnesses = Witnesses(
        context.recipe,
        answers_of(context.segments("answers")),
        (row for table in context.segments("governed") for row in table.to_pylist()),
    )
    policy = context.recipe.licences.policy
    sketches = RowStream(context.segments("sketches"), SKETCHES)
    comparable = Comparable(context)
    timing = context.clock.timing
    decide, judge = timing("decide", _licences), timing("judge", _verdicts)
    requests = heeded(context.recipe, context.plan.opt_outs)
    seen = 0
    with (
        context.blocks("decisions", DECISIONS) as decisions,
        context.blocks("judged", JUDGED) as judged,
        context.blocks("contents", CONTENTS, num_blocks=num_slices) as contents,
    ):
        for rows in context.segments("rows"):
            said = list(context.clock.timed("gather", witnesses.of(rows)))
            decided = decide(rows, said, policy)
            sketched = sketches.take(rows.num_rows)
            out = timing("opt_out", opted_out)(requests, rows, sketched)
            rejected = judge(rows, decided, out, context.recipe)
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
            verdicts = Judged(decided, keep, out.with_copies)
            table = timing("compare", comparable.table)(rows, sketched, verdicts, first=seen)
            highs = sortable(fixed_binary(table.column("key"), ID_BYTES))[0]
            contents.write(table, block_of_hash(highs, num_slices))
            seen += rows.num_rows


def _verdicts(rows: pa.Table, decided: list[LicenceDecision], out: OptedOut, recipe: Recipe) -> dict[int, Rejected]:
    """Rejections by row: for a request first, then for its licence."""
    rejected: dict[int, Rejected] = {}
    reject = _rejecting(rows, rejected)
    for item in out.rows:
        reject(item.row, OPT_OUT, item.reason, value=item.value, bound=item.bound, detail=item.detail)
    for index, decision in enumerate(decided):
        if decision.rejected is not None and index not in rejected:
            reject(index, "licence", decision.rejected, detail=decision.detail[:200])
    for found in failing(rows, recipe, recipe.filters.signals):
        for place, (index, value) in enumerate(zip(found.rows.tolist(), found.values.tolist(), strict=True)):
            if index not in rejected:
                measured = None if math.isnan(value) else value
                detail = found.details[place] if found.details else ""
                reject(index, found.stage, found.reason, value=measured, bound=found.bound, detail=detail)
    return rejected


def _rejecting(rows: pa.Table, rejected: dict[int, Rejected]) -> Callable[..., None]:
    """A function that rejects a row, by its index, stage and reason."""
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

    return reject


def _licences(rows: pa.Table, said: list[Said], policy: LicencePolicy) -> list[LicenceDecision]:
    decisions = []
    for item, kind in zip(said, rows.column("kind").to_pylist(), strict=True):
        if item.rejected:
            decisions.append(LicenceDecision("", "", item.rejected, "", ""))
        else:
            decisions.append(policy.decide(item.evidence, kind=kind))
    return decisions


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "licences": recipe.licences.model_dump(mode="json", exclude={"cache", "text_seconds", "copies"}),
        "sources": {s.name: [s.declared_licence, sorted(s.subset_licences.items())] for s in recipe.sources},
        "languages": recipe.languages.model_dump(),
        "filters": recipe.filters.model_dump_json(),  # as text: the order of rules decides which reason is first
        "keep": recipe.deduplication.keep,
        "opt_outs": opt_out_settings(recipe, plan.opt_outs),
        "held_out": recipe.held_out and recipe.held_out.model_dump(exclude={"releases"}),
        "slices": plan.num_slices,
    }


def _preload(recipe: Recipe, plan: Plan) -> None:
    if heeded(recipe, plan.opt_outs) is not None:
        compile_kernels()


STEPS = [
    Step(
        name="judge",
        version=3,
        number=2,
        pass_name="decide",
        grain="inputs",
        reads=(
            Read("ingest", "rows", "same", ROWS),
            Read("ingest", "sketches", "same", SKETCHES),
            Read("detect", "answers", "blocks", ANSWERS),
            Read("govern", "governed", "blocks", GOVERNED),
            Read("forks", "forks", "blocks", FORKS),
        ),
        settings=_settings,
        run=_judge,
        preload=_preload,
    )
]

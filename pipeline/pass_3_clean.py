"""Pass 3, clean: read the shards again, apply the decisions, decontaminate, redact, write every kept text once.

Texts go to their slice by hash of the repository, else of the id, so that a repository lies in one release shard. With
each goes what its attribution will say, and what later releases will know it by. Held-out documents are redacted and
written beside: to the account they are rejected, for no later pass may take them up. A sample of one document in 64 is
tokenized here: it is what mix estimates the token budgets from.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from filters.redaction_rules import rules_digest
from manifests.decision import DECISIONS, decisions_table
from manifests.document import Document, Rejected
from manifests.ledger import Ledger
from pipeline.benchmark_files import benchmark_settings, load_matcher
from pipeline.decontamination import Decontaminator
from pipeline.kept_sums import SUMS, KeptSums
from pipeline.kept_texts import TEXTS, KeptTexts, write_indexed
from pipeline.pass_1_ingest import PLACES
from pipeline.pass_2_judge import JUDGED
from pipeline.pass_2_resolve import DUPLICATES, HELD_OUT
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.redactions import Redactions
from pipeline.shards import documents_again
from pipeline.steps import Read, Step, UnitContext
from pipeline.tokenizer_file import load_tokenizer, tokenizer_settings
from stages.redaction import redact
from stages.release_index import SKETCHES


class _Decided(NamedTuple):
    """A document that pass 2 let through, or that its barrier rejected; `num_bytes` of its raw text."""

    ordinal: int
    document: Document
    rejected: Rejected | None
    num_bytes: int


def _clean(context: UnitContext) -> None:
    ledger = context.ledger = Ledger()
    sums, benchmarks = KeptSums(context.recipe), Decontaminator(context.recipe)
    redactions = Redactions(context.recipe)
    clock, rejected = context.clock, list[Rejected]()
    find, redacted = clock.timing("decontaminate", benchmarks.rejected), clock.timing("redact", redactions.of)
    places = context.table("places").combine_chunks()  # once, for all who take rows of them
    judged = context.table("judged").combine_chunks()
    with (
        context.blocks("decisions", DECISIONS) as decisions,
        context.blocks("texts", TEXTS, num_blocks=context.plan.num_slices) as texts,
        context.blocks("held_out", TEXTS, num_blocks=context.plan.num_slices) as held_texts,
    ):
        known = judged.append_column("blob", places.column("blob"))
        batch, held_out = (KeptTexts(writer, known, context.plan.num_slices) for writer in (texts, held_texts))
        keep, add_up = clock.timing("keep", batch.add), clock.timing("estimate", sums.add)
        for ordinal, document, verdict, num_bytes in _decided(context, judged, places):
            set_aside = verdict is not None and verdict.reason == HELD_OUT
            verdict = verdict or find(document, num_bytes)  # noqa: PLW2901 - pass 2 comes first
            cleaned = redacted(document) if verdict is None or set_aside else None
            leaks = cleaned and redactions.rejected(document, num_bytes, cleaned)
            if cleaned is not None and set_aside and leaks is None:
                held_out.add(ordinal, document, cleaned.text)
            if (verdict := leaks or verdict) is not None:
                rejected.append(verdict)
                ledger.reject(verdict)
            elif cleaned is not None:
                ledger.keep(num_bytes)
                redactions.count(document, cleaned)
                add_up(document, cleaned.text, keep(ordinal, document, cleaned.text))
        batch.flush()
        held_out.flush()
        decisions.write(decisions_table(rejected))
    write_indexed(context, places, kept=batch.kept, held_out=held_out.kept)
    with context.blocks("sums", SUMS) as table:
        table.write(sums.table())
    context.counts = redactions.counts() | {"benchmarks": benchmarks.counts()}


def _decided(context: UnitContext, judged: pa.Table, places: pa.Table) -> Iterator[_Decided]:
    removed = {row["ordinal"]: row for row in context.table("duplicates").to_pylist()}
    sizes = places.column("num_bytes").to_pylist()
    kept = frozenset(np.flatnonzero(judged.column("kept").to_numpy()).tolist())
    for ordinal, document in documents_again(context, places, kept):
        row, num_bytes = removed.get(ordinal), sizes[ordinal]
        yield _Decided(ordinal, document, row and _removed(document, row, num_bytes), num_bytes)


def _removed(document: Document, row: dict[str, Any], num_bytes: int) -> Rejected:
    return Rejected(
        id=document.id,
        stage=row["stage"],
        reason=row["reason"],
        shard=document.shard,
        row=document.row,
        part=document.part,
        twin=(row["twin"] or b"").hex(),
        similarity=row["similarity"],
        num_bytes=num_bytes,
    )


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "redaction": recipe.redaction.model_dump() | {"rules": rules_digest()},
        "decontamination": benchmark_settings(recipe),
        "tokenizer": tokenizer_settings(recipe)["sha256"],  # lengths of texts: control tokens play no part
        "slices": plan.num_slices,
        "maximum_line_bytes": recipe.limits.maximum_line_bytes,
        "text_forms": recipe.text_forms.model_dump(),
    }


def _prepare(recipe: Recipe) -> None:
    """Load the tokenizer and the benchmarks and compile the patterns once, for all forked workers."""
    if (matcher := load_matcher(recipe)) is not None:
        matcher.match("warm", is_code=True)
    load_tokenizer(recipe).encode("warm")
    redact("warm", policy=recipe.redaction.policy)


STEPS = [
    Step(
        name="clean",
        version=6,
        number=3,
        pass_name="clean",
        grain="inputs",
        reads=(
            Read("ingest", "places", "same", PLACES),
            Read("ingest", "sketches", "same", SKETCHES),
            Read("judge", "judged", "same", JUDGED),
            Read("resolve", "duplicates", "blocks", DUPLICATES),
        ),
        settings=_settings,
        run=_clean,
        prepare=_prepare,
        reads_shards=True,
    )
]

"""Pass 5, rewrite: a model rewrites the documents that choose has chosen, and every gate looks at what it says.

The only step that asks a model, and the one that its server is started for. A unit is a slice: its chosen documents are
given to the model, longest first, many at a time (`pipeline.rewriting_unit`). What is written is in the order of ids
and follows from the texts and the model's answers alone: not from the order in which they came, nor from who paid.

Memory: the chosen texts of one slice and their rewrites.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from pipeline.kept_texts import TEXTS
from pipeline.pass_4_choose import CHOSEN
from pipeline.pass_4_survey import CANDIDATES
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.rewriting_counts import RewrittenCounts, as_counts
from pipeline.rewriting_settings import near_settings, rewrite_settings, rewrites, rewriting_of
from pipeline.rewriting_unit import UnitWatcher, load_prompts, prepare_rewriting, rewritten_all
from pipeline.sketches import sketching
from pipeline.steps import Read, Step, UnitContext
from stages.exchange import table_of
from stages.rewrite_provenance import Provenance, UsedPrompt
from stages.rewriting import Rewritten, Subject
from stages.shingles import shingle_hashes_utf8
from stages.similarity import unique_sorted

_ID = pa.binary(ID_BYTES)
# One row for each document with a rewrite that every gate accepted.
REWRITES = pa.schema(
    [
        pa.field("id", _ID),
        pa.field("language", pa.string()),
        pa.field("text", pa.large_string()),
        pa.field("num_bytes", pa.int64()),
        pa.field("original_bytes", pa.int64()),
        pa.field("original_sha256", pa.binary(32)),
        pa.field("modes", pa.string()),
        pa.field("provenance", pa.string()),
    ]
)
# What overlay compares them by; rows stand in the order of those of REWRITES.
SKETCHED = pa.schema(
    [
        pa.field("id", _ID),
        pa.field("language", pa.string()),
        pa.field("num_bytes", pa.int64()),
        pa.field("original_bytes", pa.int64()),
        pa.field("order", pa.uint64()),
        pa.field("content_hash", pa.binary(16)),
        pa.field("bands", pa.list_(pa.uint64())),
    ]
)
SHINGLES = pa.schema([pa.field("id", _ID), pa.field("shingles", pa.list_(pa.uint64()))])
# One row for each judgement of an answer, or of a text as a whole, piece -1; `gate` is empty where all were passed.
OUTCOMES = pa.schema(
    [
        pa.field("id", _ID),
        pa.field("language", pa.string()),
        pa.field("mode", pa.string()),
        pa.field("piece", pa.int32()),
        pa.field("attempt", pa.int32()),
        pa.field("gate", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("bound", pa.float64()),
        pa.field("prompt_tokens", pa.int64()),
        pa.field("completion_tokens", pa.int64()),
    ]
)
# One row for each document that has no rewrite, for a mode was refused.
REFUSED = pa.schema([OUTCOMES.field(name) for name in ("id", "gate", "detail", "value", "bound")])
# One row for each document of which no mode changed anything, though none was refused.
UNCHANGED = pa.schema([pa.field("id", _ID)])
_BATCH_DOCUMENTS = 100


class _Done(NamedTuple):
    """A document, its place in the random order, and what became of it."""

    subject: Subject
    order: int
    result: Rewritten

    @property
    def id(self) -> bytes:
        return bytes.fromhex(self.subject.id)


def _rewrite(context: UnitContext) -> None:
    chosen = chosen_candidates(context)
    subjects = subjects_of(context, chosen)
    watcher = UnitWatcher(context, subjects)
    results = context.clock.timing("rewrite", rewritten_all)(context.recipe, subjects, watcher)
    orders = dict(zip(chosen.column("id").to_pylist(), chosen.column("order").to_pylist(), strict=True))
    del chosen
    done = [
        _Done(subject, orders[bytes.fromhex(subject.id)], results[subject.id])
        for subject in sorted(subjects, key=lambda subject: subject.id)
    ]
    counts: dict[str, RewrittenCounts] = {}
    for one in done:
        counts.setdefault(one.subject.language, RewrittenCounts()).add(one.subject, one.result)
    context.counts = as_counts(counts)
    accepted = [one for one in done if one.result.text is not None]
    with context.blocks("rewrites", REWRITES) as out:
        out.write(table_of([_row(context, one) for one in accepted], REWRITES))
    context.clock.timing("sketch", _write_sketches)(context, accepted)
    with context.blocks("outcomes", OUTCOMES) as out:
        out.write(table_of([row for one in done for row in _outcomes(one)], OUTCOMES))
    with context.blocks("refused", REFUSED) as out:
        out.write(table_of([(one.id, *_facts(one.result)) for one in done if one.result.refusal], REFUSED))
    with context.blocks("unchanged", UNCHANGED) as out:
        unchanged = [one for one in done if one.result.text is None and one.result.refusal is None]
        out.write(table_of([(one.id,) for one in unchanged], UNCHANGED))


def chosen_candidates(context: UnitContext) -> pa.Table:
    """Rows of `CANDIDATES` that are to be rewritten."""
    rules = {row["language"]: row for row in context.table("chosen").to_pylist()}
    candidates = context.table("candidates")
    languages, orders = candidates.column("language").to_pylist(), candidates.column("order").to_pylist()
    taken = [
        (rule := rules.get(language)) is not None and (rule["all"] or order < rule["bound"])
        for language, order in zip(languages, orders, strict=True)
    ]
    return candidates.filter(pa.array(taken, pa.bool_()))


def subjects_of(context: UnitContext, chosen: pa.Table) -> list[Subject]:
    """The chosen documents with their texts. What is not chosen is never held."""
    wanted = chosen.column("id").combine_chunks()
    found = {row["id"]: row for row in chosen.select(["id", "language", "num_errors", "findings"]).to_pylist()}
    subjects = []
    for part in context.parts(context.inputs["texts"], columns=("id", "text")):
        for row in part.filter(pc.is_in(part.column("id"), value_set=wanted)).to_pylist():
            one = found[row["id"]]
            measured = one["num_errors"], one["findings"]
            subjects.append(Subject(row["id"].hex(), row["text"], one["language"], *measured))
    return subjects


def _row(context: UnitContext, one: _Done) -> tuple[object, ...]:
    """A row of `REWRITES`."""
    text, original = one.result.text or "", one.subject.text.encode()
    modes, digest = "+".join(one.result.modes), sha256(original).digest()
    provenance = _provenance(context.recipe, one.result).to_json()
    size = len(text.encode())
    return one.id, one.subject.language, text, size, len(original), digest, modes, provenance


def _provenance(recipe: Recipe, result: Rewritten) -> Provenance:
    model, sampling = rewriting_of(recipe).model, rewriting_of(recipe).sampling
    return Provenance(
        model=model.name,
        revision=model.revision,
        licence=model.licence,
        dtype=model.dtype,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=sampling.seed,
        prompts=[UsedPrompt(*prompt) for prompt in result.prompts],
        gates=result.values,
        prompt_tokens=sum(attempt.prompt_tokens for attempt in result.attempts),
        completion_tokens=sum(attempt.completion_tokens for attempt in result.attempts),
    )


def _write_sketches(context: UnitContext, accepted: Sequence[_Done]) -> None:
    near = near_settings(context.recipe)
    sketch = sketching(near)
    with context.blocks("sketched", SKETCHED) as sketches, context.blocks("shingles", SHINGLES) as shingles:
        for start in range(0, len(accepted), _BATCH_DOCUMENTS):
            rows, sets = list[tuple[object, ...]](), list[tuple[object, ...]]()
            for one in accepted[start : start + _BATCH_DOCUMENTS]:
                encoded = (one.result.text or "").encode()
                made = sketch(encoded)
                sizes = len(encoded), len(one.subject.text.encode())
                bands = [] if made.bands is None else made.bands.tolist()
                rows.append((one.id, one.subject.language, *sizes, one.order, made.content_hash, bands))
                sets.append((one.id, unique_sorted(shingle_hashes_utf8(encoded, ngram_words=near.ngram_words))))
            sketches.write(table_of(rows, SKETCHED))
            shingles.write(table_of(sets, SHINGLES))
            context.progress(0)


def _outcomes(one: _Done) -> list[tuple[object, ...]]:
    """Rows of `OUTCOMES`."""
    rows = list[tuple[object, ...]]()
    for attempt in one.result.attempts:
        refusal = attempt.refusal
        why = (refusal.gate, refusal.detail, refusal.value, refusal.bound) if refusal else ("", "", None, None)
        place = attempt.mode, attempt.piece, attempt.attempt
        rows.append((one.id, one.subject.language, *place, *why, attempt.prompt_tokens, attempt.completion_tokens))
    return rows


def _facts(result: Rewritten) -> tuple[object, ...]:
    refusal = result.refusal
    assert refusal is not None  # noqa: S101 - asked by the caller
    return refusal.gate, refusal.detail, refusal.value, refusal.bound


def _settings(recipe: Recipe, plan: Plan) -> object:
    if not rewrites(recipe):
        return {}
    prompts = {prompt.mode: prompt.sha256 for prompt in load_prompts(recipe)}
    return rewrite_settings(recipe) | {"prompts": prompts, "slices": plan.num_slices}


STEPS = [
    Step(
        name="rewrite",
        number=5,
        pass_name="rewrite",
        grain="slices",
        reads=(
            Read("clean", "texts", "blocks", TEXTS),
            Read("survey", "candidates", "same", CANDIDATES),
            Read("choose", "chosen", "all", CHOSEN),
        ),
        settings=_settings,
        run=_rewrite,
        prepare=prepare_rewriting,
        asked_for=rewrites,
    )
]

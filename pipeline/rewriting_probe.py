"""A probe of rewriting: a few of the chosen documents go the very way of pass 5, and tell what all of them will take.

The answers go into the recipe's cache, so nothing of a probe is paid for twice: the run that follows finds them there.
Nothing else is written. The work folder must be done until pass mix, whose survey says what is to be rewritten.

Cost: the model's time for the documents; before it, the texts of as many slices as hold the sample. Documents are in
slices by a hash, so the first slices are as good a sample as any.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pyarrow as pa

from manifests.document import ID_BYTES
from manifests.errors import RecipeError
from pipeline.locks import locked
from pipeline.model_servers import check_model
from pipeline.pass_5_rewrite import chosen_candidates, subjects_of
from pipeline.passes import steps_of
from pipeline.preparing import serve
from pipeline.recipe import Recipe
from pipeline.rewriting_settings import rewriting_of
from pipeline.rewriting_unit import rewritten_all
from pipeline.slurm_submission import refuse_while_submitted
from pipeline.units import Mill, step_named, unit_context, units_to_run
from stages.exchange import fixed_binary
from stages.mixing import order_keys
from stages.model_client import Counts
from stages.probe_forecast import Measured, Moment, Speed, Stratum, number_of_documents, sample_sizes, speed
from stages.rewriting import Rewritten, Subject

MOST_DOCUMENTS = 200
"""That a probe of a share takes; a number of documents may be larger."""

_LOOK_SECONDS = 0.2
_LAST_STEP = "choose"


class Chosen(msgspec.Struct, frozen=True):
    """What choose counted of a language."""

    documents: int
    num_bytes: int
    estimated_tokens: float


@dataclass(slots=True)
class ProbedLanguage:
    """A language of a probe.

    Attributes:
        chosen: all that is to be rewritten.
        sample: what each document of the sample took.
        accepted: those of them of which there is a rewrite.
        answers: by the gate that refused them, "" for none.
    """

    chosen: Chosen
    sample: list[Measured] = field(default_factory=list)
    accepted: int = 0
    answers: dict[str, int] = field(default_factory=dict)

    @property
    def stratum(self) -> Stratum:
        """For a forecast."""
        return Stratum(self.chosen.documents, self.chosen.num_bytes, self.sample)

    def add(self, subject: Subject, result: Rewritten) -> None:
        """Count a document of the sample."""
        prompts = sum(attempt.prompt_tokens for attempt in result.attempts)
        answers = sum(attempt.completion_tokens for attempt in result.attempts)
        self.sample.append(Measured(len(subject.text.encode()), prompts, answers))
        self.accepted += result.text is not None
        for attempt in result.attempts:
            gate = attempt.refusal.gate if attempt.refusal else ""
            self.answers[gate] = self.answers.get(gate, 0) + 1


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of it.

    Attributes:
        languages: by name, those with most documents first.
        requests: that were made; `cached` of them were answered before.
        speed: of the server; None where nothing was paid.
        gpus: that the recipe gives to it.
    """

    languages: Mapping[str, ProbedLanguage]
    requests: int
    cached: int
    speed: Speed | None
    gpus: int

    @property
    def tokens_per_gpu_hour(self) -> float | None:
        """Tokens of prompts and answers that one GPU does in an hour; None where no speed was measured."""
        return None if self.speed is None else self.speed.tokens_per_second * 3600 / self.gpus


def probe(mill: Mill, size: float, tell: Callable[[int, int], None] = lambda _done, _all: None) -> Probe:
    """Rewrite a sample of the chosen documents.

    Args:
        size: below 1 a share of them, `MOST_DOCUMENTS` at most; else a number.
        tell: called with the documents done and all of the sample.

    Raises:
        RecipeError: nothing is to be rewritten, the work folder is not done until pass mix, or a run holds it; or
            engine, model, key or cache are not there.
        RetryableError: the server stayed away.
        UnitError: the server refuses, or the cache cannot be written.
    """
    _check(mill.recipe, size)
    check_model(mill.recipe)
    with locked(mill.work):
        refuse_while_submitted(mill.work)
        chosen = _chosen(mill)
        wanted = number_of_documents(size, sum(one.documents for one in chosen.values()), most=MOST_DOCUMENTS)
        subjects = _sample(mill, sample_sizes({name: one.documents for name, one in chosen.items()}, wanted))
        step = step_named("rewrite")
        watcher = _Watcher(len(subjects), tell)
        step.prepare(mill.recipe)
        with serve(mill, step):
            results = rewritten_all(mill.recipe, subjects, watcher)
    languages = {name: ProbedLanguage(chosen[name]) for name in sorted(chosen, key=lambda n: (-chosen[n].documents, n))}
    for subject in subjects:
        languages[subject.language].add(subject, results[subject.id])
    model, counts = rewriting_of(mill.recipe).model, watcher.counts
    return Probe(
        languages=languages,
        requests=counts.requests,
        cached=counts.cached,
        speed=speed(watcher.moments, asked_at_a_time=rewriting_of(mill.recipe).concurrency),
        gpus=model.tensor_parallel * model.data_parallel,
    )


def _check(recipe: Recipe, size: float) -> None:
    if not size > 0 or (size >= 1 and size != int(size)):
        raise RecipeError(
            f"--probe {size:g}: expected a share of the chosen documents below 1, or a number of documents",
            hint=f"--probe 0.01 takes one in a hundred, {MOST_DOCUMENTS} at most; --probe 50 takes 50",
        )
    if recipe.rewriting is None:
        raise RecipeError(
            "--probe: expected a recipe that has code rewritten, got one without section `rewriting`",
            hint="`corpusmill init` writes the section, with every key explained",
        )


def _chosen(mill: Mill) -> dict[str, Chosen]:
    """What is to be rewritten, by language, as the work folder says."""
    last = step_named(_LAST_STEP)
    for step in steps_of(mill.recipe):
        if units_to_run(mill, step):
            raise RecipeError(
                f"--probe: step {step.name} of pass {step.pass_name} is not done in {mill.work.root}; expected all "
                "until pass mix, which chooses what is rewritten",
                hint="first run it so far, which asks no model: corpusmill run RECIPE --until mix",
            )
        if step.name == last.name:
            break
    [record] = mill.records(last)
    assert record is not None  # noqa: S101 - it is done
    chosen = msgspec.convert(record.counts["chosen"], dict[str, Chosen])
    if not any(one.documents for one in chosen.values()):
        raise RecipeError(
            "--probe: no document is chosen to be rewritten; expected some",
            hint="widen rewriting.selection or rewriting.budget: the survey found nothing that they let in",
        )
    return {name: one for name, one in chosen.items() if one.documents}


def _sample(mill: Mill, sizes: Mapping[str, int]) -> list[Subject]:
    """So many documents of each language, from slice after slice, of each slice in the order of a hash of their ids."""
    step, left = step_named("rewrite"), dict(sizes)
    subjects: list[Subject] = []
    for unit in range(step.num_units(mill.plan)):
        if not any(left.values()):
            break
        context = unit_context(mill, step, unit, lambda _num_bytes: None)
        taken = _taken(chosen_candidates(context), left, mill.recipe.seed)
        if taken.num_rows:
            subjects += subjects_of(context, taken)
    return subjects


def _taken(candidates: pa.Table, left: dict[str, int], seed: int) -> pa.Table:
    """The rows of a slice that go into the sample; takes them off what is left to be found."""
    keys = order_keys(fixed_binary(candidates.column("id"), ID_BYTES), seed, "probe")
    languages = candidates.column("language").to_pylist()
    rows = []
    for row in np.argsort(keys, kind="stable").tolist():
        if left.get(languages[row], 0):
            left[languages[row]] -= 1
            rows.append(row)
    return candidates.take(pa.array(sorted(rows), pa.int64()))


class _Watcher:
    """Looks at the requests from the first to the last."""

    def __init__(self, documents: int, tell: Callable[[int, int], None]) -> None:
        self.moments: list[Moment] = []
        self.counts = Counts()
        self._documents, self._done, self._tell = documents, 0, tell

    def beat(self) -> None:
        """Nobody watches a probe but whoever started it."""

    @asynccontextmanager
    async def watching(self, counts: Counts) -> AsyncIterator[None]:
        """Take down the state of the requests, many times a second."""
        self.counts = counts
        looking = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
            self._look()

    def finished(self, subject: Subject, result: Rewritten) -> None:
        """A document is done with."""
        del subject, result
        self._done += 1
        self._tell(self._done, self._documents)

    async def _keep_looking(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(_LOOK_SECONDS)

    def _look(self) -> None:
        counts = self.counts
        under_way = max(0, counts.requests - counts.cached - counts.paid)
        self.moments.append(Moment(time.monotonic(), under_way, counts.prompt_tokens + counts.completion_tokens))

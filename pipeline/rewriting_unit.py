"""One unit of rewriting: its documents before the model, so many at a time that the server is never idle.

Longest first, so that no long answer is waited for at the end. Twice as many documents as requests are under way, for
those whose answers are looked at ask nothing. An error of one ends the unit: answers so far are in the cache, and
whoever runs it again pays for no more than what was under way.

A watched unit must not be silent, and a model may think for minutes. So the unit says that it goes on as long as the
client does: each of its tries ends within `rewriting.request_seconds`, and one that came to nothing counts as well.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic
from typing import Protocol

from filters.rewrite_gates import GateBounds, Match, Redact
from filters.text_syntax import syntax_of
from manifests.errors import UnitError
from pipeline.benchmark_files import load_matcher
from pipeline.model_servers import address
from pipeline.recipe import Recipe
from pipeline.rewriting_live import LiveFigures
from pipeline.rewriting_settings import rewriting_of
from pipeline.steps import UnitContext
from stages.answer_cache import AnswerCache, namespace
from stages.gatekeeper import Gatekeeper
from stages.linting import Linter
from stages.model_client import Counts, Endpoint, Limits, ModelClient, Sampling, load
from stages.model_requests import Answer, Request
from stages.redaction import redact
from stages.rewrite_prompts import Prompt, load_prompt
from stages.rewriting import Rewriter, Rewritten, Subject
from stages.text_forms import with_lf

_DOCUMENTS_PER_REQUEST = 2
_BEAT_SECONDS = 5.0
_SILENT_SECONDS = 600.0  # beyond one try: the longest wait before the next, and time to look at an answer


def load_prompts(recipe: Recipe) -> list[Prompt]:
    """The prompts of the recipe's modes, in their order."""
    return [load_prompt(mode) for mode in rewriting_of(recipe).modes]


def prepare_rewriting(recipe: Recipe) -> None:
    """Load what every unit needs, once, before they are forked."""
    load()
    load_prompts(recipe)
    redacting(recipe)("warm", "Python")
    matching(recipe)("warm")


class Watcher(Protocol):
    """What is told while documents are before the model."""

    def beat(self) -> None:
        """The work goes on."""

    def watching(self, counts: Counts) -> AbstractAsyncContextManager[None]:
        """A block in which all of the work is done; `counts` is what has been asked, and grows."""

    def finished(self, subject: Subject, result: Rewritten) -> None:
        """A document is done with."""


class UnitWatcher:
    """Has the watchdog know that a unit goes on, and a person how."""

    def __init__(self, context: UnitContext, subjects: Sequence[Subject]) -> None:
        self._context = context
        self._sizes = {subject.id: float(len(subject.text)) for subject in subjects}
        self._figures: LiveFigures | None = None

    def beat(self) -> None:
        """The work goes on."""
        self._context.progress(0)

    @asynccontextmanager
    async def watching(self, counts: Counts) -> AsyncIterator[None]:
        """Keep live figures."""
        self._figures = LiveFigures(self._context.storage, self._context.unit, counts, self._sizes.values())
        async with self._figures.kept():
            yield

    def finished(self, subject: Subject, result: Rewritten) -> None:
        """A document is done with."""
        self.beat()
        if self._figures is not None:
            gates = [attempt.refusal.gate if attempt.refusal else None for attempt in result.attempts]
            self._figures.finished(self._sizes[subject.id], gates)


def rewritten_all(recipe: Recipe, subjects: Sequence[Subject], watcher: Watcher) -> dict[str, Rewritten]:
    """What becomes of documents, by id.

    Raises:
        RetryableError: the server stayed away.
        UnitError: the server refuses, or the cache cannot be written.
    """
    if not subjects:
        return {}
    with gatekeeper(recipe) as gates:  # its process is forked before there are threads
        return asyncio.run(_rewritten(recipe, subjects, watcher, gates))


async def _rewritten(
    recipe: Recipe, subjects: Sequence[Subject], watcher: Watcher, gates: Gatekeeper
) -> dict[str, Rewritten]:
    rewriting = rewriting_of(recipe)
    async with model_client(recipe) as client, watcher.watching(client.counts):
        rewriter = Rewriter(
            lambda request: in_form(client.ask, request),
            gates,
            load_prompts(recipe),
            context_tokens=rewriting.model.context,
            maximum_length=rewriting.gates.maximum_length,
        )
        beating = asyncio.create_task(_beat(client.counts, watcher, rewriting.request_seconds + _SILENT_SECONDS))
        try:
            return await all_rewritten(
                rewriter.rewrite,
                longest_first(subjects),
                at_a_time=_DOCUMENTS_PER_REQUEST * rewriting.concurrency,
                finished=watcher.finished,
            )
        finally:
            beating.cancel()


async def _beat(counts: Counts, watcher: Watcher, patience_seconds: float) -> None:
    """Say that the work goes on, for as long as requests come to an end, whatever end that is."""
    seen, since = -1, monotonic()
    while True:
        ended = counts.cached + counts.paid + counts.faltered
        if ended != seen:
            seen, since = ended, monotonic()
        if monotonic() - since < patience_seconds:
            watcher.beat()
        await asyncio.sleep(_BEAT_SECONDS)


def gatekeeper(recipe: Recipe) -> Gatekeeper:
    """The recipe's gates; a context manager."""
    bounds = GateBounds(**rewriting_of(recipe).gates.model_dump())
    linter = Linter() if bounds.linter else None
    return Gatekeeper(bounds, redact=redacting(recipe), match=matching(recipe), linter=linter)


def redacting(recipe: Recipe) -> Redact:
    """How many secrets and personal data the recipe's policy finds in a text of a language."""
    policy = recipe.redaction.policy
    return lambda text, language: redact(text, policy=policy, syntax=syntax_of("code", language)).num_spans


def matching(recipe: Recipe) -> Match:
    """Which of the recipe's benchmarks has a problem that a text of code holds; None: none of them."""
    matcher = load_matcher(recipe)

    def match(text: str) -> str | None:
        found = None if matcher is None else matcher.match(text, is_code=True)
        return None if found is None else found.benchmark

    return match


def model_client(recipe: Recipe) -> ModelClient:
    """A client of the recipe's model, whose answers go through the recipe's cache; for `async with`."""
    rewriting = rewriting_of(recipe)
    model, sampling = rewriting.model, Sampling(**rewriting.sampling.model_dump())
    within = namespace(model.name, revision=model.revision, dtype=model.dtype, sampling=sampling)
    cache = AnswerCache(rewriting.cache_folder, within, recipe.s3.access)
    limits = Limits(rewriting.concurrency, rewriting.request_seconds, model.context)
    return ModelClient(Endpoint(address(recipe), model.name, _api_key(recipe)), sampling, cache, limits)


def _api_key(recipe: Recipe) -> str | None:
    variable = rewriting_of(recipe).api_key_variable
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise UnitError(
            f"rewriting.api_key_variable: expected a key in the environment variable {variable}, found none",
            hint=f"export {variable} before the run, on every machine that asks the model",
        )
    return key


def longest_first(subjects: Iterable[Subject]) -> list[Subject]:
    """Documents by falling length; those of one length by id."""
    return sorted(subjects, key=lambda subject: (-len(subject.text), subject.id))


async def in_form(ask: Callable[[Request], Awaitable[Answer]], request: Request) -> Answer:
    """An answer whose text is in the form that `stages.text_forms` gives documents: lines end in LF.

    No document holds a zero byte: an answer with one says nothing.
    """
    answer = await ask(request)
    text = with_lf(answer.text)
    return Answer("" if "\0" in text else text, answer.finish_reason, answer.prompt_tokens, answer.completion_tokens)


async def all_rewritten(
    rewrite: Callable[[Subject], Awaitable[Rewritten]],
    subjects: Sequence[Subject],
    *,
    at_a_time: int,
    finished: Callable[[Subject, Rewritten], object],
) -> dict[str, Rewritten]:
    """What becomes of documents, by id; they are begun in the order given. The first error ends all.

    Args:
        finished: called as each is done.
    """
    waiting, results = iter(subjects), dict[str, Rewritten]()

    async def work() -> None:
        for subject in waiting:
            results[subject.id] = await rewrite(subject)
            finished(subject, results[subject.id])

    workers = [asyncio.create_task(work()) for _ in range(min(at_a_time, len(subjects)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return results

"""One unit of rewriting: its documents before the model, so many at a time that the server is never idle.

Longest first, so that no long answer is waited for at the end. Twice as many documents as requests are under way, for
those whose answers are looked at ask nothing. An error of one ends the unit: answers so far are in the cache, and
whoever runs it again pays for no more than what was under way.

A watched unit must not be silent, and a model may think for minutes. So the unit says that it goes on as long as the
client does: each of its tries ends within `rewriting.request_seconds`, and one that came to nothing counts as well.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic
from typing import Protocol

from filters.grammars import GRAMMARS
from filters.lint_rules import compiled_rules
from filters.rewrite_gates import GateBounds, Gates, Match, Redact
from filters.text_syntax import syntax_of
from pipeline.benchmark_files import load_matcher
from pipeline.model_servers import model_client, prepare
from pipeline.recipe import Recipe
from pipeline.rewriting_live import LiveFigures
from pipeline.rewriting_settings import rewriting_of
from pipeline.steps import UnitContext
from stages.deprecated_apis import deprecated
from stages.gatekeeper import Gatekeeper
from stages.linting import Linter
from stages.model_client import Counts
from stages.model_requests import Answer, Request
from stages.redaction import redact
from stages.rewrite_prompts import Prompt, load_prompt
from stages.rewriting import Rewriter, Rewritten, Subject
from stages.text_forms import with_lf

_WARM = "warm\n"
_DOCUMENTS_PER_REQUEST = 2
_BEAT_SECONDS = 5.0
_SILENT_SECONDS = 600.0  # beyond one try: the longest wait before the next, and time to look at an answer


def load_prompts(recipe: Recipe) -> list[Prompt]:
    """The prompts of the recipe's modes, in their order."""
    return [load_prompt(mode) for mode in rewriting_of(recipe).modes]


def prepare_rewriting(recipe: Recipe) -> None:
    """Load what every unit needs, once, before they are forked: client, grammars, rules and what gates scan with."""
    prepare(recipe)
    load_prompts(recipe)
    gates = Gates(_bounds(recipe), redact=redacting(recipe), match=matching(recipe))
    asked = rewriting_of(recipe).selection.languages
    for language in GRAMMARS:
        if asked is None or language in asked:
            gates.judge_text(_WARM, _WARM, language)
            compiled_rules(language)
            deprecated(_WARM, language)


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
        beats = Beats(client.counts, watcher.beat, patience_seconds=rewriting.request_seconds + _SILENT_SECONDS)
        beating = asyncio.create_task(beats.go_on(min(_BEAT_SECONDS, recipe.limits.progress_seconds / 4)))
        try:
            return await all_rewritten(
                rewriter.rewrite,
                longest_first(subjects),
                at_a_time=_DOCUMENTS_PER_REQUEST * rewriting.concurrency,
                finished=watcher.finished,
            )
        finally:
            beating.cancel()


class Beats:
    """Says that work goes on, for as long as requests come to an end, whatever end that is.

    Args:
        patience_seconds: without an end of any request, after which nothing is said any more.
    """

    def __init__(
        self,
        counts: Counts,
        beat: Callable[[], object],
        *,
        patience_seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._counts = counts
        self._beat = beat
        self._patience = patience_seconds
        self._clock = clock
        self._seen, self._since = -1, 0.0

    async def go_on(self, every_seconds: float) -> None:
        """Say so again and again, until this is cancelled."""
        while True:
            self.look()
            await asyncio.sleep(every_seconds)

    def look(self) -> None:
        """Say so once, if it is so."""
        ended, now = self._counts.cached + self._counts.paid + self._counts.faltered, self._clock()
        if ended != self._seen:
            self._seen, self._since = ended, now
        if now - self._since < self._patience:
            self._beat()


def gatekeeper(recipe: Recipe) -> Gatekeeper:
    """The recipe's gates; a context manager."""
    bounds = _bounds(recipe)
    linter = Linter() if bounds.linter else None
    return Gatekeeper(bounds, redact=redacting(recipe), match=matching(recipe), linter=linter)


def gate_settings(recipe: Recipe) -> dict[str, object]:
    """What of the gates and prompts decides bytes, beside the recipe."""
    prompts = {prompt.mode: prompt.sha256 for prompt in load_prompts(recipe)}
    return {"prompts": prompts, "linter": Linter().version if rewriting_of(recipe).gates.linter else None}


def _bounds(recipe: Recipe) -> GateBounds:
    return GateBounds(**rewriting_of(recipe).gates.model_dump())


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

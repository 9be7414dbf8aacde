"""Rewriting one document: which modes it needs, what the model is asked, and what becomes of its answers.

    for each mode that applies, in order:
        for each piece of the text: ask → gates → ask once more with the reason → or leave the piece as it is
        the new text as a whole → gates, against the document's original → or leave the text as it was before the mode

So a mode that fails costs what it would have changed and nothing else, and no text comes out that was not held against
the document's own. A document whose text did not change has no rewrite, be every answer accepted.

No model, no server and no clock is known here: the same answers make the same text. Calls: at most two a piece and
mode, those of all pieces at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple, Protocol

from filters.chat_tokens import control_token
from filters.rewrite_refusals import Refusal
from manifests.printable import printable
from stages.gatekeeper import Checked
from stages.model_requests import Answer, Request
from stages.rewrite_pieces import Span, TooLongError, estimated_tokens, grouped, with_edges_of
from stages.rewrite_prompts import Prompt, Refused
from stages.rewrite_requests import Questions, known_of, refused

ATTEMPTS = 2
"""Of each piece in each mode: the first, and one with the reason of its refusal."""

WHOLE = -1
"""The number of the piece in an attempt that is about the whole text."""

Ask = Callable[[Request], Awaitable[Answer]]
"""How the model is asked; raises where there is no answer to be had."""


class Gates(Protocol):
    """What an answer and a text must pass; `stages.gatekeeper.Gatekeeper`."""

    async def check(self, original: str, answer: Answer, language: str, *, whole: bool) -> Checked:
        """Whether an answer may stand for a text, a whole file or a piece of one."""
        ...

    async def check_text(self, original: str, text: str, language: str) -> Checked:
        """Whether a text may stand for another."""
        ...

    async def units(self, text: str, language: str) -> Sequence[Span]:
        """The top-level units of a text, which tile it."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """A document that may be rewritten.

    Attributes:
        id: 32 hex digits.
        text: valid Unicode.
        language: linguist's name.
        num_errors: places that do not parse.
        findings: of the linter.
    """

    id: str
    text: str
    language: str
    num_errors: int
    findings: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One judgement: of an answer, or, without tokens, of a text that no answer was asked for or that is refused whole.

    Attributes:
        piece: counted from 0 in the mode's text; `WHOLE` for the text.
        attempt: 0, or 1 for a second try.
        refusal: None where every gate was passed.
    """

    mode: str
    piece: int
    attempt: int
    refusal: Refusal | None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class PromptUsed(NamedTuple):
    """A prompt that a text was rewritten with."""

    mode: str
    version: int
    sha256: str


@dataclass(slots=True)
class Rewritten:
    """What became of a document.

    Attributes:
        text: the rewrite; None where the document stays as it is.
        prompts: of the modes that changed the text, in order.
        attempts: by mode, piece and attempt.
        values: of the gates, of the rewrite as a whole against the original; empty without a rewrite.
        refusal: why there is no rewrite: that of the first mode that was refused; None where there is one, or where
            nothing was to be changed.
    """

    text: str | None = None
    prompts: tuple[PromptUsed, ...] = ()
    attempts: list[Attempt] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    refusal: Refusal | None = None

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that changed the text, in order."""
        return tuple(prompt.mode for prompt in self.prompts)


class Rewriter:
    """Rewrites documents, any number at a time.

    Args:
        prompts: of the modes, in order.
        context_tokens: that prompt and answer may have together.
        maximum_length: of an answer, as a ratio to the text; decides how many tokens it may have.
    """

    def __init__(
        self, ask: Ask, gates: Gates, prompts: Sequence[Prompt], *, context_tokens: int, maximum_length: float
    ) -> None:
        self._ask = ask
        self._gates = gates
        self._prompts = tuple(prompts)
        self._context_tokens = context_tokens
        self._maximum_length = maximum_length

    async def rewrite(self, subject: Subject) -> Rewritten:
        """What the model makes of a document, as far as the gates let it; errors are those of `ask` and the gates."""
        result = Rewritten()
        text = subject.text
        for prompt in self._prompts:
            mode = self._mode(prompt, subject, text)
            if not mode.applies():
                continue
            text = await mode.rewritten()
            result.attempts += mode.attempts
            result.refusal = result.refusal or mode.refusal
            if text != mode.text:
                result.values = mode.values
                result.prompts += (PromptUsed(prompt.mode, prompt.version, prompt.sha256),)
        if text == subject.text:
            return Rewritten(attempts=result.attempts, refusal=result.refusal)
        result.text, result.refusal = text, None
        return result

    def _mode(self, prompt: Prompt, subject: Subject, text: str) -> "_Mode":
        document = sha256(subject.text.encode()).hexdigest()
        known = known_of(prompt.mode, subject.num_errors, subject.findings)
        questions = Questions(prompt, document, subject.language, known, self._context_tokens, self._maximum_length)
        return _Mode(self._gates, self._ask, questions, subject.text, text)


class _Part(NamedTuple):
    """What became of a piece: its text, new or as it was, and the values of the gates for it."""

    text: str
    attempts: Sequence[Attempt] = ()
    values: Mapping[str, float] = MappingProxyType({})


class _UnaskedError(Exception):
    """A text that the model is not asked about."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


@dataclass(slots=True)
class _Mode:
    """One mode of one document; `text` is what the modes before have left."""

    gates: Gates
    ask: Ask
    questions: Questions
    original: str
    text: str
    attempts: list[Attempt] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    refusal: Refusal | None = None

    def applies(self) -> bool:
        """Whether there is something for this mode to do."""
        return self._mode == "style" or bool(self.questions.notes(self.text, part=False))

    async def rewritten(self) -> str:
        """The text after this mode: as it was where it was refused."""
        try:
            pieces = await self._pieces()
        except _UnaskedError as error:
            return self._refused(error.refusal)
        parts = await _together([self._part(number, piece, len(pieces) > 1) for number, piece in enumerate(pieces)])
        for part in parts:
            self.attempts += part.attempts
            self.refusal = self.refusal or (part.attempts[-1].refusal if part.attempts else None)
        text = "".join(part.text for part in parts)
        if len(parts) == 1:
            self.values = dict(parts[0].values)
        elif text != self.text:
            checked = await self.gates.check_text(self.original, text, self.questions.language)
            if checked.refusal is not None:
                return self._refused(checked.refusal)
            self.values = checked.values
        return text

    @property
    def _mode(self) -> str:
        return self.questions.prompt.mode

    def _refused(self, refusal: Refusal) -> str:
        self.attempts.append(Attempt(self._mode, WHOLE, 0, refusal))
        self.refusal = refusal
        return self.text

    async def _pieces(self) -> list[str]:
        token = control_token(self.text)
        if token is not None:
            detail = f"the text holds {printable(token)}, which chat models may take for the end of a turn"
            raise _UnaskedError(Refusal("code_block", detail, None, None))
        bound = self.questions.maximum_piece_tokens(self.text)
        if estimated_tokens(self.text) <= bound:
            return [self.text]
        try:
            return grouped(self.text, await self.gates.units(self.text, self.questions.language), bound)
        except TooLongError as error:
            raise _UnaskedError(Refusal("length", str(error), error.tokens, error.bound)) from error

    async def _part(self, number: int, piece: str, part: bool) -> _Part:
        if not piece.strip() or (self._mode == "modernize" and not self.questions.notes(piece, part=part)):
            return _Part(piece)
        attempts: list[Attempt] = []
        before: Refused | None = None
        for attempt in range(ATTEMPTS):
            answer = await self.ask(self.questions.request(piece, before, part=part))
            checked = await self._judged(piece, answer, part=part)
            tokens = answer.prompt_tokens, answer.completion_tokens
            attempts.append(Attempt(self._mode, number, attempt, checked.refusal, *tokens))
            if checked.refusal is not None:
                before = refused(answer, checked.refusal)
            elif checked.text is not None:
                return _Part(checked.text, attempts, checked.values)
        return _Part(piece, attempts)

    async def _judged(self, piece: str, answer: Answer, *, part: bool) -> Checked:
        """An answer before the gates; one about a whole text that is no longer the original, against that as well."""
        language = self.questions.language
        checked = await self.gates.check(piece, answer, language, whole=not part)
        if checked.text is None:
            return checked
        text = with_edges_of(piece, checked.text)
        if not part and self.text not in (self.original, text):
            checked = await self.gates.check_text(self.original, text, language)
        return replace(checked, text=text if checked.refusal is None else None)


async def _together(parts: Sequence[Coroutine[None, None, _Part]]) -> list[_Part]:
    """The results in their order; the first error ends all."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()

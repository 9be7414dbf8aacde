"""The gatekeeper: all gates on the answers of a model, in a process of its own, without the event loop waiting for it.

A worker process is kept for all answers of a unit (`manifests.isolated_worker`), forked when the gatekeeper is entered:
what the scans need should be loaded by then, threads not started. An answer that takes more memory or time than sound
code does, or ends the process, is refused by the gate `parse`. The linter for Python is a program, run for all that
wait for it at once, as a call for one text costs as much as for ten; the others run in the worker.

Cost on good answers about files of 3.4 kB, all processes counted: 200 answers a CPU second without the linter, 120 with
it (`bench/eval_rewriting.py --speed`); half a second more for the queries of all languages, once a worker.
"""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import msgspec

from filters.code_structure import top_level_units
from filters.lint_rules import lint_findings
from filters.rewrite_gates import GateBounds, Gates, Match, Redact
from filters.rewrite_refusals import Refusal, refusal
from manifests.isolated_worker import IsolatedWorker
from stages.batched_calls import BatchedCalls
from stages.lint_gate import refused_lint
from stages.linting import Linter
from stages.model_requests import Answer

MEMORY_BYTES = 400_000_000
CPU_SECONDS = 20  # sound code: below 0.2


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of an answer.

    Attributes:
        text: the code, when accepted.
        refusal: the first gate that it did not pass; None when accepted.
        values: of `length_ratio`, `similarity`, `repetition`, `errors_before`, `errors_after`, `findings_before` and
            `findings_after` those that were measured before a gate refused.
    """

    text: str | None
    refusal: Refusal | None
    values: dict[str, float] = field(default_factory=dict)


class _Task(msgspec.Struct, array_like=True, tag=True):
    """One text to judge. `finish_reason` None: the text is no answer, but code."""

    original: str
    text: str
    language: str
    finish_reason: str | None


class _Cut(msgspec.Struct, array_like=True, tag=True):
    """One text whose units are asked for."""

    text: str
    language: str


class _Judged(msgspec.Struct, array_like=True):
    """What the worker says; findings of the linter where it looked for them: before and after."""

    text: str | None
    refusal: Refusal | None
    values: dict[str, float]
    findings: tuple[dict[str, int], dict[str, int]] | None


class Gatekeeper:
    """Asks the gates; a context manager, to be entered before threads are started.

    Args:
        redact: how many secrets and personal data a text of a language holds: (text, language).
        match: the benchmark that a text holds a problem of, or None.
        linter: None: findings do not count.
    """

    def __init__(self, bounds: GateBounds, *, redact: Redact, match: Match, linter: Linter | None) -> None:
        self._gates = Gates(bounds, redact=redact, match=match)
        self._linter = linter if bounds.linter else None
        self._worker = IsolatedWorker(self._judge, memory_bytes=MEMORY_BYTES, cpu_seconds=CPU_SECONDS)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._worker)
            if self._linter is not None:
                self._python_lint = stack.enter_context(BatchedCalls(self._linter.python_findings))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    async def check(self, original: str, answer: Answer, language: str, *, whole: bool) -> Checked:
        """All gates on an answer about a file or, where not `whole`, a piece of one.

        Raises:
            UnitError: a gate itself failed; a bug of ours.
            RetryableError: the process that keeps the worker is gone.
        """
        return await self._check(_Task(original, answer.text, language, answer.finish_reason), whole=whole)

    async def check_text(self, original: str, text: str, language: str) -> Checked:
        """All gates but those on the form of an answer, on a file put together from pieces; raises as `check`."""
        return await self._check(_Task(original, text, language, None), whole=True)

    async def units(self, text: str, language: str) -> list[tuple[int, int]]:
        """The top-level units of a text, as spans of characters that tile it; raises as `check`.

        Returns:
            One unit where the text cannot be cut, or not within bounds of memory and time.
        """
        reply = await self._worker.ask(_encode(_Cut(text, language)))
        return [(0, len(text))] if reply is None else msgspec.msgpack.decode(reply, type=list[tuple[int, int]])

    async def _check(self, task: _Task, *, whole: bool) -> Checked:
        try:
            message = _encode(task)
        except UnicodeEncodeError:  # half a surrogate pair, as an escape in JSON can make it
            return Checked(None, refusal("code_block", "the answer is no valid Unicode"))
        reply = await self._worker.ask(message)
        if reply is None:
            what = "the code" if whole else "the part"
            return Checked(None, refusal("parse", f"{what} cannot be read within bounds of memory and time"))
        judged = _decode(reply)
        if judged.text is None or self._linter is None:
            return Checked(judged.text, judged.refusal, judged.values)
        if judged.findings is None:
            before, after = await self._python_lint.of([task.original, judged.text])
        else:
            before, after = (Counter(found) for found in judged.findings)
        values = judged.values | {"findings_before": before.total(), "findings_after": after.total()}
        num_mended = int(max(0, judged.values["errors_before"] - judged.values["errors_after"]))
        refused = refused_lint(before, after, num_mended=num_mended)
        return Checked(None if refused else judged.text, refused, values)

    def _judge(self, message: bytes) -> bytes:
        """In the worker."""
        task = msgspec.msgpack.decode(message, type=_Task | _Cut)
        if isinstance(task, _Cut):
            return _encode(top_level_units(task.text, task.language))
        if task.finish_reason is None:
            verdict = self._gates.judge_text(task.original, task.text, task.language)
        else:
            verdict = self._gates.judge_answer(task.original, task.text, task.finish_reason, task.language)
        findings = None
        if verdict.text is not None and self._linter is not None and task.language != "Python":
            findings = lint_findings(task.original, task.language), lint_findings(verdict.text, task.language)
        return _encode(_Judged(verdict.text, verdict.refusal, verdict.values, findings))


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(_Judged).decode

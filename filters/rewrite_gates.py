"""Gates: what an answer of a model must be before it may stand for the original; the first that it fails is named.

A gate compares the rewrite with its original: what was wrong before is not held against the rewrite. None of them runs
the code. A slip that parses, such as a changed constant, is out of their reach.

Hostile input: parsers and compilers may take memory beyond any bound or end the process on some texts. Whoever calls
with text of a model does so in a process of its own (`stages.gatekeeper`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from filters.model_answers import code_of
from filters.rewrite_gate_answers import refused_block, refused_finish, refused_label
from filters.rewrite_gate_contents import (
    length_ratio,
    refused_length,
    refused_licence_header,
    refused_repetition,
    refused_similarity,
    repetition,
    similarity,
)
from filters.rewrite_gate_structure import (
    refused_imports,
    refused_language,
    refused_parse,
    refused_public_api,
    refused_stub,
)
from filters.rewrite_refusals import Refusal, refusal
from filters.rewrite_sources import Source, source

GATES: tuple[str, ...] = (
    *("finish_reason", "code_block", "language", "parse", "public_api", "imports", "length", "repetition"),
    *("similarity", "stub", "licence_header", "sensitive", "benchmark", "lint"),
)
"""In the order in which they are asked."""

Redact = Callable[[str, str], int]
Match = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class GateBounds:
    """Bounds of the gates that have one, inclusive; as in the recipe's `rewriting.gates`.

    Attributes:
        minimum_length: ratio of UTF-8 bytes to the original's.
        minimum_similarity: share of the original's distinct pairs of words that the rewrite keeps.
        maximum_repetition: share of the rewrite's bytes in lines that repeat others, beyond the original's.
        linter: whether findings of a linter count.
    """

    minimum_length: float = 0.5
    maximum_length: float = 2.0
    minimum_similarity: float = 0.3
    maximum_repetition: float = 0.2
    linter: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gates but `lint` say.

    Attributes:
        text: the code, where none refuses it.
        values: what was measured, by name.
    """

    text: str | None
    refusal: Refusal | None
    values: dict[str, float] = field(default_factory=dict)


class Gates:
    """All gates but `lint`, which needs a program (`stages.lint_gate`).

    Args:
        redact: how many secrets and personal data a text of a language holds: (text, language).
        match: the benchmark that a text holds a problem of, or None.
    """

    def __init__(self, bounds: GateBounds, *, redact: Redact, match: Match) -> None:
        self._bounds = bounds
        self._redact = redact
        self._match = match

    def judge_answer(self, original: str, answer: str, finish_reason: str, language: str) -> Verdict:
        """What the gates say of an answer."""
        block = code_of(answer)
        refused = refused_finish(finish_reason) or refused_block(block, original)
        if refused is None and block is not None:
            refused = refused_label(block.label, language)
        if refused is not None or block is None:
            return Verdict(None, refused)
        return self.judge_text(original, block.code, language)

    def judge_text(self, original: str, text: str, language: str) -> Verdict:
        """What all gates but those on the form of an answer say of code."""
        before, after = source(original, language), source(text, language)
        values: dict[str, float] = {}
        refused = (
            _refused_structure(before, after, values)
            or self._refused_contents(before, after, values)
            or refused_stub(before, after)
            or refused_licence_header(before, after)
            or self._refused_scans(before, after)
        )
        return Verdict(None if refused else text, refused, values)

    def _refused_contents(self, before: Source, after: Source, values: dict[str, float]) -> Refusal | None:
        bounds = self._bounds
        values["length_ratio"] = length_ratio(before, after)
        refused = refused_length(values["length_ratio"], bounds.minimum_length, bounds.maximum_length)
        if refused is None:
            values["repetition"] = repetition(before, after)
            refused = refused_repetition(before, after, bounds.maximum_repetition)
        if refused is None:
            values["similarity"] = similarity(before, after)
            refused = refused_similarity(before, after, values["similarity"], bounds.minimum_similarity)
        return refused

    def _refused_scans(self, before: Source, after: Source) -> Refusal | None:
        new = self._redact(after.text, after.language)
        if new and new > (old := self._redact(before.text, before.language)):
            return refusal("sensitive", "the code holds a secret or personal data that the original does not", new, old)
        benchmark = self._match(after.text)
        if benchmark is not None and self._match(before.text) is None:
            return refusal("benchmark", f"the code holds a problem of the benchmark {benchmark}")
        return None


def _refused_structure(before: Source, after: Source, values: dict[str, float]) -> Refusal | None:
    refused = refused_language(before, after)
    if refused is None and before.structure is not None and after.structure is not None:
        values["errors_before"], values["errors_after"] = before.structure.num_errors, after.structure.num_errors
    return (
        refused or refused_parse(before, after) or refused_public_api(before, after) or refused_imports(before, after)
    )

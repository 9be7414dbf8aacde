"""What a unit of rewriting counts, by language, for its record: what the manifest and the caps are made from."""

from collections.abc import Iterable
from typing import Any, Self

import msgspec

from manifests.record import Record
from manifests.release_rewriting import ACCEPTED
from stages.rewriting import Rewritten, Subject

KEY = "rewritten"


class RewrittenCounts(msgspec.Struct, forbid_unknown_fields=True):
    """Documents of one language that were given to the model.

    Attributes:
        unchanged: those of which no mode changed anything, though none was refused.
        refused: those without a rewrite, for a mode was refused; `refused_bytes` of their originals.
        rewritten: those with one; `original_bytes` became `rewritten_bytes`.
        answers: judgements by mode, then by the gate that refused, or `accepted`.
    """

    chosen: int = 0
    unchanged: int = 0
    refused: int = 0
    refused_bytes: int = 0
    rewritten: int = 0
    original_bytes: int = 0
    rewritten_bytes: int = 0
    errors_before: int = 0
    errors_after: int = 0
    findings_before: int = 0
    findings_after: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    answers: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)

    def add(self, subject: Subject, result: Rewritten) -> None:
        """Count a document."""
        num_bytes = len(subject.text.encode())
        self.chosen += 1
        if result.text is not None:
            self.rewritten += 1
            self.original_bytes += num_bytes
            self.rewritten_bytes += len(result.text.encode())
            for name in ("errors_before", "errors_after", "findings_before", "findings_after"):
                setattr(self, name, getattr(self, name) + int(result.values.get(name, 0)))
        elif result.refusal is not None:
            self.refused += 1
            self.refused_bytes += num_bytes
        else:
            self.unchanged += 1
        for attempt in result.attempts:
            gates = self.answers.setdefault(attempt.mode, {})
            gate = attempt.refusal.gate if attempt.refusal else ACCEPTED
            gates[gate] = gates.get(gate, 0) + 1
            self.prompt_tokens += attempt.prompt_tokens
            self.completion_tokens += attempt.completion_tokens

    def merge(self, other: Self) -> None:
        """Add what another unit counted."""
        for name in self.__struct_fields__:
            if name != "answers":
                setattr(self, name, getattr(self, name) + getattr(other, name))
        for mode, gates in other.answers.items():
            own = self.answers.setdefault(mode, {})
            for gate, number in gates.items():
                own[gate] = own.get(gate, 0) + number


def as_counts(counted: dict[str, RewrittenCounts]) -> dict[str, Any]:
    """What goes into the record."""
    found = {language: msgspec.to_builtins(one, order="sorted") for language, one in sorted(counted.items())}
    return {KEY: found}


def summed(records: Iterable[Record]) -> dict[str, RewrittenCounts]:
    """By language, of all units together."""
    sums: dict[str, RewrittenCounts] = {}
    for record in records:
        for language, one in msgspec.convert(record.counts[KEY], dict[str, RewrittenCounts]).items():
            sums.setdefault(language, RewrittenCounts()).merge(one)
    return dict(sorted(sums.items()))

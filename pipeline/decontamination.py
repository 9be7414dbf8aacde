"""Decontamination of documents: those that hold a problem of a benchmark are rejected, and counted by problem.

A document is judged by its text before redaction: a placeholder inside a copied problem would hide it, and benchmarks
are not redacted.
"""

from manifests.document import Document, Rejected
from pipeline.benchmark_files import load_matcher
from pipeline.recipe import Recipe

STAGE = "decontaminate"
REASONS = {
    "ngram": "benchmark_ngrams",
    "substring": "benchmark_substring",
    "syntax": "benchmark_syntax",
}


class Decontaminator:
    """Holds documents against the recipe's benchmarks; passes all where there are none."""

    def __init__(self, recipe: Recipe) -> None:
        self._matcher = load_matcher(recipe)
        self._found: dict[str, dict[str, dict[str, int]]] = {}

    def rejected(self, document: Document, num_bytes: int) -> Rejected | None:
        """The rejection of a document that holds a problem; None for a clean one.

        Args:
            num_bytes: of its raw text, for the account.
        """
        if self._matcher is None:
            return None
        match = self._matcher.match(document.text, is_code=document.kind == "code")
        if match is None:
            return None
        reason = REASONS[match.kind]
        counts = self._found.setdefault(match.benchmark, {"reasons": {}, "tasks": {}})
        counts["reasons"][reason] = counts["reasons"].get(reason, 0) + 1
        counts["tasks"][match.task] = counts["tasks"].get(match.task, 0) + 1
        return Rejected(
            id=document.id,
            stage=STAGE,
            reason=reason,
            shard=document.shard,
            row=document.row,
            part=document.part,
            value=match.value,
            bound=match.bound,
            detail=f"{match.benchmark} {match.task}",
            num_bytes=num_bytes,
        )

    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """By benchmark: documents by reason, and by task."""
        return {
            name: {part: dict(sorted(numbers.items())) for part, numbers in parts.items()}
            for name, parts in sorted(self._found.items())
        }

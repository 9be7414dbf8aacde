"""Redaction in pass 3: the recipe's policy and limits put to each document, and the account of it by source."""

from collections import Counter
from typing import Any

from filters.text_syntax import syntax_of
from manifests.document import Document, Rejected
from pipeline.recipe import Recipe
from stages.redaction import Redacted, nothing_left, redact

STAGE = "redact"


class Redactions:
    """Redacts documents and counts what was done to those that are kept."""

    def __init__(self, recipe: Recipe) -> None:
        self._policy = recipe.redaction.policy
        self._limits = recipe.redaction.limits
        self._replacements: dict[str, Counter[str]] = {}
        self._documents: Counter[str] = Counter()

    def of(self, document: Document) -> Redacted:
        """The document's text without what was found in it."""
        return redact(
            document.text,
            policy=self._policy,
            document_id=document.id,
            syntax=syntax_of(document.kind, document.language),
            limits=self._limits,
        )

    def rejected(self, document: Document, num_bytes: int, cleaned: Redacted) -> Rejected | None:
        """Why a document is not kept after all, or None."""
        if cleaned.leak is None and not (cleaned.counts and nothing_left(cleaned.text)):
            return None
        facts = cleaned.leak._asdict() if cleaned.leak else {"reason": "only_placeholders_left"}
        return Rejected(
            id=document.id,
            stage=STAGE,
            shard=document.shard,
            row=document.row,
            part=document.part,
            num_bytes=num_bytes,
            **facts,
        )

    def count(self, document: Document, cleaned: Redacted) -> None:
        """Count a document that is kept."""
        if cleaned.counts:
            self._documents[document.source] += 1
            self._replacements.setdefault(document.source, Counter()).update(cleaned.counts)

    def counts(self) -> dict[str, Any]:
        """What goes into the unit's record: replacements by source and `kind/rule`, changed documents by source."""
        return {
            "redactions": {
                source: dict(sorted(counts.items())) for source, counts in sorted(self._replacements.items())
            },
            "redacted_documents": dict(sorted(self._documents.items())),
        }

"""Licence evidence of ingested rows, put together from what ingest wrote, the detector answered and the recipe says."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa

from filters.licence_evidence import Evidence, EvidenceKind
from filters.licence_expressions import says_something
from filters.notices import MAXIMUM_NOTICES
from pipeline.licence_gathering import Place, place_of
from pipeline.pass_2_licences import UNDECIDED, expression_of, holding
from pipeline.recipe import Recipe
from stages.attribution import EVIDENCE
from stages.licence_detection import Detection

# What is read of ingest's rows.
COLUMNS = (
    *("kind", "source", "subset", "repo", "revision", "path", "licence_metadata", "licence_metadata_where"),
    *("licence_tags", "licence_tags_where", "notices", "notice_lines", "notices_at_end", "notices_complete"),
)


class Said(NamedTuple):
    """What speaks of one document's licence.

    Attributes:
        evidence: from the strongest kind to the weakest.
        rejected: a reason that needs no evidence, such as a subset that is off; empty for none.
    """

    evidence: tuple[Evidence, ...]
    rejected: str


class Witnesses:
    """The evidence of a unit's rows.

    Args:
        answers: of the detector, by text.
        governed: rows of `pass_2_licences.GOVERNED`.
    """

    def __init__(self, recipe: Recipe, answers: Mapping[bytes, Detection], governed: Iterable[dict[str, Any]]) -> None:
        self._answers = answers
        self._sources = {source.name: source for source in recipe.sources}
        self._governed: dict[Place, list[Evidence]] = {}
        for row in governed:
            place = Place(row["repo"], row["revision"], row["directory"])
            kind: EvidenceKind = row["kind"]
            self._governed.setdefault(place, []).append(
                Evidence(kind, row["expression"], row["where"], row["confidence"])
            )
        self._source_word = lru_cache(maxsize=4096)(self._source_word_of)

    def of(self, rows: pa.Table) -> Iterator[Said]:
        """What speaks of each row, in their order."""
        for row in rows.select(COLUMNS).to_pylist():
            evidence = [self._header(row)]
            if row["repo"]:
                evidence += self._governed.get(place_of(row["repo"], row["revision"], row["path"]), [])
            if says_something(row["licence_metadata"]):
                evidence.append(Evidence("metadata", row["licence_metadata"], row["licence_metadata_where"]))
            word, rejected = self._source_word(row["source"], row["subset"])
            yield Said(tuple(piece for piece in (*evidence, word) if piece is not None), rejected)

    def _header(self, row: dict[str, Any]) -> Evidence | None:
        """Tags and notices of the document itself, as one piece: all of them hold."""
        found, places, confidence = [], [], 1.0
        if row["licence_tags"]:
            found.append(row["licence_tags"])
            places += [int(number) for number in _numbers(row["licence_tags_where"])]
        for key, line, at_end in zip(row["notices"], row["notice_lines"], row["notices_at_end"], strict=True):
            answer = self._answers[key]
            expression = expression_of(answer) if at_end or not answer.decided else answer.granted
            if expression:
                found.append(expression)
                places.append(line)
                confidence = min(confidence, answer.confidence)
        if not row["notices_complete"]:
            found.append(UNDECIDED)
        if not found:
            return None
        numbers = ", ".join(str(number) for number in sorted(set(places))[:8])
        where = f"line{'s' if ',' in numbers else ''} {numbers}" if numbers else f"more than {MAXIMUM_NOTICES} notices"
        return Evidence("header", holding(found), where, confidence)

    def _source_word_of(self, source: str, subset: str) -> tuple[Evidence | None, str]:
        word = self._sources[source].licence_of(subset)
        evidence = Evidence("source", word.expression, word.where) if says_something(word.expression) else None
        return evidence, word.rejected or ""


def _numbers(where: str) -> list[str]:
    return where.removeprefix("lines ").removeprefix("line ").split(", ")


def evidence_rows(pieces: Iterable[Evidence]) -> list[dict[str, object]]:
    """Pieces as values of `EVIDENCE`."""
    return [{item.name: getattr(piece, item.name) for item in EVIDENCE} for piece in pieces]

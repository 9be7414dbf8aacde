"""The recipe's sections on duplicates and on documents that are held out."""

from typing import Annotated

from pydantic import Field, field_validator

from pipeline.recipe_types import Fraction, Positive, Section
from stages.ranks import MEASURES, Measure

Folder = Annotated[str, Field(min_length=1)]


class NearDuplicates(Section):
    """MinHash LSH finds candidates, exact Jaccard similarity of their word n-grams decides."""

    ngram_words: Annotated[int, Field(ge=1, le=64)] = 5
    minimum_similarity: Annotated[float, Field(gt=0, le=1)] = 0.7
    bands: Annotated[int, Field(ge=1, le=256)] = 32
    rows: Annotated[int, Field(ge=1, le=64)] = 8
    seed: Annotated[int, Field(ge=0, lt=1 << 32)] = 1
    candidates_per_bucket: Positive = 8


class Deduplication(Section):
    """Exact duplicates always go; near duplicates unless `near` is null.

    `keep` says which of several duplicates stays, after held-out documents and better licences; the id is last.
    `against` names release folders: what they hold goes, too.
    """

    near: NearDuplicates | None = NearDuplicates()
    keep: list[Measure] = ["stars", "recency", "length"]
    against: list[Folder] = []

    @field_validator("keep")
    @classmethod
    def _each_once(cls, keep: list[Measure]) -> list[Measure]:
        if len(set(keep)) != len(keep):
            raise ValueError(f"expected each of {', '.join(MEASURES)} at most once, got {', '.join(keep)}")
        return keep


class HeldOut(Section):
    """Documents that are set aside for evaluation, with everything that is a duplicate of one.

    `fraction` of all documents, by a hash of their words; `subsets` names other fractions for some subsets, or, for
    documents without one, languages. All documents of `sources`. What `releases`, folders, held out stays held out.
    """

    fraction: Fraction = 0.0
    subsets: dict[str, Fraction] = {}
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 0
    sources: list[str] = []
    releases: list[Folder] = []

    def fraction_of(self, subset: str, language: str) -> float:
        """The share of a subset or language that is held out."""
        return self.subsets.get(subset or language, self.fraction)

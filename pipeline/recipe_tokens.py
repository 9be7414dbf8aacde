"""The recipe's sections on token ids: which tokenizer makes them, in which forms, and how they are packed."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from manifests.release_packing import Mode
from pipeline.recipe_types import Fraction, Section
from pipeline.release_folders import MAXIMUM_LENGTHS


class TokenizerChoice(Section):
    """A Hugging Face `tokenizer.json`, the control token that ends every document, and one that begins it, if any."""

    path: str = "tokenizer.json"
    end_of_document: str = "<|endoftext|>"
    beginning_of_document: str | None = None


class FillInTheMiddle(Section):
    """`rate`: the share of code files that are cut in three and put out of order; `spm`: of these, suffix first."""

    rate: Fraction = 0.5
    spm: Fraction = 0.5


class RepositoryDocuments(Section):
    """`share` of the code that stands in documents of several files of one repository, at most this long."""

    share: Fraction = 0.0
    maximum_tokens: Annotated[int, Field(ge=64, le=1 << 18)] = 32_768


class Rendering(Section):
    """The forms that documents are trained in: which model family's control tokens, and how often which form."""

    template: Literal["qwen", "starcoder2"] = "qwen"
    fim: FillInTheMiddle = FillInTheMiddle()
    repository: RepositoryDocuments = RepositoryDocuments()


SequenceTokens = Annotated[int, Field(ge=2, le=1 << 20)]
_Lengths = Annotated[list[SequenceTokens], Field(min_length=1, max_length=MAXIMUM_LENGTHS)]
# Which of the two is meant is told by the form alone, so that a mistake in it is told once.
OneOrSeveral = Annotated[
    Annotated[SequenceTokens, Tag("one")] | Annotated[_Lengths, Tag("several")],
    Discriminator(lambda value: "several" if isinstance(value, list) else "one"),
]


class Packing(Section):
    """How documents become sequences, and how long these are: one length, or several of which the first is the main."""

    mode: Mode = "best_fit"
    sequence_tokens: OneOrSeveral = 4096

    @field_validator("sequence_tokens")
    @classmethod
    def _distinct(cls, value: int | list[int]) -> int | list[int]:
        if isinstance(value, list) and len(set(value)) < len(value):
            raise ValueError(f"expected lengths that differ, got {value}")
        return value

    @property
    def lengths(self) -> list[int]:
        """The context lengths; the first stands in `data/`."""
        return self.sequence_tokens if isinstance(self.sequence_tokens, list) else [self.sequence_tokens]


class TokenSections(Section):
    """What of a recipe decides token ids, where the texts are given."""

    tokenizer: TokenizerChoice
    rendering: Rendering
    packing: Packing

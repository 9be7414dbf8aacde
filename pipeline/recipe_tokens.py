"""The recipe's sections on token ids: which tokenizer makes them and how they are packed."""

from typing import Annotated

from pydantic import Field, field_validator

from manifests.release_packing import Mode
from pipeline.release_folders import MAXIMUM_LENGTHS
from pipeline.recipe_types import Section


class TokenizerChoice(Section):
    """A Hugging Face `tokenizer.json` and the control token that ends every document."""

    path: str = "tokenizer.json"
    end_of_document: str = "<|endoftext|>"


SequenceTokens = Annotated[int, Field(ge=2, le=1 << 20)]


class Packing(Section):
    """How documents become sequences, and how long these are: one length, or several of which the first is the main."""

    mode: Mode = "best_fit"
    sequence_tokens: (
        SequenceTokens | Annotated[list[SequenceTokens], Field(min_length=1, max_length=MAXIMUM_LENGTHS)]
    ) = 4096

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

"""The recipe's sections on token ids: which tokenizer makes them and how they are packed."""

from typing import Annotated

from pydantic import Field

from pipeline.recipe_types import Section


class TokenizerChoice(Section):
    """A Hugging Face `tokenizer.json` and the control token that ends every document."""

    path: str = "tokenizer.json"
    end_of_document: str = "<|endoftext|>"


class Packing(Section):
    """Every sequence has this many tokens."""

    sequence_tokens: Annotated[int, Field(ge=2, le=1 << 20)] = 4096

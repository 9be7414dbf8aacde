"""The recipe's sections on token ids: which tokenizer makes them, in which forms, and how they are packed."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.recipe_types import Fraction, Section


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


class Packing(Section):
    """Every sequence has this many tokens."""

    sequence_tokens: Annotated[int, Field(ge=2, le=1 << 20)] = 4096

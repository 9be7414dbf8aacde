"""What a release says of its packing: sequences, padding and cut documents, by context length, mode and kind."""

from typing import Literal, Self

import msgspec

Mode = Literal["best_fit", "concat", "none"]
COMPARED_MODES: tuple[Mode, ...] = ("best_fit", "concat")  # their figures stand in every release


class PackingFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a mode of packing makes of the packed documents of a kind.

    Attributes:
        cut_documents: those that are in several pieces; `cut_tokens` is their length together.
    """

    sequences: int = 0
    padding_tokens: int = 0
    cut_documents: int = 0
    cut_tokens: int = 0

    def __add__(self, other: Self) -> Self:
        names = self.__struct_fields__
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in names))


class ContextLength(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The release packed in sequences of one length.

    Attributes:
        modes: by mode of packing, then by kind. The release is packed in its own mode; best_fit and concat stand beside
            it in any case, so that they can be compared.
    """

    sequence_tokens: int
    modes: dict[str, dict[str, PackingFigures]]


class ReleasePacking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How token ids are packed into sequences.

    Attributes:
        documents: packed documents by kind: repository documents count once, a copy for each epoch.
        forms: tokens by the form that documents are rendered in.
        lengths: the first lies in `data/`, another in `data-<sequence_tokens>/`.
    """

    mode: Mode
    documents: dict[str, int]
    forms: dict[str, int]
    lengths: list[ContextLength]

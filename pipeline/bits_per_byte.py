"""Bits per byte of a model on what a release holds out: the Pile's metric, which no tokenizer can change.

    sum of nats over all tokens / (ln 2 * sum of UTF-8 bytes of the texts)

It is a ratio of sums, for a subset and for all: an average of documents' own ratios would let short ones weigh as much
as long ones. Nats of a document are added up exactly and rounded once, and documents are added in the order of the
files, so the sums depend neither on the order of windows nor on how many are read together.

Source: Gao et al., The Pile, arXiv 2101.00027, section 3.1; windows and the token before the first as in
EleutherAI's lm-evaluation-harness (`loglikelihood_rolling`).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from manifests.errors import RecipeError, UnitError
from pipeline.held_out_texts import Group, HeldOutText
from stages.causal_model import Floats, PrefixToken
from stages.token_windows import TokenWindow, token_windows, window_batches

Progress = Callable[[int, int], None]


class Model(Protocol):
    """What scores: `stages.causal_model.CausalModel`, which says what these are."""

    context: int | None
    prefix: PrefixToken | None

    def encode(self, texts: list[str], /) -> list[list[int]]: ...  # noqa: D102

    def decode(self, ids: list[list[int]], /) -> list[str]: ...  # noqa: D102

    def nats(self, documents: Sequence[Sequence[int]], batch: Sequence[TokenWindow], /) -> list[Floats]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Windows:
    """How documents are read: tokens at once, tokens that a window predicts, tokens of a batch."""

    window: int
    stride: int
    batch_tokens: int


@dataclass(slots=True)
class Bits:
    """Sums over documents.

    Attributes:
        tokens: of the texts; `predicted` of them have nats. The others are first tokens that nothing stands before.
        first_nats: those of the first token of each document, which are part of `nats`.
        altered: documents that do not come back from their tokens as they were.
    """

    documents: int = 0
    num_bytes: int = 0
    tokens: int = 0
    predicted: int = 0
    nats: float = 0.0
    first_nats: float = 0.0
    altered: int = 0

    @property
    def bits_per_byte(self) -> float | None:
        """None for no bytes."""
        return self.nats / (math.log(2) * self.num_bytes) if self.num_bytes else None

    def add(self, other: "Bits") -> None:
        """Add the sums of other documents."""
        self.documents += other.documents
        self.num_bytes += other.num_bytes
        self.tokens += other.tokens
        self.predicted += other.predicted
        self.nats += other.nats
        self.first_nats += other.first_nats
        self.altered += other.altered

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "documents": self.documents,
            "bytes": self.num_bytes,
            "tokens": self.tokens,
            "predicted_tokens": self.predicted,
            "altered_documents": self.altered,
            "nats": self.nats,
            "first_token_nats": self.first_nats,
            "bits_per_byte": self.bits_per_byte,
        }


@dataclass(slots=True)
class BitsByGroup:
    """Sums by group; those of kinds and of all follow from them."""

    groups: dict[Group, Bits] = field(default_factory=dict)

    def kinds(self) -> dict[str, Bits]:
        """Sums by kind."""
        found: dict[str, Bits] = {}
        for group, bits in sorted(self.groups.items()):
            found.setdefault(group.kind, Bits()).add(bits)
        return found

    def overall(self) -> Bits:
        """Sums of all."""
        total = Bits()
        for bits in self.kinds().values():
            total.add(bits)
        return total


def chosen_windows(context: int | None, window: int | None, stride: int | None, batch_tokens: int) -> Windows:
    """The windows that a model is given: all of its context, but no more than asked for, and half of that a stride.

    Raises:
        RecipeError: neither says how much is read at once, or the stride is longer than that.
    """
    if context is None and window is None:
        raise RecipeError("the model does not say how many tokens it reads at most", hint="give --window, as in 2048")
    width = min(number for number in (context, window) if number is not None)
    if stride is not None and stride > width:
        raise RecipeError(
            f"--stride: expected at most the window of {width} tokens, got {stride}",
            hint="leave it out for half the window",
        )
    return Windows(width, stride or max(1, width // 2), batch_tokens)


def bits_by_group(
    model: Model, batches: Iterable[list[HeldOutText]], windows: Windows, *, progress: Progress = lambda _d, _t: None
) -> BitsByGroup:
    """Score documents.

    Args:
        model: with its tokenizer.
        batches: of documents, as many as are held in memory together.
        windows: how they are read.
        progress: told documents and tokens that were done since the last call; documents only at the end of a batch.

    Raises:
        UnitError: a model gives a token no probability, or not a number, or the device cannot compute it.
    """
    sums = BitsByGroup()
    for batch in batches:
        _add_batch(sums, model, batch, windows, progress)
        progress(len(batch), 0)
    return sums


def _add_batch(sums: BitsByGroup, model: Model, batch: list[HeldOutText], windows: Windows, progress: Progress) -> None:
    texts = model.encode([document.text for document in batch])
    backs = model.decode(texts)
    before = [] if model.prefix is None else [model.prefix.id]
    documents = [[*before, *ids] for ids in texts]
    planned = [
        one
        for number, ids in enumerate(documents)
        for one in token_windows(number, len(ids), window=windows.window, stride=windows.stride)
    ]
    found: list[list[float]] = [[] for _ in batch]
    first = [0.0] * len(batch)
    for together in window_batches(planned, batch_tokens=windows.batch_tokens):
        for one, nats in zip(together, model.nats(documents, together), strict=True):
            if not np.isfinite(nats).all():
                raise UnitError(
                    f"document {batch[one.document].id}: expected finite nats for every token, got others",
                    hint="give --dtype float32",
                )
            found[one.document].append(math.fsum(nats))
            if before and one.first == 1:
                first[one.document] = float(nats[0])
        progress(0, sum(one.predicted for one in together))
    for number, document in enumerate(batch):
        own = Bits(
            documents=1,
            num_bytes=len(document.text.encode()),
            tokens=len(texts[number]),
            predicted=max(0, len(documents[number]) - 1),
            nats=math.fsum(found[number]),
            first_nats=first[number],
            altered=int(backs[number] != document.text),
        )
        sums.groups.setdefault(document.group, Bits()).add(own)

"""Rank: which of several duplicates stays, as one number that sorts; smaller is better.

From the highest bit: not held out, class of the licence, copy of a repository, then the recipe's own order. So whatever
verifies against a held-out document leaves training, a licence that asks for less wins, and the files of a repository
and of its copy fall to the same side. Ties are broken by id, outside of this number.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
Measure = Literal["stars", "recency", "length"]

# Bits of each measure; a larger value counts as the largest that fits.
MEASURES: dict[Measure, int] = {"stars": 20, "recency": 16, "length": 24}
_LICENCE_BITS = 2
_TRAINING = np.uint64(1 << 63)


def ranks(
    measures: Mapping[Measure, npt.NDArray[np.int64]],
    order: Sequence[Measure],
    *,
    licence_class: npt.NDArray[np.int64],
    is_copy: Bools,
    held_out: Bools,
) -> U64:
    """uint64[n], smaller is better.

    Args:
        measures: int64[n] each, >= 0, more is better: stars, days since 1970-01-01, bytes.
        order: which of them count, the first one most.
        licence_class: int64[n], 0 (best) to 3.
        is_copy: whether the document's repository is a copy of another.
    """
    rank = (~held_out).astype(np.uint64)
    for value, bits in ((licence_class, _LICENCE_BITS), (is_copy, 1)):
        rank = rank << np.uint64(bits) | value.astype(np.uint64)
    for name in order:
        most = (1 << MEASURES[name]) - 1
        rank = rank << np.uint64(MEASURES[name]) | (most - np.clip(measures[name], 0, most)).astype(np.uint64)
    used = 1 + _LICENCE_BITS + 1 + sum(MEASURES[name] for name in order)
    return rank << np.uint64(64 - used)


def is_held_out(rank: U64) -> Bools:
    """bool[n], whether a rank is that of a held-out document."""
    return rank < _TRAINING


def held_out_rank(rank: U64) -> U64:
    """The ranks as they are for held-out documents."""
    return rank & ~_TRAINING

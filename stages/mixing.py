"""Mixing: token budgets by kind, the order in which documents are taken, and the exact trim. Pure functions.

Every document has a fixed place in a seeded random order of its kind (its mix key, a hash of the id), and a selection
is a prefix of that order: documents are chosen independently of shards, partitions and each other, and asking for more
later only adds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
KEY_BINS = 4096
SPARE_DOCUMENTS = 1000


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens to reach by kind, and what was wanted but is not there.

    Attributes:
        tokens: by kind.
        wanted: total asked for; None for as many as possible.
        possible: the largest total that the available tokens allow at this ratio.
    """

    tokens: dict[str, int]
    wanted: int | None
    possible: int

    @property
    def short(self) -> bool:
        """Whether less is possible than was wanted."""
        return self.wanted is not None and self.possible < self.wanted


def budget(available: Mapping[str, float], shares: Mapping[str, float], wanted: int | None) -> Budget:
    """The largest token budget of the given shares, at most `wanted`.

    Args:
        available: tokens there are, by kind.
        shares: adds up to 1; a kind with share 0 gets nothing.
    """
    possible = int(min((available.get(kind, 0.0) / share for kind, share in shares.items() if share > 0), default=0.0))
    total = possible if wanted is None else min(wanted, possible)
    return Budget({kind: round(total * share) for kind, share in sorted(shares.items())}, wanted, possible)


def order_keys(ids: npt.NDArray[np.void], seed: int, purpose: str) -> U64:
    """uint64[n], a seeded random place for each 16-byte id; different for every purpose.

    The ids are digests, so mixing half of one with the seed is as good as hashing it all again.
    """
    halves = np.ascontiguousarray(ids).view("<u8").reshape(-1, 2)[:, 0]
    salt = np.frombuffer(purpose.encode().ljust(8, b"\0")[:8], dtype="<u8")[0] ^ np.uint64(seed)
    values = halves ^ _finalize(np.array([salt], dtype=np.uint64))
    return _finalize(values)


def _finalize(values: U64) -> U64:
    """MurmurHash3's 64-bit finalizer, a bijection. Source: https://github.com/aappleby/smhasher."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


def bin_of(keys: U64) -> npt.NDArray[np.int64]:
    """int64[n], the histogram bin 0..KEY_BINS-1 of each key."""
    return (keys >> np.uint64(64 - 12)).astype(np.int64)


def last_bin(tokens: npt.NDArray[np.float64], documents: npt.NDArray[np.int64], wanted: float) -> int:
    """How far along the random order documents are selected so that a budget can be met exactly later.

    Args:
        tokens, documents: by bin, float64 estimates and int64 counts, shape (KEY_BINS,).
        wanted: tokens, the reserve included.

    Returns:
        The last bin whose documents are selected: where the estimate reaches `wanted`, and SPARE_DOCUMENTS further, so
        that a small corpus is selected whole; KEY_BINS - 1 for everything, -1 for nothing wanted.
    """
    if wanted <= 0:
        return -1
    enough = int(np.searchsorted(np.cumsum(tokens), wanted))
    spare = int(np.searchsorted(np.cumsum(documents[enough + 1 :]), SPARE_DOCUMENTS)) + 1
    return min(enough + spare, KEY_BINS - 1)


@dataclass(frozen=True, slots=True)
class Window:
    """The bins among which the exact trim is made: all before are kept whole, all after are dropped.

    Attributes:
        first, last: bins, inclusive; last < first means that nothing has to be trimmed.
        before: tokens in the bins that are kept whole.
    """

    first: int
    last: int
    before: int


def trim_window(tokens: npt.NDArray[np.int64], documents: npt.NDArray[np.int64], target: int) -> Window:
    """Where the budget runs out.

    Args:
        tokens, documents: int64[KEY_BINS], sums by bin.
        target: tokens to keep.
    """
    cumulative = np.cumsum(tokens)
    if not len(cumulative) or cumulative[-1] <= target:
        return Window(KEY_BINS, KEY_BINS - 1, int(cumulative[-1]) if len(cumulative) else 0)
    first = int(np.searchsorted(cumulative, target, side="right"))
    # Enough documents to choose from, so that what is left over can be filled with small ones.
    last = first + int(np.searchsorted(np.cumsum(documents[first:]), 2000))
    return Window(first, min(last, KEY_BINS - 1), int(cumulative[first - 1]) if first else 0)


def fill_budget(tokens: npt.NDArray[np.int64], room: int) -> npt.NDArray[np.bool_]:
    """Which documents to keep: in order, each that still fits into `room` tokens.

    Args:
        tokens: int64[n], in the order of their keys.

    Returns:
        bool[n]; what is left of the room is smaller than the smallest document left out, or nothing was left out.
    """
    kept = np.zeros(len(tokens), dtype=np.bool_)
    for index, count in enumerate(tokens.tolist()):
        if count <= room:
            kept[index] = True
            room -= count
    return kept

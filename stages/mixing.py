"""Mixing: the order in which documents are taken, how far along it, and the exact trim. Pure functions.

Every document has a fixed place in a seeded random order (its mix key, a hash of the id), and a selection is a prefix
of that order: documents are chosen independently of shards, partitions and each other, and asking for more later only
adds. Where documents are taken more than once, the order is that of all first copies, then of all second ones. How
many tokens to take of what is `stages.allocation`'s question.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
KEY_BINS = 4096
SPARE_DOCUMENTS = 1000
SAMPLED_ONE_IN = 64
_DEVIATIONS = 4.0
# How far the tokens per byte of single documents lie from their mean, as a part of it: on the safe side of what real
# shards show within a language.
_RATE_DEVIATION = 0.25


class Estimate(NamedTuple):
    """What is known of a domain before it is tokenized; sums over one copy of every document.

    Attributes:
        squared_bytes: the sum of the squares of the documents' bytes.
        tokens: from the rate of a sample of one document in SAMPLED_ONE_IN.
    """

    documents: int
    num_bytes: int
    squared_bytes: float
    tokens: float

    @property
    def unevenness(self) -> float:
        """The relative variance of a sum over documents for each of them: 1 / documents where all are of one size."""
        return self.squared_bytes / self.num_bytes**2 if self.num_bytes else 0.0

    @property
    def error(self) -> float:
        """How far `tokens` may be off, as a part of it: four standard deviations of what the sample can show."""
        return _DEVIATIONS * _RATE_DEVIATION * math.sqrt(SAMPLED_ONE_IN * self.unevenness)

    def with_more(self, other: "Estimate") -> "Estimate":
        """This and other documents together."""
        return Estimate(
            self.documents + other.documents,
            self.num_bytes + other.num_bytes,
            self.squared_bytes + other.squared_bytes,
            self.tokens + other.tokens,
        )


class Prefix(NamedTuple):
    """How far along the order documents are taken: each `full_epochs` times, and once more with a key below `bound`."""

    full_epochs: int
    bound: int

    @property
    def epochs(self) -> float:
        """How often documents are taken on average."""
        return self.full_epochs + self.bound / 2**64


def prefix(estimate: Estimate, wanted: float, most: float) -> Prefix:
    """How far to go so that `wanted` tokens are there for certain, or nearly so.

    The part of a domain that is taken is uncertain twice over: the estimate is (see `Estimate.error`), and so is what
    the keys below a bound sum up to, whose standard deviation is sqrt(f * (1 - f) * squared_bytes). Four standard
    deviations of both together are added, and SPARE_DOCUMENTS from which settle can choose: a small corpus is taken
    whole.

    Args:
        wanted: tokens, the reserve included.
        most: epochs, at most.
    """
    if wanted <= 0 or estimate.tokens <= 0:
        return Prefix(0, 0)
    least = wanted / estimate.tokens
    enough = max(_certain(estimate, least, most), least + SPARE_DOCUMENTS / estimate.documents)
    full, part = divmod(min(enough, most), 1.0)
    return Prefix(int(full), int(part * 2**64))


def _certain(estimate: Estimate, least: float, most: float) -> float:
    """The epochs of which, less four standard deviations, `least` is left; `most` where there are none."""

    def short(epochs: float) -> bool:
        # The variance of a part f of the keys is f * (1 - f), and never above this.
        keys = _DEVIATIONS**2 * estimate.unevenness * min(epochs, 0.25)
        return epochs - math.sqrt((estimate.error * epochs) ** 2 + keys) < least

    low, high = least, most
    if short(high):
        return most
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if short(middle) else (low, middle)
    return high


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


def place_of(copies: I64, keys: U64) -> I64:
    """int64[n], the bins of packed documents in the order of (copy, key): all first copies, then all second ones."""
    return copies * KEY_BINS + bin_of(keys)


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


class Sums(NamedTuple):
    """Sums of packed documents by bin, int64[bins] each."""

    documents: I64
    tokens: I64
    num_bytes: I64

    @classmethod
    def zeros(cls, copies: int) -> "Sums":
        """Of a domain of which nothing was seen yet, whose documents are there up to `copies` times."""
        return cls(*(np.zeros(copies * KEY_BINS, dtype=np.int64) for _ in range(3)))

    def add(self, bins: I64, tokens: I64, num_bytes: I64) -> None:
        """Take packed documents on, int64[n] each."""
        np.add.at(self.documents, bins, 1)
        np.add.at(self.tokens, bins, tokens)
        np.add.at(self.num_bytes, bins, num_bytes)


def trim_window(sums: Sums, target: int, maximum_bytes: int | None = None) -> Window:
    """Where the budget runs out.

    Args:
        target: tokens to keep.
        maximum_bytes: the bytes to keep at most; whichever runs out first decides.
    """
    tokens, bins = np.cumsum(sums.tokens), len(sums.tokens)
    first = int(np.searchsorted(tokens, target, side="right"))
    if maximum_bytes is not None:
        first = min(first, int(np.searchsorted(np.cumsum(sums.num_bytes), maximum_bytes, side="right")))
    if first == bins:
        return Window(bins, bins - 1, 0 if not bins else int(tokens[-1]))
    # Enough documents to choose from, so that what is left over can be filled with small ones, but all of one copy: so
    # nothing is taken once more before everything was taken as often as that.
    last = first + int(np.searchsorted(np.cumsum(sums.documents[first:]), 2000))
    of_copy = (first // KEY_BINS + 1) * KEY_BINS - 1
    return Window(first, min(last, of_copy, bins - 1), int(tokens[first - 1]) if first else 0)


def fill_budget(
    tokens: I64, room: int, num_bytes: I64 | None = None, room_bytes: int | None = None
) -> npt.NDArray[np.bool_]:
    """Which documents to keep: in order, each that still fits into `room` tokens and `room_bytes`.

    Args:
        tokens, num_bytes: int64[n], in the order of their keys.

    Returns:
        bool[n]; what is left of the room is smaller than the smallest document left out, or nothing was left out.
    """
    kept = np.zeros(len(tokens), dtype=np.bool_)
    sizes = [0] * len(tokens) if num_bytes is None or room_bytes is None else num_bytes.tolist()
    left = 0 if room_bytes is None else room_bytes
    for index, (count, size) in enumerate(zip(tokens.tolist(), sizes, strict=True)):
        if count <= room and size <= left:
            kept[index] = True
            room, left = room - count, left - size
    return kept

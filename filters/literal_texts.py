"""Literal texts: whole prompts and solutions that a text may hold, white space and escapes apart.

Each is known by one run of `ANCHOR_BYTES` of its squeezed bytes, the one that fewest of the others have. Where a text
has that run, the bytes around it are compared.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from filters.benchmark_parts import Bounds, Problem
from filters.hash_index import HashIndex
from filters.squeezed_text import runs, runs_in, squeezed

ANCHOR_BYTES = 24
"""A shorter squeezed text is not looked for, however many characters it has."""


@dataclass(frozen=True, slots=True)
class LiteralTexts:
    """Literals and an index of their anchors.

    Attributes:
        anchors: hashes of runs; the owner is the literal's number.
        problems: int32, by literal, the number of its problem.
        characters: int64 of (literals, 2): its length with white space folded to single spaces, and from which on it
            is looked for.
        starts: int64, by literal, index in `squeezed` of its first byte; one more than literals.
        offsets: int64, by literal, where its anchor stands in it.
        squeezed: uint8, all literals in a row.
    """

    anchors: HashIndex
    problems: NDArray[np.int32]
    characters: NDArray[np.int64]
    starts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    squeezed: NDArray[np.uint8]

    @classmethod
    def build(cls, problems: list[Problem], bounds: Bounds) -> Self:
        """Literals of some problems; those that more than `maximum_problems` of a benchmark share are left out."""
        found: list[_Literal] = []
        for number, problem in enumerate(problems):
            for text, least in problem.literals(bounds):
                characters, data = len(" ".join(text.split())), squeezed(text.encode("utf-8", "surrogatepass"))
                if characters >= least and data.size >= ANCHOR_BYTES:
                    found.append(_Literal(number, problem.benchmark, characters, least, data))
        shared = Counter((literal.benchmark, literal.data.tobytes()) for literal in found)
        kept = [one for one in found if shared[one.benchmark, one.data.tobytes()] <= bounds.maximum_problems]
        hashes = [runs(literal.data, run_bytes=ANCHOR_BYTES) for literal in kept]
        offsets = _rarest(hashes)
        anchors = np.array([own[offset] for own, offset in zip(hashes, offsets, strict=True)], np.uint64)
        return cls(
            HashIndex.build(anchors, np.arange(len(kept), dtype=np.int32)),
            np.array([literal.problem for literal in kept], np.int32),
            np.array([(literal.characters, literal.least) for literal in kept], np.int64).reshape(-1, 2),
            np.cumsum([0, *(literal.data.size for literal in kept)], dtype=np.int64),
            np.array(offsets, np.int64),
            np.concatenate([np.empty(0, np.uint8), *(literal.data for literal in kept)]),
        )

    def longest_in(self, text: NDArray[np.uint8]) -> tuple[int, int, int] | None:
        """The longest literal in a squeezed text: its problem, its characters, and the characters from which on.

        Returns:
            None where there is none.
        """
        bitmap, shift = self.anchors.bitmap, self.anchors.shift
        if text.size < ANCHOR_BYTES or not self.problems.size:
            return None
        hashes, places = runs_in(text, run_bytes=ANCHOR_BYTES, bitmap=bitmap, shift=shift)
        keys = self.anchors.places(hashes)
        found = np.zeros(self.problems.size, np.bool_)
        known = keys >= 0
        literals = (self.squeezed, self.starts, self.offsets)
        _compare(text, keys[known], places[known], (self.anchors.offsets, self.anchors.owners), literals, found)
        if not found.any():
            return None
        best = max(np.flatnonzero(found).tolist(), key=lambda number: (self.characters[number, 0], -number))
        characters, least = self.characters[best].tolist()
        return int(self.problems[best]), characters, least


class _Literal(NamedTuple):
    """A literal on its way into the index; `least` are the characters from which on it is looked for."""

    problem: int
    benchmark: str
    characters: int
    least: int
    data: NDArray[np.uint8]


def _rarest(hashes: list[NDArray[np.uint64]]) -> list[int]:
    """For each literal the place of the run that fewest literals have; of several the first."""
    if not hashes:
        return []
    keys, counts = np.unique(np.concatenate([np.unique(own) for own in hashes]), return_counts=True)
    return [int(np.argmin(counts[np.searchsorted(keys, own)])) for own in hashes]


@njit(cache=True, nogil=True)
def _compare(
    text: NDArray[np.uint8],
    keys: NDArray[np.int64],
    places: NDArray[np.int64],
    owners: tuple[NDArray[np.int64], NDArray[np.int32]],
    literals: tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]],
    found: NDArray[np.bool_],
) -> None:
    """Mark in `found` every literal whose bytes stand around one of the places where its anchor was seen."""
    squeezed_literals, starts, offsets = literals
    for number in range(keys.size):
        for owner in owners[1][owners[0][keys[number]] : owners[0][keys[number] + 1]]:
            first, size = places[number] - offsets[owner], starts[owner + 1] - starts[owner]
            if found[owner] or first < 0 or first + size > text.size:
                continue
            index = 0
            while index < size and text[first + index] == squeezed_literals[starts[owner] + index]:
                index += 1
            found[owner] = index == size

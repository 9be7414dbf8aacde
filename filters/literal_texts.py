"""Literal texts: whole prompts and solutions that a text may hold, white space and escapes apart.

Each is known by one run of `ANCHOR_WORDS` of its words, inside it, the one that says most and that fewest of the others
have. Only a text that has such a run is squeezed and searched.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from filters.benchmark_parts import Bounds, Problem
from filters.benchmark_words import telling_words, word_hashes, word_ngrams
from filters.hash_index import HashIndex
from filters.squeezed_text import squeezed

ANCHOR_WORDS = 5
"""A literal of fewer words, its first and its last apart, is not looked for."""


class Literal(NamedTuple):
    """A prompt or a solution as it is looked for.

    Attributes:
        problem: number of its problem.
        characters: its length with white space folded to single spaces.
        least: from so many characters on it is looked for.
        data: its squeezed bytes.
    """

    problem: int
    characters: int
    least: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LiteralTexts:
    """Literals, and an index of their anchors: the owner is the literal's number."""

    anchors: HashIndex
    literals: tuple[Literal, ...]

    @classmethod
    def build(cls, problems: list[Problem], bounds: Bounds) -> Self:
        """Literals of some problems; those that more than `maximum_problems` of a benchmark share are left out."""
        found: list[tuple[Literal, NDArray[np.uint64], NDArray[np.int64]]] = []
        for number, problem in enumerate(problems):
            for text, least in problem.literals(bounds):
                characters, encoded = len(" ".join(text.split())), text.encode("utf-8", "surrogatepass")
                # What stands around a literal may be glued to its first and its last word.
                hashes = word_ngrams(encoded, ngram_words=ANCHOR_WORDS)[1:-1]
                if characters >= least and hashes.size:
                    telling = telling_words(word_hashes(encoded), ANCHOR_WORDS)[1:-1]
                    found.append((Literal(number, characters, least, squeezed(encoded)), hashes, telling))
        shared = Counter((problems[one.problem].benchmark, one.data) for one, _, _ in found)
        found = [
            kept
            for kept in found
            if shared[problems[kept[0].problem].benchmark, kept[0].data] <= bounds.maximum_problems
        ]
        anchors = _anchors([(hashes, telling) for _, hashes, telling in found])
        return cls(HashIndex.build(anchors, np.arange(len(found), dtype=np.int32)), tuple(one for one, _, _ in found))

    def longest_in(self, encoded: bytes, anchors: NDArray[np.uint64]) -> tuple[int, int, int] | None:
        """The longest literal in a text: its problem, its characters, and the characters from which on.

        Args:
            encoded: UTF-8.
            anchors: runs of words of the text that are anchors.

        Returns:
            None where there is none.
        """
        owners, _ = self.anchors.owners_of(anchors)
        text = squeezed(encoded) if owners.size else b""
        for number in sorted(owners.tolist(), key=lambda owner: (-self.literals[owner].characters, owner)):
            literal = self.literals[number]
            if literal.data in text:
                return literal.problem, literal.characters, literal.least
        return None


def _anchors(runs: list[tuple[NDArray[np.uint64], NDArray[np.int64]]]) -> NDArray[np.uint64]:
    """For each literal the run with most telling words, of those the one that fewest literals have, then the first."""
    if not runs:
        return np.empty(0, np.uint64)
    keys, counts = np.unique(np.concatenate([np.unique(hashes) for hashes, _ in runs]), return_counts=True)
    best = [int(hashes[np.lexsort((counts[np.searchsorted(keys, hashes)], -telling))[0]]) for hashes, telling in runs]
    return np.array(best, np.uint64)

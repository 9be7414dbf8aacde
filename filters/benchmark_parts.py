"""Parts of benchmark problems as sets of hashes, less what is boilerplate.

A part is a prompt, a solution or the tests of a problem: what somebody may copy alone. Its n-grams are kept unless they
are boilerplate, for then they would not show that it was copied:
- they occur in more than `maximum_problems` problems of their benchmark (a task's set phrases, the frame of its tests);
- they say too little: fewer than `MINIMUM_TELLING_WORDS` different words of three letters (rows of numbers, in words
  too, `for i in range(n): for j in`), or in a window fewer than `MINIMUM_TELLING_TOKENS` different tokens that nobody
  renames.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filters.benchmark_words import telling_words, word_hashes, word_ngrams
from filters.hash_index import HashIndex
from filters.syntax_tokens import syntax_tokens
from filters.syntax_windows import syntax_windows, telling_tokens

MINIMUM_TELLING_WORDS = 4
MINIMUM_TELLING_TOKENS = 7
_NUMBER_WORDS = b"zero one two three four five six seven eight nine ten eleven twelve"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much makes a match; the recipe's section `decontamination` has the same names."""

    ngram_words: int = 10
    minimum_ngram_fraction: float = 0.15
    minimum_ngrams: int = 5
    minimum_substring_characters: int = 80
    minimum_short_prompt_characters: int = 40
    window_tokens: int = 16
    minimum_window_fraction: float = 0.6
    maximum_problems: int = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a benchmark; a text that it does not have is empty."""

    benchmark: str
    task: str
    prompt: str
    solution: str = ""
    tests: str = ""

    def texts(self) -> Iterator[str]:
        """The parts that are compared word by word."""
        return filter(None, (self.prompt, self.solution, self.tests))

    def literals(self, bounds: Bounds) -> Iterator[tuple[str, int]]:
        """The parts that are looked for whole, and from which length on: a smaller one for a prompt without n-grams.

        Characters are counted with white space folded to single spaces.
        """
        num_words = word_hashes(self.prompt.encode("utf-8", "surrogatepass")).size
        least = bounds.minimum_substring_characters
        short = min(least, bounds.minimum_short_prompt_characters)
        yield self.prompt, short if num_words < bounds.ngram_words else least
        yield self.solution, least

    def programs(self) -> Iterator[str]:
        """The parts that are compared as code: the solution, and the prompt with it, which may be its beginning."""
        if self.solution:
            yield self.solution
            yield f"{self.prompt}\n{self.solution}"


@dataclass(frozen=True, slots=True)
class PartIndex:
    """Hashes of the parts of many problems.

    Attributes:
        index: hashes; the owner is the part's number.
        problems: int32, by part, the number of its problem.
        sizes: int64, by part, its different hashes that are kept, never 0.
        needed: int64, by part, how many of them make a match: a share, but not less than a few or all that it has.
        num_ngrams: by benchmark, different hashes in all its problems, boilerplate included.
        num_suppressed: those among them that are boilerplate.
    """

    index: HashIndex
    problems: NDArray[np.int32]
    sizes: NDArray[np.int64]
    needed: NDArray[np.int64]
    num_ngrams: dict[str, int]
    num_suppressed: dict[str, int]

    def best(self, hashes: NDArray[np.uint64]) -> tuple[int, float, float] | None:
        """The part of which the largest share is among the hashes: its problem, that share, and the share it needs.

        Returns:
            None where no part has as much there as it needs. Of equal shares the larger part, then the first.
        """
        parts, found = self.index.owners_of(hashes)
        enough = np.flatnonzero(found >= self.needed[parts])
        if not enough.size:
            return None
        sizes, needed = self.sizes[parts], self.needed[parts]
        best = max(enough.tolist(), key=lambda place: (found[place] / sizes[place], sizes[place], -place))
        return int(self.problems[parts[best]]), float(found[best] / sizes[best]), float(needed[best] / sizes[best])


def word_parts(problems: list[Problem], bounds: Bounds) -> PartIndex:
    """Word n-grams of the texts of all problems."""

    def hashes(text: str) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        encoded = text.encode("utf-8", "surrogatepass")
        words = word_hashes(encoded)
        words[_among(words, numbers)] &= ~np.uint64(1)
        telling = telling_words(words, bounds.ngram_words) >= MINIMUM_TELLING_WORDS
        return word_ngrams(encoded, ngram_words=bounds.ngram_words), telling

    numbers = np.sort(word_hashes(_NUMBER_WORDS))

    parts = [[hashes(text) for text in problem.texts()] for problem in problems]
    return _indexed(problems, parts, bounds.minimum_ngram_fraction, bounds)


def syntax_parts(problems: list[Problem], bounds: Bounds) -> PartIndex:
    """Windows of syntax tokens of the programs of all problems."""

    def hashes(text: str) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        encoded = text.encode("utf-8", "surrogatepass")
        telling = telling_tokens(*syntax_tokens(encoded), bounds.window_tokens) >= MINIMUM_TELLING_TOKENS
        return syntax_windows(encoded, window_tokens=bounds.window_tokens), telling

    parts = [[hashes(text) for text in problem.programs()] for problem in problems]
    return _indexed(problems, parts, bounds.minimum_window_fraction, bounds)


_Hashes = list[tuple[NDArray[np.uint64], NDArray[np.bool_]]]


def _indexed(problems: list[Problem], parts: list[_Hashes], minimum_fraction: float, bounds: Bounds) -> PartIndex:
    kept: list[NDArray[np.uint64]] = []
    owners: list[int] = []
    num_ngrams, num_suppressed = {}, {}
    for benchmark in dict.fromkeys(problem.benchmark for problem in problems):
        own = [number for number, problem in enumerate(problems) if problem.benchmark == benchmark]
        distinct, boilerplate = _boilerplate([parts[number] for number in own], bounds.maximum_problems)
        num_ngrams[benchmark], num_suppressed[benchmark] = distinct, boilerplate.size
        for number in own:
            for hashes, _ in parts[number]:
                left = np.unique(hashes[~_among(hashes, boilerplate)])
                if left.size:
                    kept.append(left)
                    owners.append(number)
    sizes = np.array([left.size for left in kept], np.int64)
    hashes = np.concatenate(kept) if kept else np.empty(0, np.uint64)
    index = HashIndex.build(hashes, np.repeat(np.arange(sizes.size, dtype=np.int32), sizes))
    share = np.ceil(sizes * minimum_fraction - 1e-9).astype(np.int64)  # a share of 0.2 of 5 is 1, whatever floats say
    needed = np.maximum(np.maximum(share, 1), np.minimum(sizes, bounds.minimum_ngrams))
    return PartIndex(index, np.array(owners, np.int32), sizes, needed, num_ngrams, num_suppressed)


def _boilerplate(parts: Iterable[_Hashes], maximum_problems: int) -> tuple[int, NDArray[np.uint64]]:
    """Different hashes of a benchmark, and those that are boilerplate, ascending."""
    every, poor = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for own in parts:
        every.append(np.unique(np.concatenate([hashes for hashes, _ in own])) if own else every[0])
        poor += [hashes[~telling] for hashes, telling in own]
    distinct, num_problems = np.unique(np.concatenate(every), return_counts=True)
    common = distinct[num_problems > maximum_problems]
    return distinct.size, np.union1d(common, np.concatenate(poor))


def _among(hashes: NDArray[np.uint64], ascending: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which hashes are among others; a binary search each, since the others are many times as many."""
    if not ascending.size:
        return np.zeros(hashes.size, np.bool_)
    among: NDArray[np.bool_] = ascending[np.minimum(np.searchsorted(ascending, hashes), ascending.size - 1)] == hashes
    return among

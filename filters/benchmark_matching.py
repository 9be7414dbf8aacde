"""Benchmark matching: does a text hold a problem of a benchmark, and how is that known?

Three questions, in this order; the first one that is answered with yes decides:
1. `ngram`: are enough of the word n-grams of a prompt, a solution or tests in the text?
2. `substring`: is a whole prompt or solution in it, white space apart?
3. `syntax`, for code: are enough of the windows of a solution's syntax tokens in it, whatever its names are?

The answer depends on the text and on whether it is code, on nothing else: the same function serves what a model wrote.

Cost: 93 MB of clean code per CPU second, 195 of clean text (Xeon, one busy hyperthread); the index of HumanEval, MBPP
and GSM8K takes 1.5 s, once a process. Memory beside the text: up to 40 bytes for each of its bytes.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from filters.benchmark_parts import Bounds, PartIndex, Problem, syntax_parts, word_parts
from filters.benchmark_words import two_word_ngrams
from filters.literal_texts import ANCHOR_WORDS, LiteralTexts
from filters.syntax_windows import syntax_windows

MatchKind = Literal["ngram", "substring", "syntax"]
Found = tuple[int, float, float]  # number of the problem, value, bound


@dataclass(frozen=True, slots=True)
class Match:
    """A problem that was found in a text.

    Attributes:
        value: what was measured: the share of a part's n-grams or windows, or the length of the literal in characters.
        bound: the smallest value that is a match.
    """

    kind: MatchKind
    benchmark: str
    task: str
    value: float
    bound: float


@dataclass(frozen=True, slots=True)
class BenchmarkAccount:
    """What is looked for of one benchmark, and what is not.

    Attributes:
        ngrams: different word n-grams of its problems; `suppressed_ngrams` of them are boilerplate.
        windows: the same for windows of syntax tokens.
        unmatchable_problems: too short for every kind of match, or all boilerplate.
    """

    problems: int
    ngrams: int
    suppressed_ngrams: int
    windows: int
    suppressed_windows: int
    unmatchable_problems: int


@dataclass(frozen=True, slots=True)
class BenchmarkMatcher:
    """An index of the problems of some benchmarks; `build` makes one, `match` asks it."""

    problems: tuple[Problem, ...]
    bounds: Bounds
    words: PartIndex
    syntax: PartIndex
    literals: LiteralTexts

    @classmethod
    def build(cls, problems: list[Problem], bounds: Bounds) -> Self:
        """Index some problems."""
        literals = LiteralTexts.build(problems, bounds)
        return cls(tuple(problems), bounds, word_parts(problems, bounds), syntax_parts(problems, bounds), literals)

    def match(self, text: str, *, is_code: bool) -> Match | None:
        """The problem that a text holds; of several the one of which most is there, by the first kind that finds one.

        Args:
            text: any string.

        Returns:
            None for a text without any, such as an empty one.
        """
        encoded = text.encode("utf-8", "surrogatepass")
        ngrams, anchors = two_word_ngrams(
            encoded,
            (self.bounds.ngram_words, self.words.index.wanted),
            (ANCHOR_WORDS, self.literals.anchors.wanted),
        )
        if ngrams.size and (found := self.words.best(ngrams)):
            return self._matched("ngram", *found)
        if anchors.size and (found := self.literals.longest_in(encoded, anchors)):
            return self._matched("substring", *found)
        if is_code and (found := self._windows(encoded)):
            return self._matched("syntax", *found)
        return None

    def account(self) -> dict[str, BenchmarkAccount]:
        """By benchmark, in the order in which they were given."""
        matchable = np.zeros(len(self.problems), np.bool_)
        matchable[self.words.problems] = matchable[self.syntax.problems] = True
        matchable[[literal.problem for literal in self.literals.literals]] = True
        accounts = {}
        for name in self.words.num_ngrams:
            own = [number for number, problem in enumerate(self.problems) if problem.benchmark == name]
            accounts[name] = BenchmarkAccount(
                problems=len(own),
                ngrams=self.words.num_ngrams[name],
                suppressed_ngrams=self.words.num_suppressed[name],
                windows=self.syntax.num_ngrams[name],
                suppressed_windows=self.syntax.num_suppressed[name],
                unmatchable_problems=int(np.count_nonzero(~matchable[own])),
            )
        return accounts

    def _windows(self, encoded: bytes) -> Found | None:
        found = syntax_windows(encoded, window_tokens=self.bounds.window_tokens, wanted=self.syntax.index.wanted)
        return self.syntax.best(found) if found.size else None

    def _matched(self, kind: MatchKind, number: int, value: float, bound: float) -> Match:
        problem = self.problems[number]
        return Match(kind, problem.benchmark, problem.task, value, bound)

"""Sources: a text before or after rewriting, and what the gates ask of it, each measured once and only when asked.

An original is asked for every attempt at it, and an accepted rewrite is the original of the next mode, so the last
`KEPT` texts are kept with what is known of them.
"""

import warnings
from collections.abc import Mapping
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from filters.code_structure import CodeStructure, code_structure
from filters.repeated_runs import RepeatedRuns, code_tokens, repeated_runs
from filters.source_kinds import COMMENT, source_kinds

KEPT = 128

_BASE = np.uint64(0x9E3779B97F4A7C15)


class Source:
    """A text of a language; hostile: some of what is measured may take memory beyond any bound or end the process."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self.language = language
        self.encoded = text.encode()

    @cached_property
    def structure(self) -> CodeStructure | None:
        """By the language's grammar; None where there is none."""
        return code_structure(self.text, self.language)

    @cached_property
    def syntax_error(self) -> str:
        """What CPython says of a Python text that it does not compile; "" where it does, and for other languages.

        The words and what compiles are those of the version of Python that runs this.
        """
        if self.language != "Python":
            return ""
        try:
            with warnings.catch_warnings(action="ignore"):
                compile(self.text, "<rewrite>", "exec", dont_inherit=True)
        except SyntaxError as error:
            return f"{error.msg}, line {error.lineno}"
        except ValueError as error:  # NUL characters
            return str(error)
        return ""

    @cached_property
    def repeated_line_fraction(self) -> float:
        """Share of the visible bytes in lines that repeat an earlier one, white space around them apart; 0 for none."""
        seen: set[bytes] = set()
        total = repeated = 0
        for line in map(bytes.strip, self.encoded.split(b"\n")):
            total += len(line)
            if line in seen:
                repeated += len(line)
            seen.add(line)
        return repeated / total if total else 0.0

    @cached_property
    def repeated_runs(self) -> tuple[RepeatedRuns, RepeatedRuns]:
        """What is repeated of the whole text, and of the code alone: a comment in between parts two equal blocks."""
        return repeated_runs(self.encoded), repeated_runs(self._code)

    @cached_property
    def pairs(self) -> NDArray[np.uint64]:
        """A hash for each two words in a row, in the order of the text, comments left out.

        A word is a run of letters, digits and underscores, within strings, too.
        """
        hashes = code_tokens(self._code)
        words = hashes[hashes & np.uint64(1) == 1]
        pairs: NDArray[np.uint64] = words[:-1] * _BASE + words[1:]
        return pairs

    @cached_property
    def _code(self) -> bytes:
        """The text with blanks for its comments; all of it where the language's comments are not known."""
        kinds = source_kinds(self.text, self.language)
        if not kinds.size:
            return self.encoded
        return np.where(kinds == COMMENT, np.uint8(0x20), np.frombuffer(self.encoded, np.uint8)).tobytes()

    @cached_property
    def sorted_pairs(self) -> NDArray[np.uint64]:
        """The same in their own order, to be searched."""
        return np.sort(self.pairs)

    @property
    def imports(self) -> frozenset[str]:
        """What it imports."""
        return self.structure.imports if self.structure else frozenset()

    @property
    def public(self) -> Mapping[str, str]:
        """Its public names and their signatures."""
        return self.structure.public if self.structure else {}


@lru_cache(maxsize=KEPT)
def source(text: str, language: str) -> Source:
    """The source, with what is known of it already."""
    return Source(text, language)


def mended_errors(before: Source, after: Source) -> int:
    """How many fewer places do not parse; 0 where there are as many or more."""
    if before.structure is None or after.structure is None:
        return 0
    return max(0, before.structure.num_errors - after.structure.num_errors)

"""Gates on what a rewrite says: how long, how repetitive, how near to the original, and under whose name."""

import numpy as np
from numpy.typing import NDArray

from filters.rewrite_notices import missing_notice
from filters.rewrite_refusals import Refusal, refusal
from filters.rewrite_sources import Source, mended_errors

MAXIMUM_AT_ONCE_TOKENS = 20
MAXIMUM_LONG_TOKENS = 100
"""Beyond the original's; see `filters.repeated_runs`."""

_MENDED = 3  # times as many where a missing bracket parted two equal blocks of the original

TAIL_WORDS = 32
MINIMUM_TAIL = 0.1


def length_ratio(before: Source, after: Source) -> float:
    """UTF-8 bytes of the rewrite to those of the original; an empty original counts one byte."""
    return len(after.encoded) / max(1, len(before.encoded))


def refused_length(ratio: float, minimum: float, maximum: float) -> Refusal | None:
    """Whether a rewrite is too short or too long."""
    if minimum <= ratio <= maximum:
        return None
    bound, side = (minimum, "least") if ratio < minimum else (maximum, "most")
    return refusal("length", f"{ratio:.0%} of the original's bytes, expected {bound:.0%} at {side}", ratio, bound)


def repetition(before: Source, after: Source) -> float:
    """Share of the rewrite's bytes in lines that repeat others, beyond the original's; below 0 where it has less."""
    return after.repeated_line_fraction - before.repeated_line_fraction


def refused_repetition(before: Source, after: Source, maximum: float) -> Refusal | None:
    """Whether a rewrite repeats lines, a run of tokens or a block, much more than the original."""
    gate = "repetition"
    value = repetition(before, after)
    if value > maximum:
        return refusal(gate, f"{value:.0%} of the code, beyond the original's, is in repeated lines", value, maximum)
    slack = MAXIMUM_AT_ONCE_TOKENS * (_MENDED if mended_errors(before, after) else 1)
    for old, new in zip(before.repeated_runs, after.repeated_runs, strict=True):
        bound = old.at_once + slack
        if new.at_once > bound:
            detail = "a block of the code is repeated at once, or a few tokens in a loop"
            return refusal(gate, detail, new.at_once, bound)
        if new.long > (bound := old.long + MAXIMUM_LONG_TOKENS):
            return refusal(gate, "a long block of the code is repeated", new.long, bound)
    return None


def similarity(before: Source, after: Source) -> float:
    """Share of the original's distinct pairs of words that the rewrite keeps, 0..1; 1 where the original has none."""
    return _share_kept(before.pairs, after.sorted_pairs)


def refused_similarity(before: Source, after: Source, value: float, minimum: float) -> Refusal | None:
    """Whether a rewrite is another program, or has nothing of the original's end: it was cut off at a neat place."""
    gate = "similarity"
    if value < minimum:
        detail = f"{value:.0%} of the original's words are left as they stood, expected {minimum:.0%} at least"
        return refusal(gate, detail, value, minimum)
    if before.pairs.size >= TAIL_WORDS:
        tail = _share_kept(before.pairs[-TAIL_WORDS:], after.sorted_pairs)
        if tail < MINIMUM_TAIL:
            return refusal(gate, "the end of the original is missing; write all of the code", tail, MINIMUM_TAIL)
    return None


def _share_kept(before: NDArray[np.uint64], after: NDArray[np.uint64]) -> float:
    """Share of the distinct numbers of one array that another one, in order, has; 1 for none."""
    wanted = np.unique(before)
    if not wanted.size or not after.size:
        return float(not wanted.size)
    places = np.minimum(np.searchsorted(after, wanted), after.size - 1)
    return float(np.count_nonzero(after[places] == wanted) / wanted.size)


def refused_licence_header(before: Source, after: Source) -> Refusal | None:
    """Whether a licence or copyright line of the original is gone."""
    missing = missing_notice(before.text, after.text)
    if not missing:
        return None
    return refusal("licence_header", f"a licence or copyright line is missing or changed: {missing[:120]}")

"""Gates on what a rewrite says: how long, how repetitive, how near to the original, and under whose name."""

import numpy as np

from filters.repeated_runs import RepeatedRuns
from filters.rewrite_notices import missing_notice
from filters.rewrite_refusals import Refusal, refusal
from filters.rewrite_sources import Source

MAXIMUM_RUN_BYTES = 400
MAXIMUM_RUN_AT_ONCE_BYTES = 100
_RENAMED = 1.5  # a run of the original may have longer names now


def length_ratio(before: Source, after: Source) -> float:
    """UTF-8 bytes of the rewrite to those of the original; an empty original counts one byte."""
    return len(after.encoded) / max(1, len(before.encoded))


def refused_length(ratio: float, minimum: float, maximum: float) -> Refusal | None:
    """Whether a rewrite is too short or too long."""
    if ratio < minimum:
        return refusal(
            "length",
            f"the code has {ratio:.0%} of the original's bytes, expected {minimum:.0%} at least",
            ratio,
            minimum,
        )
    if ratio > maximum:
        return refusal(
            "length",
            f"the code has {ratio:.0%} of the original's bytes, expected {maximum:.0%} at most",
            ratio,
            maximum,
        )
    return None


def repetition(before: Source, after: Source) -> float:
    """Share of the rewrite's bytes in lines that repeat others, beyond the original's; below 0 where it has less."""
    return after.repeated_line_fraction - before.repeated_line_fraction


def refused_repetition(before: Source, after: Source, maximum: float) -> Refusal | None:
    """Whether a rewrite repeats lines, a run of tokens or a block, much more than the original."""
    value = repetition(before, after)
    if value > maximum:
        return refusal(
            "repetition", f"{value:.0%} more of the code than of the original is in repeated lines", value, maximum
        )
    old, new = before.repeated_runs, after.repeated_runs
    bounds = RepeatedRuns(
        max(MAXIMUM_RUN_BYTES, int(_RENAMED * old.longest)), max(MAXIMUM_RUN_AT_ONCE_BYTES, int(_RENAMED * old.at_once))
    )
    if new.at_once > bounds.at_once:
        return refusal(
            "repetition", "a block of the code is repeated at once, or a loop of tokens", new.at_once, bounds.at_once
        )
    if new.longest > bounds.longest:
        return refusal("repetition", "a long block of the code is repeated", new.longest, bounds.longest)
    return None


def similarity(before: Source, after: Source) -> float:
    """Share of the original's words that the rewrite keeps, 0..1; 1 where the original has none."""
    if not before.words.size:
        return 1.0
    kept = np.intersect1d(before.words, after.words, assume_unique=True).size
    return float(kept / before.words.size)


def refused_similarity(value: float, minimum: float) -> Refusal | None:
    """Whether a rewrite is another program."""
    if value >= minimum:
        return None
    return refusal(
        "similarity", f"{value:.0%} of the original's words are left, expected {minimum:.0%} at least", value, minimum
    )


def refused_licence_header(before: Source, after: Source) -> Refusal | None:
    """Whether a licence or copyright line of the original is gone."""
    missing = missing_notice(before.text, after.text)
    return (
        refusal("licence_header", f"a licence or copyright line is missing or changed: {missing[:120]}")
        if missing
        else None
    )

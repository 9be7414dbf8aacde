"""Interleaving: rows of several kinds in one order that has the same share of each kind everywhere.

Row i of n of its kind stands at (i + 0.5) / n of the way, and rows are sorted by that. So any run of rows holds the
kinds as the whole does, but for one row of each kind, give or take: 0.1 percentage point of 1,000 rows of two kinds.
Nothing is shuffled here: each kind's rows come in an order of their own.

Cost: 0.1 s per million rows.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def interleaved(counts: Sequence[int]) -> npt.NDArray[np.int64]:
    """Which kind each row of the whole is of.

    Args:
        counts: rows of each kind; fewer than 2**53 / 2 of each, so that equal places are told to be equal.

    Returns:
        int64[sum(counts)], numbers of kinds; at equal places the first kind goes first. Shape (0,) for no rows.
    """
    kinds = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    places = np.concatenate([(np.arange(count) + 0.5) / max(count, 1) for count in counts] or [np.zeros(0)])
    return kinds[np.argsort(places, kind="stable")]


def largest_deviation(kinds: npt.NDArray[np.int64], *, num_kinds: int, window: int) -> float:
    """How far any run of rows is from the shares of the whole.

    Args:
        kinds: int64[rows], the kind of each row.
        window: rows of a run, at least 1.

    Returns:
        The largest difference between the share of a kind in `window` consecutive rows and in all, 0..1; 0 where there
        are fewer rows than that.
    """
    if len(kinds) < window:
        return 0.0
    largest = 0.0
    for kind in range(num_kinds):
        before = np.append(0, np.cumsum(kinds == kind))
        within = before[window:] - before[:-window]
        largest = max(largest, float(np.abs(within / window - before[-1] / len(kinds)).max()))
    return largest

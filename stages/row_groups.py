"""Row groups: how rows of unlike size are divided so that no row group is too large to be read."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

ROW_GROUP_ROWS = 1 << 16


def row_groups(
    sizes: npt.NDArray[np.int64], *, maximum_size: int, maximum_rows: int = ROW_GROUP_ROWS
) -> Iterator[tuple[int, int]]:
    """(first, last + 1) of runs of rows that are as long as their sizes together and their number allow.

    Args:
        sizes: int64[rows], of any unit. A row that is larger than `maximum_size` is alone in its run.
    """
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = ends[start - 1] if start else 0
        fitting = int(np.searchsorted(ends, before + maximum_size, side="right"))
        stop = min(max(fitting, start + 1), start + maximum_rows, len(sizes))
        yield start, stop
        start = stop

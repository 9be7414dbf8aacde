"""Who stays among near duplicates, in rounds: no components, no global order, one message a document and round.

A document is kept if no better-ranked kept document is its verified duplicate, and goes if one is. Each round decides
from what was known at its start, so it can be carried out slice by slice, and slices do not show in the result:

    an edge whose better document has gone is no reason any more
    a document with an edge to a better one that is kept goes; its most similar such twin is named
    a document that has no edge left is kept
    every other waits for the next round

That is greedy removal in order of rank, unrolled: after r rounds all is decided but chains in which the decision
alternates more than r times. Why rounds, and not the whole greedy order at once: that needs every verified edge in one
place. After a few rounds so few edges are open that they fit into one. Cost: one sort of the open edges a round.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.candidates import Digests, fresh
from stages.exchange import lexsorted

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Edges(NamedTuple):
    """Verified duplicates, by ref; a document may have several edges.

    Attributes:
        rank: of the better document.
        name: id of the better document, as two uint64[n].
    """

    worse: U64
    better: U64
    rank: U64
    name: Digests
    similarity: F64


class Round(NamedTuple):
    """What a round decided.

    Attributes:
        removed: int64, the edge that removes each removed document, in order of the documents.
        kept: refs of documents that are kept, ascending.
        open: bool[edges], what goes on to the next round.
    """

    removed: I64
    kept: U64
    open: Bools


def play(edges: Edges, *, kept: U64, gone: U64) -> Round:
    """One round.

    Args:
        edges: those of documents that are still open; no document is its own better one.
        kept: refs of better documents that are known to be kept.
        gone: refs of better documents that are known to be gone.

    Returns:
        Nothing decided for no edges. Order and repetition of edges make no difference to the documents' fates.
    """
    twins = np.flatnonzero(np.isin(edges.better, kept))
    by_likeness = [edges.worse, -edges.similarity, edges.rank, *edges.name]
    twins = twins[lexsorted([column[twins] for column in by_likeness])]
    removed = twins[fresh([edges.worse[twins]])]
    undecided = ~np.isin(edges.worse, edges.worse[removed])
    waits = undecided & ~np.isin(edges.better, gone)
    free = np.setdiff1d(edges.worse[undecided], edges.worse[waits])
    return Round(removed, free, waits)

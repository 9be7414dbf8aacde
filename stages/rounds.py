"""Who stays among near duplicates, in rounds: no components, no global order, one message a document and round.

A document is kept if no better-ranked kept document is its verified duplicate, and goes if one is. Each round decides
from what was known at its start, so it can be carried out slice by slice, and slices do not show in the result:

    an edge whose better document has gone is no reason any more
    a document with an edge to a better one that is kept goes; a held-out such twin is named, else the most similar
    a document that has no edge left is kept
    every other waits for the next round

That is greedy removal in order of rank, unrolled: after r rounds all is decided but chains in which the decision
alternates more than r times. Why rounds, and not the whole greedy order at once: that needs every verified edge in one
place. After a few rounds so few edges are open that they fit into one: `play_out` decides all of those, each document
once, however long the chains. Cost: one sort of the open edges, of either.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from numpy.typing import NDArray

from stages.candidates import Digests, fresh
from stages.exchange import lexsorted
from stages.ranks import is_held_out

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_OPEN, _KEPT, _GONE = np.uint8(0), np.uint8(1), np.uint8(2)


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
    removed = _twins(edges, np.isin(edges.better, kept))
    undecided = ~np.isin(edges.worse, edges.worse[removed])
    waits = undecided & ~np.isin(edges.better, gone)
    free = np.setdiff1d(edges.worse[undecided], edges.worse[waits])
    return Round(removed, free, waits)


def play_out(edges: Edges, *, gone: U64) -> Round:
    """All rounds, until nothing is open: what greedy removal in order of rank decides.

    Args:
        edges: those of documents that are still open, without a circle; ranks make none.
        gone: refs of better documents that are known to be gone. Any other one without an edge of its own is kept.
    """
    refs, place = np.unique(np.concatenate([edges.worse, edges.better]), return_inverse=True)
    worse, better = np.split(place.astype(np.int64), 2)
    state = np.where(np.isin(refs, gone), _GONE, _KEPT).astype(np.uint8)
    state[worse] = _OPEN
    order = np.argsort(better, kind="stable")
    first = np.searchsorted(better[order], np.arange(len(refs) + 1))
    _decide(state, worse[order], first, np.bincount(worse, minlength=len(refs)))
    removed = _twins(edges, (state[better] == _KEPT) & (state[worse] == _GONE))
    is_open = np.zeros(len(edges.worse), dtype=np.bool_)
    return Round(removed, np.setdiff1d(edges.worse, edges.worse[removed]), is_open)


def _twins(edges: Edges, stays: Bools) -> I64:
    """Of edges whose better document stays, the one that each worse document is removed for, in order of those."""
    twins = np.flatnonzero(stays)
    order = [edges.worse, ~is_held_out(edges.rank), -edges.similarity, edges.rank, *edges.name]
    twins = twins[lexsorted([column[twins] for column in order])]
    return twins[fresh([edges.worse[twins]])]


@njit(cache=True, nogil=True)
def _decide(
    state: NDArray[np.uint8], worse: NDArray[np.int64], first: NDArray[np.int64], waits_for: NDArray[np.int64]
) -> None:
    """Decide every open document, once what it waits for is decided: each edge is looked at once.

    `worse` are the documents below each better one, which begin at `first`; `waits_for` counts the better ones of each.
    """
    decided = np.empty(state.size, np.int64)
    end = 0
    for document in range(state.size):
        if state[document] != _OPEN:
            decided[end] = document
            end += 1
    place = 0
    while place < end:
        document = decided[place]
        place += 1
        for edge in range(first[document], first[document + 1]):
            below = worse[edge]
            if state[below] != _OPEN:
                continue
            waits_for[below] -= 1
            if state[document] == _KEPT or waits_for[below] == 0:
                state[below] = _GONE if state[document] == _KEPT else _KEPT
                decided[end] = below
                end += 1

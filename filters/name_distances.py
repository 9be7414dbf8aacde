"""How far each name of a text is from its last and its next occurrence.

The last place of every name is kept in an open hash table, one pass over the tokens. Names that somebody made to meet
in one part of the table would make that quadratic: beyond `_MOST_PROBES` looks a token it gives up, and a stable sort
of the names, which brings the occurrences of each together in text order, finds the same distances.

Names that meet in 1/64 of the table, 200,000 of them in 1.6 MB, took 15 s without that; a sort takes 0.03 s (Xeon, one
busy hyperthread). Ordinary code needs less than one look beyond the first a token.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

SLOT_FACTOR = 0xA0761D6478BD642F
"""A name goes where the highest bits of its hash times this say; odd."""

_MOST_PROBES = 16

Distances = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def name_distances(tokens: NDArray[np.uint64], renamed: NDArray[np.bool_], window_tokens: int) -> Distances:
    """To the last and to the next occurrence of each name, in tokens.

    Args:
        tokens: as `filters.syntax_tokens` makes them.
        renamed: whether each is a name.
        window_tokens: 2 to 255; a distance of so many tokens or more counts as none.

    Returns:
        Two of uint8, as many as there are tokens; 0 for none, and for tokens that are no names.
    """
    told, back, ahead = _hashed(tokens, renamed, window_tokens)
    return (back, ahead) if told else sorted_distances(tokens, renamed, window_tokens)


def sorted_distances(tokens: NDArray[np.uint64], renamed: NDArray[np.bool_], window_tokens: int) -> Distances:
    """`name_distances` by a sort, in a time that no names can change."""
    places = np.flatnonzero(renamed)
    places = places[np.argsort(tokens[places], kind="stable")]
    before, after = places[:-1], places[1:]
    near = (tokens[before] == tokens[after]) & (after - before < window_tokens)
    before, after = before[near], after[near]
    back, ahead = np.zeros(tokens.size, np.uint8), np.zeros(tokens.size, np.uint8)
    back[after] = ahead[before] = after - before
    return back, ahead


@njit(cache=True, nogil=True)
def _hashed(
    tokens: NDArray[np.uint64], renamed: NDArray[np.bool_], window_tokens: int
) -> tuple[bool, NDArray[np.uint8], NDArray[np.uint8]]:
    """(whether the distances could be told, both of them)."""
    bits = 4
    while (1 << bits) < 2 * tokens.size:
        bits += 1
    table = np.full(1 << bits, -1, np.int32)  # the last place of every name
    shift, last = np.uint64(64 - bits), np.uint64((1 << bits) - 1)
    back, ahead = np.zeros(tokens.size, np.uint8), np.zeros(tokens.size, np.uint8)
    probes, most = 0, _MOST_PROBES * tokens.size
    for place in range(tokens.size):
        if not renamed[place]:
            continue
        slot = tokens[place] * np.uint64(SLOT_FACTOR) >> shift
        while table[slot] >= 0 and tokens[table[slot]] != tokens[place]:
            slot = (slot + np.uint64(1)) & last
            probes += 1
        if probes > most:
            return False, back, ahead
        if table[slot] >= 0 and place - table[slot] < window_tokens:
            back[place] = ahead[table[slot]] = place - table[slot]
        table[slot] = place
    return True, back, ahead

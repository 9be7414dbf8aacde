"""Distances of names by a table and by a sort, and names that were made to meet in one part of the table."""

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from filters.name_distances import SLOT_FACTOR, _hashed, name_distances, sorted_distances
from filters.syntax_tokens import syntax_tokens
from filters.syntax_windows import syntax_windows

Tokens = tuple[NDArray[np.uint64], NDArray[np.bool_]]

MEETING = pow(SLOT_FACTOR, -1, 2**64)  # small multiples of it all belong into slot 0
NUMBERS = (
    st.integers(1, 5) | st.integers(1, 60).map(lambda number: number * MEETING % 2**64) | st.integers(1, 2**64 - 1)
)
TOKENS = st.lists(st.tuples(NUMBERS, st.booleans()), max_size=200)


def arrays(tokens: list[tuple[int, bool]]) -> Tokens:
    numbers, renamed = [number for number, _ in tokens], [name for _, name in tokens]
    return np.array(numbers, np.uint64), np.array(renamed, np.bool_)


def meeting_names(count: int, *, bits: int) -> list[str]:
    """Names that all belong into the first 1/64 of a table of `1 << bits` slots."""
    names = [f"name{number}" for number in range(80 * count)]
    tokens, _ = syntax_tokens(" ".join(names).encode())
    slots = tokens * np.uint64(SLOT_FACTOR) >> np.uint64(64 - bits)
    return [names[place] for place in np.flatnonzero(slots < 1 << bits - 6)[:count]]


@given(TOKENS, st.integers(2, 255))
def test_distances_are_those_to_the_nearest_occurrences(tokens: list[tuple[int, bool]], window_tokens: int) -> None:
    back, ahead = [0] * len(tokens), [0] * len(tokens)
    last: dict[int, int] = {}
    for place, (number, renamed) in enumerate(tokens):
        if renamed:
            if place - last.get(number, -window_tokens) < window_tokens:
                back[place] = ahead[last[number]] = place - last[number]
            last[number] = place
    for found in (name_distances, sorted_distances):
        assert [side.tolist() for side in found(*arrays(tokens), window_tokens)] == [back, ahead]


@given(st.text("ab(. \n", max_size=300), st.integers(2, 20))
def test_table_and_sort_agree_on_text(text: str, window_tokens: int) -> None:
    tokens, renamed = syntax_tokens(text.encode())
    told, *by_table = _hashed(tokens, renamed, window_tokens)
    assert told
    for table, sort in zip(by_table, sorted_distances(tokens, renamed, window_tokens), strict=True):
        assert table.dtype == sort.dtype == np.uint8
        assert np.array_equal(table, sort)


def test_names_made_to_meet_have_the_windows_of_ordinary_ones() -> None:
    count = 4000
    crafted = meeting_names(count, bits=14)
    assert len(crafted) == count
    order = [place for start in range(0, count, 4) for place in (start, start + 1, start, start + 2, start + 3)]
    first = " ".join(crafted[place] for place in order).encode()
    second = " ".join(f"x{place}" for place in order).encode()
    assert not _hashed(*syntax_tokens(first), 16)[0]
    assert _hashed(*syntax_tokens(second), 16)[0]
    one, two = syntax_windows(first, window_tokens=16), syntax_windows(second, window_tokens=16)
    assert one.size == len(order) - 15
    assert np.array_equal(one, two)


def test_names_made_to_meet_are_told_apart_in_time() -> None:
    tokens = np.arange(1, 400_001, dtype=np.uint64) * np.uint64(MEETING)
    tokens, renamed = np.repeat(tokens, 2), np.ones(800_000, np.bool_)
    started = time.process_time()
    back, ahead = name_distances(tokens, renamed, 16)
    assert time.process_time() - started < 10  # 2e11 looks would take minutes
    assert back.tolist() == [0, 1] * 400_000
    assert ahead.tolist() == [1, 0] * 400_000

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.rendering_draws import Chunk, chosen_chunks, drawn, happens, repository_chunks, split

seeds = st.integers(0, 2**64 - 1)


def test_a_draw_depends_on_seed_and_names() -> None:
    draws = {drawn(seed, *names) for seed in range(10) for names in (("a", "b"), ("ab",), ("b", "a"), ("a", "b", ""))}
    assert len(draws) == 40
    assert drawn(1, "a", "b") == drawn(1, "a", "b")
    assert drawn(0, "\ud800") != drawn(0, "\ud801")


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 1.0])
def test_things_happen_as_often_as_they_should(probability: float) -> None:
    number = sum(happens(probability, 7, str(n)) for n in range(4_000))
    assert abs(number - 4_000 * probability) <= 5 * (4_000 * probability * (1 - probability)) ** 0.5


@given(st.text(), seeds, st.text(max_size=5))
def test_a_split_holds_the_whole_text(text: str, seed: int, name: str) -> None:
    parts = split(text, seed=seed, name=name, spm_share=0.5)
    if len(text) < 3:
        assert parts is None
    else:
        assert parts is not None
        assert parts.prefix + parts.middle + parts.suffix == text


def test_every_place_is_cut_equally_often() -> None:
    parts = [split("abcd", seed=1, name=str(n), spm_share=0.5) for n in range(6_000)]
    cuts = Counter(place for part in parts if part for place in (len(part.prefix), 4 - len(part.suffix)))
    assert sorted(cuts) == [0, 1, 2, 3, 4]
    assert all(abs(count - 2_400) < 5 * (12_000 * 0.16) ** 0.5 for count in cuts.values())


@given(st.lists(st.integers(0, 30)), st.integers(1, 40))
def test_chunks_are_as_long_as_they_can_be(lengths: list[int], maximum: int) -> None:
    chunks = repository_chunks(lengths, maximum)
    placed = [place for chunk in chunks for place in range(chunk.start, chunk.stop)]
    assert placed == [place for place, length in enumerate(lengths) if length <= maximum]
    for chunk in chunks:
        assert len(lengths[chunk]) > 0
        assert sum(lengths[chunk]) <= maximum
    for one, other in pairwise(chunks):
        if one.stop == other.start:
            assert sum(lengths[one]) + lengths[other.start] > maximum


def test_a_file_that_is_too_long_stands_in_no_chunk() -> None:
    assert repository_chunks([4, 5, 20, 1, 9, 1], 10) == [slice(0, 2), slice(3, 5), slice(5, 6)]
    assert repository_chunks([], 10) == []


def chunk(number: int, num_bytes: int, repository: str = "a/b") -> Chunk:
    return Chunk(repository, "1", number.to_bytes(16, "big"), 0, 2, num_bytes)


@given(st.lists(st.integers(1, 1_000), max_size=60), st.floats(0, 1.2), st.integers(0, 2**64 - 1), st.randoms())
def test_chosen_chunks_have_the_bytes_that_are_wanted(
    sizes: list[int], share: float, seed: int, order: random.Random
) -> None:
    chunks = [chunk(number, size) for number, size in enumerate(sizes)]
    wanted = share * sum(sizes)
    chosen = chosen_chunks(chunks, wanted, seed)
    total = sum(one.num_bytes for one in chosen)
    assert abs(total - wanted) <= max(sizes, default=0) / 2 or len(chosen) == len(chunks)
    assert chosen_chunks(order.sample(chunks, len(chunks)), wanted, seed) == chosen
    assert chosen_chunks(chunks, 2 * wanted, seed)[: len(chosen)] == chosen  # more only add


def test_the_order_of_chunks_is_that_of_their_own_names() -> None:
    one, other = ([chunk(n, 1, name) for n in range(200)] for name in ("a/b", "a/c"))
    first, second = ([c.first_id for c in chosen_chunks(chunks, 60, 1)] for chunks in (one, other))
    assert len(first) == len(second) == 60
    assert first != second
    assert first != [c.first_id for c in chosen_chunks(one, 60, 2)]
    assert chosen_chunks([], 5, 1) == []
    assert chosen_chunks(one, 0, 1) == []

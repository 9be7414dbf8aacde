from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.mixing import (
    KEY_BINS,
    SPARE_DOCUMENTS,
    Window,
    bin_of,
    budget,
    fill_budget,
    last_bin,
    order_keys,
    trim_window,
)

AMOUNTS = st.integers(0, 10**13)
SHARES = st.integers(0, 100).map(lambda percent: {"code": percent / 100, "text": (100 - percent) / 100})


def ids_of(count: int) -> npt.NDArray[np.void]:
    from hashlib import sha256

    return np.frombuffer(b"".join(sha256(str(n).encode()).digest()[:16] for n in range(count)), dtype="V16")


@given(AMOUNTS, AMOUNTS, SHARES, st.none() | st.integers(1, 10**13))
def test_a_budget_keeps_the_ratio_and_never_asks_for_more_than_there_is(
    code: int, text: int, shares: dict[str, float], wanted: int | None
) -> None:
    available = {"code": code, "text": text}
    chosen = budget(available, shares, wanted)
    total = chosen.possible if wanted is None else min(wanted, chosen.possible)
    for kind, share in shares.items():
        assert 0 <= chosen.tokens[kind] <= available[kind]
        assert abs(chosen.tokens[kind] - total * share) <= 0.5 + total * 1e-15
    assert abs(sum(chosen.tokens.values()) - total) <= 1
    assert chosen.short == (wanted is not None and chosen.possible < wanted)


@given(AMOUNTS, AMOUNTS, SHARES)
def test_a_budget_without_a_wish_takes_all_of_the_scarcer_kind(code: int, text: int, shares: dict[str, float]) -> None:
    available = {"code": code, "text": text}
    chosen = budget(available, shares, None)
    left = [
        Fraction(available[kind] - chosen.tokens[kind]) / Fraction(share) for kind, share in shares.items() if share
    ]
    assert min(left) <= 2 + max(available.values()) * 1e-15


def test_a_kind_with_share_zero_gets_nothing_and_limits_nothing() -> None:
    assert budget({"code": 0, "text": 500}, {"code": 0.0, "text": 1.0}, None).tokens == {"code": 0, "text": 500}


def test_an_absent_kind_leaves_nothing() -> None:
    assert budget({"code": 10}, {"code": 0.5, "text": 0.5}, 8).tokens == {"code": 0, "text": 0}


def test_order_keys_are_uniform() -> None:
    for purpose in ("mix", "pack"):
        counts = np.bincount(bin_of(order_keys(ids_of(20_000), 7, purpose)) >> 6, minlength=64)
        # 64 cells of 312.5: chi-square with 63 degrees of freedom is above 118 once in 30,000 such samples.
        assert (((counts - 312.5) ** 2) / 312.5).sum() < 118


@pytest.mark.parametrize("other", [(7, "pack"), (8, "mix"), (7 + (1 << 40), "mix")])
def test_orders_of_other_purposes_and_seeds_are_independent(other: tuple[int, str]) -> None:
    ids = ids_of(20_000)
    ranks = [np.argsort(np.argsort(order_keys(ids, *key))) for key in ((7, "mix"), other)]
    assert abs(np.corrcoef(ranks[0], ranks[1])[0, 1]) < 0.03  # four standard deviations


def test_order_keys_are_the_same_alone_and_among_others() -> None:
    ids = ids_of(100)
    keys = order_keys(ids, 3, "mix")
    assert [int(order_keys(ids[place : place + 1], 3, "mix")[0]) for place in range(100)] == keys.tolist()
    assert len(set(keys.tolist())) == 100
    assert len(order_keys(ids[:0], 3, "mix")) == 0


def even_bins(documents: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    counts = np.full(KEY_BINS, documents, dtype=np.int64)
    return counts * 100.0, counts


def test_nothing_wanted_selects_nothing() -> None:
    assert last_bin(*even_bins(10), 0.0) == -1


def test_a_small_corpus_is_selected_whole() -> None:
    tokens, documents = even_bins(0)
    documents[::100], tokens[::100] = 1, 5000.0
    assert last_bin(tokens, documents, 5000.0) == KEY_BINS - 1


@given(st.floats(1, 4e8), st.floats(1, 4e8))
def test_wanting_more_only_adds(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert -1 <= last_bin(*even_bins(1000), low) <= last_bin(*even_bins(1000), high) <= KEY_BINS - 1


@given(st.floats(1, 3.9e6))
def test_what_is_selected_is_enough_with_documents_to_spare(wanted: float) -> None:
    tokens, documents = even_bins(10)
    last = last_bin(tokens, documents, wanted)
    enough = int(np.searchsorted(np.cumsum(tokens), wanted))
    assert tokens[: last + 1].sum() >= wanted
    assert documents[enough + 1 : last + 1].sum() >= SPARE_DOCUMENTS or last == KEY_BINS - 1


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50))
def test_bins_follow_the_order_of_keys(values: list[int]) -> None:
    keys = np.array(sorted(values), dtype=np.uint64)
    bins = bin_of(keys)
    assert (np.diff(bins) >= 0).all()
    assert all(0 <= place < KEY_BINS for place in bins.tolist())


def test_bins_reach_from_the_first_to_the_last() -> None:
    assert bin_of(np.array([0, 2**64 - 1], dtype=np.uint64)).tolist() == [0, KEY_BINS - 1]


def settled(bins: list[int], tokens: list[int], target: int) -> tuple[Window, list[int]]:
    """What settle and pack do together: the window, and the indices of the documents kept, in order of the bins."""
    sums, counts = (np.zeros(KEY_BINS, dtype=np.int64) for _ in range(2))
    np.add.at(sums, bins, tokens)
    np.add.at(counts, bins, 1)
    window = trim_window(sums, counts, target)
    order = sorted(range(len(bins)), key=lambda index: bins[index])
    inside = [index for index in order if window.first <= bins[index] <= window.last]
    kept = fill_budget(np.array([tokens[index] for index in inside], dtype=np.int64), target - window.before)
    before = [index for index in order if bins[index] < window.first]
    return window, before + [index for index, stays in zip(inside, kept.tolist(), strict=True) if stays]


DOCUMENTS = st.lists(st.tuples(st.integers(0, KEY_BINS - 1), st.integers(1, 5_000)), max_size=60)


@given(DOCUMENTS, st.integers(0, 200_000))
def test_what_is_left_of_a_budget_is_smaller_than_every_document_dropped(
    documents: list[tuple[int, int]], target: int
) -> None:
    bins, tokens = [place for place, _ in documents], [count for _, count in documents]
    window, kept = settled(bins, tokens, target)
    total = sum(tokens[index] for index in kept)
    assert total <= target
    dropped = [count for index, count in enumerate(tokens) if index not in set(kept)]
    assert all(target - total < count for count in dropped)
    assert window.before == sum(count for place, count in documents if place < window.first)


def test_a_budget_that_takes_all_has_nothing_to_trim() -> None:
    sums = np.ones(KEY_BINS, dtype=np.int64)
    assert trim_window(sums, sums, KEY_BINS) == Window(KEY_BINS, KEY_BINS - 1, KEY_BINS)
    assert trim_window(sums[:0], sums[:0], 0) == Window(KEY_BINS, KEY_BINS - 1, 0)


def test_the_window_is_long_enough_to_choose_from_and_no_longer() -> None:
    sums = np.full(KEY_BINS, 1_000, dtype=np.int64)
    counts = np.full(KEY_BINS, 100, dtype=np.int64)
    window = trim_window(sums, counts, 1_000_500)
    assert (window.first, window.before) == (1_000, 1_000_000)
    assert 2_000 <= counts[window.first : window.last + 1].sum() <= 2_100


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(0, 400))
def test_filling_is_greedy_in_order(tokens: list[int], room: int) -> None:
    kept = fill_budget(np.array(tokens, dtype=np.int64), room)
    left = room
    for count, stays in zip(tokens, kept.tolist(), strict=True):
        assert stays == (count <= left)
        left -= count if stays else 0

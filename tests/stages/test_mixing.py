import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.mixing import (
    KEY_BINS,
    SPARE_DOCUMENTS,
    Estimate,
    Prefix,
    Sums,
    Window,
    bin_of,
    fill_budget,
    order_keys,
    place_of,
    prefix,
    trim_window,
)


def ids_of(count: int) -> npt.NDArray[np.void]:
    from hashlib import sha256

    return np.frombuffer(b"".join(sha256(str(n).encode()).digest()[:16] for n in range(count)), dtype="V16")


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


EVEN = Estimate(documents=10**6, num_bytes=3 * 10**9, squared_bytes=9 * 10**12, tokens=10**9)
ESTIMATES = st.builds(
    lambda sizes, rate: Estimate(len(sizes), sum(sizes), float(sum(size**2 for size in sizes)), sum(sizes) * rate),
    st.lists(st.integers(1, 10**6), min_size=1, max_size=50),
    st.floats(0.1, 0.5),
)
EPOCHS = st.sampled_from([0.5, 1.0, 1.5, 4.0])


def test_nothing_wanted_selects_nothing() -> None:
    assert prefix(EVEN, 0, 1.0) == Prefix(0, 0)
    assert prefix(Estimate(0, 0, 0.0, 0.0), 5, 1.0) == Prefix(0, 0)


@given(ESTIMATES, st.floats(1, 1e7), EPOCHS)
def test_a_small_corpus_is_selected_whole(estimate: Estimate, wanted: float, most: float) -> None:
    assert prefix(estimate, wanted, most).epochs == most


def test_a_large_corpus_is_selected_with_its_reserve_and_no_more() -> None:
    # One document in a million weighs little: an error of 8 / 1000 of the estimate, and less of the keys.
    assert EVEN.error == pytest.approx(0.008)
    taken = prefix(EVEN, 0.5e9, 1.0)
    assert taken.full_epochs == 0
    assert 0.504 < taken.epochs < 0.507
    assert prefix(EVEN, 1.7e9, 3.0).full_epochs == 1
    assert 1.713 < prefix(EVEN, 1.7e9, 3.0).epochs < 1.717


@given(st.floats(1, 4e9), st.floats(1, 4e9), EPOCHS)
def test_wanting_more_only_adds(one: float, other: float, most: float) -> None:
    low, high = (prefix(EVEN, wanted, most) for wanted in sorted((one, other)))
    assert low <= high
    assert high.epochs <= most


@given(st.floats(1, 1e9), st.floats(1, 1e13), st.integers(10**4, 10**7))
def test_what_is_selected_is_enough_with_documents_to_spare(wanted: float, squares: float, documents: int) -> None:
    estimate = Estimate(documents, 3 * 10**9, max(squares, 9e18 / documents), 1e9)
    taken = prefix(estimate, wanted, 1.0).epochs
    if taken < 1:
        least = wanted / estimate.tokens
        deviation = ((estimate.error * taken) ** 2 + 16 * taken * (1 - taken) * estimate.unevenness) ** 0.5
        assert taken - deviation >= least * (1 - 1e-9)
        assert (taken - least) * documents >= SPARE_DOCUMENTS * (1 - 1e-9)


def test_the_sum_of_a_prefix_is_within_its_deviations() -> None:
    """The law that the selection rests on, on skewed sizes: how far sums of keys below a bound are from their part."""
    sizes = np.exp(np.random.default_rng(3).normal(7, 1.3, 20_000))
    far = []
    for seed in range(60):
        below = order_keys(ids_of(20_000), seed, "mix") < np.uint64(2**62)
        deviation = np.sqrt(0.25 * 0.75 * (sizes**2).sum())
        far.append(float((sizes[below].sum() - sizes.sum() / 4) / deviation))
    assert 0.7 < np.std(far) < 1.3  # 60 draws: 1 within 3 standard deviations of theirs
    assert max(map(abs, far)) < 4


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50))
def test_bins_follow_the_order_of_keys(values: list[int]) -> None:
    keys = np.array(sorted(values), dtype=np.uint64)
    bins = bin_of(keys)
    assert (np.diff(bins) >= 0).all()
    assert all(0 <= place < KEY_BINS for place in bins.tolist())


def test_bins_reach_from_the_first_to_the_last() -> None:
    assert bin_of(np.array([0, 2**64 - 1], dtype=np.uint64)).tolist() == [0, KEY_BINS - 1]


def summed(bins: list[int], tokens: list[int], copies: int = 1) -> Sums:
    """Sums of documents of 3 bytes a token."""
    sums = Sums.zeros(copies)
    amounts = np.array(tokens, dtype=np.int64)
    sums.add(np.array(bins, dtype=np.int64), amounts, 3 * amounts)
    return sums


def settled(bins: list[int], tokens: list[int], target: int, maximum_bytes: int | None) -> tuple[Window, list[int]]:
    """What settle and pack do together: the window, and the indices of the documents kept, in order of the bins."""
    sums = summed(bins, tokens)
    window = trim_window(sums, target, maximum_bytes)
    order = sorted(range(len(bins)), key=lambda index: bins[index])
    inside = [index for index in order if window.first <= bins[index] <= window.last]
    amounts = np.array([tokens[index] for index in inside], dtype=np.int64)
    room_bytes = None if maximum_bytes is None else maximum_bytes - 3 * window.before
    kept = fill_budget(amounts, target - window.before, 3 * amounts, room_bytes)
    before = [index for index in order if bins[index] < window.first]
    return window, before + [index for index, stays in zip(inside, kept.tolist(), strict=True) if stays]


DOCUMENTS = st.lists(st.tuples(st.integers(0, KEY_BINS - 1), st.integers(1, 5_000)), max_size=60)


@given(DOCUMENTS, st.integers(0, 200_000), st.none() | st.integers(0, 600_000))
def test_what_is_left_of_a_budget_is_smaller_than_every_document_dropped(
    documents: list[tuple[int, int]], target: int, maximum_bytes: int | None
) -> None:
    bins, tokens = [place for place, _ in documents], [count for _, count in documents]
    window, kept = settled(bins, tokens, target, maximum_bytes)
    total, bound = sum(tokens[index] for index in kept), target
    if maximum_bytes is not None:
        bound = min(target, maximum_bytes // 3)
    assert total <= bound
    dropped = [count for index, count in enumerate(tokens) if index not in set(kept)]
    assert all(bound - total < count for count in dropped)
    assert window.before == sum(count for place, count in documents if place < window.first)


def test_a_budget_that_takes_all_has_nothing_to_trim() -> None:
    sums = summed(list(range(KEY_BINS)), [1] * KEY_BINS)
    assert trim_window(sums, KEY_BINS) == Window(KEY_BINS, KEY_BINS - 1, KEY_BINS)
    assert trim_window(sums, KEY_BINS, 3 * KEY_BINS) == Window(KEY_BINS, KEY_BINS - 1, KEY_BINS)
    assert trim_window(Sums.zeros(0), 0) == Window(0, -1, 0)


def test_the_window_is_long_enough_to_choose_from_and_no_longer() -> None:
    sums = Sums(*(np.full(KEY_BINS, number, dtype=np.int64) for number in (100, 1_000, 3_000)))
    window = trim_window(sums, 1_000_500)
    assert (window.first, window.before) == (1_000, 1_000_000)
    assert 2_000 <= sums.documents[window.first : window.last + 1].sum() <= 2_100


def test_second_copies_come_after_all_first_ones() -> None:
    keys = np.array([2**64 - 1, 0, 2**63], dtype=np.uint64)
    assert place_of(np.array([0, 1, 2]), keys).tolist() == [KEY_BINS - 1, KEY_BINS, 2 * KEY_BINS + KEY_BINS // 2]
    sums = summed([KEY_BINS - 1, KEY_BINS], [5, 7], copies=2)
    assert trim_window(sums, 5) == Window(KEY_BINS, 2 * KEY_BINS - 1, 5)
    assert trim_window(sums, 4) == Window(KEY_BINS - 1, KEY_BINS - 1, 0)  # no second copy where a first one is left out


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(0, 400))
def test_filling_is_greedy_in_order(tokens: list[int], room: int) -> None:
    kept = fill_budget(np.array(tokens, dtype=np.int64), room)
    left = room
    for count, stays in zip(tokens, kept.tolist(), strict=True):
        assert stays == (count <= left)
        left -= count if stays else 0

"""Windows predict every token once, with all the context that the model can have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.token_windows import TokenWindow, token_windows, window_batches


@st.composite
def _sizes(draw: st.DrawFn) -> tuple[int, int, int]:
    window = draw(st.integers(1, 40))
    return draw(st.integers(0, 200)), window, draw(st.integers(1, window))


@given(_sizes())
def test_every_token_but_the_first_is_predicted_once_and_in_order(sizes: tuple[int, int, int]) -> None:
    num_tokens, window, stride = sizes
    windows = list(token_windows(0, num_tokens, window=window, stride=stride))
    assert [token for one in windows for token in range(one.first, one.stop)] == list(range(1, num_tokens))


@given(_sizes())
def test_a_token_has_the_context_of_the_window_less_the_stride_or_the_whole_beginning(
    sizes: tuple[int, int, int],
) -> None:
    num_tokens, window, stride = sizes
    for one in token_windows(0, num_tokens, window=window, stride=stride):
        assert 0 <= one.start < one.first
        assert one.inputs <= window
        assert one.inputs == window or one.start == 0
        context = one.first - one.start  # of the token that has least
        assert one.start == 0 or context > window - stride


@given(_sizes())
def test_a_document_that_fits_is_one_window_whatever_the_stride(sizes: tuple[int, int, int]) -> None:
    num_tokens, window, stride = sizes
    if 2 <= num_tokens <= window + 1:
        assert list(token_windows(3, num_tokens, window=window, stride=stride)) == [TokenWindow(3, 0, 1, num_tokens)]


@pytest.mark.parametrize("num_tokens", [0, 1])
def test_nothing_to_predict_is_no_window(num_tokens: int) -> None:
    assert list(token_windows(0, num_tokens, window=4, stride=2)) == []


def test_windows_overlap_by_the_window_less_the_stride() -> None:
    windows = token_windows(0, 12, window=4, stride=3)
    assert [one[1:] for one in windows] == [(0, 1, 5), (3, 5, 8), (6, 8, 11), (7, 11, 12)]


@given(st.lists(st.integers(2, 60), max_size=20), st.integers(1, 100))
def test_batches_hold_every_window_once_within_their_tokens(lengths: list[int], batch_tokens: int) -> None:
    windows = [one for n, length in enumerate(lengths) for one in token_windows(n, length, window=16, stride=8)]
    batches = list(window_batches(windows, batch_tokens=batch_tokens))
    assert sorted(one for batch in batches for one in batch) == sorted(windows)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(one.inputs for one in batch) <= batch_tokens

"""A sample is as large as it was to be, and what it says of all holds as often as it claims to."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.probe_forecast import (
    Measured,
    Moment,
    Stratum,
    acceptance,
    forecast,
    number_of_documents,
    sample_sizes,
    speed,
    together,
)

stocks = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 10_000), max_size=8)


@given(stocks, st.integers(0, 3000))
@settings(max_examples=60)
def test_a_sample_has_its_size_and_takes_no_document_twice(stock: dict[str, int], wanted: int) -> None:
    sizes = sample_sizes(stock, wanted)
    assert sum(sizes.values()) == min(wanted, sum(stock.values()))
    assert all(0 <= sizes[name] <= stock[name] for name in stock)
    if wanted >= 5 * len(stock):
        assert all(sizes[name] >= min(5, stock[name]) for name in stock)


def test_what_is_left_is_taken_in_proportion() -> None:
    assert sample_sizes({"C": 7_000, "Go": 2_000, "Zig": 3}, 103) == {"C": 75, "Go": 25, "Zig": 3}


@pytest.mark.parametrize(
    ("probe", "chosen", "expected"),
    [(0.01, 10_000, 100), (0.01, 1_000_000, 200), (0.5, 3, 2), (0.001, 10, 1), (7.0, 100, 7), (700.0, 100, 100)],
)
def test_a_probe_is_a_share_or_a_number(probe: float, chosen: int, expected: int) -> None:
    assert number_of_documents(probe, chosen, most=200) == expected


@given(st.integers(1, 500), st.data())
@settings(max_examples=40)
def test_the_interval_of_acceptance_holds_the_estimate(asked: int, data: st.DataObject) -> None:
    accepted = data.draw(st.integers(0, asked))
    found, mirrored = acceptance(accepted, asked), acceptance(asked - accepted, asked)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low == pytest.approx(1 - mirrored.high)
    assert acceptance(2 * accepted, 2 * asked).high - found.value <= found.high - found.value


@pytest.mark.parametrize("asked", [10, 40, 200])
def test_the_interval_of_acceptance_holds_the_truth_in_95_of_100(asked: int) -> None:
    shares = [part / 50 for part in range(3, 48)]
    covered = [
        sum(
            math.comb(asked, accepted) * share**accepted * (1 - share) ** (asked - accepted)
            for accepted in range(asked + 1)
            if acceptance(accepted, asked).low <= share <= acceptance(accepted, asked).high
        )
        for share in shares
    ]
    assert sum(covered) / len(covered) == pytest.approx(0.95, abs=0.02)


measured = st.builds(Measured, st.integers(1, 9000), st.integers(1, 9000), st.integers(0, 9000))
strata = st.lists(st.lists(measured, min_size=1, max_size=6), min_size=1, max_size=4)


@given(strata, st.integers(1, 50))
@settings(max_examples=40)
def test_a_forecast_grows_with_what_is_to_be_done(samples: list[list[Measured]], times: int) -> None:
    found = {
        str(number): Stratum(times * len(sample), times * sum(one.num_bytes for one in sample), sample)
        for number, sample in enumerate(samples)
    }
    for name, one in forecast(found).items():
        expected = times * sum(measured.tokens for measured in found[name].sample)
        assert one.prompt_tokens + one.completion_tokens == pytest.approx(one.tokens.value)
        assert one.tokens.value == pytest.approx(expected)
        assert one.tokens.low <= one.tokens.value <= one.tokens.high
        if times == 1:
            assert one.tokens.low == one.tokens.high  # nothing is left to be guessed
    total = together(list(forecast(found).values()))
    widths = [one.tokens.high - one.tokens.value for one in forecast(found).values()]
    assert max(widths) <= (total.tokens.high - total.tokens.value) * (1 + 1e-9)
    assert total.tokens.high - total.tokens.value <= sum(widths) * (1 + 1e-9)


def test_a_language_without_a_sample_is_taken_for_like_the_others() -> None:
    found = forecast({"C": Stratum(100, 10_000, [Measured(100, 40, 20)] * 5), "Zig": Stratum(3, 600, [])})
    assert found["Zig"].tokens.value == pytest.approx(600 * 0.6)
    with pytest.raises(ValueError, match="got none"):
        forecast({"Zig": Stratum(3, 600, [])})


def test_the_interval_of_tokens_holds_the_truth_in_95_of_100() -> None:
    population = [Measured(100 + 37 * n % 4001, 60 + 17 * n % 1999, 30 + 29 * n % 911) for n in range(2000)]
    truth = sum(one.tokens for one in population)
    stratum = [
        forecast({"": Stratum(2000, sum(one.num_bytes for one in population), population[start::50])})[""].tokens
        for start in range(50)
    ]
    assert sum(found.low <= truth <= found.high for found in stratum) >= 46


def moments(*, slots: int, requests: int, seconds: int, tokens: int) -> list[Moment]:
    """Of a server that answers one request a second in every slot once it is filled, and then empties."""
    found, begun, ended = [Moment(0.0, 0, 0)], 0, 0
    running: list[int] = []
    for now in range(1, seconds):
        running = [left - 1 for left in running]
        ended += sum(left == 0 for left in running)
        running = [left for left in running if left]
        while len(running) < slots and begun < requests:
            running.append(10 + begun % 7)
            begun += 1
        found.append(Moment(float(now), len(running), ended * tokens))
    return found


def test_speed_is_that_of_a_busy_server() -> None:
    found = speed(moments(slots=10, requests=200, seconds=400, tokens=1000), asked_at_a_time=10)
    assert found is not None
    assert found.busy
    assert found.tokens_per_second == pytest.approx(10 * 1000 / 13, rel=0.1)
    slow = speed(moments(slots=10, requests=200, seconds=4000, tokens=1000), asked_at_a_time=10)
    assert slow == found  # what comes after the last answer does not count


def test_the_speed_of_an_idle_server_is_marked() -> None:
    found = speed(moments(slots=10, requests=4, seconds=40, tokens=1000), asked_at_a_time=64)
    assert found is not None
    assert not found.busy
    assert speed([Moment(0.0, 0, 0), Moment(9.0, 0, 0)], asked_at_a_time=4) is None
    assert speed([], asked_at_a_time=4) is None

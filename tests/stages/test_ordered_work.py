"""Results come in the order of the items, a bounded window ahead, whatever takes how long."""

import itertools
import threading
import time
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import UnitError
from stages.ordered_work import in_order


def silent() -> None: ...


@settings(deadline=None, max_examples=30)
@given(num_items=st.integers(0, 60), threads=st.integers(1, 8), seed=st.integers(0, 9))
def test_order_is_kept(num_items: int, threads: int, seed: int) -> None:
    naps = [Random(f"{seed} {number}").random() / 2_000 for number in range(num_items)]

    def work(number: int) -> int:
        time.sleep(naps[number])
        return number * number

    found = list(in_order(range(num_items), work, threads=threads, beat=silent))
    assert found == [number * number for number in range(num_items)]


@pytest.mark.parametrize("threads", [1, 4])
def test_no_more_is_taken_than_the_window_holds(threads: int) -> None:
    taken = given_back = most = 0

    def items() -> Iterator[int]:
        nonlocal taken, most
        for number in range(200):
            taken += 1
            most = max(most, taken - given_back)
            yield number

    for _ in in_order(items(), abs, threads=threads, beat=silent):
        given_back += 1
    assert (taken, most) == (200, 2 * threads)


def test_work_is_done_by_as_many_threads_at_a_time() -> None:
    together = threading.Barrier(6, timeout=20)
    assert len(list(in_order(range(12), lambda _: together.wait(), threads=6, beat=silent))) == 12


def test_what_work_raises_comes_in_its_place() -> None:
    def work(number: int) -> int:
        if number == 5:
            raise UnitError("no more")
        return number

    results = in_order(range(100), work, threads=3, beat=silent)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(UnitError, match="no more"):
        next(results)


def test_what_the_stream_raises_comes_after_the_items_before() -> None:
    def items() -> Iterator[int]:
        yield from range(7)
        raise UnitError("cut here")

    results = in_order(items(), abs, threads=4, beat=silent)
    assert list(itertools.islice(results, 7)) == list(range(7))
    with pytest.raises(UnitError, match="cut here"):
        next(results)


def test_threads_end_with_the_stream() -> None:
    before = threading.active_count()
    results = in_order(range(1_000), abs, threads=4, beat=silent)
    assert next(results) == 0
    assert threading.active_count() > before
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_waiting_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.ordered_work._BEAT_SECONDS", 0.01)
    beats: list[float] = []
    list(in_order([0.2], time.sleep, threads=1, beat=lambda: beats.append(0)))
    assert len(beats) > 5


def test_waiting_for_ever_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.ordered_work._BEAT_SECONDS", 0.01)
    monkeypatch.setattr("stages.ordered_work._PATIENCE_SECONDS", 0.05)
    beats: list[float] = []
    list(in_order([0.3], time.sleep, threads=1, beat=lambda: beats.append(0)))
    assert 0 < len(beats) < 10

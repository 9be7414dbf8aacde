import time
from collections.abc import Iterator

import pytest

from pipeline.stage_clock import OTHER, StageClock, as_measured, stage_seconds

SECONDS = 0.01


def slow(value: int = 0) -> int:
    time.sleep(SECONDS)
    return value


def items() -> Iterator[int]:
    for number in range(2):
        yield slow(number)


def test_the_time_of_items_is_that_of_making_them_not_of_what_is_done_with_them() -> None:
    clock = StageClock()
    for _ in clock.timed("read", items()):
        slow()
    seconds = clock.seconds()
    assert 2 * SECONDS <= seconds["read"] <= 2 * SECONDS + seconds[OTHER]
    assert seconds[OTHER] >= 2 * SECONDS


def test_work_inside_other_work_counts_for_the_inner_stage_alone() -> None:
    clock = StageClock()
    inner = clock.timing("sign", slow)
    with clock.during("measure"):
        inner()
        slow()
        for _ in clock.timed("read", map(inner, range(2))):
            pass
    seconds = clock.seconds()
    assert seconds["sign"] >= 3 * SECONDS
    assert SECONDS <= seconds["measure"] < 3 * SECONDS
    assert seconds["read"] < SECONDS


def test_stages_add_up_to_the_whole() -> None:
    started = time.perf_counter()
    clock = StageClock()
    clock.timing("measure", slow)()
    list(clock.timed("read", items()))
    slow()
    total = sum(clock.seconds().values())
    assert total == pytest.approx(time.perf_counter() - started, abs=SECONDS)


def test_a_function_and_items_are_what_they_were() -> None:
    clock = StageClock()
    assert clock.timing("measure", slow)(value=3) == 3
    assert list(clock.timed("read", range(3))) == [0, 1, 2]


def test_an_error_leaves_the_clock_in_its_stage() -> None:
    clock = StageClock()

    def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError), clock.during("write"):
        clock.timing("measure", fail)()
    assert clock.stage == "measure"


def test_a_stage_around_one_that_failed_takes_the_clock_back() -> None:
    clock = StageClock()

    def recover() -> None:
        with pytest.raises(ZeroDivisionError):
            clock.timing("sign", lambda: 1 // 0)()

    clock.timing("measure", recover)()
    assert clock.stage == OTHER


def test_a_stage_that_had_no_work_has_no_time() -> None:
    clock = StageClock()
    clock.timing("measure", slow)
    assert clock.seconds()["measure"] == 0


def test_what_is_measured_tells_the_stages() -> None:
    measured = {"wall_seconds": 3.0, **as_measured({"read": 1.25, OTHER: 1.75})}
    assert stage_seconds(measured) == {"read": 1.25, OTHER: 1.75}

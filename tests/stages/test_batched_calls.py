import asyncio
import time
from collections.abc import Sequence

import pytest

from stages.batched_calls import BatchedCalls


def test_all_that_wait_share_the_next_call() -> None:
    calls: list[list[int]] = []

    def doubled(numbers: Sequence[int]) -> list[int]:
        calls.append(list(numbers))
        time.sleep(0.05)
        return [2 * number for number in numbers]

    async def ask() -> list[Sequence[int]]:
        first = asyncio.create_task(batched.of([1]))
        await asyncio.sleep(0.01)
        return [await first, *await asyncio.gather(batched.of([2, 3]), batched.of([]), batched.of([4]))]

    with BatchedCalls(doubled) as batched:
        assert asyncio.run(ask()) == [[2], [4, 6], [], [8]]
    assert calls == [[1], [2, 3, 4]]


def test_an_error_is_raised_where_it_was_asked_for_and_the_next_call_is_made() -> None:
    def inverse(numbers: Sequence[int]) -> list[float]:
        return [1 / number for number in numbers]

    async def ask() -> Sequence[float]:
        with pytest.raises(ZeroDivisionError):
            await batched.of([0])
        return await batched.of([2])

    with BatchedCalls(inverse) as batched:
        assert asyncio.run(ask()) == [0.5]

"""Batched calls: many coroutines ask a function that takes a list, and all that wait go into the next call.

For functions whose price is the call, as that of a program that has to be started. One call is under way at a time, in
a thread; what comes meanwhile waits for the next. No answer may depend on who shares its call.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class BatchedCalls(Generic[Q, A]):
    """Calls of a function of questions to as many answers; a context manager, for one event loop."""

    def __init__(self, call: Callable[[Sequence[Q]], Sequence[A]]) -> None:
        self._call = call
        self._waiting: list[tuple[Sequence[Q], asyncio.Future[Sequence[A]]]] = []
        self._runner: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    async def of(self, questions: Sequence[Q]) -> Sequence[A]:
        """The answers to some questions; raises what the call raised that they were part of."""
        future: asyncio.Future[Sequence[A]] = asyncio.get_running_loop().create_future()
        self._waiting.append((questions, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                flat = [question for questions, _ in batch for question in questions]
                try:
                    answers = await loop.run_in_executor(self._thread, self._call, flat)
                except Exception as error:  # it belongs to those who asked
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                    continue
                position = 0
                for questions, future in batch:
                    if not future.done():  # nobody waits for it any more
                        future.set_result(answers[position : position + len(questions)])
                    position += len(questions)
        finally:
            self._runner = None

"""Ordered work: a function applied to a stream by threads, a bounded window ahead, results in the stream's order.

For work that waits (a network, a disk), not for work that computes. Twice as many items as threads are in the window,
so that one slow item does not idle the others; that many items and results is all that is ever held.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from manifests.errors import CorpusmillError

Item = TypeVar("Item")
Result = TypeVar("Result")

_BEAT_SECONDS = 1.0
_PATIENCE_SECONDS = 900.0  # longer than any retrying of a request; what takes more has to look hung


def in_order(
    items: Iterable[Item], work: Callable[[Item], Result], *, threads: int, beat: Callable[[], object]
) -> Iterator[Result]:
    """What `work` makes of each item, in order.

    Args:
        work: called by several threads at a time.
        threads: at least 1; items taken and not yet given back are at most twice as many.
        beat: called about once a second by the thread that iterates, also while it waits, but not for ever while it
            waits for one item.

    Raises:
        CorpusmillError: whatever the stream raised, after the results of the items before that.
        Exception: whatever `work` raised, in place of its result; later items are dropped.
    """
    source = iter(items)
    window: deque[Future[Result]] = deque()
    stopped: CorpusmillError | None = None
    more = True
    heart = _Heart(beat)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ordered")
    try:
        while True:
            while more and len(window) < 2 * threads:
                try:
                    window.append(pool.submit(work, next(source)))
                except StopIteration:
                    more = False
                except CorpusmillError as error:
                    more, stopped = False, error
            if not window:
                break
            yield heart.result(window.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if stopped is not None:
        raise stopped


class _Heart:
    """Beats while results come or are waited for."""

    def __init__(self, beat: Callable[[], object]) -> None:
        self._beat = beat
        self._last = time.monotonic()

    def result(self, future: "Future[Result]") -> Result:
        started = time.monotonic()
        while True:
            done = future.done() or bool(wait([future], timeout=_BEAT_SECONDS).done)
            now = time.monotonic()
            if now - self._last >= _BEAT_SECONDS and now - started < _PATIENCE_SECONDS:
                self._last = now
                self._beat()
            if done:
                return future.result()

"""StageClock: where a unit's time goes: a stopwatch that at every moment runs for exactly one stage.

Work inside other work counts for the inner stage alone, so stages add up to the whole; what no stage has is `other`.
Stages are called by verbs: read, measure, sign, redact, write. Wall time, for a look at the clock of CPU time takes
twelve times as long, and a unit that waits for a bucket should show it. Costs about 0.4 microseconds for each call of
a timed function; nothing is kept of a document.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import ParamSpec, TypeVar

OTHER = "other"
_PREFIX, _SUFFIX = "stage.", "_seconds"

P = ParamSpec("P")
T = TypeVar("T")


class StageClock:
    """Seconds by stage of one unit; starts when it is made.

    An exception leaves the clock in the stage that raised it, so that the log can name it; the stage around it, if any
    goes on, takes the clock back when it ends.
    """

    __slots__ = ("_seconds", "_since", "stage")

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {OTHER: 0.0}
        self.stage = OTHER
        self._since = perf_counter()

    def _enter(self, stage: str) -> str:
        """Let the clock run for a stage from now on; returns the one that it ran for."""
        now = perf_counter()
        before = self.stage
        self._seconds[before] += now - self._since
        self._since = now
        self.stage = stage
        return before

    def timed(self, stage: str, items: Iterable[T]) -> Iterator[T]:
        """The same items; the time that making them takes is the stage's, and what is done with them is not."""
        self._seconds.setdefault(stage, 0.0)
        enter, following = self._enter, iter(items).__next__
        while True:
            before = enter(stage)
            try:
                item = following()
            except StopIteration:
                enter(before)
                return
            enter(before)
            yield item

    def timing(self, stage: str, function: Callable[P, T]) -> Callable[P, T]:
        """The same function; the time of its calls is the stage's."""
        self._seconds.setdefault(stage, 0.0)
        enter = self._enter

        def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            before = enter(stage)
            result = function(*args, **kwargs)
            enter(before)
            return result

        return timed

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        """A block that is the stage's; for blocks of some size, and none that yields."""
        self._seconds.setdefault(stage, 0.0)
        before = self._enter(stage)
        yield
        self._enter(before)

    def seconds(self) -> dict[str, float]:
        """Seconds so far by stage, in the order in which stages were named; `other` is the last."""
        self._enter(self.stage)
        stages = {stage: seconds for stage, seconds in self._seconds.items() if stage != OTHER}
        return stages | {OTHER: self._seconds[OTHER]}


def as_measured(seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage, as they stand in a record's `measured`."""
    return {f"{_PREFIX}{stage}{_SUFFIX}": round(amount, 6) for stage, amount in seconds.items()}


def stage_seconds(measured: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage, from a record's `measured`; empty where its process was ended from outside."""
    return {
        name.removeprefix(_PREFIX).removesuffix(_SUFFIX): amount
        for name, amount in measured.items()
        if name.startswith(_PREFIX)
    }

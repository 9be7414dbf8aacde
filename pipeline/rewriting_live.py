"""Live figures of pass rewrite: what every unit under way tells of itself, and what they come to together.

A unit leaves one small file, `rewrite/live/<unit>.json`, anew every few seconds; the terminal and `status` read them
all, so it does not matter on which machine a unit runs. Nothing else reads them: they have clocks in them and say what
was paid, which no output may know. One that was not renewed for a minute belongs to a unit that is gone.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, NamedTuple, Protocol

import msgspec

from manifests.errors import CorpusmillError
from manifests.printable import printable
from manifests.storage import Storage

FOLDER = "rewrite/live"
EVERY_SECONDS = 5.0
_STALE_SECONDS = 60.0
_WINDOW_SECONDS = 60.0  # over which rates are taken
_SHOWN_GATES = 3

_Number = Annotated[float, msgspec.Meta(ge=0, le=1e18)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 60)]


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in the file of a unit.

    Attributes:
        time: when it was written, in seconds since 1970, by the clock of the unit's machine.
        size: of all documents of the unit, in characters; `size_done` of those that are finished.
        under_way: requests that wait for the server.
        rates: for each second of the last minute: tokens of paid prompts and answers, and of `size_done`.
        accepted: answers that passed every gate.
        refused: answers by the first gate that refused them.
    """

    time: _Number
    documents: _Count
    documents_done: _Count
    size: _Number
    size_done: _Number
    under_way: _Count
    prompt_rate: _Number
    completion_rate: _Number
    size_rate: _Number
    accepted: _Count
    refused: dict[str, _Count]


class Counted(Protocol):
    """What has been asked so far; `stages.model_client.Counts`."""

    requests: int
    cached: int
    paid: int
    prompt_tokens: int
    completion_tokens: int


class _Seen(NamedTuple):
    time: float
    prompt_tokens: float
    completion_tokens: float
    size: float


class LiveFigures:
    """What one unit tells of itself while it runs.

    Args:
        counts: of the unit's client, read whenever a file is written.
        sizes: of the unit's documents, in characters.
    """

    def __init__(
        self,
        storage: Storage,
        unit: int,
        counts: Counted,
        sizes: Iterable[float],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage = storage
        self._name = f"{FOLDER}/{unit:06d}.json"
        self._counts = counts
        self._sizes = list(sizes)
        self._clock = clock
        self._done = 0
        self._size_done = 0.0
        self._accepted = 0
        self._refused: Counter[str] = Counter()
        self._seen: deque[_Seen] = deque([self._look()])

    def finished(self, size: float, refusals: Iterable[str | None]) -> None:
        """A document is finished, of this size; `refusals`: the gates that refused its answers, None for none."""
        self._done += 1
        self._size_done += size
        for gate in refusals:
            if gate is None:
                self._accepted += 1
            else:
                self._refused[gate] += 1

    def told(self) -> Told:
        """The figures as they are now; rates are those since the last calls, up to a minute back."""
        now = self._look()
        while len(self._seen) > 1 and self._seen[0].time < now.time - _WINDOW_SECONDS:
            self._seen.popleft()
        first = self._seen[0]
        self._seen.append(now)
        seconds = max(now.time - first.time, 1e-3)
        rates = [max(0.0, new - old) / seconds for new, old in zip(now[1:], first[1:], strict=True)]
        counts = self._counts
        return Told(
            time=now.time,
            documents=len(self._sizes),
            documents_done=self._done,
            size=sum(self._sizes),
            size_done=self._size_done,
            under_way=max(0, counts.requests - counts.cached - counts.paid),
            prompt_rate=rates[0],
            completion_rate=rates[1],
            size_rate=rates[2],
            accepted=self._accepted,
            refused=dict(self._refused),
        )

    def _look(self) -> _Seen:
        return _Seen(self._clock(), self._counts.prompt_tokens, self._counts.completion_tokens, self._size_done)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Write the file every few seconds while the block runs, and remove it afterwards; fails nothing."""
        writing = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            with suppress(CorpusmillError, OSError):
                await asyncio.to_thread(self._storage.delete, self._name)

    async def _keep(self) -> None:
        while True:
            data = msgspec.json.encode(self.told())
            with suppress(CorpusmillError, OSError):  # figures for a person: their want is no failure
                await asyncio.to_thread(self._storage.write, self._name, data)
            await asyncio.sleep(EVERY_SECONDS)


@dataclass(frozen=True, slots=True)
class LiveTotals:
    """What the units under way come to.

    Attributes:
        units: that tell of themselves.
        part_done: of the work of these units, 0..1 each, added up.
        part_rate: the same of what is done in a second.
    """

    units: int
    documents: int
    documents_done: int
    under_way: int
    prompt_rate: float
    completion_rate: float
    part_done: float
    part_rate: float
    accepted: int
    refused: dict[str, int]

    @property
    def answers(self) -> int:
        """That were judged in these units."""
        return self.accepted + sum(self.refused.values())

    def seconds_left(self, units_left: float) -> float | None:
        """Until these units and others as large are done, at this rate; None where nothing moves yet.

        Args:
            units_left: that are not done, those under way among them.
        """
        left = max(0.0, units_left - self.part_done)
        return left / self.part_rate if self.part_rate > 0 else None


def live_line(totals: LiveTotals, units_left: float) -> str:
    """What a person is told, in one line; `units_left` as for `LiveTotals.seconds_left`."""
    seconds = totals.seconds_left(units_left)
    parts = [] if seconds is None else [f"about {_duration(seconds)} left"]
    parts.append(f"{totals.prompt_rate:,.0f} tokens/s in, {totals.completion_rate:,.0f} out")
    parts.append(f"{totals.under_way:,} request{'' if totals.under_way == 1 else 's'} under way")
    if totals.answers:
        most = sorted(totals.refused.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_GATES]
        refused = ", ".join(f"{gate} {count / totals.answers:.0%}" for gate, count in most)
        parts.append(f"{totals.accepted / totals.answers:.0%} of {totals.answers:,} answers accepted")
        parts += [f"refused by {refused}"] if refused else []
    return printable("; ".join(parts))


def _duration(seconds: float) -> str:
    """Days, hours and minutes, as far as they matter."""
    minutes = round(min(seconds, 3.6e9) / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{max(1, minutes)} min"


def live_totals(storage: Storage, *, now: float | None = None) -> LiveTotals | None:
    """The figures of all units under way, from what lies in a work folder; None where none tells of itself."""
    moment = time.time() if now is None else now
    told = [one for data in _files(storage) if (one := _read(data)) and abs(moment - one.time) < _STALE_SECONDS]
    if not told:
        return None
    refused: Counter[str] = Counter()
    for one in told:
        refused.update(one.refused)
    return LiveTotals(
        units=len(told),
        documents=sum(one.documents for one in told),
        documents_done=sum(one.documents_done for one in told),
        under_way=sum(one.under_way for one in told),
        prompt_rate=sum(one.prompt_rate for one in told),
        completion_rate=sum(one.completion_rate for one in told),
        part_done=sum(min(1.0, one.size_done / one.size) for one in told if one.size),
        part_rate=sum(one.size_rate / one.size for one in told if one.size),
        accepted=sum(one.accepted for one in told),
        refused=dict(refused),
    )


def _files(storage: Storage) -> list[bytes]:
    with suppress(CorpusmillError, OSError):
        return list(storage.read_many(name for name in storage.list(FOLDER) if name.endswith(".json")).values())
    return []


def _read(data: bytes) -> Told | None:
    try:
        return msgspec.json.decode(data, type=Told)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None

"""Units tell of themselves, and what they come to is what a person sees."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from manifests.storage import Storage
from pipeline.progress import _Bars
from pipeline.rewriting_live import FOLDER, LiveFigures, Told, live_line, live_totals
from pipeline.units import step_named
from stages.model_requests import Answer


class Counts:
    """As those of a client."""

    requests = cached = paid = prompt_tokens = completion_tokens = 0

    def pay(self, answer: Answer) -> None:
        self.requests += 1
        self.paid += 1
        self.prompt_tokens += answer.prompt_tokens
        self.completion_tokens += answer.completion_tokens


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path))


@pytest.fixture
def tell(storage: Storage) -> Callable[..., Told]:
    """Leave the file of a unit."""

    def leave(unit: int, **changed: object) -> Told:
        told = Told(
            **{  # type: ignore[arg-type]
                "time": 1_000.0,
                "documents": 10,
                "documents_done": 5,
                "size": 1_000.0,
                "size_done": 500.0,
                "under_way": 4,
                "prompt_rate": 100.0,
                "completion_rate": 50.0,
                "size_rate": 10.0,
                "accepted": 6,
                "refused": {"parse": 3, "imports": 1},
                **changed,
            }
        )
        storage.write(f"{FOLDER}/{unit:06d}.json", msgspec.json.encode(told))
        return told

    return leave


def test_rates_are_of_the_last_minute(storage: Storage) -> None:
    clock, counts = Clock(), Counts()
    figures = LiveFigures(storage, 0, counts, [100.0] * 10, clock=clock)
    counts.pay(Answer("", "stop", 100_000, 100_000))
    clock.now += 10
    assert figures.told().prompt_rate == pytest.approx(10_000)
    for _ in range(30):
        clock.now += 5
        counts.pay(Answer("", "stop", 50, 20))
        figures.finished(10.0, [None, "parse"])
        told = figures.told()
    assert told.prompt_rate == pytest.approx(10)
    assert told.completion_rate == pytest.approx(4)
    assert told.size_rate == pytest.approx(2)
    assert (told.accepted, told.refused) == (30, {"parse": 30})
    assert (told.documents, told.documents_done, told.size, told.size_done) == (10, 30, 1000, 300)


def test_what_is_neither_cached_nor_paid_is_under_way(storage: Storage) -> None:
    counts = Counts()
    counts.requests, counts.cached, counts.paid = 10, 3, 2
    assert LiveFigures(storage, 0, counts, []).told().under_way == 5


def test_a_file_is_there_while_the_unit_runs_and_no_longer(storage: Storage) -> None:
    async def run() -> None:
        async with LiveFigures(storage, 7, Counts(), [1.0]).kept():
            while not storage.exists(f"{FOLDER}/000007.json"):
                await asyncio.sleep(0.01)
            assert live_totals(storage) is not None

    asyncio.run(run())
    assert storage.list(FOLDER) == {}


def test_a_folder_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "rewrite").write_bytes(b"a file where a folder should be")

    async def run() -> int:
        async with LiveFigures(Storage(str(tmp_path)), 0, Counts(), [1.0]).kept():
            await asyncio.sleep(0.05)
            return 42

    assert asyncio.run(run()) == 42


def test_units_are_added_up_and_the_time_left_follows(storage: Storage, tell: Callable[..., Told]) -> None:
    tell(0)
    tell(1, size=500.0, size_done=100.0, accepted=0, refused={"parse": 2})
    totals = live_totals(storage, now=1_010.0)
    assert totals is not None
    assert (totals.units, totals.documents, totals.under_way, totals.prompt_rate) == (2, 20, 8, 200)
    assert (totals.accepted, totals.refused) == (6, {"parse": 5, "imports": 1})
    assert totals.part_done == pytest.approx(0.7)
    assert totals.part_rate == pytest.approx(0.03)
    assert totals.seconds_left(5) == pytest.approx((5 - 0.7) / 0.03)
    line = live_line(totals, 5)
    assert line == (
        "about 2 min left; 200 tokens/s in, 100 out; 8 requests under way; 50% of 12 answers accepted; "
        "refused by parse 42%, imports 8%"
    )


def test_units_that_are_gone_and_damaged_files_do_not_count(storage: Storage, tell: Callable[..., Told]) -> None:
    tell(0, time=100.0)
    storage.write(f"{FOLDER}/000001.json", b'{"time": "now"')
    storage.write(f"{FOLDER}/000002.json", b"\xff" * 10)
    assert live_totals(storage, now=1_000.0) is None
    tell(3)
    totals = live_totals(storage, now=1_000.0)
    assert totals is not None
    assert totals.units == 1


def test_nothing_is_said_of_the_end_while_nothing_moves(storage: Storage, tell: Callable[..., Told]) -> None:
    tell(0, size=0.0, size_done=0.0, size_rate=0.0, accepted=0, refused={}, under_way=1)
    totals = live_totals(storage, now=1_000.0)
    assert totals is not None
    assert live_line(totals, 1) == "100 tokens/s in, 50 out; 1 request under way"


@given(st.binary(max_size=60))
@settings(max_examples=30)
def test_any_file_is_read_or_passed_over(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    storage = Storage(str(tmp_path_factory.mktemp("any")))
    storage.write(f"{FOLDER}/000000.json", data)
    live_totals(storage)


def test_gates_of_a_forged_file_cannot_steer_the_terminal(storage: Storage, tell: Callable[..., Told]) -> None:
    tell(0, refused={"\x1b[31m": 3})
    totals = live_totals(storage, now=1_000.0)
    assert totals is not None
    assert live_line(totals, 1).isprintable()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_shows_it_while_the_model_is_asked(
    storage: Storage, tell: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    monkeypatch.setattr("pipeline.progress._LOOK_SECONDS", 0.0)
    monkeypatch.setattr("pipeline.progress._SAY_SECONDS", 0.0)
    said = StringIO()
    bars = _Bars(Console(file=said, width=500, force_terminal=terminal), storage)
    tell(0, time=time.time())
    clean = step_named("clean")
    for step in (clean, replace(clean, name="rewrite", pass_name="rewrite")):
        assert "tokens/s" not in said.getvalue()
        with bars.bars:
            bars.start(step, num_units=4, todo=4, num_bytes=1000)
            bars.advance(500)
            bars.bars.refresh()
    assert "about 4 min left; 100 tokens/s in" in said.getvalue()
    assert bars.bars.tasks[-1].completed == pytest.approx(1000 * (4 - 3 + 0.5) / 4)

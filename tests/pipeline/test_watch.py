"""A unit's process may die in any way, or hang: its watcher says so in the unit's record, and never waits for ever."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from manifests.record import Record, read_record
from pipeline.recipe_file import load_recipe
from pipeline.runner import open_mill
from pipeline.steps import Step, UnitContext
from pipeline.units import Mill
from pipeline.watch import Board, Heartbeat, private_bytes, run_watched


@pytest.fixture
def mill(tiny_recipe: Path) -> Mill:
    return open_mill(load_recipe(tiny_recipe, ["limits.progress_seconds=1", "licences.text_seconds=0.5"]))


def watched(mill: Mill, run: Callable[[UnitContext], None], board: Board | None = None) -> Record:
    """The record of a unit that does nothing but `run`."""
    board = board or Board(3)
    step = Step("probe", 1, "ingest", "one", (), lambda _recipe, _plan: None, run)
    run_watched(mill, step, 0, board=board, row=2)
    assert [board.ended(row) for row in range(3)] == [False, False, True]
    return read_record(mill.work, "probe", 0)


def failure(record: Record) -> str:
    assert record.failure is not None
    return f"{record.failure.error}: {record.failure.message}"


def test_a_unit_that_ends_well_has_a_good_record(mill: Mill) -> None:
    def run(context: UnitContext) -> None:
        context.counts = {"process": os.getpid()}

    record = watched(mill, run)
    assert record.done
    assert record.counts["process"] != os.getpid()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGXCPU"])
def test_a_signal_is_named_in_the_record(name: str, mill: Mill) -> None:
    number = signal.Signals[name]
    message = failure(watched(mill, lambda _context: os.kill(os.getpid(), number)))
    assert message == f"RetryableError: probe, unit 0: its process was ended by signal {number.value} ({name})"


def test_a_process_that_just_ends_is_told(mill: Mill) -> None:
    message = failure(watched(mill, lambda _context: os._exit(7)))
    assert "probe, unit 0: its process ended with code 7 before it could write a record" in message


def test_a_unit_that_makes_no_progress_is_ended(mill: Mill, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    started = time.monotonic()

    def run(_context: UnitContext) -> None:
        (tmp_path / "pipe").read_text()

    message = failure(watched(mill, run))
    assert "RetryableError: probe, unit 0: no progress for 1 s; expected some, ended it" in message
    assert time.monotonic() - started < 10


def test_work_that_reads_nothing_is_progress_where_it_says_so(mill: Mill) -> None:
    def run(context: UnitContext) -> None:
        for _ in range(12):
            time.sleep(0.2)
            context.progress(0)

    assert watched(mill, run).done


def test_an_exception_is_a_failure_of_the_unit_alone(mill: Mill) -> None:
    def run(_context: UnitContext) -> None:
        raise ArithmeticError("on purpose")

    assert "ArithmeticError: ArithmeticError at test_watch.py" in failure(watched(mill, run))


def test_only_good_records_count_as_done(mill: Mill) -> None:
    """A job that goes on for as long as it gets something done would run a unit that always fails for ever."""

    def fail(_context: UnitContext) -> None:
        raise ArithmeticError("on purpose")

    board = Board(3)
    watched(mill, fail, board)
    assert board.num_done() == 0
    watched(mill, lambda _context: None, board)
    assert board.num_done() == 1


def test_a_unit_without_memory_is_kept_for_a_second_try(mill: Mill) -> None:
    def run(_context: UnitContext) -> None:
        raise pa.ArrowMemoryError("on purpose")

    board = Board(3)
    message = failure(watched(mill, run, board))
    assert message.startswith("OutOfMemoryError: probe, unit 0: it was refused memory that it asked for; ")
    assert message.endswith("; it is to run once more, alone")
    assert (board.take_second_tries(), board.ended(2), board.take_second_tries()) == ([2], False, [])
    message = failure(watched(mill, run, board))
    assert message.endswith("; so it was beside others before, and now alone")
    assert board.take_second_tries() == []


def test_a_kill_from_outside_is_worth_a_second_try_and_the_watchers_own_is_not(mill: Mill) -> None:
    board = Board(3)
    message = failure(watched(mill, lambda _context: os.kill(os.getpid(), signal.SIGKILL), board))
    assert message.startswith("OutOfMemoryError: probe, unit 0: its process was ended by signal 9 (SIGKILL); ")
    assert board.take_second_tries() == [2]
    hangs = Board(3)
    assert "no progress for 1 s" in failure(watched(mill, lambda _context: time.sleep(60), hangs))
    assert hangs.take_second_tries() == []


def test_no_exit_handler_of_the_parent_runs_in_the_unit(mill: Mill) -> None:
    def run(_context: UnitContext) -> None:
        raise SystemExit(0)  # no Exception: run_unit lets it through

    assert failure(watched(mill, run)).endswith("its process ended with code 1 before it could write a record")


def test_the_board_is_shared_with_forked_processes() -> None:
    board = Board(2)
    child = os.fork()
    if child == 0:
        board.start(1)
        heartbeat = Heartbeat(board, 1)
        heartbeat(5)
        heartbeat(0)
        os._exit(0)
    os.waitpid(child, 0)
    assert board.bytes_done() == 5
    assert (board.beats(1), board.beats(0)) == (2, 0)
    assert (board.running(), board.orphaned()) == ([1], [1])
    board.end(1)
    assert (board.running(), board.orphaned()) == ([], [])


def test_a_running_worker_is_no_orphan() -> None:
    board = Board(1)
    board.start(0)
    assert (board.running(), board.orphaned()) == ([0], [])


def test_a_board_without_units_is_quiet() -> None:
    board = Board(0)
    assert (board.bytes_done(), board.running(), board.orphaned()) == (0, [], [])


def test_private_memory_of_a_process() -> None:
    assert private_bytes(os.getpid()) > 1_000_000
    assert private_bytes(0) == 0


def test_a_row_whose_worker_is_gone_can_be_given_to_a_new_pool() -> None:
    board = Board(2)
    worker = os.fork()
    if worker == 0:
        board.start(1)
        os._exit(0)
    os.waitpid(worker, 0)
    assert board.orphaned() == [1]
    board.forget([0, 1])
    assert board.orphaned() == []
    assert board.running() == []

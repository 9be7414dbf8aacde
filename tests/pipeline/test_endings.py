"""What is said of a process that ended without a record, and what is worth a second try."""

import os
import signal

import pytest

from manifests.errors import OutOfMemoryError, RetryableError
from pipeline.endings import NO_MEMORY, NO_SPACE, Ending, ending, hung


def test_a_process_that_ended_well_is_none() -> None:
    assert ending(0) is None


@pytest.mark.parametrize(
    ("status", "again"),
    [
        (signal.SIGKILL, True),
        (signal.SIGABRT, True),
        (signal.SIGSEGV, False),
        (signal.SIGTERM, False),
        (NO_MEMORY << 8, True),
        (NO_SPACE << 8, False),
        (7 << 8, False),
    ],
)
def test_what_may_be_want_of_memory_is_worth_a_second_try(status: int, again: bool) -> None:
    end = ending(status)
    assert end is not None
    assert end.may_be_memory is again
    error = end.error("ingest, unit 3", peak_bytes=0, second_try=False)
    assert type(error) is (OutOfMemoryError if again else RetryableError)
    assert error.message.startswith("ingest, unit 3: ")
    assert error.hint


def test_a_unit_that_hangs_is_not_tried_again() -> None:
    assert not hung(900).may_be_memory


def test_the_failure_says_what_was_seen_and_whether_it_ran_alone() -> None:
    end = Ending(f"its process ended with code {os.EX_SOFTWARE}", may_be_memory=True)
    first = end.error("pack, unit 0", peak_bytes=1_234_000_000, second_try=False)
    second = end.error("pack, unit 0", peak_bytes=1_234_000_000, second_try=True)
    assert "1,234 MB of memory of its own seen; it is to run once more, alone" in first.message
    assert "1,234 MB of memory of its own seen; so it was beside others before, and now alone" in second.message

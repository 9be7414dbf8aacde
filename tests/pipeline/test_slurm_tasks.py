"""When a job that is told to stop goes back into the queue."""

import pytest

from pipeline.slurm_tasks import goes_on

DAY = 86400


@pytest.mark.parametrize(
    ("finished", "after_seconds", "stop_seconds", "expected"),
    [(1, DAY, DAY, True), (0, DAY, DAY, False), (0, DAY - 60, DAY, False), (0, 600, DAY, True), (0, 10, 45, False)],
    ids=["it finished a unit", "it finished none", "a minute early", "it has to make way", "a short time"],
)
def test_a_job_goes_on_where_that_leads_somewhere(
    finished: int, after_seconds: float, stop_seconds: float, expected: bool
) -> None:
    assert goes_on(finished, after_seconds=after_seconds, stop_seconds=stop_seconds) is expected

"""What `status` says of a run on Slurm that ended without word."""

import pytest

from pipeline.passes import STEPS
from pipeline.slurm_jobs import Job
from pipeline.slurm_report import QueueView
from pipeline.slurm_submission import Submission

GROUP = next(step for step in STEPS if step.name == "group")
BARRIER = Job(name="08-before-group", runs=[], proves=["judge"], lists="group", id="108")
ARRAY = Job(name="09-group", runs=["group"], tasks=2, id="109")


@pytest.mark.parametrize(("listed", "job"), [(True, ARRAY), (False, BARRIER)], ids=["array", "barrier"])
def test_the_job_that_ended_first_is_the_one_whose_logs_are_named(listed: bool, job: Job) -> None:
    submission = Submission(number=1, title="tiny", logs="/logs/0001", jobs=[BARRIER, ARRAY])
    view = QueueView(submission, [], [], lambda _: listed)
    told = (
        f"group: 2 units have no record, and job {job.id} is not in the queue any more; its logs: /logs/0001/{job.name}"
    )
    assert list(view.lines([(GROUP, 2)])) == [told]

"""How what squeue prints is read, and put into words."""

import pytest

from pipeline.slurm import look_seconds
from pipeline.slurm_queue import in_words, parse_queue

_PRINTED = """\
12|0|RUNNING|None|n1|small-03-judge
12|1|COMPLETING|None|n2|small-03-judge
12|2|PENDING|Resources||small-03-judge
13|0|PENDING|Dependency||small-04-before-group
14|N/A|PENDING|Dependency||a name | with bars
"""


def test_every_line_of_squeue_is_a_task() -> None:
    tasks = list(parse_queue(_PRINTED))

    assert [(task.job, task.number, task.runs) for task in tasks] == [
        ("12", "0", True),
        ("12", "1", True),
        ("12", "2", False),
        ("13", "0", False),
        ("14", "N/A", False),
    ]
    assert (tasks[0].node, tasks[2].reason, tasks[4].name) == ("n1", "Resources", "a name | with bars")


def test_a_line_that_is_none_of_squeue_is_passed_over() -> None:
    assert list(parse_queue("a word of the site's own\n\n")) == []


def test_tasks_are_counted_by_what_they_do_and_why_they_wait() -> None:
    assert in_words(parse_queue(_PRINTED)) == "2 running, 2 waiting (Dependency), 1 waiting (Resources)"
    assert in_words([]) == ""


@pytest.mark.parametrize(("waited", "expected"), [(0, 2), (100, 5), (86_400, 30)])
def test_whoever_waits_for_long_looks_at_the_queue_less_often(waited: float, expected: float) -> None:
    assert look_seconds(waited) == expected

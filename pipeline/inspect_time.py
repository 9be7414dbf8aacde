"""`status`, what a run took so far: CPU, wall time and memory by step, and where the time of units went by stage.

All of it is read from records, so it is known for every unit that ended by itself; times are sums over units, however
many of them ran side by side.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from rich.table import Table

from manifests.record import Record
from pipeline.passes import steps_of
from pipeline.stage_clock import stage_seconds
from pipeline.unit_log import log_name
from pipeline.units import Mill

_SMALLEST_SHARE = 0.01
_MB = 1_000_000


class Taken(NamedTuple):
    """What the units of a step took, as far as their records say.

    Attributes:
        slowest: the number of the unit with the most wall time.
        peak_bytes: the largest private memory of a unit; 0 where all were too short for a look at it.
        stages: seconds of wall time by stage, the longest first.
    """

    step: str
    input_bytes: int
    cpu_seconds: float
    wall_seconds: float
    slowest: int
    slowest_seconds: float
    peak_bytes: int
    stages: dict[str, float]

    @property
    def speed(self) -> str:
        """MB of input for each CPU second; empty where that says nothing."""
        return f"{self.input_bytes / _MB / self.cpu_seconds:.1f}" if self.input_bytes and self.cpu_seconds else ""


def taken(mill: Mill) -> Iterator[Taken]:
    """What every step took that has a measured unit, in the order of the steps."""
    for step in steps_of(mill.recipe):
        records = [record for record in mill.records(step) if record is not None and "wall_seconds" in record.measured]
        if records:
            yield _taken(step.name, records)


def _taken(step: str, records: Iterable[Record]) -> Taken:
    sums: Counter[str] = Counter()
    stages: Counter[str] = Counter()
    slowest, peak_bytes = (0.0, 0), 0
    for record in records:
        sums.update(record.measured)
        stages.update(stage_seconds(record.measured))
        slowest = max(slowest, (record.measured["wall_seconds"], record.unit))
        peak_bytes = max(peak_bytes, int(record.measured.get("peak_private_bytes", 0)))
    return Taken(
        step=step,
        input_bytes=int(sums["input_bytes"]),
        cpu_seconds=sums["cpu_seconds"],
        wall_seconds=sums["wall_seconds"],
        slowest=slowest[1],
        slowest_seconds=slowest[0],
        peak_bytes=peak_bytes,
        stages=dict(stages.most_common()),
    )


def steps_table(mill: Mill) -> Table:
    """A row for each step that ran."""
    table = _table("step", "input MB", "CPU s", "MB/CPU s", "wall s", "slowest unit", "peak memory MB")
    for one in taken(mill):
        slowest = f"{one.slowest}: {one.slowest_seconds:,.1f} s"
        cells = [f"{one.input_bytes / _MB:,.1f}", f"{one.cpu_seconds:,.1f}", one.speed, f"{one.wall_seconds:,.1f}"]
        table.add_row(one.step, *cells, slowest, f"{one.peak_bytes / _MB:,.0f}" if one.peak_bytes else "")
    return table


def stages_table(mill: Mill) -> Table:
    """A row for each stage that took a hundredth of its step, of each step that took a hundredth of the run."""
    steps = list(taken(mill))
    total = sum(sum(one.stages.values()) for one in steps)
    table = _table("step", "stage", "wall s", "of step", "of run", "input MB/s")
    listed = 0.0
    for one in steps:
        of_step = sum(one.stages.values())
        if of_step < _SMALLEST_SHARE * total:
            continue
        for stage, seconds in one.stages.items():
            if seconds >= _SMALLEST_SHARE * of_step:
                listed += seconds
                speed = f"{one.input_bytes / _MB / seconds:,.1f}" if one.input_bytes else ""
                shares = f"{seconds / of_step:.0%}", f"{seconds / total:.1%}"
                table.add_row(one.step, stage, f"{seconds:,.2f}", *shares, speed)
    if total:
        table.add_row("all else", "", f"{total - listed:,.2f}", "", f"{(total - listed) / total:.1%}", "")
        table.add_row("all", "", f"{total:,.2f}", "", "100.0%", "")
    return table


def failed_logs(mill: Mill, *, at_most: int) -> Iterator[str]:
    """Where the logs of the first failed units of each step lie."""
    for step in steps_of(mill.recipe):
        failed = (record.unit for record in mill.records(step) if record is not None and record.failure is not None)
        for unit in islice(failed, at_most):
            name = log_name(step.name, unit)
            if mill.work.exists(name):
                yield f"{step.name}, unit {unit}: its log is {mill.work.path(name)}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in ("step", "stage") else "right", no_wrap=True)
    return table

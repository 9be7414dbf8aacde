"""The report's last section: what the run took, by step and by stage, as far as its records say."""

from pipeline.inspect_time import Taken, taken
from pipeline.report_charts import Chart, rows_of_bars
from pipeline.report_parts import Figure, Row, Section, paragraph, share, table
from pipeline.reported import IN_WORK, Reported

_SMALLEST_SHARE = 0.01
_SAID = (
    "Sums over units, however many of them ran side by side, without the start of their processes; a unit that was "
    "made again counts once. This is the one section in which two runs of the same recipe differ."
)


def throughput_section(told: Reported) -> Section:
    """CPU and wall time, bytes for each second, memory; then the stages that time went to."""
    title = "Throughput"
    steps = list(taken(told.mill)) if told.mill else []
    if told.mill is None:
        return Section("throughput", title, [paragraph(IN_WORK)])
    rows: list[Row] = [
        (one.step, f"{one.input_bytes / 1e6:,.1f}", f"{one.cpu_seconds:,.1f}", one.speed, f"{one.wall_seconds:,.1f}",
         f"{one.slowest_seconds:,.1f}", f"{one.peak_bytes / 1e6:,.0f}" if one.peak_bytes else "")
        for one in steps
    ]  # fmt: skip
    head = ("step", "input MB", "CPU s", "MB per CPU s", "wall s", "slowest unit, s", "peak memory, MB")
    longest = sorted(steps, key=lambda one: -one.cpu_seconds)[:10]
    spec = rows_of_bars([(one.step, one.cpu_seconds) for one in longest])
    chart = Figure(Chart(spec, "CPU seconds by step"), "CPU seconds <span>by step</span>")
    parts: list[str | Figure] = [paragraph(_SAID), *([chart] if longest else []), table(head, rows)]
    return Section("throughput", title, [*parts, "<h3>Stages</h3>", _stages(steps)])


def _stages(steps: list[Taken]) -> str:
    total = sum(sum(one.stages.values()) for one in steps)
    rows: list[tuple[float, Row]] = []
    for one in steps:
        for stage, seconds in one.stages.items():
            if seconds >= _SMALLEST_SHARE * total:
                speed = f"{one.input_bytes / 1e6 / seconds:,.1f}" if one.input_bytes else ""
                rows.append((seconds, (one.step, stage, f"{seconds:,.2f}", share(seconds, total), speed)))
    rows.sort(key=lambda row: -row[0])
    head = ("step", "stage", "wall s", "of the run", "input MB/s")
    return table(head, [row for _, row in rows], texts=2, shares=[seconds / rows[0][0] for seconds, _ in rows])

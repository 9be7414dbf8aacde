"""What a person sees while a mill runs: one bar for each pass, with rate and time left, and how it ended.

Where a model is asked, the bytes of the documents are read long before they are done with: there the units tell of
themselves (`pipeline.rewriting_live`), and the bar shows that.
"""

import signal
import sys
import time
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from manifests.errors import CorpusmillError
from manifests.storage import Storage
from pipeline.inspect_run import counted, safe, size
from pipeline.pass_9_release import release_folder
from pipeline.report import write_report_of_run
from pipeline.rewriting_live import live_line, live_totals
from pipeline.runner import run_mill
from pipeline.steps import Step
from pipeline.units import Mill

STOPPED = 130
_LIVE_STEP = "rewrite"
_LOOK_SECONDS = 2.0
_SAY_SECONDS = 60.0  # where there is no terminal


class _Speed(TransferSpeedColumn):
    """Bytes a second, but where a step tells its own rates."""

    def render(self, task: Task) -> Text:
        return Text("") if task.fields["live"] else super().render(task)


class _TimeLeft(TimeRemainingColumn):
    """The same for the time that is left."""

    def render(self, task: Task) -> Text:
        return Text("") if task.fields["live"] and not task.finished else super().render(task)


class _Bars:
    """One bar a step; on a terminal they move, elsewhere each finished step is one line."""

    def __init__(self, console: Console, work: Storage) -> None:
        self._console = console
        self._work = work
        self._live = False
        self._todo = 0
        self._looked = 0.0
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[amount]}", markup=False),
            _Speed(),
            _TimeLeft(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._num_bytes = 0
        self._done = ""
        self._stopped = False

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle SIGINT and SIGTERM. What is raised here may be swallowed by a callback of some library: ask again."""
        self._stopped = True
        raise KeyboardInterrupt

    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        name = step.pass_name if step.name == step.pass_name else f"{step.pass_name}: {step.name}"
        before = f"{num_units - todo:,} of {num_units:,} done before"
        self._done = before if todo < num_units else counted(num_units, "unit")
        self._num_bytes = num_bytes
        self._live, self._todo, self._looked = step.name == _LIVE_STEP, todo, time.monotonic()
        self._task = self.bars.add_task(
            f"{step.number} {name}", total=max(1, num_bytes), amount=self._done, live=self._live
        )
        if not self._console.is_terminal:
            self._console.print(f"{step.number} {name}: {self._done}", highlight=False)

    def advance(self, num_bytes: int) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        if self._live:
            self._show_live(num_bytes)
            return
        # A step that reads whole files or nothing has no bytes to measure it by: its bar waits for the end.
        if self._task is not None and self._num_bytes:
            done = min(num_bytes, self._num_bytes)
            self.bars.update(self._task, completed=done, amount=f"{size(done)} of {size(self._num_bytes)}")

    def _show_live(self, num_bytes: int) -> None:
        now, every = time.monotonic(), _LOOK_SECONDS if self._console.is_terminal else _SAY_SECONDS
        if now - self._looked < every:
            return
        self._looked = now
        totals = live_totals(self._work)
        if totals is None or self._task is None:
            return
        begun = num_bytes / self._num_bytes if self._num_bytes else 0.0  # a unit reads its documents when it begins
        left = self._todo * max(0.0, 1 - begun) + totals.units
        line = live_line(totals, left)
        if not self._console.is_terminal:
            self._console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
        done = max(0.0, self._todo - left + totals.part_done) / max(1, self._todo)
        self.bars.update(self._task, completed=min(1.0, done) * max(1, self._num_bytes), amount=line)

    def finish(self, step: Step, *, failed: int) -> None:
        if self._task is not None and not failed:
            amount = size(self._num_bytes) if self._num_bytes else self._done
            self.bars.update(self._task, completed=max(1, self._num_bytes), amount=amount)
        if failed:
            text = f"{step.number} {step.name}: {counted(failed, 'unit')} failed"
            self._console.print(text, style="red", highlight=False)


def run_with_progress(mill: Mill, *, workers: int, until: str | None, take_over: bool = False) -> None:
    """Run a mill before the user's eyes; Ctrl-C and SIGTERM stop it so that it can be taken up again."""
    console = Console(stderr=True)
    watcher = _Bars(console, mill.work)
    before = {number: signal.signal(number, watcher.stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with watcher.bars:
            run_mill(mill, workers=workers, progress=watcher, until=until, take_over=take_over)
        reported = until in (None, "release") and _report(mill, console)
    except KeyboardInterrupt:
        console.print("stopped. What is finished stays finished: run the same command again to go on.", highlight=False)
        sys.exit(STOPPED)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if until in (None, "release"):
        folder = release_folder(mill.recipe).root
        print(f"release: {folder}")  # noqa: T201 - this is what the command is for
        print(f"summary: {folder}/SUMMARY.md")  # noqa: T201
        if reported:
            print(f"report: {reported}")  # noqa: T201
        print(f"check it: corpusmill verify {folder}")  # noqa: T201


def _report(mill: Mill, console: Console) -> str:
    """Write the report; returns its full name, or "" where there is none: the release is made, with it or without.

    On a cluster the processes of the run may be anywhere: there it is left to the command.
    """
    if mill.recipe.executor != "local":
        return ""
    try:
        return write_report_of_run(mill)
    except (CorpusmillError, OSError) as error:
        why = error.message if isinstance(error, CorpusmillError) else str(error)
        text = f"no report: {safe(why)}; try `corpusmill report {mill.work.root}`"
        console.print(text, style="red", highlight=False, markup=False)
        return ""

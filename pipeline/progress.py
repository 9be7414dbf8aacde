"""What a person sees while a mill runs: one bar for each pass, with rate and time left, and how it ended."""

import signal
import sys
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from pipeline.inspect_run import counted, size
from pipeline.pass_9_release import release_folder
from pipeline.runner import run_mill
from pipeline.steps import Step
from pipeline.units import Mill

STOPPED = 130


class _Bars:
    """One bar a step; on a terminal they move, elsewhere each finished step is one line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[amount]}", markup=False),
            TransferSpeedColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
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
        self._task = self.bars.add_task(f"{step.number} {name}", total=max(1, num_bytes), amount=self._done)
        if not self._console.is_terminal:
            self._console.print(f"{step.number} {name}: {self._done}", highlight=False)

    def advance(self, num_bytes: int) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        # A step that reads whole files or nothing has no bytes to measure it by: its bar waits for the end.
        if self._task is not None and self._num_bytes:
            done = min(num_bytes, self._num_bytes)
            self.bars.update(self._task, completed=done, amount=f"{size(done)} of {size(self._num_bytes)}")

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
    watcher = _Bars(console)
    before = {number: signal.signal(number, watcher.stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with watcher.bars:
            run_mill(mill, workers=workers, progress=watcher, until=until, take_over=take_over)
    except KeyboardInterrupt:
        console.print("stopped. What is finished stays finished: run the same command again to go on.", highlight=False)
        sys.exit(STOPPED)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if until is None or until == "release":
        folder = release_folder(mill.recipe).root
        print(f"release: {folder}")  # noqa: T201 - this is what the command is for
        print(f"summary: {folder}/SUMMARY.md")  # noqa: T201
        print(f"check it: corpusmill verify {folder}")  # noqa: T201

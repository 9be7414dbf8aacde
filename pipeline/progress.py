"""What a person sees while a mill runs: one bar for each pass, with rate and time left, and how it ended."""

import signal
import sys
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

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
            TextColumn("{task.description}", justify="left"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._done = ""

    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None:
        name = step.pass_name if step.name == step.pass_name else f"{step.pass_name}: {step.name}"
        self._done = (
            f"{num_units - todo} of {num_units} units done before" if todo < num_units else f"{num_units} units"
        )
        self._task = self.bars.add_task(f"{step.number} {name}", total=max(1, num_bytes))
        if not self._console.is_terminal:
            self._console.print(f"{step.number} {name}: {self._done}", highlight=False)

    def advance(self, num_bytes: int) -> None:
        if self._task is not None:
            self.bars.update(self._task, completed=num_bytes)

    def finish(self, step: Step, *, failed: int) -> None:
        if self._task is not None:
            total = self.bars.tasks[self._task].total
            self.bars.update(self._task, completed=total if not failed else None)
        if failed:
            self._console.print(f"{step.number} {step.name}: {failed} units failed", style="red", highlight=False)


def run_with_progress(mill: Mill, *, workers: int, until: str | None) -> None:
    """Run a mill before the user's eyes; Ctrl-C and SIGTERM stop it so that it can be taken up again."""
    console = Console(stderr=True)
    watcher = _Bars(console)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with watcher.bars:
            run_mill(mill, workers=workers, progress=watcher, until=until)
    except KeyboardInterrupt:
        console.print("stopped. What is finished stays finished: run the same command again to go on.", highlight=False)
        sys.exit(STOPPED)
    if until is None or until == "release":
        folder = release_folder(mill.recipe).root
        print(f"release: {folder}")  # noqa: T201 - this is what the command is for
        print(f"summary: {folder}/SUMMARY.md")  # noqa: T201
        print(f"check it: corpusmill verify {folder}")  # noqa: T201


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

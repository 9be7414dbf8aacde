"""A job as a user starts it: CPU seconds of all its processes, peak memory of the tree; and what a mill left behind."""

import resource
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import yaml

from manifests.ledger import Ledger
from pipeline.passes import STEPS
from pipeline.runner import reopen_mill
from pipeline.tables import tables
from pipeline.units import Mill, step_named, unit_inputs
from stages.exchange import read_segments

_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Job:
    """What a job took.

    Attributes:
        cpu_seconds: user and system time of its processes, start-up included.
        peak_bytes: largest sum of the tree's PSS, looked at four times a second.
        said: its standard output.
    """

    cpu_seconds: float
    peak_bytes: int
    said: str


def run_job(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> Job:
    """Run a command to its end; its standard error is shown where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    peak, ended = [0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, ended))
    watcher.start()
    said, complained = process.communicate()
    ended.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(f"{complained}\n{command[0]} ended with {process.returncode}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Job(seconds, peak[0], said)


def _watch(process: int, peak: list[int], ended: threading.Event) -> None:
    while not ended.wait(_LOOK_SECONDS):
        try:
            root = psutil.Process(process)
            members = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        peak[0] = max(peak[0], sum(map(_share, members)))


def _share(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def write_dedup_recipe(shards: Sequence[Path], folder: Path, *, kind: str) -> Path:
    """A recipe that ingests rows, judges licences only, and finds duplicates; every default else."""
    source = {"name": "rows", "format": "jsonl", "kind": kind, "declared_licence": "CC0-1.0"}
    recipe = {
        "name": "dedup",
        "version": "0.1.0",
        "sources": [{**source, "paths": [str(shard) for shard in shards]}],
        "filters": {"assign": None},
        "licences": {"cache": str(folder / "licences")},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def decide(recipe: Path, work: Path, *overrides: str) -> Job:
    """`corpusmill run --until decide`, one worker; overrides as for `--set`."""
    command = [str(Path(sys.executable).with_name("corpusmill")), "run", str(recipe), "--until", "decide"]
    changes = [word for override in overrides for word in ("--set", override)]
    return run_job([*command, "--workers", "1", "--work", str(work), *changes])


@dataclass(frozen=True, slots=True)
class Decided:
    """What stands in a work folder after `decide`.

    Attributes:
        read: (documents, bytes of text) that ingest read.
        cpu_seconds: by step, of all its units.
        rejected: documents by stage/reason.
        rejected_rows: by shard, the numbers of the rows of those documents.
        unresolved: documents whose fate could not be settled.
        private_bytes: by step, the largest private memory of a unit.
    """

    read: tuple[int, int]
    cpu_seconds: dict[str, float]
    rejected: dict[str, int]
    rejected_rows: dict[str, set[int]]
    unresolved: int
    private_bytes: dict[str, int]

    @property
    def kept(self) -> int:
        """Documents that were not rejected."""
        return self.read[0] - sum(self.rejected.values())


def decided(work: Path) -> Decided:
    """Read the records and decisions of passes 1 and 2."""
    mill = reopen_mill(str(work))
    seconds: dict[str, float] = {}
    private: dict[str, int] = {}
    unresolved, read = 0, (0, 0)
    for step in STEPS:
        if step.number > 2:
            break
        records = [record for record in mill.records(step) if record is not None]
        seconds[step.name] = sum(record.measured["cpu_seconds"] for record in records)
        private[step.name] = int(max(record.measured["peak_private_bytes"] for record in records))
        unresolved += sum(int(record.counts.get("unresolved", 0)) for record in records)  # type: ignore[call-overload]
        if step.name == "ingest":
            total = Ledger.total(Ledger.from_json(record.ledger) for record in records if record.ledger)
            read = (total.read.documents, total.read.num_bytes)
    reasons, rows = _rejected(mill)
    return Decided(read, seconds, reasons, rows, unresolved, private)


def _rejected(mill: Mill) -> tuple[dict[str, int], dict[str, set[int]]]:
    """What steps have rejected, and what they have left for `clean` to reject: unit by unit, by ordinal."""
    reasons: Counter[str] = Counter()
    rows: dict[str, set[int]] = {}

    def reject(stage: str, reason: str, shard: str, row: int) -> None:
        reasons[f"{stage}/{reason}"] += 1
        rows.setdefault(shard, set()).add(row)

    for step in STEPS:
        for table in tables(mill, step.name, "decisions"):
            for columns in _columns([table], "stage", "reason", "shard", "row"):
                reject(*columns)
    clean = step_named("clean")
    for unit in range(clean.num_units(mill.plan)):
        inputs = unit_inputs(mill, clean, unit)
        places, duplicates = (read_segments(mill.work, inputs[name], _untold) for name in ("places", "duplicates"))
        seen = list(_columns(places, "shard", "row"))
        for stage, reason, ordinal in _columns(duplicates, "stage", "reason", "ordinal"):
            reject(stage, reason, *seen[ordinal])
    return dict(sorted(reasons.items())), rows


def _columns(parts: Iterable[pa.Table], *names: str) -> Iterator[tuple[Any, ...]]:
    for table in parts:
        yield from zip(*(table.column(name).to_pylist() for name in names), strict=True)


def _untold(_num_bytes: int) -> None:
    """Progress that nobody watches."""

"""The log of a unit, beside its record: what happened, when and where, as JSON lines.

A record is an input of later units, so it holds no host, no clock and no process id. Those stand here, and nothing ever
reads a log but people and their tools. One small file for each unit, `<step>/logs/<unit>.jsonl`, is put in place whole
when the unit has its record, good or failed: object stores cannot append. Where its process was ended from outside, the
process that watched it writes the log. Of earlier attempts the last lines stay, up to `_EARLIER_BYTES`.

There is no line for a document and no text of one; what could steer a terminal is replaced.
"""

import os
import resource
import socket
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from warnings import WarningMessage

import msgspec

from manifests.ledger import Ledger
from manifests.printable import printable
from manifests.record import Record
from manifests.storage import Storage
from pipeline.stage_clock import StageClock, as_measured, stage_seconds

_EARLIER_BYTES = 16_384
_MESSAGE_CHARACTERS = 2_000
_OF_UNIT = ("wall_seconds", "cpu_seconds", "peak_private_bytes")

Event = dict[str, Any]


def log_name(step: str, unit: int) -> str:
    """Where the log of a unit lies, relative to the work folder."""
    return f"{step}/logs/{unit:06d}.jsonl"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the log says of an attempt, and its record does not.

    Attributes:
        software: version by name.
        warnings: what Python warned of.
        where: file and line that a failure comes from; empty for none.
        stage: what the unit was doing when it failed; empty where nobody knows.
        process: the id of the process that ran it; None where that was ended from outside.
    """

    software: Mapping[str, str]
    warnings: Iterable[WarningMessage] = field(default_factory=list)
    where: str = ""
    stage: str = ""
    process: int | None = field(default_factory=os.getpid)


def measured_so_far(clock: StageClock, progress: object, *, input_bytes: int) -> dict[str, float]:
    """What a record says of time and memory; the stages add up to the wall time, child processes count for the CPU."""
    seconds = clock.seconds()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "wall_seconds": round(sum(seconds.values()), 3),
        "cpu_seconds": round(sum(one.ru_utime + one.ru_stime for one in used), 3),
        "peak_private_bytes": float(getattr(progress, "peak_private_bytes", 0)),
        "input_bytes": float(input_bytes),
        **as_measured(seconds),
    }


def leave_log(storage: Storage, record: Record, attempt: Attempt) -> None:
    """`write_log`; where that fails, a line on standard error: a log proves nothing, and its want fails nothing."""
    try:
        write_log(storage, record, attempt)
    except Exception as error:  # whatever it is, the record stands
        sys.stderr.write(f"{log_name(record.step, record.unit)}: cannot be written: {type(error).__name__}\n")


def write_log(storage: Storage, record: Record, attempt: Attempt) -> None:
    """Put the log of a unit that has its record in place, below the lines of earlier attempts.

    Raises:
        OSError: it cannot be written.
        CorpusmillError: the same, as the storage says it.
    """
    name = log_name(record.step, record.unit)
    earlier = _earlier_lines(storage, name)
    number = 1 + max((_number(line) for line in earlier), default=0)
    of_unit = {"step": record.step, "unit": record.unit, "attempt": number}
    events = [_started(record, attempt), *_stages(record), *_warnings(attempt), _ended(record, attempt)]
    lines = [msgspec.json.encode({"event": event.pop("event"), **of_unit, **event}) for event in events]
    storage.write(name, b"".join(line + b"\n" for line in (*earlier, *lines)))


def _started(record: Record, attempt: Attempt) -> Event:
    began = datetime.now(UTC) - timedelta(seconds=record.measured.get("wall_seconds", 0.0))
    return {
        "event": "started",
        "time": began,
        "host": printable(socket.gethostname()),
        "process": attempt.process,
        "input_bytes": _input_bytes(record),
        "software": attempt.software,
    }


def _stages(record: Record) -> Iterable[Event]:
    """The longest first, with the bytes that were read, and the rows and bytes that were written."""
    outputs = record.outputs.values()
    amounts: dict[str, Event] = {
        "read": {"bytes": _input_bytes(record)},
        "write": {"rows": sum(out.rows for out in outputs), "bytes": sum(out.num_bytes for out in outputs)},
    }
    for stage, seconds in sorted(stage_seconds(record.measured).items(), key=lambda item: -item[1]):
        yield {"event": "stage", "stage": stage, "seconds": seconds, **amounts.get(stage, {})}


def _input_bytes(record: Record) -> int:
    return int(record.measured.get("input_bytes", 0))


def _warnings(attempt: Attempt) -> Iterable[Event]:
    """Class and place of each, not what it says: that may quote a document."""
    places = Counter(
        (warning.category.__name__, f"{Path(warning.filename).name}:{warning.lineno}") for warning in attempt.warnings
    )
    for (warning, where), times in sorted(places.items()):
        yield {"event": "warning", "warning": warning, "where": where, "times": times}


def _ended(record: Record, attempt: Attempt) -> Event:
    measured = {name: amount for name, amount in record.measured.items() if name in _OF_UNIT}
    event: Event = {"event": "finished", "time": datetime.now(UTC), **measured}
    if record.ledger is not None:
        event["documents"] = _documents(Ledger.from_json(record.ledger))
    if record.failure is None:
        outputs = sorted(record.outputs.items())
        return event | {"outputs": {name: {"rows": out.rows, "bytes": out.num_bytes} for name, out in outputs}}
    failure = record.failure
    told = {
        "error": failure.error,
        "message": printable(failure.message, _MESSAGE_CHARACTERS),
        "hint": printable(failure.hint, _MESSAGE_CHARACTERS),
    }
    return event | {"event": "failed", **told, "where": attempt.where, "stage": attempt.stage}


def _documents(ledger: Ledger) -> dict[str, int]:
    return {
        "read": ledger.read.documents,
        "kept": ledger.kept.documents,
        "rejected": sum(tally.documents for tally in ledger.rejected.values()),
        "failed": ledger.failed.documents,
    }


def _earlier_lines(storage: Storage, name: str) -> list[bytes]:
    """The last lines that are whole."""
    if not storage.exists(name):
        return []
    kept = storage.read(name)[-_EARLIER_BYTES:].splitlines()
    return [line for line in kept if _number(line)]


def _number(line: bytes) -> int:
    """The attempt that a line tells of; 0 for a line that is none of ours, or cut."""
    try:
        return max(0, int(msgspec.json.decode(line)["attempt"]))
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, KeyError, ValueError, RecursionError):
        return 0

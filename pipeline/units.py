"""Units: what a unit of a step would read, whether it is done already, and running it.

The fingerprint covers software versions, step, settings and the digests of exactly the bytes the unit reads, so a
change upstream makes again only what depends on it, and nothing else decides what is done.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from warnings import catch_warnings

import msgspec

from manifests.errors import CorpusmillError, IntegrityError
from manifests.ledger import Ledger
from manifests.record import Output, Record, Segment, parse_record, record_name, write_record
from manifests.storage import Storage
from pipeline.failures import failed_account, failure_of, place_of
from pipeline.origins import Identity
from pipeline.plan import Plan, Shard
from pipeline.recipe import Recipe
from pipeline.software import software_versions
from pipeline.stage_clock import StageClock
from pipeline.steps import RECORDS, Read, Step, UnitContext
from pipeline.unit_log import Attempt, leave_log, measured_so_far
from stages.exchange import Block, Progress

# What does not change how a source's shards are read: where they lie, and licences, which only `judge` looks at.
_NOT_READ_BY = {"paths", "declared_licence", "subset_licences"}


@dataclass(slots=True)
class Mill:
    """A run: recipe, plan, work folder, and the records read so far."""

    recipe: Recipe
    plan: Plan
    work: Storage
    _records: dict[str, list[Record | None]] = field(default_factory=dict)

    def records(self, step: Step, *, fresh: bool = False) -> list[Record | None]:
        """The record of every unit of a step; None where there is none or it is damaged."""
        if fresh or step.name not in self._records:
            names = [record_name(step.name, unit) for unit in range(step.num_units(self.plan))]
            written = self.work.read_many(names)
            self._records[step.name] = [self._parsed(name, written.get(name)) for name in names]
        return self._records[step.name]

    def record(self, step: Step, unit: int) -> Record | None:
        """The record of one unit as it lies there now; None where there is none or it is damaged."""
        name = record_name(step.name, unit)
        return self._parsed(name, self.work.read_many([name]).get(name))

    def _parsed(self, name: str, data: bytes | None) -> Record | None:
        try:
            return None if data is None else parse_record(data, self.work.path(name))
        except IntegrityError:
            return None


def unit_inputs(mill: Mill, step: Step, unit: int) -> dict[str, list[Block]]:
    """The blocks that a unit reads, by table; units left out contribute none."""
    reads = [read for read in step.reads if read.table != RECORDS and read.asked_for(mill.recipe)]
    return {read.table: list(_blocks(mill, read, unit)) for read in reads}


def _blocks(mill: Mill, read: Read, unit: int) -> Iterable[Block]:
    records = mill.records(step_named(read.step))
    # Of its own number a unit looks at one record: at all of them, 100,000 units would look at 10,000,000,000.
    numbers = range(unit, min(unit + 1, len(records))) if read.reach == "same" else range(len(records))
    outputs = {
        number: record.outputs[read.table]
        for number in numbers
        if (record := records[number]) is not None and record.done and read.table in record.outputs
    }
    if read.reach == "group":
        yield from _blocks_of_slices(mill, read, unit, outputs)
        return
    for number, output in outputs.items():
        if not output.blocks:
            segments: list[Segment] = []
        elif read.reach == "blocks":
            segments = output.blocks[unit]
        else:
            segments = [segment for block in output.blocks for segment in block]
        if segments or not output.blocks:
            yield Block(number, output.file, tuple(segments))


def _blocks_of_slices(mill: Mill, read: Read, partition: int, outputs: Mapping[int, Output]) -> Iterable[Block]:
    """What lies in the slices of a partition, slice after slice, so that its unit can hold one of them at a time."""
    by_unit = step_named(read.step).grain == "slices"
    for number in mill.plan.slices_of(partition):
        for writer in [number] if by_unit else outputs:
            if writer not in outputs:
                continue
            blocks = outputs[writer].blocks
            segments = [segment for block in blocks for segment in block] if by_unit else blocks[number]
            if segments:
                yield Block(writer, outputs[writer].file, tuple(segments), slice=number)


def unit_fingerprint(mill: Mill, step: Step, unit: int, inputs: Mapping[str, list[Block]]) -> str:
    """sha256 in hex over everything that decides the unit's outputs."""
    return unit_identity(mill, step, unit, inputs).fingerprint()


def unit_identity(mill: Mill, step: Step, unit: int, inputs: Mapping[str, list[Block]]) -> Identity:
    """Everything that decides the unit's outputs."""
    read: dict[str, object] = {
        table: [[b.unit, b.slice, [segment.digest for segment in b.segments], _whole(b)] for b in blocks]
        for table, blocks in inputs.items()
    }
    if step.grain == "readers" and unit >= len(mill.plan.units):
        read["earlier_shard"] = mill.plan.earlier[unit - len(mill.plan.units)].identity
    elif step.grain in ("inputs", "readers"):
        shards = mill.plan.units[unit]
        read["shards"] = [[shard.name, shard.identity] for shard in shards if step.reads_shards]
        read["source"] = [s.model_dump(exclude=_NOT_READ_BY) for s in mill.recipe.sources if s.name == shards[0].source]
    read["records"] = [
        [record and record.done and [_counts_read(record), record.ledger] for record in mill.records(step_named(name))]
        for name in (other.step for other in step.reads if other.reach == "all" and other.asked_for(mill.recipe))
    ]
    return Identity(software_versions(), step.name, step.version, step.settings(mill.recipe, mill.plan), unit, read)


def _counts_read(record: Record) -> dict[str, object]:
    # Digests of shards are for the release's manifest, and that pass asks for no fingerprint.
    return {name: value for name, value in record.counts.items() if name != "shards"}


def _whole(block: Block) -> str:
    return "" if block.segments else Path(block.file).name


def units_to_run(mill: Mill, step: Step, among: Sequence[int] | None = None) -> list[int]:
    """Units without a valid record: absent, failed, of another fingerprint, or with an output that is not there.

    Args:
        among: ask of these alone, which reads no record of any other.
    """
    if step.always:
        return list(range(step.num_units(mill.plan)) if among is None else among)
    if among is None:
        records = dict(enumerate(mill.records(step, fresh=True)))
    else:
        records = {unit: mill.record(step, unit) for unit in among}
    present = mill.work.list(f"{step.name}/data")
    return [unit for unit, record in records.items() if not _is_valid(mill, step, record, present)]


def _is_valid(mill: Mill, step: Step, record: Record | None, present: Mapping[str, int]) -> bool:
    if record is None or not record.done:
        return False
    if any(present.get(output.file) != output.num_bytes for output in record.outputs.values()):
        return False
    return record.fingerprint == unit_fingerprint(mill, step, record.unit, unit_inputs(mill, step, record.unit))


def unit_bytes(mill: Mill, step: Step, unit: int) -> int:
    """Bytes the unit will read: what its progress is measured against."""
    return _input_bytes(mill, step, unit, unit_inputs(mill, step, unit))


def _input_bytes(mill: Mill, step: Step, unit: int, inputs: Mapping[str, list[Block]]) -> int:
    shards: list[Shard] = mill.plan.units[unit] if step.reads_shards and unit < len(mill.plan.units) else []
    blocks = [block for table in inputs.values() for block in table]
    return sum(shard.num_bytes for shard in shards) + sum(s.length for block in blocks for s in block.segments)


def unit_context(mill: Mill, step: Step, unit: int, progress: Progress) -> UnitContext:
    """What a unit sees; its clock begins here."""
    clock = StageClock()
    return UnitContext(
        recipe=mill.recipe,
        plan=mill.plan,
        unit=unit,
        storage=mill.work,
        step=step.name,
        reads={read.table: read for read in step.reads},
        inputs=unit_inputs(mill, step, unit),
        earlier=_records_read(mill, step, done=True),
        failed=_records_read(mill, step, done=False),
        progress=progress,
        clock=clock,
    )


def run_unit(mill: Mill, step: Step, unit: int, progress: Progress) -> Record:
    """Run one unit and write its record, a failed one where it raised. The one place that catches every exception.

    Raises:
        MemoryError: there was none; whoever watches may run the unit once more, alone.
    """
    context = unit_context(mill, step, unit, progress)
    inputs, clock = context.inputs, context.clock
    failure, where = None, ""
    try:
        with catch_warnings(record=True) as warnings:
            step.run(context)
        if context.ledger is not None:
            context.ledger.check(f"{step.name}, unit {unit}")
        msgspec.json.encode(context.counts)  # what cannot be written down is found here, not on the way out
    except MemoryError:
        raise
    except Exception as error:  # a unit's failure must never reach the pool
        failure, where = failure_of(error), place_of(error)
        context.outputs, context.counts = {}, {}
        if context.ledger is not None:
            context.ledger = failed_account(context.ledger)
    stage = clock.stage if failure else ""
    identity = unit_identity(mill, step, unit, inputs)
    record = Record(
        step=step.name,
        unit=unit,
        fingerprint=identity.fingerprint(),
        outputs=context.outputs,
        ledger=None if context.ledger is None else context.ledger.to_json(),
        counts=context.counts,
        failure=failure,
        measured=measured_so_far(clock, progress, input_bytes=_input_bytes(mill, step, unit, inputs)),
        origin=identity.origin(),
    )
    write_record(mill.work, record)
    leave_log(mill.work, record, Attempt(software_versions(), warnings, where, stage))
    return record


def _records_read(mill: Mill, step: Step, *, done: bool) -> dict[str, list[Record]]:
    return {
        read.step: [record for record in mill.records(step_named(read.step)) if record and record.done == done]
        for read in step.reads
        if read.reach == "all" and read.asked_for(mill.recipe)
    }


def fail_unit(
    mill: Mill, step: Step, unit: int, error: CorpusmillError, *, measured: Mapping[str, float] | None = None
) -> None:
    """Write the failed record and the log of a unit whose process could not do so itself."""
    inputs = unit_inputs(mill, step, unit)
    record = Record(
        step=step.name,
        unit=unit,
        fingerprint=unit_fingerprint(mill, step, unit, inputs),
        outputs={},
        ledger=Ledger().to_json(),
        counts={},
        failure=failure_of(error),
        measured={**(measured or {}), "input_bytes": float(_input_bytes(mill, step, unit, inputs))},
    )
    write_record(mill.work, record)
    leave_log(mill.work, record, Attempt(software_versions(), process=None))


@cache
def _steps_by_name() -> dict[str, Step]:
    from pipeline.passes import STEPS  # the table of passes imports this module's neighbours

    return {step.name: step for step in STEPS}


def step_named(name: str) -> Step:
    """A step of the mill by its name."""
    return _steps_by_name()[name]

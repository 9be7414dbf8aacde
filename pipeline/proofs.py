"""Proofs: whether the records of a step allow what comes next, and what to say where they do not.

Every executor asks here: the local runner after each step, the barriers of a cluster, and each of its tasks.
"""

from manifests.errors import CorpusmillError, IntegrityError, UnitError
from manifests.ledger import Ledger
from manifests.record import Record
from pipeline.pass_1_ingest import NAMED
from pipeline.steps import Step
from pipeline.units import Mill, step_named, units_to_run

_SHOWN = 10


def failures(mill: Mill, step: Step) -> list[str]:
    """One line for every unit of a step that has no good record after a run."""
    lines = []
    for unit, record in enumerate(mill.records(step)):
        if record is None:
            lines.append(f"unit {unit}: no record")
        elif record.failure is not None:
            lines.append(f"unit {unit}: {record.failure.message} ({record.failure.hint})")
    return lines


def is_left_out(mill: Mill, step: Step, record: Record | None) -> bool:
    """Whether the recipe has the run go on without a failed unit: a damaged shard's, with `failed_units: leave_out`."""
    damaged = record is not None and record.failure is not None and record.failure.error == "DamagedShardError"
    return damaged and step.name == "ingest" and mill.recipe.failed_units == "leave_out"


def check_units(mill: Mill, step: Step) -> None:
    """Raise where a unit of a step has no good record and the recipe does not have the run go on without it.

    Raises:
        UnitError: units failed or have no record.
        IntegrityError: one of them met bytes that are not those written down.
    """
    failed = failures(mill, step)
    records = [record for record in mill.records(step) if record is None or record.failure]
    if all(is_left_out(mill, step, record) for record in records):
        return
    kinds = {record.failure.error for record in records if record is not None and record.failure}
    raise (IntegrityError if "IntegrityError" in kinds else UnitError)(
        f"{len(failed)} of {step.num_units(mill.plan)} units of {step.name} failed:",
        items=failed[:_SHOWN],
        hint="mend the cause and run the same command again: only what failed is made again"
        + ("; or set `failed_units: leave_out` to go on without them" if "DamagedShardError" in kinds else ""),
    )


def check_step(mill: Mill, step: Step) -> None:
    """`check_units`, and what else must hold after a step; raises UnitError or IntegrityError."""
    check_units(mill, step)
    if step.name == "ingest":
        _check_sources(mill)


def prove_inputs(mill: Mill, step: Step) -> None:
    """Have every record that a step's units will read there, good, and of just the inputs that it should have.

    Raises:
        IntegrityError: what is missing or failed, by step and unit.
        UnitError: as `check_step` says of sources.
    """
    for name in inputs_of(mill, step):
        prove(mill, step_named(name))


def inputs_of(mill: Mill, step: Step) -> list[str]:
    """Names of the steps whose records decide what a step's units read."""
    return list(dict.fromkeys(read.step for read in step.reads if read.asked_for(mill.recipe)))


def prove(mill: Mill, step: Step) -> None:
    """Raise IntegrityError unless every unit of a step has a valid record, or is left out; then as `check_step`."""
    stale = [] if step.always else units_to_run(mill, step)
    try:
        check_units(mill, step)
    except CorpusmillError as error:
        raise error.as_integrity_error() from error
    check_step(mill, step)
    stale = [unit for unit in stale if not is_left_out(mill, step, mill.records(step)[unit])]
    if stale:
        lines = [f"unit {unit}: its output is gone, or its record is of other inputs" for unit in stale[:_SHOWN]]
        raise IntegrityError(
            f"{len(stale)} of {step.num_units(mill.plan)} units of {step.name} are not done:",
            items=lines,
            hint="run the same command again: only what is missing is made again",
        )


def _check_sources(mill: Mill) -> None:
    """Stop where a source gave no document at all, or none with a field that it names: its recipe is wrong."""
    records: dict[str, list[Record]] = {}
    for unit, record in zip(mill.plan.units, mill.records(step_named("ingest")), strict=True):
        if record is not None and record.done:
            records.setdefault(unit[0].source, []).append(record)
    for source, parts in records.items():
        total = Ledger.total(Ledger.from_json(record.ledger) for record in parts if record.ledger)
        if total.read.documents and not total.kept.documents:
            reason, tally = max(total.rejected.items(), key=lambda item: item[1].documents)
            raise UnitError(
                f"sources.{source}: expected documents, found {total.read.documents:,} rows that are none; "
                f"{tally.documents:,} of them {reason}",
                hint=f"check format and columns; `corpusmill show {mill.work.root} --stage read` shows some of them",
            )
        filled = {name for record in parts for name in record.counts["named"]}  # type: ignore[attr-defined]
        [columns] = [member.columns for member in mill.recipe.sources if member.name == source]
        asked = columns.model_dump(include=set(NAMED), exclude_none=True) if columns else {}
        absent = {name: field for name, field in asked.items() if name not in filled}
        if total.kept.documents and absent:
            name, field = next(iter(absent.items()))
            raise UnitError(
                f"sources.{source}.columns.{name}: expected {field!r} in some row, found it in none of "
                f"{total.kept.documents:,} documents",
                hint="correct the name of the field, or take it out of `columns`",
            )

"""Running a mill: work folder, lock, passes in order, and what to say when some units failed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec
from pydantic import ValidationError

from manifests.errors import IntegrityError, RecipeError, UnitError
from manifests.ledger import Ledger
from manifests.record import Record
from manifests.storage import Storage
from pipeline.benchmark_files import load_matcher
from pipeline.local import run_step
from pipeline.locks import locked
from pipeline.pass_1_ingest import NAMED
from pipeline.pass_2_licences import check_cache
from pipeline.pass_9_release import check_not_taken
from pipeline.passes import PASSES, STEPS
from pipeline.plan import Plan, make_plan, read_plan, write_plan
from pipeline.recipe import Recipe
from pipeline.steps import Step
from pipeline.tokenizer_file import load_renderer
from pipeline.units import Mill, step_named, unit_bytes, units_to_run

_FIRST_WITH_DETECTOR = PASSES.index("decide") + 1
_FIRST_WITH_TOKENIZER = PASSES.index("clean") + 1


class Progress(Protocol):
    """What a run tells its watcher."""

    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None:
        """A step begins; `num_bytes` are to be read by its `todo` units."""

    def advance(self, num_bytes: int) -> None:
        """So many bytes of the step are dealt with."""

    def finish(self, step: Step, *, failed: int) -> None:
        """The step has ended."""


@dataclass(frozen=True, slots=True)
class StepState:
    """A step before a run: its units, those to run, and the bytes they will read (None where not known yet)."""

    step: Step
    num_units: int
    todo: int
    num_bytes: int | None


def open_mill(recipe: Recipe, work: str | None = None) -> Mill:
    """Plan a run in its work folder; nothing but the plan's inputs is read or written yet."""
    storage = Storage(work or recipe.work, recipe.s3.access)
    return Mill(recipe, make_plan(recipe, storage), storage)


def reopen_mill(work: str) -> Mill:
    """The mill of an earlier run, from what it left in its work folder."""
    storage = Storage(work)
    plan: Plan = read_plan(storage)
    try:
        recipe = Recipe.model_validate_json(storage.read("recipe.json"))
    except ValidationError as error:
        raise IntegrityError(
            f"{storage.path('recipe.json')}: not the recipe of a run; expected what `corpusmill run` writes there",
            hint="run the recipe again: what is done stays done",
        ) from error
    return Mill(recipe, plan, Storage(work, recipe.s3.access))


def states(mill: Mill) -> Iterator[StepState]:
    """What is done and what a run would do, step by step; after the first unfinished step inputs are not known."""
    known = True
    for step in STEPS:
        num_units = step.num_units(mill.plan)
        todo = units_to_run(mill, step) if known else list(range(num_units))
        num_bytes = sum(unit_bytes(mill, step, unit) for unit in todo) if known else None
        yield StepState(step, num_units, len(todo), num_bytes)
        known = known and not todo


def check_ready(recipe: Recipe, until: str | None = None) -> int:
    """The number of the last pass to run; raises RecipeError for no such pass, no fit tokenizer, no benchmark file."""
    if until is not None and until not in PASSES:
        raise RecipeError(f"--until {until}: no such pass", hint=f"expected one of {', '.join(PASSES)}")
    last = PASSES.index(until or PASSES[-1]) + 1
    if last >= _FIRST_WITH_TOKENIZER:
        load_renderer(recipe)
        load_matcher(recipe)
    return last


def run_mill(
    mill: Mill, *, workers: int, progress: Progress, until: str | None = None, take_over: bool = False
) -> None:
    """Run every pass up to `until`, only what has no valid record.

    Args:
        take_over: take a work folder in a bucket from the run that holds it.

    Raises:
        RecipeError: the recipe cannot be run (no tokenizer, benchmark or cache, release taken, work folder held by
            another run).
        NoSpaceError: there is no room for the detector's answers.
        UnitError: units failed; what is done stays done.
        IntegrityError: a unit met bytes that are not those written down.
    """
    last = check_ready(mill.recipe, until)
    with locked(mill.work, take_over=take_over) as still_held:
        if last == len(PASSES):
            check_not_taken(mill.recipe, mill.plan)
        if last >= _FIRST_WITH_DETECTOR:
            check_cache(mill.recipe)
        write_plan(mill.work, mill.plan)
        mill.work.write("recipe.json", msgspec.json.format(mill.recipe.model_dump_json().encode()))
        for step in STEPS:
            if step.number <= last:
                still_held()
                _run(mill, step, workers=workers, progress=progress)


def _run(mill: Mill, step: Step, *, workers: int, progress: Progress) -> None:
    todo = units_to_run(mill, step)
    num_bytes = sum(unit_bytes(mill, step, unit) for unit in todo)
    progress.start(step, num_units=step.num_units(mill.plan), todo=len(todo), num_bytes=num_bytes)
    if todo:
        run_step(mill, step, todo, workers=workers, tell=progress.advance)
    failed = failures(mill, step)
    progress.finish(step, failed=len(failed))
    kinds = {record.failure.error for record in mill.records(step) if record is not None and record.failure}
    may_go = step.name == "ingest" and mill.recipe.failed_units == "leave_out" and kinds == {"DamagedShardError"}
    if failed and not may_go:
        raise (IntegrityError if "IntegrityError" in kinds else UnitError)(
            f"{len(failed)} of {step.num_units(mill.plan)} units of {step.name} failed:\n  " + "\n  ".join(failed[:10]),
            hint="mend the cause and run the same command again: only what failed is made again"
            + ("; or set `failed_units: leave_out` to go on without them" if "DamagedShardError" in kinds else ""),
        )
    if step.name == "ingest":
        _check_sources(mill)


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


def failures(mill: Mill, step: Step) -> list[str]:
    """One line for every unit of a step that has no good record after a run."""
    lines = []
    for unit, record in enumerate(mill.records(step)):
        if record is None:
            lines.append(f"unit {unit}: no record")
        elif record.failure is not None:
            lines.append(f"unit {unit}: {record.failure.message} ({record.failure.hint})")
    return lines

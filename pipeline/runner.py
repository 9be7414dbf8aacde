"""Running a mill: work folder, lock, passes in order, and what to say when some units failed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec
from pydantic import ValidationError

from manifests.buckets import ENVIRONMENT, Access
from manifests.errors import IntegrityError, RecipeError
from manifests.storage import Storage
from pipeline.benchmark_files import load_matcher
from pipeline.contents import check_contents
from pipeline.local import run_step
from pipeline.locks import locked
from pipeline.model_servers import check_model
from pipeline.pass_2_licences import check_cache
from pipeline.pass_9_release import check_not_taken
from pipeline.passes import PASSES, steps_of
from pipeline.plan import Plan, make_plan, read_plan, write_plan
from pipeline.proofs import check_step, failures
from pipeline.ray_executor import check_installed, connected
from pipeline.recipe import Recipe
from pipeline.slurm_submission import refuse_while_submitted
from pipeline.software import software_versions
from pipeline.steps import Step
from pipeline.tokenizer_file import load_renderer
from pipeline.units import Mill, unit_bytes, units_to_run

_FIRST_WITH_DETECTOR = PASSES.index("decide") + 1
_FIRST_WITH_TOKENIZER = PASSES.index("clean") + 1
_FIRST_WITH_MODEL = PASSES.index("rewrite") + 1


class Progress(Protocol):
    """What a run tells its watcher."""

    def start(self, step: Step, *, num_units: int, todo: int, num_bytes: int) -> None:
        """A step begins; `num_bytes` are to be read by its `todo` units."""

    def advance(self, num_bytes: int) -> None:
        """So many bytes of the step are dealt with."""

    def finish(self, step: Step, *, failed: int) -> None:
        """The step has ended."""


class Execute(Protocol):
    """An executor: runs units of a step, each of which has a record afterwards, good or failed."""

    def __call__(
        self, mill: Mill, step: Step, units: Sequence[int], *, workers: int, tell: Callable[[int], None]
    ) -> None:
        """Run them; `tell` is called with the bytes dealt with so far."""


@dataclass(frozen=True, slots=True)
class StepState:
    """A step before a run: how many units it has, those to run, and the bytes they will read.

    Attributes:
        num_bytes: None where an earlier step is to run first: what it will write, and so all of this, is not known.
    """

    step: Step
    num_units: int
    units: Sequence[int]
    num_bytes: int | None

    @property
    def todo(self) -> int:
        """How many units are to run."""
        return len(self.units)


def open_mill(recipe: Recipe, work: str | None = None) -> Mill:
    """Plan a run in its work folder; nothing but the plan's inputs is read or written yet."""
    storage = Storage(work or recipe.work, recipe.s3.access)
    return Mill(recipe, make_plan(recipe, storage), storage)


def reopen_mill(work: str, access: Access = ENVIRONMENT) -> Mill:
    """The mill of an earlier run, from what it left in its work folder.

    Args:
        access: how a work folder in a bucket is reached until its recipe is read, which says so for all that follows.
    """
    storage = Storage(work, access)
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
    for step in steps_of(mill.recipe):
        num_units = step.num_units(mill.plan)
        todo = units_to_run(mill, step) if known else list(range(num_units))
        num_bytes = sum(unit_bytes(mill, step, unit) for unit in todo) if known else None
        yield StepState(step, num_units, todo, num_bytes)
        known = known and not todo


def check_ready(recipe: Recipe, until: str | None = None) -> int:
    """The number of the last pass to run; raises RecipeError for no such pass, no fit tokenizer, no benchmark file."""
    if until is not None and until not in PASSES:
        raise RecipeError(f"--until {until}: no such pass", hint=f"expected one of {', '.join(PASSES)}")
    check_installed(recipe)
    last = PASSES.index(until or PASSES[-1]) + 1
    if last >= _FIRST_WITH_TOKENIZER:
        load_renderer(recipe)
        load_matcher(recipe)
    return last


class Prepared(NamedTuple):
    """A work folder that is held for a run.

    Attributes:
        steps: to run, in order.
        still_held: raises RecipeError where another run took the folder over.
    """

    steps: list[Step]
    still_held: Callable[[], None]


@contextmanager
def prepared(mill: Mill, until: str | None, *, take_over: bool = False) -> Iterator[Prepared]:
    """Hold the work folder, with plan and recipe in it, for a run of the steps up to `until`.

    Args:
        take_over: take a work folder in a bucket from the run that holds it.

    Raises:
        RecipeError: the recipe cannot be run (no tokenizer, benchmark, contents, model or cache, release taken, work
            folder held by another run or by jobs of one).
        NoSpaceError: there is no room for the detector's answers, or for fetched contents.
    """
    last = check_ready(mill.recipe, until)
    with locked(mill.work, take_over=take_over) as still_held:
        refuse_while_submitted(mill.work)
        if last == len(PASSES):
            check_not_taken(mill.recipe, mill.plan)
        if last >= _FIRST_WITH_DETECTOR:
            check_cache(mill.recipe)
        check_contents(mill.recipe)
        if last >= _FIRST_WITH_MODEL:
            check_model(mill.recipe)
        write_plan(mill.work, mill.plan)
        mill.work.write("recipe.json", msgspec.json.format(mill.recipe.model_dump_json().encode()))
        mill.work.write("software.json", msgspec.json.encode(software_versions(), order="deterministic"))
        yield Prepared([step for step in steps_of(mill.recipe) if step.number <= last], still_held)


def run_mill(
    mill: Mill, *, workers: int, progress: Progress, until: str | None = None, take_over: bool = False
) -> None:
    """Run every pass up to `until`, only what has no valid record.

    Raises:
        RecipeError: as `prepared` says.
        NoSpaceError: as `prepared` says.
        UnitError: units failed; what is done stays done.
        IntegrityError: a unit met bytes that are not those written down.
    """
    with prepared(mill, until, take_over=take_over) as ready, _executor(mill, workers) as execute:
        for step in ready.steps:
            ready.still_held()
            _run(mill, step, workers=workers, progress=progress, execute=execute)


@contextmanager
def _executor(mill: Mill, workers: int) -> Iterator[Execute]:
    if mill.recipe.executor == "ray":
        with connected(mill, workers=workers) as cluster:
            yield cluster.run_step
    else:
        yield run_step


def _run(mill: Mill, step: Step, *, workers: int, progress: Progress, execute: Execute) -> None:
    todo = units_to_run(mill, step)
    num_bytes = sum(unit_bytes(mill, step, unit) for unit in todo)
    progress.start(step, num_units=step.num_units(mill.plan), todo=len(todo), num_bytes=num_bytes)
    if todo:
        execute(mill, step, todo, workers=workers, tell=progress.advance)
    progress.finish(step, failed=len(failures(mill, step)))
    check_step(mill, step)

"""Preparing: what a step's units need is loaded once, in the process that forks them.

Whoever runs units (a local pool, a task of a cluster) calls all functions before the first fork. What is large is
loaded apart, for it belongs into a process that ends with the step.
"""

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pyarrow as pa

from pipeline.steps import Step
from pipeline.units import Mill, unit_inputs


def prepare(mill: Mill, step: Step) -> None:
    """Load libraries and compile kernels of a step, but what `large_load` is for."""
    pa.array([0])  # pyarrow imports pandas at its first array
    if not step.prepare_for:
        step.prepare(mill.recipe)
    step.preload(mill.recipe, mill.plan)
    _freeze()


def large_load(mill: Mill, step: Step, units: Sequence[int]) -> Callable[[], None]:
    """What loads the step's large tables; it does nothing where no unit has anything to read with them."""
    table = step.prepare_for
    if not table or not any(block.segments for unit in units for block in unit_inputs(mill, step, unit)[table]):
        return lambda: None

    def load() -> None:
        step.prepare(mill.recipe)
        _freeze()

    return load


def serve(mill: Mill, step: Step) -> AbstractContextManager[object]:
    """What the step's units ask while they run; its log goes to this run's work folder, whatever the recipe says."""
    return step.serve(mill.recipe.model_copy(update={"work": mill.work.root}))


def _freeze() -> None:
    gc.collect()
    gc.freeze()  # or the children's collector would touch, and so copy, everything loaded so far

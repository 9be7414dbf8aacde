"""Step: what a pass is made of, and the context in which one unit of it runs.

A pass of the mill is one step or a few; a step says its grain (how many units), what it reads of earlier steps, which
settings of the recipe it depends on, and the function that runs one unit. The runner derives the rest: fingerprints,
what is done, what must be made again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.ledger import Ledger
from manifests.record import Output, Record
from manifests.storage import NewFile, Storage
from pipeline.earlier import EarlierIndex
from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.stage_clock import StageClock
from stages.exchange import Block, BlockWriter, Progress, output, read_segments, read_table

# readers: the input units, then one unit for each shard of the earlier releases that the recipe names.
Grain = Literal["inputs", "readers", "slices", "partitions", "one"]
# same: the unit of the same number; blocks: this unit's block of every unit; all: everything;
# group: the slices of this partition in order, and of a slice what its own unit wrote, or, where the table is of grain
# inputs, the blocks that all units wrote for it, in order of the units.
Reach = Literal["same", "blocks", "group", "all"]
RECORDS = ""  # as the table of a Read: the records alone, their counts and ledgers


@dataclass(frozen=True, slots=True)
class Read:
    """An input: a table of an earlier step, which part of it, and the recipes that have it read."""

    step: str
    table: str
    reach: Reach
    schema: pa.Schema | None = None
    asked_for: Callable[[Recipe], bool] = lambda _recipe: True


@dataclass(slots=True)
class UnitContext:
    """All that one unit sees: recipe, plan, its inputs, a place for its outputs, its account.

    Attributes:
        unit: number of the unit within its step.
        inputs: by table name, the blocks to read; a table that the recipe does not ask for is not among them.
        earlier: done records of every step read with reach "all", by step.
        failed: failed records of the same, where the recipe leaves failed units out.
        clock: tells what the unit's time goes to. Tables that are read and written through the context count for `read`
            and `write`; a step names what else it does.
    """

    recipe: Recipe
    plan: Plan
    unit: int
    storage: Storage
    step: str
    reads: Mapping[str, Read]
    inputs: Mapping[str, list[Block]]
    earlier: Mapping[str, list[Record]]
    failed: Mapping[str, list[Record]]
    progress: Progress
    ledger: Ledger | None = None
    counts: dict[str, object] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    clock: StageClock = field(default_factory=StageClock)

    def earlier_index(self) -> EarlierIndex:
        """The index of the earlier releases; their documents are numbered after those of the input units."""
        return EarlierIndex(self.plan.earlier, len(self.plan.units), self.recipe.s3.access)

    def segments(self, table: str) -> Iterator[pa.Table]:
        """An input segment by segment, in the order of the units that wrote it."""
        return self.parts(self.inputs[table])

    def table(self, table: str) -> pa.Table:
        """An input as one table."""
        schema = self.reads[table].schema
        assert schema is not None, f"{self.step} reads {table} without a schema"  # noqa: S101 - a slip of ours
        return self.rows(self.inputs[table], schema)

    def parts(
        self, blocks: Iterable[Block], *, progress: Progress | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """`read_segments` of this unit's storage; `progress` is another one to be told of the bytes."""
        told = self.progress if progress is None else progress
        return self.clock.timed("read", read_segments(self.storage, blocks, told, columns=columns))

    def rows(self, blocks: Iterable[Block], schema: pa.Schema, *, progress: Progress | None = None) -> pa.Table:
        """`read_table` of this unit's storage."""
        with self.clock.during("read"):
            return read_table(self.storage, blocks, schema, self.progress if progress is None else progress)

    def of_slice(self, table: str, number: int) -> list[Block]:
        """The blocks of one slice, of an input read with reach "group"; none where no row lies in it."""
        return [block for block in self.inputs[table] if block.slice == number]

    def written(self, table: str, block: int, schema: pa.Schema) -> pa.Table:
        """A block of an output that this unit has finished, as one table; to progress, which counts inputs, it is 0."""
        output = self.outputs[table]
        blocks = [Block(self.unit, output.file, tuple(output.blocks[block]))]
        return self.rows(blocks, schema, progress=lambda _num_bytes: self.progress(0))

    @contextmanager
    def blocks(
        self, table: str, schema: pa.Schema, *, num_blocks: int = 1, codec: Literal["zstd", "lz4"] = "zstd"
    ) -> Iterator[BlockWriter]:
        """Write an output table; it appears when the block ends well."""
        with self._new_file(".arrows") as file:
            writer = _TimedWriter(self.clock, file, schema, num_blocks=num_blocks, codec=codec)
            yield writer
            with self.clock.during("write"):
                writer.finish()
        self.outputs[table] = output(file, writer)

    @contextmanager
    def whole_file(self, table: str, suffix: str) -> Iterator[NewFile]:
        """Write an output that later steps read whole."""
        with self._new_file(suffix) as file:
            yield file
        self.outputs[table] = output(file)

    @contextmanager
    def _new_file(self, suffix: str) -> Iterator[NewFile]:
        with ExitStack() as stack:
            yield stack.enter_context(self.storage.new_file(f"{self.step}/data", suffix))
            with self.clock.during("write"):  # it comes to the disk as it is closed
                stack.close()


class _TimedWriter(BlockWriter):
    """A writer whose time is that of stage `write`."""

    def __init__(
        self, clock: StageClock, file: NewFile, schema: pa.Schema, *, num_blocks: int, codec: Literal["zstd", "lz4"]
    ) -> None:
        super().__init__(file, schema, num_blocks=num_blocks, codec=codec)
        self._clock = clock

    def write(self, table: pa.Table, blocks: npt.NDArray[np.int64] | None = None) -> None:
        with self._clock.during("write"):
            super().write(table, blocks)


def no_server(_recipe: Recipe) -> AbstractContextManager[object]:
    """What a step whose units ask nobody has served."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a pass.

    Attributes:
        number: of the pass in the way of a document, 1..9.
        pass_name: what `plan`, `status` and `--until` call it.
        version: raised when the code's output changes; part of every fingerprint.
        settings: what of recipe and plan the outputs depend on, JSON-able.
        prepare: loads what every unit needs (libraries, compiled kernels), once, before workers fork.
        prepare_for: a table without which there is nothing to prepare for. What is loaded for it is large: it is gone
            when the step ends, and not loaded where every unit's table is empty.
        preload: loads what the plan names and every unit reads, once, before workers fork; units find it in a cache.
        always: run even where a record is there (releases look at files outside the work folder).
        reads_shards: whether its units read the input shards themselves.
        asked_for: the recipes that have the step run; of others it has no records.
        serve: something that all units of a process ask while they run, such as a model server: entered before the
            first of them is forked, left after the last has ended.
    """

    name: str
    number: int
    pass_name: str
    grain: Grain
    reads: tuple[Read, ...]
    settings: Callable[[Recipe, Plan], object]
    run: Callable[[UnitContext], None]
    prepare: Callable[[Recipe], object] = lambda _recipe: None
    prepare_for: str = ""
    preload: Callable[[Recipe, Plan], object] = lambda _recipe, _plan: None
    version: int = 1
    always: bool = False
    reads_shards: bool = False
    asked_for: Callable[[Recipe], bool] = lambda _recipe: True
    serve: Callable[[Recipe], AbstractContextManager[object]] = no_server

    @property
    def needs_server(self) -> bool:
        """Whether its units ask a model: on a cluster GPUs are for these."""
        return self.serve is not no_server

    def num_units(self, plan: Plan) -> int:
        """How many units the step has; known before anything runs."""
        return {
            "inputs": len(plan.units),
            "readers": plan.num_readers,
            "slices": plan.num_slices,
            "partitions": plan.partitions,
            "one": 1,
        }[self.grain]

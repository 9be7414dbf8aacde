"""What the passes of a run left in its work folder, as `explain`, `show` and `retune` read and word it."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import Rejected
from manifests.errors import RecipeError
from pipeline.inspect_run import safe
from pipeline.pass_2_copies import STAGES_OF_COPIES
from pipeline.pass_2_resolve import HELD_OUT
from pipeline.passes import steps_of
from pipeline.units import Mill, step_named
from stages.exchange import Block, read_segments


def tables(mill: Mill, step: str, table: str, *, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """A table of a step, segment by segment, in the order of its units; `columns` None is all of them."""
    for unit in range(len(mill.records(step_named(step)))):
        yield from unit_tables(mill, step, table, unit, columns=columns)


def unit_tables(
    mill: Mill, step: str, table: str, unit: int, *, columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The same of one unit; nothing where it has not made the table."""
    record = mill.records(step_named(step))[unit]
    if record is not None and table in record.outputs:
        output = record.outputs[table]
        segments = tuple(segment for block in output.blocks for segment in block)
        yield from read_segments(mill.work, [Block(unit, output.file, segments)], lambda _bytes: None, columns=columns)


def measured_signals(mill: Mill) -> list[str]:
    """Names of the signals in the lists that ingest stored, in their order; none before it stored any.

    Raises:
        RecipeError: units of other recipes stand side by side, as after a change and a stop.
    """
    records = [record for record in mill.records(step_named("ingest")) if record is not None and record.done]
    if any(record.counts["signals"] != mill.recipe.filters.signals for record in records):
        raise RecipeError(
            f"{mill.work.root}: expected rows that the last recipe measured, found rows of an earlier one",
            hint="run the recipe again, at least `--until ingest`",
        )
    return mill.recipe.filters.signals if records else []


def decision_tables(mill: Mill, wanted: dict[str, Any]) -> Iterator[pa.Table]:
    """The decisions of every step in which the named columns have the wanted values."""
    for step in steps_of(mill.recipe):
        for table in tables(mill, step.name, "decisions"):
            yield equal(table, wanted)


def equal(table: pa.Table, wanted: dict[str, Any]) -> pa.Table:
    """The rows in which every named column has the wanted value."""
    for name, value in wanted.items():
        table = table.filter(pc.is_in(table.column(name), pa.array([value], table.schema.field(name).type)))
    return table


def place(row: dict[str, Any]) -> str:
    """Where a document of a table belongs: repository and path, else subset."""
    return f"{row['repo']}:{row['path']}" if row["repo"] or row["path"] else str(row["subset"])


def number(value: float) -> str:
    """A value as people read it."""
    return f"{value:,.0f}" if value.is_integer() else f"{value:.6g}"


def sentence(item: Rejected) -> str:
    """A rejection as one line that cannot steer a terminal."""
    if item.reason == HELD_OUT:
        return "held_out: set aside for evaluation; its text lies in held_out/ of the release"
    parts = [f"{item.stage}: rejected, {item.reason}"]
    if item.value is not None:
        parts.append(f"value {number(item.value)}" + ("" if item.bound is None else f", bound {number(item.bound)}"))
    if item.twin:
        # What goes with a copy of it, for a licence or a request, is none's duplicate: that copy went as well.
        twin = "copy of" if item.stage in STAGES_OF_COPIES else "kept twin"
        parts.append(f"{twin} {item.twin}, similarity {item.similarity:.4f}")
    if item.detail:
        parts.append(item.detail)
    return safe("; ".join(parts))

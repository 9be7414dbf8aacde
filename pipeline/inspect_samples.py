"""`show`: samples of what was kept or rejected and why; of rewrites, too, that were rejected while the original stays.

Read from what the passes left in the work folder, table by table, and of the shards only the rows that are shown. What
the recipe's redaction would take is masked.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from manifests.decision import DECISIONS, decisions_of
from manifests.document import ID_BYTES
from manifests.errors import RecipeError
from pipeline.excerpts import excerpt, position, texts_at
from pipeline.inspect_rewrites import undone_rewrites
from pipeline.inspect_run import counted, plain_console, safe
from pipeline.kept_texts import TEXTS
from pipeline.tables import decision_tables, place, sentence, tables
from pipeline.units import Mill

_ID = pa.binary(ID_BYTES)


def check_choice(stage: str | None, reason: str | None, signal: str | None, group: str | None) -> None:
    """Raise RecipeError where options of `show` do not go together."""
    if ((stage or reason) and signal) or (group and not signal):
        raise RecipeError(
            "expected --signal, with or without --group, or --stage and --reason, got a mixture", hint="use one of them"
        )


def print_samples(mill: Mill, *, stage: str | None, reason: str | None, number: int) -> None:
    """The documents of lowest id among those rejected at a stage or for a reason, or, without either, among the kept.

    Raises:
        RecipeError: nothing was rejected so; names what this run has.
    """
    console = plain_console()
    policy = mill.recipe.redaction.policy
    if stage is None and reason is None:
        sample, total = _lowest(tables(mill, "clean", "texts"), TEXTS, ("id",), number)
        for row in sample.to_pylist():
            console.print(f"── {row['id'].hex()}  kept  {row['kind']}  {safe(place(row))}".rstrip())
            console.print(excerpt(row["text"], policy))
        console.print(f"{len(sample):,} of {counted(total, 'kept document')} shown")
        return
    wanted = {name: value for name, value in (("stage", stage), ("reason", reason)) if value is not None}
    sample, total = _lowest(
        chain(decision_tables(mill, wanted), undone_rewrites(mill, wanted)),
        DECISIONS,
        ("id", "shard", "row", "part"),
        number,
    )
    if not total:
        raise RecipeError(
            f"expected documents rejected {' and '.join(f'with {k} {v}' for k, v in wanted.items())}, found none",
            hint=f"this run has: {', '.join(_reasons(mill)) or 'no rejections'}",
        )
    chosen = decisions_of(sample)
    texts = texts_at(mill, [(item.shard, item.row, item.part) for item in chosen])
    late = _late_texts(mill, [item.id for item in chosen if not item.shard])
    places = _places(mill, [item.id for item in chosen if not item.shard])
    for item in chosen:
        where = position(item.shard, item.row, item.part) if item.shard else places.get(item.id, "")
        console.print(f"── {item.id or '(no document)'}  {safe(where)}")
        console.print(sentence(item))
        if item.id:
            text = texts.get((item.shard, item.row, item.part)) if item.shard else late.get(item.id)
            console.print(excerpt(text or "", policy))
    console.print(f"{len(chosen):,} of {counted(total, 'rejected document')} shown")


def _reasons(mill: Mill) -> list[str]:
    return sorted(
        {
            f"{stage}/{reason}"
            for table in chain(decision_tables(mill, {}), undone_rewrites(mill, {}))
            for stage, reason in zip(table["stage"].to_pylist(), table["reason"].to_pylist(), strict=True)
        }
    )


def _lowest(tables: Iterator[pa.Table], schema: pa.Schema, keys: Sequence[str], number: int) -> tuple[pa.Table, int]:
    """The first rows by some columns, and how many there are; memory is that of one table and the sample."""
    best, total = schema.empty_table(), 0
    for table in tables:
        total += table.num_rows
        best = pa.concat_tables([best, table])
        order = pa.table({name: best[name].cast(pa.binary()) if name == "id" else best[name] for name in keys})
        best = best.take(pc.sort_indices(order, [(name, "ascending") for name in keys])[:number])
    return best, total


def _places(mill: Mill, ids: list[str]) -> dict[str, str]:
    """Where documents were read first, by id: late stages know no row."""
    wanted = pa.array([bytes.fromhex(identifier) for identifier in ids], _ID)
    places: dict[str, str] = {}
    for table in tables(mill, "ingest", "places") if ids else ():
        for row in table.filter(pc.is_in(table["id"], wanted)).to_pylist():
            places.setdefault(row["id"].hex(), position(row["shard"], row["row"], row["part"]))
    return places


def _late_texts(mill: Mill, ids: list[str]) -> dict[str, str]:
    """Texts as clean left them, by id: late stages know no row."""
    wanted = pa.array([bytes.fromhex(identifier) for identifier in ids], _ID)
    return {
        row["id"].hex(): row["text"]
        for table in (tables(mill, "clean", "texts") if ids else ())
        for row in table.filter(pc.is_in(table["id"], wanted)).to_pylist()
    }

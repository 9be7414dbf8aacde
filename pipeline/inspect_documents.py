"""`explain` and `show`: the life of one document, and samples of what was kept or rejected and why."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from manifests.decision import decisions_of
from manifests.document import Document, Rejected
from manifests.errors import RecipeError, SourceError
from pipeline.pass_3_clean import TEXTS
from pipeline.passes import STEPS
from pipeline.plan import Shard
from pipeline.units import Mill, step_named
from stages.exchange import Block, read_segments
from stages.readers import ShardSource, read_documents

_SHOWN_CHARACTERS = 600


def print_life(mill: Mill, identifier: str) -> None:
    """Everything the work folder knows of one document.

    Raises:
        RecipeError: not an id, or no document of this run has it, or several have it.
    """
    prefix = identifier.lower()
    if len(prefix) < 8 or len(prefix) > 32 or any(digit not in "0123456789abcdef" for digit in prefix):
        raise RecipeError(f"{identifier}: expected 8 to 32 hex digits of a document id", hint="`show` prints ids")
    rows = [row for table in _tables(mill, "ingest", "rows") for row in _with_prefix(table, prefix)]
    ids = sorted({row["id"] for row in rows})
    if len(ids) != 1:
        found = "none" if not ids else f"{len(ids)}: {', '.join(item.hex() for item in ids[:5])}"
        raise RecipeError(f"{identifier}: expected one document, found {found}", hint="`show` prints ids of this run")
    console = Console(highlight=False)
    for row in rows:
        _print_origin(console, mill, row)
    verdicts = [item for item in _decisions(mill) if item.id == ids[0].hex()]
    for verdict in verdicts:
        console.print(_sentence(verdict), markup=False)
    for table in _tables(mill, "clean", "texts"):
        for row in _with_prefix(table, ids[0].hex()):
            console.print(f"clean: kept with {row['num_bytes']:,} bytes of text, licence {row['licence'] or '(none)'}")
    if not verdicts and mill.records(step_named("pack"))[0] is not None:
        console.print("pack: in the release; its id stands in `doc_ids`")


def print_samples(mill: Mill, *, stage: str | None, reason: str | None, number: int) -> None:
    """The documents of lowest id among those rejected at a stage or for a reason, or, without either, among the kept."""
    console = Console(highlight=False)
    if stage is None and reason is None:
        for row in _kept_sample(mill, number):
            console.rule(
                f"{row['id'].hex()}  kept  {row['kind']}  {_safe(row['repo'] + ' ' + row['path'])}", align="left"
            )
            console.print(_safe(row["text"], _SHOWN_CHARACTERS), markup=False)
        return
    decisions = list(_decisions(mill))
    chosen = [item for item in decisions if (stage in (None, item.stage)) and (reason in (None, item.reason))]
    if not chosen:
        there = sorted({f"{item.stage}/{item.reason}" for item in decisions})
        raise RecipeError(
            f"no document was rejected at stage {stage or '(any)'} for reason {reason or '(any)'}",
            hint=f"this run has: {', '.join(there) or 'no rejections'}",
        )
    chosen.sort(key=lambda item: (item.id, item.shard, item.row))
    texts = _texts(mill, chosen[:number])
    for item in chosen[:number]:
        console.rule(_safe(f"{item.id or '(no document)'}  {item.shard}:{item.row}", 200), align="left")
        console.print(_sentence(item), markup=False)
        console.print(
            _safe(texts.get((item.shard, item.row)) or texts.get(("", item.id), ""), _SHOWN_CHARACTERS), markup=False
        )
    console.print(f"{min(number, len(chosen))} of {len(chosen):,} documents shown")


def _print_origin(console: Console, mill: Mill, row: dict[str, Any]) -> None:
    console.print(f"document {row['id'].hex()}")
    place = f"{row['repo']}:{row['path']}" if row["repo"] else row["subset"]
    console.print(
        _safe(f"read: {row['shard']} row {row['row']}, {row['kind']}, {row['language']} {place}"), markup=False
    )
    console.print(f"size: {row['num_bytes']:,} bytes; content hash {row['content_hash'].hex()}")
    for kind in ("metadata", "header"):
        expression = row[f"licence_{kind}"]
        where = f" at {row['licence_header_where']}" if kind == "header" and expression else ""
        console.print(_safe(f"licence evidence, {kind}: {expression or '(none)'}{where}"), markup=False)
    for name, value in zip(mill.recipe.signals, row["signals"], strict=True):
        bounds = [
            f"{rule.minimum if rule.minimum is not None else ''}..{rule.maximum if rule.maximum is not None else ''}"
            for rule in mill.recipe.filters
            if rule.signal == name and row["kind"] in rule.kinds
        ]
        console.print(f"signal {name} = {value:g}; bounds {', '.join(bounds) or '(none for this kind)'}")


def _sentence(item: Rejected) -> str:
    parts = [f"{item.stage}: rejected, {item.reason}"]
    if item.value is not None:
        parts.append(
            f"value {item.value:g}, bound {item.bound:g}" if item.bound is not None else f"value {item.value:g}"
        )
    if item.twin:
        parts.append(f"kept twin {item.twin}, similarity {item.similarity:.4f}")
    if item.detail:
        parts.append(_safe(item.detail))
    return "; ".join(parts)


def _tables(mill: Mill, step: str, table: str) -> Iterator[pa.Table]:
    for number, record in enumerate(mill.records(step_named(step))):
        if record is not None and table in record.outputs:
            output = record.outputs[table]
            segments = tuple(segment for block in output.blocks for segment in block)
            yield from read_segments(mill.work, [Block(number, output.file, segments)], lambda _bytes: None)


def _with_prefix(table: pa.Table, prefix: str) -> list[dict[str, Any]]:
    ids = [identifier.hex() for identifier in table.column("id").to_pylist()]
    places = [index for index, identifier in enumerate(ids) if identifier.startswith(prefix)]
    rows: list[dict[str, Any]] = table.take(pa.array(places, pa.int64())).to_pylist()
    return rows


def _decisions(mill: Mill) -> Iterator[Rejected]:
    for step in STEPS:
        for table in _tables(mill, step.name, "decisions"):
            yield from decisions_of(table)


def _kept_sample(mill: Mill, number: int) -> list[dict[str, Any]]:
    best = TEXTS.empty_table()
    for table in _tables(mill, "clean", "texts"):
        best = pa.concat_tables([best, table])
        best = best.take(pc.sort_indices(best.column("id").cast(pa.binary()))[:number])
    rows: list[dict[str, Any]] = best.to_pylist()
    return rows


def _texts(mill: Mill, items: list[Rejected]) -> dict[tuple[str, int | str], str]:
    """Texts by (shard, row), read again from the shards; for later stages, which know no row, by ("", id)."""
    texts: dict[tuple[str, int | str], str] = {}
    shards = {shard.name: shard for unit in mill.plan.units for shard in unit}
    for name in sorted({item.shard for item in items if item.shard in shards}):
        rows = {item.row for item in items if item.shard == name}
        texts |= {(name, document.row): document.text for document in _rows_of(mill, shards[name], rows)}
    late = {bytes.fromhex(item.id) for item in items if not item.shard}
    if late:
        for table in _tables(mill, "clean", "texts"):
            hits = table.filter(pc.is_in(table.column("id"), pa.array(sorted(late), table.schema.field("id").type)))
            texts |= {("", row["id"].hex()): row["text"] for row in hits.to_pylist()}
    return texts


def _rows_of(mill: Mill, shard: Shard, rows: set[int]) -> Iterator[Document]:
    source = next(source for source in mill.recipe.sources if source.name == shard.source)
    layout = ShardSource(source=source.name, format=source.format, kind=source.kind, kinds=source.kinds)
    limit = mill.recipe.limits.maximum_line_bytes
    last = max(rows)
    try:
        with open(shard.path, "rb") as file:  # noqa: PTH123
            for item in read_documents(file, shard=shard.name, source=layout, maximum_line_bytes=limit):
                if isinstance(item, Document) and item.row in rows:
                    yield item
                if item.row >= last:
                    return
    except OSError as error:
        raise SourceError(f"{shard.name}: cannot be read: {error.strerror}", hint="restore the shard") from error


def _safe(text: str, limit: int = 300) -> str:
    """Text that cannot steer a terminal: control and format characters replaced, cut to `limit` characters."""
    shown = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text[:limit])
    return shown + (" […]" if len(text) > limit else "")

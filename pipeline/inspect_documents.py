"""`explain` and `show`: the life of one document, and samples of what was kept or rejected and why.

Both read what the passes left in the work folder, table by table, and of the shards only the rows they show. Cost: one
reading of the columns and decisions, about 1 CPU second for 10 million rows.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from manifests.decision import DECISIONS, decisions_of
from manifests.document import ID_BYTES, Document, Rejected
from manifests.errors import RecipeError, SourceError
from pipeline.inspect_run import counted, is_released, plain_console, safe
from pipeline.pass_3_clean import TEXTS
from pipeline.passes import STEPS
from pipeline.plan import Shard
from pipeline.units import Mill, step_named
from stages.exchange import Block, read_segments
from stages.readers import ShardSource, read_documents

_SHOWN_CHARACTERS = 600
_SHOWN_LINES = 20
_SHOWN_ROWS = 5
_ID = pa.binary(ID_BYTES)


def print_life(mill: Mill, identifier: str) -> None:
    """Everything the work folder knows of one document.

    Args:
        identifier: a document id, its first digits, or `shard:row` for a row that may not have become a document.

    Raises:
        RecipeError: not an id, or no document of this run has it, or several have it.
    """
    console = plain_console()
    rows, unread = _rows_named(mill, identifier)
    for item in unread:
        console.print(f"row {safe(item.shard)}:{item.row}: no document was made of it")
        console.print(_sentence(item))
    if not rows:
        return
    identity: bytes = rows[0]["id"]
    console.print(f"document {identity.hex()}")
    for row in rows[:_SHOWN_ROWS]:
        for line in _origin(mill, row):
            console.print(line)
    if len(rows) > _SHOWN_ROWS:
        console.print(f"and {len(rows) - _SHOWN_ROWS:,} more rows of the same document")
    for name, value in zip(mill.recipe.signals, rows[0]["signals"], strict=True):
        console.print(f"signal {name} = {_number(value)}; {_bounds(mill, name, rows[0]['kind'])}")
    for line in _end(mill, identity):
        console.print(line)


def print_samples(mill: Mill, *, stage: str | None, reason: str | None, number: int) -> None:
    """The documents of lowest id among those rejected at a stage or for a reason, or, without either, among the kept.

    Raises:
        RecipeError: nothing was rejected so; names what this run has.
    """
    console = plain_console()
    if stage is None and reason is None:
        sample, total = _lowest(_tables(mill, "clean", "texts"), TEXTS, ("id",), number)
        for row in sample.to_pylist():
            console.print(f"── {row['id'].hex()}  kept  {row['kind']}  {safe(_place(row))}".rstrip())
            console.print(_excerpt(row["text"]))
        console.print(f"{len(sample):,} of {counted(total, 'kept document')} shown")
        return
    wanted = {name: value for name, value in (("stage", stage), ("reason", reason)) if value is not None}
    sample, total = _lowest(_decision_tables(mill, wanted), DECISIONS, ("id", "shard", "row"), number)
    if not total:
        raise RecipeError(
            f"expected documents rejected {' and '.join(f'with {k} {v}' for k, v in wanted.items())}, found none",
            hint=f"this run has: {', '.join(_reasons(mill)) or 'no rejections'}",
        )
    chosen = decisions_of(sample)
    texts = _texts(mill, chosen)
    places = _places(mill, [item.id for item in chosen if not item.shard])
    for item in chosen:
        place = f"{item.shard}:{item.row}" if item.shard else places.get(item.id, "")
        console.print(f"── {item.id or '(no document)'}  {safe(place)}")
        console.print(_sentence(item))
        if item.id:
            console.print(_excerpt(texts.get((item.shard, item.row)) or texts.get(("", item.id), "")))
    console.print(f"{len(chosen):,} of {counted(total, 'rejected document')} shown")


def _rows_named(mill: Mill, identifier: str) -> tuple[list[dict[str, Any]], list[Rejected]]:
    """Ingest's rows of the one document that is meant, or, of a row that became none, its rejection."""
    shard, colon, row = identifier.rpartition(":")
    if colon and row.isdecimal():
        here = {"shard": shard, "row": int(row)}
        found = [row for table in _tables(mill, "ingest", "rows") for row in _equal(table, here).to_pylist()]
        if not found:
            unread = [item for table in _decision_tables(mill, here) for item in decisions_of(table)]
            if unread:
                return [], unread
            names = sorted({shard.name for unit in mill.plan.units for shard in unit})
            raise RecipeError(
                f"{identifier}: expected a row that was read, found none", hint=f"shards are {', '.join(names[:3])}..."
            )
        identifier = found[0]["id"].hex()
    prefix = identifier.lower()
    if not 8 <= len(prefix) <= 2 * ID_BYTES or set(prefix) - set("0123456789abcdef"):
        raise RecipeError(
            f"{identifier}: expected 8 to 32 hex digits of a document id, or shard:row",
            hint="`corpusmill show WORK` prints ids and rows",
        )
    rows = [row for table in _tables(mill, "ingest", "rows") for row in _with_prefix(table, prefix)]
    ids = sorted({row["id"] for row in rows})
    if len(ids) != 1:
        several = f"{len(ids)}: {', '.join(item.hex() for item in ids[:5])}"
        raise RecipeError(
            f"{identifier}: expected one document of this run, found {several if ids else 'none'}",
            hint="give more digits" if ids else "`corpusmill show WORK` prints ids and rows",
        )
    return rows, []


def _origin(mill: Mill, row: dict[str, Any]) -> Iterator[str]:
    """Lines about one row: where it was read, how long it is, what speaks of its licence."""
    what = " ".join(part for part in (row["kind"], row["language"], _place(row)) if part)
    yield safe(f"read: {row['shard']}:{row['row']}, {what}")
    yield f"size: {row['num_bytes']:,} bytes; content hash {row['content_hash'].hex()}"
    source = next(source for source in mill.recipe.sources if source.name == row["source"])
    header = row["licence_header"] and f"{row['licence_header']} at {row['licence_header_where']}"
    evidence = {"metadata": row["licence_metadata"], "header": header, "source": source.declared_licence}
    said = "; ".join(f"{kind} {expression or '(none)'}" for kind, expression in evidence.items())
    yield safe(f"licence evidence: {said}", 600)


def _place(row: dict[str, Any]) -> str:
    return f"{row['repo']}:{row['path']}" if row["repo"] or row["path"] else str(row["subset"])


def _bounds(mill: Mill, signal: str, kind: str) -> str:
    rules = [rule for rule in mill.recipe.filters if rule.signal == signal and kind in rule.kinds]
    parts = [
        f"{name} {_number(bound)}"
        for rule in rules
        for name, bound in (("minimum", rule.minimum), ("maximum", rule.maximum))
        if bound is not None
    ]
    return ", ".join(parts) or f"no bound for {kind}"


def _end(mill: Mill, identity: bytes) -> Iterator[str]:
    """Lines about what was decided and where the document is now."""
    verdicts = [item for table in _decision_tables(mill, {"id": identity}) for item in decisions_of(table)]
    copies = [item for table in _decision_tables(mill, {"twin": identity}) for item in decisions_of(table)]
    own = [item for item in verdicts if item.twin != identity.hex()]
    if len(own) < len(verdicts):
        yield f"deduplicate: {counted(len(verdicts) - len(own), 'row')} rejected, repeated_row: the document stays once"
    for item in [item for item in copies if item.id != identity.hex()][:_SHOWN_ROWS]:
        yield f"deduplicate: kept in place of {item.id} ({item.reason}, similarity {item.similarity:.4f})"
    for table in _tables(mill, "clean", "texts"):
        for row in _equal(table, {"id": identity}).to_pylist():
            yield safe(f"clean: kept with {row['num_bytes']:,} bytes of text, licence {row['licence']}")
    for item in own:
        yield _sentence(item)
    if not own:
        yield (
            "release: the document is in it; its id stands in `doc_ids`"
            if is_released(mill)
            else "no decision yet: the run goes on"
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() else f"{value:.6g}"


def _sentence(item: Rejected) -> str:
    parts = [f"{item.stage}: rejected, {item.reason}"]
    if item.value is not None:
        parts.append(f"value {_number(item.value)}" + ("" if item.bound is None else f", bound {_number(item.bound)}"))
    if item.twin:
        parts.append(f"kept twin {item.twin}, similarity {item.similarity:.4f}")
    if item.detail:
        parts.append(item.detail)
    return safe("; ".join(parts))


def _tables(mill: Mill, step: str, table: str) -> Iterator[pa.Table]:
    for number, record in enumerate(mill.records(step_named(step))):
        if record is not None and table in record.outputs:
            output = record.outputs[table]
            segments = tuple(segment for block in output.blocks for segment in block)
            yield from read_segments(mill.work, [Block(number, output.file, segments)], lambda _bytes: None)


def _decision_tables(mill: Mill, wanted: dict[str, Any]) -> Iterator[pa.Table]:
    for step in STEPS:
        for table in _tables(mill, step.name, "decisions"):
            yield _equal(table, wanted)


def _reasons(mill: Mill) -> list[str]:
    return sorted(
        {
            f"{stage}/{reason}"
            for table in _decision_tables(mill, {})
            for stage, reason in zip(table["stage"].to_pylist(), table["reason"].to_pylist(), strict=True)
        }
    )


def _equal(table: pa.Table, wanted: dict[str, Any]) -> pa.Table:
    """The rows in which every named column has the wanted value."""
    for name, value in wanted.items():
        table = table.filter(pc.is_in(table.column(name), pa.array([value], table.schema.field(name).type)))
    return table


def _with_prefix(table: pa.Table, prefix: str) -> list[dict[str, Any]]:
    ids = table.column("id").cast(pa.binary())
    low, high = (bytes.fromhex(prefix.ljust(2 * ID_BYTES, digit)) for digit in "0f")
    rows: list[dict[str, Any]] = table.filter(
        pc.and_(pc.greater_equal(ids, pa.scalar(low)), pc.less_equal(ids, pa.scalar(high)))
    ).to_pylist()
    return rows


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
    for table in _tables(mill, "ingest", "rows") if ids else ():
        for row in table.filter(pc.is_in(table["id"], wanted)).select(["id", "shard", "row"]).to_pylist():
            places.setdefault(row["id"].hex(), f"{row['shard']}:{row['row']}")
    return places


def _texts(mill: Mill, items: list[Rejected]) -> dict[tuple[str, int | str], str]:
    """Texts by (shard, row), read again from the shards; for later stages, which know no row, by ("", id)."""
    texts: dict[tuple[str, int | str], str] = {}
    shards = {shard.name: shard for unit in mill.plan.units for shard in unit}
    for name in sorted({item.shard for item in items if item.shard in shards}):
        rows = {item.row for item in items if item.shard == name}
        texts |= {(name, document.row): document.text for document in _rows_of(mill, shards[name], rows)}
    late = pa.array([bytes.fromhex(item.id) for item in items if not item.shard], _ID)
    for table in _tables(mill, "clean", "texts") if len(late) else ():
        for row in table.filter(pc.is_in(table["id"], late)).to_pylist():
            texts[("", row["id"].hex())] = row["text"]
    return texts


def _rows_of(mill: Mill, shard: Shard, rows: set[int]) -> Iterator[Document]:
    source = next(source for source in mill.recipe.sources if source.name == shard.source)
    layout = ShardSource(source=source.name, format=source.format, kind=source.kind, kinds=source.kinds)
    limit = mill.recipe.limits.maximum_line_bytes
    try:
        with open(shard.path, "rb") as file:  # noqa: PTH123
            for item in read_documents(file, shard=shard.name, source=layout, maximum_line_bytes=limit, only=rows):
                if isinstance(item, Document):
                    yield item
                if item.row >= max(rows):
                    return
    except OSError as error:
        raise SourceError(f"{shard.name}: cannot be read: {error.strerror}", hint="restore the shard") from error


def _excerpt(text: str) -> str:
    """The beginning of a text, indented so that it cannot pass for a line of ours."""
    lines = text[:_SHOWN_CHARACTERS].replace("\r\n", "\n").split("\n")
    shown = ["  " + safe(line.replace("\t", "    "), _SHOWN_CHARACTERS) for line in lines[:_SHOWN_LINES]]
    more = len(text) > _SHOWN_CHARACTERS or len(lines) > _SHOWN_LINES
    return "\n".join(shown) + (" […]" if more else "")

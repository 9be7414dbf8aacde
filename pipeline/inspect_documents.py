"""`explain`: the life of one document, from what the passes left in the work folder.

Cost: one reading of ingest's columns and the decisions, about 3 CPU seconds for a million rows; one more where it is
named by something else than its id. For what was redacted its shard is read.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.decision import decisions_of
from manifests.document import ID_BYTES, Rejected
from manifests.errors import RecipeError
from pipeline.document_names import FORMS, name_of
from pipeline.excerpts import position
from pipeline.inspect_late import cleaning_lines, release_lines
from pipeline.inspect_names import documents_named
from pipeline.inspect_rewrites import rewriting_lines
from pipeline.inspect_run import counted, is_released, plain_console, safe
from pipeline.measuring import ROWS
from pipeline.opt_outs import OPT_OUT
from pipeline.tables import decision_tables, equal, measured_signals, number, place, sentence, tables
from pipeline.units import Mill

_SHOWN_ROWS = 5
_SHOWN_DOCUMENTS = 20
_SAID_OF_COPIES = {"licence": "taints its copy", OPT_OUT: "with it goes its copy"}
_COLUMNS = [name for name in ROWS.names if name != "metadata"]


def print_life(mill: Mill, identifier: str) -> None:
    """Everything the work folder knows of one document.

    Args:
        identifier: a document id, its first digits, or `shard:row` (`shard:row:part` for one of
            several files in a row), which may not have become a document.

    Raises:
        RecipeError: not an id, or no document of this run has it, or several have it.
    """
    console = plain_console()
    rows, unread = _rows_named(mill, identifier)
    for item in unread:
        console.print(f"row {safe(position(item.shard, item.row, item.part))}: no document was made of it")
        console.print(sentence(item))
    if not rows:
        return
    identity: bytes = rows[0]["id"]
    console.print(f"document {identity.hex()}")
    for row in rows[:_SHOWN_ROWS]:
        for line in _origin(row):
            console.print(line)
    if len(rows) > _SHOWN_ROWS:
        console.print(f"and {len(rows) - _SHOWN_ROWS:,} more rows of the same document")
    for line in _licence(mill, identity):
        console.print(line)
    for line in _signals(mill, rows[0]):
        console.print(line)
    for line in _end(mill, rows[0]):
        console.print(line)


def _rows_named(mill: Mill, identifier: str) -> tuple[list[dict[str, Any]], list[Rejected]]:
    """Ingest's rows of the one document that is meant, or, of a row that became none, its rejection."""
    here, name = _place_named(mill, identifier), name_of(identifier)
    if here is None and name is not None and name.kind != "id":
        named = documents_named(mill, name)
        if len(named) > 1:
            _print_list(named)
            return [], []
        if named:
            return _with_prefix(mill, next(iter(named)).hex()), []
        _check_shard(mill, identifier)
    if here is not None:
        places = tables(mill, "ingest", "places")
        found = [row for table in places for row in equal(table, here).to_pylist()]
        if not found:
            unread = [item for table in decision_tables(mill, here) for item in decisions_of(table)]
            if unread:
                return [], unread
            raise RecipeError(
                f"{safe(identifier)}: expected a row that was read, found none",
                hint="`corpusmill show WORK` prints rows",
            )
        if len(found) > 1:
            raise RecipeError(
                f"{identifier}: expected one document, found {len(found)} files in this row",
                hint=f"name one of them, such as {identifier}:{found[1]['part']}",
            )
        identifier = found[0]["id"].hex()
    prefix = identifier.lower()
    if not 8 <= len(prefix) <= 2 * ID_BYTES or set(prefix) - set("0123456789abcdef"):
        got = "none of them" if name is None or name.kind == "id" else "no document of this run"
        raise RecipeError(
            f"{safe(identifier)}: expected 8 to 32 hex digits of a document id, shard:row, {FORMS}, found {got}",
            hint="`corpusmill show WORK` prints ids and rows",
        )
    rows = _with_prefix(mill, prefix)
    ids = sorted({row["id"] for row in rows})
    if len(ids) != 1:
        several = f"{len(ids)}: {', '.join(item.hex() for item in ids[:5])}"
        raise RecipeError(
            f"{identifier}: expected one document of this run, found {several if ids else 'none'}",
            hint="give more digits" if ids else "`corpusmill show WORK` prints ids and rows",
        )
    return rows, []


def _print_list(named: dict[bytes, str]) -> None:
    console = plain_console()
    for identity, where in sorted(named.items(), key=lambda item: (item[1], item[0]))[:_SHOWN_DOCUMENTS]:
        console.print(safe(f"{identity.hex()}  {where}", 600))
    shown = counted(len(named), "document")
    console.print(f"{min(len(named), _SHOWN_DOCUMENTS)} of {shown} shown; name one by its id to be told its life")


def _place_named(mill: Mill, identifier: str) -> dict[str, Any] | None:
    """What `shard:row` and `shard:row:part` mean; None for what is none of them."""
    names = sorted({shard.name for unit in mill.plan.units for shard in unit})
    head, colon, last = identifier.rpartition(":")
    if not colon or not last.isdecimal():
        return None
    if head in names:
        return {"shard": head, "row": _number(last)}
    shard, _, row = head.rpartition(":")
    if shard in names and row.isdecimal():
        return {"shard": shard, "row": _number(row), "part": _number(last)}
    return None


def _check_shard(mill: Mill, identifier: str) -> None:
    """Raise RecipeError for `shard:row` where there is no such shard."""
    names = sorted({shard.name for unit in mill.plan.units for shard in unit})
    head, colon, last = identifier.rpartition(":")
    if not colon or not last.isdecimal():
        return
    near = (*get_close_matches(head, names, n=1, cutoff=0.0), "SHARD")[0]
    raise RecipeError(f"{identifier}: expected SHARD:ROW, found no shard {head!r}", hint=f"did you mean {near}:{last}?")


def _number(digits: str) -> int:
    """A row, or a part of one; of more digits than any has, whichever they are, there is none."""
    return int(digits[:18])


def _origin(row: dict[str, Any]) -> Iterator[str]:
    """Lines about one row: where it was read, how long it is."""
    what = " ".join(part for part in (row["kind"], row["language"], place(row)) if part)
    yield safe(f"read: {position(row['shard'], row['row'], row['part'])}, {what}")
    yield f"size: {row['num_bytes']:,} bytes; content hash {row['content_hash'].hex()}"
    blob = "" if row["blob"] is None else f"; git blob {row['blob'].hex()}"
    yield safe(f"raw text: sha256 {row['sha256'].hex()}{blob}{'; URL ' + row['url'] if row['url'] else ''}", 2_300)


def _licence(mill: Mill, identity: bytes) -> Iterator[str]:
    """Lines about the licence: every piece of evidence, from the strongest kind on, and what was concluded."""
    for table in tables(mill, "judge", "judged"):
        for verdict in equal(table, {"id": identity}).to_pylist()[:_SHOWN_ROWS]:
            for piece in verdict["evidence"]:
                sure = "" if piece["confidence"] == 1 else f", confidence {number(piece['confidence'])}"
                said = f"{piece['kind']} says {piece['expression']} ({piece['where']}{sure})"
                yield safe(f"licence evidence {piece['id']}: {said}", 600)
            if not verdict["evidence"]:
                yield "licence evidence: none"
            if verdict["licence"]:
                declared = f"; declared {verdict['licence_declared']}" if verdict["licence_declared"] else ""
                yield safe(f"licence: concluded {verdict['licence']}{declared}", 600)


def _signals(mill: Mill, row: dict[str, Any]) -> Iterator[str]:
    """Lines about language and quality: what was measured, and what each value was held against."""
    if row["natural_language"] is not None:
        yield safe(f"prose: {row['natural_language'] or '(unknown)'}, confidence {number(row['natural_confidence'])}")
    filters = mill.recipe.filters
    signals = measured_signals(mill)
    group = (row["kind"], row["subset"], row["language"])
    yield f"profiles: {', '.join(filters.profiles_of(*group)) or 'none'}"
    values = dict(zip(signals, row["signals"], strict=True))
    limits: dict[str, list[str]] = {name: [] for name in filters.measured(*group)}
    for bounds in filters.bounds(*group):
        both = (("minimum", bounds.minimum), ("maximum", bounds.maximum))
        limits[bounds.signal] += [f"{name} {number(bound)}" for name, bound in both if bound is not None]
    for name, said in limits.items():
        yield f"signal {name} = {number(values[name])}; {', '.join(said) or 'no limit'}"


def _end(mill: Mill, row: dict[str, Any]) -> Iterator[str]:
    """Lines about what was decided and where the document is now."""
    identity: bytes = row["id"]
    verdicts = [item for table in decision_tables(mill, {"id": identity}) for item in decisions_of(table)]
    copies = [item for table in decision_tables(mill, {"twin": identity}) for item in decisions_of(table)]
    own = [item for item in verdicts if item.twin != identity.hex() or item.stage == OPT_OUT]
    if len(own) < len(verdicts):
        yield f"deduplicate: {counted(len(verdicts) - len(own), 'row')} rejected, repeated_row: the document stays once"
    for item in [item for item in copies if item.id != identity.hex()][:_SHOWN_ROWS]:
        said = _SAID_OF_COPIES.get(item.stage, "kept in place of")
        yield f"{item.stage}: {said} {item.id} ({item.reason}, similarity {item.similarity:.4f})"
    for table in tables(mill, "resolve", "copies"):
        for copy in equal(table, {"id": identity}).to_pylist():
            where = f"{copy['twin'].hex()}, which lies under another licence, similarity {copy['similarity']:.4f}"
            yield f"licence: a copy of {where}; counted"
    yield from cleaning_lines(mill, row)
    yield from rewriting_lines(mill, identity)
    for item in own:
        yield sentence(item)
    if not own and not is_released(mill):
        yield "no decision yet: the run goes on"
    elif not own:
        yield from release_lines(mill, row)


def _with_prefix(mill: Mill, prefix: str) -> list[dict[str, Any]]:
    """Ingest's rows whose id begins so, each with its content hash; rows and sketches stand in one order."""
    low, high = (pa.scalar(bytes.fromhex(prefix.ljust(2 * ID_BYTES, digit))) for digit in "0f")
    rows: dict[int, dict[str, Any]] = {}
    first = 0
    for table in tables(mill, "ingest", "rows", columns=_COLUMNS):
        ids = table.column("id").cast(pa.binary())
        here = np.flatnonzero(pc.and_(pc.greater_equal(ids, low), pc.less_equal(ids, high)).to_numpy())
        rows.update(zip((first + here).tolist(), table.take(pa.array(here)).to_pylist(), strict=True))
        first += table.num_rows
    first = 0
    for table in tables(mill, "ingest", "sketches", columns=("content_hash",)) if rows else ():
        for row in rows.keys() & range(first, first + table.num_rows):
            rows[row]["content_hash"] = table.column("content_hash")[row - first].as_py()
        first += table.num_rows
    return list(rows.values())

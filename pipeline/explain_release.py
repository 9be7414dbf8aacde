"""`explain` on a release: what its tables tell of a document. `pipeline.released_rows` says what that costs."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rich.console import Console

from manifests.errors import RecipeError
from manifests.storage import Storage
from pipeline.document_names import FORMS, Name, name_of
from pipeline.inspect_run import counted, plain_console, safe
from pipeline.released_rows import ReleasedRows
from pipeline.tables import number

_SHOWN_DOCUMENTS = 20
_SHOWN_STATEMENTS = 5
_SHOWN_SEQUENCES = 50


def print_released(release: Storage, identifier: str) -> None:
    """All that a release tells of one document, or, where several are so named, of which they are.

    Args:
        identifier: see `pipeline.document_names.FORMS`. 32 digits may be a content hash of the release's, too.

    Raises:
        RecipeError: none of these, or nothing in the release is so named.
        IntegrityError: a file is damaged.
    """
    name = name_of(identifier)
    if name is None:
        raise RecipeError(
            f"{safe(identifier)}: expected 32 hex digits of a document id, {FORMS}, found none of them",
            hint="`documents/` of the release lists what is in it; a work folder knows the first digits of an id, too",
        )
    rows = ReleasedRows(release)
    found = _found(rows, name)
    if not found and name.kind == "id":
        found = _found(rows, Name("content", name.value))
    if not found:
        raise RecipeError(
            f"{safe(identifier)}: expected {_what(name)}, found none in this release",
            hint="what a run rejected has no row in a release: ask its work folder",
        )
    console = plain_console()
    if len(found) > 1:
        _print_list(console, found)
        return
    [(shard, row)] = found
    for line in _life(rows, shard, row):
        console.print(line)


def _found(rows: ReleasedRows, name: Name) -> list[tuple[int, dict[str, Any]]]:
    return [(shard, row) for shard in rows.shards_with(name) for row in rows.documents(shard, name)]


def _what(name: Name) -> str:
    if name.kind == "repository":
        return "a document of this repository" + ("" if name.path is None else " and path")
    words = {"id": "a document with this id or content hash", "url": "a document with this URL"}
    return words.get(name.kind, "a document with this hash")


def _print_list(console: Console, found: list[tuple[int, dict[str, Any]]]) -> None:
    for _, row in sorted(found, key=lambda item: (item[1]["repository"], item[1]["path"], item[1]["doc_id"]))[
        :_SHOWN_DOCUMENTS
    ]:
        console.print(safe(f"{row['doc_id']}  {_place(row)}  {row['licence']}  {_amount(row)}", 600))
    shown = min(len(found), _SHOWN_DOCUMENTS)
    console.print(f"{shown:,} of {counted(len(found), 'document')} shown; name one by its id to be told all of it")


def _life(rows: ReleasedRows, shard: int, row: dict[str, Any]) -> Iterator[str]:
    yield f"document {safe(row['doc_id'])}"
    what = " ".join(part for part in (row["kind"], row["language"], _place(row)) if part)
    yield safe(f"from: source {row['source']}{', ' + row['subset'] if row['subset'] else ''}; {what}", 600)
    if row["revision"]:
        yield safe(f"revision: {row['revision']}")
    for title, value in (("SWHID", row["swhid"]), ("URL", row["url"])):
        if value:
            yield safe(f"{title}: {value}", 2_100)
    hashes = (("git blob", row["blob"]), ("sha256", row["sha256"]), ("content hash", row["content_hash"]))
    yield safe("hashes: " + "; ".join(f"{title} {value}" for title, value in hashes if value))
    attribution = None if row["held_out"] else rows.attribution(shard, row["doc_id"])
    yield from _licence(row, attribution)
    yield f"text: {_amount(row)}" + (safe(f"; rewritten: {row['rewrite']}") if row["rewrite"] else "")
    if row["held_out"]:
        yield f"held out: set aside for evaluation; its text lies in {rows.file('held_out', shard)}"
        return
    yield f"shard: {rows.file('data', shard)}"
    yield from sequence_lines(rows.positions(shard, row["doc_id"]))


def _licence(row: dict[str, Any], attribution: dict[str, Any] | None) -> Iterator[str]:
    for piece in attribution["evidence"] if attribution else ():
        sure = "" if piece["confidence"] == 1 else f", confidence {number(piece['confidence'])}"
        said = f"{piece['kind']} says {piece['expression']} ({piece['where']}{sure})"
        yield safe(f"licence evidence {piece['id']}: {said}", 600)
    if attribution and not attribution["evidence"]:
        yield "licence evidence: none"
    declared = attribution["licence_declared"] if attribution else ""
    yield safe(f"licence: concluded {row['licence']}{'; declared ' + declared if declared else ''}", 600)
    statements = attribution["copyright"] if attribution else []
    for statement in statements[:_SHOWN_STATEMENTS]:
        yield safe(f"copyright: {statement}")
    if len(statements) > _SHOWN_STATEMENTS:
        yield f"copyright: and {counted(len(statements) - _SHOWN_STATEMENTS, 'statement')} more"


def sequence_lines(positions: list[dict[str, Any]]) -> Iterator[str]:
    """Lines about where a document lies in the sequences of a shard, copy by copy; `positions` in order."""
    for copy, places in groupby(positions, key=lambda row: row["copy"]):
        own = list(places)
        for place in own[:_SHOWN_SEQUENCES]:
            first, last = place["offset"], place["offset"] + place["length"]
            of = f"tokens {place['doc_offset']:,} to {place['doc_offset'] + place['length']:,} of the document"
            yield safe(f"copy {copy}: row {place['row']:,}, tokens {first:,} to {last:,}: {of}, {place['form']}")
        if len(own) > _SHOWN_SEQUENCES:
            yield f"copy {copy}: and {counted(len(own) - _SHOWN_SEQUENCES, 'place')} more"


def _place(row: dict[str, Any]) -> str:
    return f"{row['repository']}:{row['path']}" if row["repository"] or row["path"] else str(row["subset"])


def _amount(row: dict[str, Any]) -> str:
    if row["held_out"]:
        return f"{row['num_bytes']:,} bytes, held out"
    copies = "1 copy" if row["copies"] == 1 else f"{row['copies']:,} copies"
    return f"{row['num_bytes']:,} bytes, {row['tokens']:,} tokens in {copies}"

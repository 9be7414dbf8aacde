"""Attribution: where each document of a release is from, which licence it has and why, and whose copyright it names.

What only the row and the text can tell is taken down in one column (`PROVENANCE`) when the text is written, and travels
with the document; a release's table is put together from it. A row of metadata is JSON that anybody may have written:
a field of a wrong type says nothing.

Cost: 0.1 ms a document of real code, nearly all of it the search for copyright statements; 2 % more bytes of texts and
3 % of tokens in the work folder; 50 bytes a document in the release. A table is written slice by slice, each one sorted
by id, so memory is that of a slice.
"""

from collections.abc import Iterable, Iterator
from typing import IO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.licence_policy import NO_LICENCE
from manifests.document import Document

EVIDENCE = pa.struct(
    [pa.field(name, pa.string()) for name in ("id", "kind", "expression", "where")]
    + [pa.field("confidence", pa.float64())]
)
PROVENANCE = pa.struct(
    [
        pa.field("revision", pa.string()),
        pa.field("swhid", pa.string()),
        pa.field("licence_declared", pa.string()),
        pa.field("evidence", pa.list_(EVIDENCE)),
        pa.field("copyright", pa.list_(pa.string())),
    ]
)
ATTRIBUTION = pa.schema(
    [
        pa.field(name, pa.string())
        for name in (
            "doc_id", "kind", "source", "subset", "repository", "revision", "path", "swhid", "licence",
            "licence_declared",
        )
    ]
    + [pa.field("evidence", pa.list_(EVIDENCE)), pa.field("copyright", pa.list_(pa.string()))]
)  # fmt: skip
ROW_GROUP_BYTES = 16 * 1024 * 1024
ROW_GROUP_ROWS = 1 << 16
NOT_KNOWN = ("licence", "repository", "revision", "swhid", "copyright")

_MAXIMUM_REVISION_CHARACTERS = 200
# Others hardly repeat, so a dictionary would cost time and bytes.
_REPEATED = [
    "kind", "source", "subset", "repository", "revision", "licence", "licence_declared",
    *(f"evidence.list.element.{name}" for name in ("id", "kind", "expression", "where", "confidence")),
    "copyright.list.element",
]  # fmt: skip
_NULL = msgspec.Raw(b"null")


class _Named(msgspec.Struct):
    """What of a row's metadata names its revision; any JSON may stand there."""

    revision_id: msgspec.Raw = _NULL


_decode = msgspec.json.Decoder(_Named).decode
_text = msgspec.json.Decoder(str).decode


def stated_revision(document: Document) -> str:
    """The revision of the repository that the row names; empty where it names none, or one that is too long."""
    try:
        revision = _string(_decode(document.metadata).revision_id)
    except msgspec.MsgspecError:
        return ""
    return revision if len(revision) <= _MAXIMUM_REVISION_CHARACTERS else ""


def provenances(
    rows: Iterable[tuple[str, str, list[str]]], licence_declared: pa.Array, evidence: pa.Array
) -> pa.StructArray:
    """A column of `PROVENANCE`.

    Args:
        rows: revision, SWHID and copyright statements of each document.
        licence_declared: of each document.
        evidence: of each document.
    """
    revisions, swhids, statements = list(zip(*rows, strict=True)) or ((), (), ())
    strings = pa.string()
    columns = [
        pa.array(revisions, strings),
        pa.array(swhids, strings),
        licence_declared,
        evidence,
        pa.array(statements, pa.list_(strings)),
    ]
    return pa.StructArray.from_arrays(columns, fields=list(PROVENANCE))


def attribution(documents: pa.Table, doc_ids: pa.Array) -> pa.Table:
    """The rows of a release's table for some documents, sorted by id.

    Args:
        documents: with the columns kind, source, subset, repo, path, licence and, of type `PROVENANCE`, attribution.
        doc_ids: their ids as text, in the same order.
    """
    provenance = documents.column("attribution").combine_chunks()
    columns = dict(zip((field.name for field in PROVENANCE), provenance.flatten(), strict=True))
    columns |= {name: documents.column(name) for name in ("kind", "source", "subset", "path", "licence")}
    columns |= {"doc_id": doc_ids, "repository": documents.column("repo")}
    table = pa.table([columns[name] for name in ATTRIBUTION.names], schema=ATTRIBUTION)
    return table.take(pc.sort_indices(table.column("doc_id")))


def not_known(table: pa.Table) -> dict[str, int]:
    """By what a row may lack (`NOT_KNOWN`): rows of a release's table that lack it."""
    lacking = {name: pc.equal(table.column(name), "") for name in ("repository", "revision", "swhid")}
    lacking["licence"] = pc.equal(table.column("licence"), NO_LICENCE)
    lacking["copyright"] = pc.equal(pc.list_value_length(table.column("copyright")), 0)
    return {name: pc.sum(lacking[name]).as_py() or 0 for name in NOT_KNOWN}


def attribution_schema(release: str) -> pa.Schema:
    """Schema of a release's file; `release` is its name and version."""
    return ATTRIBUTION.with_metadata({"corpusmill.release": release})


def attribution_writer(sink: str | IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet file whose bytes depend on what is written and on pyarrow's version alone."""
    return pq.ParquetWriter(
        sink, schema, use_dictionary=_REPEATED, compression="zstd", compression_level=3, write_page_index=True
    )


def row_groups(table: pa.Table) -> Iterator[pa.Table]:
    """A table in parts of bounded rows and bytes, halved until each fits; one row may be larger."""
    if table.num_rows > 1 and (table.num_rows > ROW_GROUP_ROWS or table.nbytes > ROW_GROUP_BYTES):
        half = table.num_rows // 2
        yield from row_groups(table.slice(0, half))
        yield from row_groups(table.slice(half))
    elif table.num_rows:
        yield table


def _string(value: msgspec.Raw) -> str:
    try:
        return _text(value)
    except msgspec.MsgspecError:
        return ""

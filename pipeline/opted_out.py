"""Opted out: which rows of ingest a registry keeps out, and for which reason."""

from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.opt_outs import Heeded
from stages.opt_out_matching import OptOuts
from stages.suppression import MINIMUM_AGREEMENT, sketches_of

I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SUPPRESSED_CONTENT, SUPPRESSED_NEAR_COPY = "suppressed_content", "suppressed_near_copy"
# Column of ingest's rows -> what requests are held against.
_KNOWN_BY = {"id": "document", "repo": "repository"}


class _Other(msgspec.Struct):
    """What else of a row's metadata may name its content: of The Stack v2, the plain SHA-1, called `blob_id`."""

    blob_id: Any = None


_other = msgspec.json.Decoder(_Other).decode


class Rejection(NamedTuple):
    """Why a row is kept out; `value` and `bound` are of values that agree, for near copies alone."""

    row: int
    reason: str
    value: float | None = None
    bound: float | None = None
    detail: str = ""


class OptedOut(NamedTuple):
    """Rows that are kept out.

    Attributes:
        rows: each once.
        with_copies: bool[rows], whom a request names with all copies.
    """

    rows: list[Rejection]
    with_copies: Bools


def opted_out(found: Heeded | None, rows: pa.Table, sketches: pa.Table) -> OptedOut:
    """What a registry keeps out of some rows: what requests name, then what was taken out before.

    The detail is the request's reason, which is published; nothing has its ticket.

    Args:
        found: None for no registry.
        rows: of `measuring.ROWS`.
        sketches: the rows of `SKETCHES` beside them.
    """
    with_copies = np.zeros(rows.num_rows, dtype=np.bool_)
    if found is None:
        return OptedOut([], with_copies)
    kept_out = []
    by_name = named(found.requests, rows, sketches)
    for index in np.flatnonzero(by_name >= 0).tolist():
        request = found.requests.requests[by_name[index]]
        kept_out.append(Rejection(index, f"opted_out_{request.by}", detail=request.reason[:200]))
        with_copies[index] = request.scope == "content"
    if found.suppressed is None:
        return OptedOut(kept_out, with_copies)
    removed = found.suppressed.matches(sketches_of(sketches), near=found.near)
    for index in np.flatnonzero((removed.by >= 0) & (by_name < 0)).tolist():
        if removed.equal[index]:
            kept_out.append(Rejection(index, SUPPRESSED_CONTENT))
        else:
            agreeing = float(removed.agreeing[index])
            kept_out.append(Rejection(index, SUPPRESSED_NEAR_COPY, agreeing, float(MINIMUM_AGREEMENT)))
    return OptedOut(kept_out, with_copies)


def named(requests: OptOuts, rows: pa.Table, sketches: pa.Table) -> I64:
    """int64[rows], place in `requests.requests` of the first request that names each document; -1 for none.

    Args:
        rows: of `measuring.ROWS` what documents are known by; `metadata` only where blobs are asked for.
        sketches: beside them, at least their content hashes.
    """
    columns = {_KNOWN_BY.get(name, name): rows.column(name) for name in ("id", "repo", "path", "sha256", "url")}
    columns |= {"blob": rows.column("blob"), "content": sketches.column("content_hash")}
    found = requests.match(columns)
    if "blob" in requests.columns:
        others = _other_blobs(rows.column("metadata"))
        if others.null_count < len(others):
            nothing = pa.nulls(rows.num_rows, pa.string())
            again = requests.match(dict.fromkeys(columns, nothing) | {"blob": others})
            found = np.where((again >= 0) & ((found < 0) | (again < found)), again, found)
    return found


def _other_blobs(metadata: pa.ChunkedArray) -> pa.Array:
    """The `blob_id` of each row's metadata; null where there is none."""
    has_one = pc.match_substring(metadata, '"blob_id"').to_pylist()
    found = [_blob_id(text) if has else None for text, has in zip(metadata.to_pylist(), has_one, strict=True)]
    return pa.array(found, pa.string())


def _blob_id(metadata: str) -> str | None:
    try:
        value = _other(metadata).blob_id
    except msgspec.MsgspecError:
        return None
    return value if isinstance(value, str) and len(value) == 40 and value.isascii() else None

"""Pass 2, decide: copies of documents that went for their licence, or at somebody's request.

They are found by the way in the steps for duplicates.

    judge    leaves the hashes of a document behind whose licence is copyleft or proprietary, or that opted out
    group    survivors of the same words
    pair     pairs of one tainting document and one survivor that share an LSH bucket
    verify   the exact Jaccard similarity of every such pair, held against `COPY_SIMILARITY`
    resolve  what becomes of the copies

A copy of a document whose own header names such a licence goes: the header was most likely taken off. A copy of one
that merely lies under such a licence is counted, for a permissive file in somebody's copyleft repository is common;
under `copies: strict` it goes as well. A copy of one that opted out goes, held out or not: before all other comparisons
where it is equal, and with `opt_out.near_copies: keep` only there. Taint does not spread: what is like a copy, but less
than `COPY_SIMILARITY` like the tainting document, stays.

Bias: without near duplicates (`near: null`) only copies of the same content are seen. A short file whose long header
was taken off is less than `COPY_SIMILARITY` like the original: that is not seen either.
"""

from collections.abc import Collection
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.opt_outs import OPT_OUT
from stages.exchange import BlockWriter, fixed_binary, ordinal_of_refs, sortable, unit_of_refs
from stages.taint import HEADER, LIES_IN, OPTED_OUT, removes, worst_copies

# Of sets of word n-grams as `deduplication.near` cuts them, whatever its minimum_similarity is.
COPY_SIMILARITY = 0.9
TAINTED_BY_COPY = "tainted_by_copy"
COPY_LIES_UNDER_OTHER_LICENCE = "copy_lies_under_other_licence"
COPY_REASONS = (TAINTED_BY_COPY, COPY_LIES_UNDER_OTHER_LICENCE)
COPY_OF_OPTED_OUT = "copy_of_opted_out"
STAGES_OF_COPIES = ("licence", OPT_OUT)
_REASON = {
    LIES_IN: ("licence", COPY_LIES_UNDER_OTHER_LICENCE),
    HEADER: ("licence", TAINTED_BY_COPY),
    OPTED_OUT: (OPT_OUT, COPY_OF_OPTED_OUT),
}

_ID = pa.binary(ID_BYTES)
FOUND = pa.schema(  # survivor, then what it is a copy of
    [
        pa.field("ref", pa.uint64()),
        pa.field("id", _ID),
        pa.field("taint", pa.uint8()),
        pa.field("twin", _ID),
        pa.field("similarity", pa.float64()),
    ]
)
COPIES = pa.schema(  # kept documents that are copies, each once
    [
        pa.field("ordinal", pa.int64()),
        pa.field("id", _ID),
        pa.field("twin", _ID),
        pa.field("similarity", pa.float64()),
    ]
)


class Fate(NamedTuple):
    """Why a document does not go on, and of which it is a copy or duplicate; no twin for one that is set aside."""

    stage: str
    reason: str
    twin: bytes | None
    similarity: float | None
    twin_held_out: bool = False


def decide_copies(found: pa.Table, copies: Literal["count", "strict"]) -> tuple[dict[int, Fate], pa.Table]:
    """What becomes of the survivors that are copies.

    Returns:
        The rejected by ref; the counted as rows of `FOUND`. Each survivor stands in one of them, once: with the worst
        taint, then the highest similarity, then the smallest id.
    """
    taint, twins = found.column("taint").to_numpy(), fixed_binary(found.column("twin"), ID_BYTES)
    similarity = found.column("similarity").to_numpy()
    one = worst_copies(found.column("ref").to_numpy(), taint, similarity, sortable(twins))
    goes = one[removes(taint[one], strict=copies == "strict")]
    counted = found.take(pa.array(np.setdiff1d(one, goes)))
    tainted: dict[int, Fate] = {}
    for row in found.take(pa.array(goes)).to_pylist():
        tainted[row["ref"]] = Fate(*_REASON[row["taint"]], row["twin"], row["similarity"])
    return tainted, counted


def write_counted(out: BlockWriter, counted: pa.Table, gone: Collection[int]) -> int:
    """Write counted copies that stay as rows of `COPIES`, each to the block of its input unit; returns how many."""
    refs = counted.column("ref").to_numpy()
    stays = np.fromiter((ref not in gone for ref in refs.tolist()), dtype=np.bool_, count=len(refs))
    counted, refs = counted.filter(pa.array(stays)), refs[stays]
    columns = [ordinal_of_refs(refs), *(counted.column(name) for name in ("id", "twin", "similarity"))]
    out.write(pa.table(columns, schema=COPIES), unit_of_refs(refs))
    return len(refs)

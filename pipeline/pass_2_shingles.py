"""Pass 2, decide: documents of some pair are read again and send their shingles to where they are compared.

Only hashes are moved. A document goes once to every slice that compares it; memory holds one batch of it at a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.shards import documents_again
from pipeline.steps import UnitContext
from stages.shingles import shingle_hashes
from stages.similarity import unique_sorted

WANTED = pa.schema([pa.field(name, pa.uint64()) for name in ("ref", "rank", "slice")] + [pa.field("taint", pa.uint8())])
SHINGLES = pa.schema(
    [
        pa.field("ref", pa.uint64()),
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("rank", pa.uint64()),
        pa.field("taint", pa.uint8()),
        pa.field("shingles", pa.large_list(pa.uint64())),
    ]
)
_BATCH_BYTES = 16 * 1024 * 1024
_ORDINAL = 0xFFFFFFFF  # a ref is unit << 32 | ordinal
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Shingled:
    """A document that is to be compared; `stages.taint` says what its taint is."""

    id: bytes
    rank: int
    taint: int
    shingles: U64


def shingle(context: UnitContext) -> None:
    """The step `shingle`, for one input unit."""
    near = context.recipe.deduplication.near
    wanted = context.table("wanted")
    places: dict[int, list[tuple[int, int, int]]] = {}
    columns = (wanted.column(name).to_pylist() for name in WANTED.names)
    for ref, rank, place, taint in zip(*columns, strict=True):
        places.setdefault(ref & _ORDINAL, []).append((place, rank, taint))
    with context.blocks("shingles", SHINGLES, num_blocks=context.plan.num_slices, codec="lz4") as out:
        if near is None or not places:
            return
        batch: list[tuple[int, Shingled]] = []
        targets: list[int] = []
        num_hashes = 0
        for ordinal, document in documents_again(context, context.table("places"), places):
            hashes = unique_sorted(shingle_hashes(document.text, ngram_words=near.ngram_words))
            for place, rank, taint in dict.fromkeys(places[ordinal]):
                identifier = bytes.fromhex(document.id)
                batch.append((context.unit << 32 | ordinal, Shingled(identifier, rank, taint, hashes)))
                targets.append(place)
                num_hashes += len(hashes)
            if num_hashes * 8 > _BATCH_BYTES:
                out.write(_table(batch), np.array(targets))
                batch, targets, num_hashes = [], [], 0
        out.write(_table(batch), np.array(targets, dtype=np.int64))


def _table(batch: list[tuple[int, Shingled]]) -> pa.Table:
    if not batch:
        return SHINGLES.empty_table()
    offsets = np.concatenate([[0], np.cumsum([len(item.shingles) for _, item in batch])]).astype(np.int64)
    hashes = np.concatenate([item.shingles for _, item in batch])
    columns = [
        pa.array([ref for ref, _ in batch], pa.uint64()),
        pa.array([item.id for _, item in batch], pa.binary(ID_BYTES)),
        pa.array([item.rank for _, item in batch], pa.uint64()),
        pa.array([item.taint for _, item in batch], pa.uint8()),
        pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(hashes)),
    ]
    return pa.table(columns, schema=SHINGLES)


def shingled(tables: Iterable[pa.Table]) -> dict[int, Shingled]:
    """What `shingle` wrote, by ref."""
    documents: dict[int, Shingled] = {}
    for table in tables:
        hashes = table.column("shingles").combine_chunks()
        values, offsets = hashes.values.to_numpy(), hashes.offsets.to_numpy()
        facts = (table.column(name).to_pylist() for name in ("ref", "id", "rank", "taint"))
        for index, (ref, identifier, rank, taint) in enumerate(zip(*facts, strict=True)):
            documents[ref] = Shingled(identifier, rank, taint, values[offsets[index] : offsets[index + 1]])
    return documents

"""Pass 2, decide, step `shingle`: documents of some pair are read again and send their shingles to where it lies.

Only hashes are moved. A document goes once to every slice that compares it; memory holds one batch of it at a time.
A unit beyond the input units is a shard of an earlier release, whose texts are read in the same way. Those are as they
were released, redacted and in their form: of a document full of addresses the similarity comes out a little lower.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.document import ID_BYTES
from pipeline.pass_1_ingest import PLACES
from pipeline.pass_2_candidates import READ_AGAIN
from pipeline.pass_2_groups import near_settings
from pipeline.recipe import Recipe
from pipeline.shards import documents_again
from pipeline.steps import Read, Step, UnitContext
from stages.exchange import ordinal_of_refs
from stages.shingles import shingle_hashes
from stages.similarity import jaccards, unique_sorted

SHINGLES = pa.schema(
    [
        pa.field("ref", pa.uint64()),
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("unremovable", pa.bool_()),  # the worse document of no pair: nothing can remove it
        pa.field("shingles", pa.large_list(pa.uint64())),
    ]
)
_BATCH_BYTES = 16 * 1024 * 1024
U64 = npt.NDArray[np.uint64]
_Row = tuple[int, bytes, bool, U64]


def _shingle(context: UnitContext) -> None:
    near = context.recipe.deduplication.near
    wanted = context.table("wanted")
    ordinals = ordinal_of_refs(wanted.column("ref").to_numpy()).tolist()
    slices: dict[int, set[int]] = {}
    followers: set[int] = set()
    facts = (wanted.column(name).to_pylist() for name in ("slice", "worse"))
    for ordinal, place, worse in zip(ordinals, *facts, strict=True):
        slices.setdefault(ordinal, set()).add(place)
        if worse:
            followers.add(ordinal)
    with context.blocks("shingles", SHINGLES, num_blocks=context.plan.num_slices, codec="lz4") as out:
        if near is None:
            return
        rows: list[_Row] = []
        targets: list[int] = []
        num_hashes = 0
        hashed = context.clock.timing("shingle", partial(_hashes, ngram_words=near.ngram_words))
        for ordinal, identifier, text in _texts(context, slices):
            hashes = hashed(text)
            for place in sorted(slices[ordinal]):
                rows.append((context.unit << 32 | ordinal, identifier, ordinal not in followers, hashes))
                targets.append(place)
                num_hashes += len(hashes)
                if num_hashes * 8 > _BATCH_BYTES:
                    out.write(_table(rows), np.array(targets))
                    rows, targets, num_hashes = [], [], 0
        out.write(_table(rows), np.array(targets, dtype=np.int64))


def _texts(context: UnitContext, wanted: dict[int, set[int]]) -> Iterator[tuple[int, bytes, str]]:
    """(ordinal, id, text) of the documents that are wanted."""
    number = context.unit - len(context.plan.units)
    if number < 0:
        for ordinal, document in documents_again(context, context.table("places"), wanted):
            yield ordinal, bytes.fromhex(document.id), document.text
    elif wanted:
        texts = context.earlier_index().texts(number, np.array(sorted(wanted), dtype=np.int64))
        for item in context.clock.timed("read", texts):
            context.progress(0)
            yield item


def _hashes(text: str, *, ngram_words: int) -> U64:
    return unique_sorted(shingle_hashes(text, ngram_words=ngram_words))


def _table(rows: list[_Row]) -> pa.Table:
    if not rows:
        return SHINGLES.empty_table()
    refs, ids, unremovable, hashes = zip(*rows, strict=True)
    offsets = np.concatenate([[0], np.cumsum([len(item) for item in hashes])]).astype(np.int64)
    columns = [pa.array(refs, pa.uint64()), pa.array(ids, pa.binary(ID_BYTES)), pa.array(unremovable, pa.bool_())]
    columns.append(pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(hashes))))
    return pa.table(columns, schema=SHINGLES)


def _prepare(_recipe: Recipe) -> None:
    """Load the kernels once, for all forked workers."""
    hashes = unique_sorted(shingle_hashes("a b c d e f"))
    one = np.zeros(1, dtype=np.int64)
    jaccards(hashes, np.array([0, len(hashes)]), one, one)


STEPS = [
    Step(
        name="shingle",
        number=2,
        pass_name="decide",
        grain="readers",
        reads=(Read("sift", "wanted", "blocks", READ_AGAIN), Read("ingest", "places", "same", PLACES)),
        settings=near_settings,
        run=_shingle,
        prepare=_prepare,
        reads_shards=True,
    )
]

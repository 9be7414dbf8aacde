"""Pass 8, step `locate`: where whatever names a document lies, for all partitions: the files of `lookup/`.

A file has the keys of a range of hashes, and each key the partitions in which it names a document. So who knows an
id, a hash, a repository or a URL opens one file to learn in which shards to look. Cost: 20 bytes for each name of a
document, of which it has about five. Rows are dealt to as many ranges as a partition has slices, and sorted range by
range: memory is that of one.
"""

from collections.abc import Iterator
from typing import IO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.plan import Plan
from pipeline.recipe import Recipe
from pipeline.steps import Read, Step, UnitContext
from stages.released_documents import LOOKUP, sorted_keys, write_lookup

_BY_RANGE = "keys_by_range"


def _locate(context: UnitContext) -> None:
    num_blocks = context.plan.slices_per_partition
    with context.blocks(_BY_RANGE, LOOKUP, num_blocks=num_blocks) as dealt:
        for keys in context.segments("keys"):
            dealt.write(keys, _ranges(keys.column("key_high").to_numpy(), context.plan))

    def ordered() -> Iterator[pa.Table]:
        for block in range(num_blocks):
            yield sorted_keys(context.written(_BY_RANGE, block, LOOKUP))

    with context.whole_file("lookup", ".parquet") as file:
        release = f"{context.recipe.name} {context.recipe.version}"
        context.counts = {"lookup": write_lookup(cast("IO[bytes]", file), ordered(), release)}


def _ranges(highs: npt.NDArray[np.uint64], plan: Plan) -> npt.NDArray[np.int64]:
    """int64[n], the range of each key among those of its partition: the next digits after `block_of_hash`'s."""
    within = ((highs >> np.uint64(32)) * np.uint64(plan.partitions)) & np.uint64(0xFFFFFFFF)
    return (within * np.uint64(plan.slices_per_partition) >> np.uint64(32)).astype(np.int64)


def _settings(recipe: Recipe, plan: Plan) -> object:
    return {
        "name": recipe.name,
        "version": recipe.version,
        "partitions": plan.partitions,
        "slices_per_partition": plan.slices_per_partition,
    }


STEPS = [
    Step(
        name="locate",
        number=8,
        pass_name="pack",
        grain="partitions",
        reads=(Read("pack", "keys", "blocks", LOOKUP),),
        settings=_settings,
        run=_locate,
    )
]

"""datatrove's whole job: its four MinHash stages with their defaults (5-grams, 14 bands of 8 rows), two processes.

Forked, because the CPU seconds of processes that its default `forkserver` starts are nobody's children's. The second
stage wants one task for each band, the third is one task by nature.
"""

import json
import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

_WORKERS = 2


def main(files: list[str], folder: str) -> None:
    """Print how many rows were read and kept."""
    config = MinhashConfig()
    shards, made = str(Path(files[0]).parent), f"{folder}/stages"

    def reader() -> JsonlReader:
        return JsonlReader(shards, glob_pattern="*.jsonl.zst")

    stages = {
        "signatures": ([reader(), MinhashDedupSignature(f"{made}/signatures", config=config)], _WORKERS),
        "buckets": ([MinhashDedupBuckets(f"{made}/signatures", f"{made}/buckets", config=config)], config.num_buckets),
        "clusters": ([MinhashDedupCluster(f"{made}/buckets", f"{made}/removed", config=config)], 1),
        "filter": (
            [reader(), MinhashDedupFilter(f"{made}/removed"), JsonlWriter(f"{folder}/kept", compression=None)],
            _WORKERS,
        ),
    }
    for name, (pipeline, tasks) in stages.items():
        stats = LocalPipelineExecutor(
            pipeline,
            tasks=tasks,
            workers=min(tasks, _WORKERS),
            logging_dir=f"{folder}/logs/{name}",
            start_method="fork",
        ).run()
    counts = [step.stats for step in stats.stats]
    print(json.dumps({"read": int(counts[0]["documents"].total), "kept": int(counts[2]["total"].total)}))


if __name__ == "__main__":
    main(sys.argv[2:], sys.argv[1])

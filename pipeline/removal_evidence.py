"""Evidence that names removed files: other files of a repository owe their licence to it, and lie in any shard.

Only files whose names promise a licence are named by evidence, so only where one of these goes is `lookup/` asked for
the shards of its repository, and their `attribution/` read.
"""

from collections.abc import Mapping
from functools import partial
from typing import IO, cast

import numpy as np
import pyarrow as pa

from filters.licence_files import licence_role
from manifests.opt_out_values import repository_key
from manifests.release import ReleaseFile
from pipeline import removal_beside as beside
from pipeline.released_files import ReleasedFiles
from pipeline.removal_shards import Making
from stages.evidence_paths import without_paths
from stages.exchange import block_of_hash
from stages.release_index import rows_with_keys
from stages.released_documents import lookup_keys


def licence_files(removed: Mapping[int, pa.Table]) -> dict[str, set[str]]:
    """By repository, the paths of removed files that may speak for the licence of others, without "/" in front.

    Args:
        removed: by shard, rows of `documents/`.
    """
    found: dict[str, set[str]] = {}
    for rows in removed.values():
        for repository, path in zip(*(rows.column(name).to_pylist() for name in ("repository", "path")), strict=True):
            if repository and licence_role(path):
                found.setdefault(repository, set()).add(path.lstrip("/"))
    return found


def write_evidence(making: Making, written: Mapping[str, ReleaseFile]) -> dict[str, ReleaseFile]:
    """Write the files of `attribution/` that name removed files and are not written yet; returns them by path.

    Raises:
        IntegrityError: a file of the parent is damaged.
        NoSpaceError: the disk is full.
    """
    paths = making.files.folder("attribution")
    made: dict[str, ReleaseFile] = {}
    for path in (paths[shard] for shard in sorted(_shards(making.files, making.licence_files)) if shard < len(paths)):
        if path in written:
            continue
        with making.files.parquet(path) as file:
            groups = (file.read_row_group(number) for number in range(file.num_row_groups))
            if all(without_paths(table, making.licence_files) is table for table in groups):
                continue
            write = partial(beside.write_attribution, removed_files=making.licence_files)
            with making.out.named_file(path) as sink:
                rows = write(file, cast("IO[bytes]", sink), pa.array([], pa.string()), lambda _rows: None)
        made[path] = ReleaseFile(path, sink.num_bytes, sink.sha256, rows)
    return made


def _shards(files: ReleasedFiles, repositories: beside.Paths) -> set[int]:
    """The shards that have documents of some repositories."""
    if not repositories:
        return set()
    lookup = files.folder("lookup")
    high, low = lookup_keys("repository", sorted({repository_key(name) for name in repositories}))
    wanted = set(zip(high.tolist(), low.tolist(), strict=True))
    shards: set[int] = set()
    for block in np.unique(block_of_hash(high, len(lookup))).tolist():
        with files.parquet(lookup[block]) as file:
            for table in rows_with_keys(file, np.unique(high), "key_high"):
                columns = (column.to_pylist() for column in table.columns)
                shards.update(shard for first, second, shard in zip(*columns, strict=True) if (first, second) in wanted)
    return shards

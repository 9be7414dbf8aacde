"""What a run read of opted-out documents, whatever became of them: from the work folder that it left.

A release does not know where duplicates lay that were left out. If a copy in somebody else's repository was kept in
place of the owner's file, only the run's columns say so: ingest's rows name every document that was read, and its
sketches beside them are what copies of it are found by.

Cost: one reading of those columns, 1 kB a document. Memory: one segment of them, and what is found.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from manifests.errors import RecipeError, UnitError
from manifests.opt_outs import By, Request
from manifests.release import Manifest
from pipeline.inspect_run import safe
from pipeline.opted_out import named
from pipeline.proofs import check_units
from pipeline.removal_sketches import SKETCHED
from pipeline.runner import reopen_mill
from pipeline.tables import unit_tables
from pipeline.units import Mill, step_named
from stages.exchange import RowStream
from stages.opt_out_matching import OptOuts
from stages.release_index import SKETCHES

_PLACES: tuple[By, ...] = ("repository", "owner", "path", "url")
_WITHOUT_WORK = (
    "without --work: a copy that was kept in place of a dropped original is not found by where the original lay; give "
    "the work folder of the run to find those, too"
)
_HINT = "give the work folder of the run that made the release, or of that from which it was cut"
_NAMES = ("id", "repo", "path", "sha256", "blob", "url")
_MEASURES = ("ngram_words", "bands", "rows", "seed")
_COLUMNS = pa.schema([SKETCHES.field(name) for name in ("content_hash", "bands", "values")])


def without_work(requests: Sequence[Request]) -> str:
    """What is to be said where no work folder was given; empty where no request's content is named by its place."""
    asked = any(request.by in _PLACES and request.scope == "content" for request in requests)
    return _WITHOUT_WORK if asked else ""


def read_by_run(work: str, manifest: Manifest, requests: Sequence[Request]) -> pa.Table:
    """Sketches of all documents that a run read and whose content requests mean.

    Args:
        work: the work folder of the run that made the release, or that from which it was cut.

    Returns:
        Rows of `SKETCHED`, by content and request, each pair once; of a document only the first request that names it.

    Raises:
        RecipeError: no work folder, one of another run, or one whose rows are not all there.
        IntegrityError: what lies there is damaged.
    """
    mill = reopen_mill(work)
    _check_run(mill, manifest)
    opt_outs = OptOuts(requests)
    found: dict[tuple[bytes, int], dict[str, object]] = {}
    if any(request.scope == "content" for request in opt_outs.requests):
        for unit in range(len(mill.records(step_named("ingest")))):
            for row in (row for table in _of_unit(mill, unit, opt_outs) for row in table.to_pylist()):
                found[row["content_hash"], row["request"]] = row
    return pa.Table.from_pylist([found[key] for key in sorted(found)], schema=SKETCHED)


def _of_unit(mill: Mill, unit: int, opt_outs: OptOuts) -> Iterator[pa.Table]:
    """Rows of `SKETCHED` of the documents of one unit whose content is meant."""
    names = [*_NAMES, *(["metadata"] if "blob" in opt_outs.columns else [])]
    of_content = np.array([request.scope == "content" for request in opt_outs.requests], dtype=np.bool_)
    stream = RowStream(unit_tables(mill, "ingest", "sketches", unit, columns=_COLUMNS.names), _COLUMNS)
    for rows in unit_tables(mill, "ingest", "rows", unit, columns=names):
        sketches = stream.take(rows.num_rows)
        requests = named(opt_outs, rows, sketches)
        here = np.flatnonzero(requests >= 0)
        here = here[of_content[requests[here]]]
        found = sketches.take(pa.array(here)).append_column("request", pa.array(requests[here], pa.int64()))
        yield found.set_column(1, SKETCHED.field("bands"), _ascending(found.column("bands")))


def _ascending(bands: pa.ChunkedArray) -> pa.Array:
    """Lists of band keys as the index of a release gives them: ascending, and empty for none."""
    return pa.array([sorted(keys or ()) for keys in bands.to_pylist()], SKETCHED.field("bands").type)


def _check_run(mill: Mill, manifest: Manifest) -> None:
    """See that the work folder is that of the run whose accounts the manifest has, and that all its rows are there."""
    recipe = mill.recipe
    for name, here in (("name", recipe.name), ("version", recipe.version)):
        _check_same(mill, name, manifest.recipe.get(name), here)
    section = manifest.recipe.get("deduplication")
    _check_same(mill, "deduplication.near", _measures(section), _measures(recipe.deduplication.model_dump()))
    there = {shard.name: (shard.num_bytes, shard.sha256) for source in manifest.sources for shard in source.shards}
    plan = {shard.name: shard for unit in mill.plan.units for shard in unit}
    _check_same(mill, "input shards", len(there), len(plan))
    try:
        check_units(mill, step_named("ingest"))
    except UnitError as error:
        raise RecipeError(
            f"{mill.work.root}: expected all rows that the run read: {error.message}",
            hint="run the recipe again, at least `--until ingest`",
        ) from error
    read = _digests(mill)
    for name, shard in plan.items():
        num_bytes, digest = there.get(name, (0, ""))
        known = shard.sha256 or read.get(name, digest)  # of a damaged shard in a bucket nobody noted it
        _check_same(mill, f"input {safe(name)}", f"{num_bytes} bytes {digest}", f"{shard.num_bytes} bytes {known}")


def _digests(mill: Mill) -> dict[str, str]:
    """sha256 of the shards that ingest read to the end."""
    digests: dict[str, str] = {}
    for record in mill.records(step_named("ingest")):
        if record is not None and record.done:
            digests |= msgspec.convert(record.counts["shards"], dict[str, str])
    return digests


def _measures(deduplication: object) -> object:
    """What bands and signature values depend on."""
    near = deduplication.get("near") if isinstance(deduplication, Mapping) else None
    return {name: near.get(name) for name in _MEASURES} if isinstance(near, Mapping) else None


def _check_same(mill: Mill, what: str, expected: object, got: object) -> None:
    if expected != got:
        raise RecipeError(
            f"{mill.work.root}: not of the run that made the release; {what}: expected {safe(str(expected))}, got "
            f"{safe(str(got))}",
            hint=_HINT,
        )

"""Plan: which shards there are, how they group into units, and how many partitions and slices the run has.

The plan follows from the recipe and the inputs alone, so every pass's task count is known before anything runs. A
partition becomes one release shard; it is worked on slice by slice so that memory does not grow with its size.
"""

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from posixpath import commonpath, dirname

import msgspec

from manifests.buckets import Access
from manifests.errors import IntegrityError, RecipeError, SourceError
from manifests.inputs import find_inputs, is_remote
from manifests.objects import Found
from manifests.opt_out_registry import Snapshot
from manifests.printable import printable_json
from manifests.storage import Storage, file_sha256
from pipeline.earlier import EarlierShard, earlier_shards
from pipeline.opt_outs import planned_registry
from pipeline.recipe import Recipe, Source

# Text bytes for one byte of shard, by suffix: what real shards of code and text show (3.1 to 4.9 for zstd).
_EXPANSION = {".zst": 4.0, ".gz": 3.5, ".parquet": 4.0}
_FETCHED_EXPANSION = 20.0  # times that, where texts are fetched: 1 byte of such rows in .zst names 79 of contents
_PARTITION_TEXT_BYTES = 1_000_000_000
_MAXIMUM_PARTITIONS = 256
_MAXIMUM_SLICES = 1024  # more would make the blocks of a unit too small: slices grow instead, beyond 34 GB of text
_UNIT_BYTES = 4 * 1024 * 1024
_NOTHING_HERE = "paths are relative to the recipe's folder; quote patterns in YAML"
_NOTHING_IN_BUCKET = "check the name, upper and lower case, too; in patterns ** is any depth of folders, * one"
_BLOCK_BYTES = 256 * 1024  # compressed input for every block a unit writes, about 1 MB of text


class Shard(msgspec.Struct, frozen=True):
    """One input file.

    Attributes:
        name: `<source>/<path below the source's common folder>`; what records, decisions and the manifest call it.
        path: where it is read from; stays out of every output.
        sha256: of the file's bytes; empty for an object of a bucket, which no plan reads: ingest's record has it.
        etag: of an object of a bucket; empty for a local file.
    """

    name: str
    path: str
    source: str
    num_bytes: int
    sha256: str
    etag: str = ""

    @property
    def identity(self) -> str:
        """What tells this file from another in its place."""
        return self.sha256 or f"{self.num_bytes} bytes, ETag {self.etag}"

    @property
    def found(self) -> Found:
        """The file as it was found, to open it again."""
        return Found(self.path, self.num_bytes, self.etag)


class Plan(msgspec.Struct, frozen=True):
    """Units of input shards, partitions, slices.

    Attributes:
        units: groups of shards of one source, in order of source and shard name.
        slices_per_partition: slice s belongs to partition s // slices_per_partition.
        earlier: shards of the earlier releases that the recipe names.
        opt_outs: the state of the opt-out registry that the run heeds; None where the recipe names none.
    """

    units: list[list[Shard]]
    partitions: int
    slices_per_partition: int
    earlier: list[EarlierShard] = []
    opt_outs: Snapshot | None = None

    @property
    def num_slices(self) -> int:
        """Slices of all partitions together."""
        return self.partitions * self.slices_per_partition

    def slices_of(self, partition: int) -> range:
        """Numbers of the slices of a partition."""
        first = partition * self.slices_per_partition
        return range(first, first + self.slices_per_partition)

    @property
    def num_readers(self) -> int:
        """Units that read texts again to compare them: input units, then shards of earlier releases."""
        return len(self.units) + len(self.earlier)

    @property
    def num_bytes(self) -> int:
        """Bytes of all input shards as they lie there."""
        return sum(shard.num_bytes for unit in self.units for shard in unit)


def make_plan(recipe: Recipe, work: Storage) -> Plan:
    """Find the shards and group them.

    Raises:
        RecipeError: a source's patterns match nothing, the input is too large for this version, or an earlier release
            or the opt-out registry cannot be used.
        SourceError: a shard cannot be read.
        IntegrityError: an earlier release or the registry is damaged.
    """
    opt_outs = planned_registry(recipe)
    identities = _Identities(work)
    sources = sorted(recipe.sources, key=lambda source: source.name)
    try:
        earlier = earlier_shards(recipe, identities.of_release)
        shards = [shard for source in sources for shard in _shards(source, identities, recipe.s3.access)]
    finally:
        identities.save()  # what was hashed before a stop is not hashed again
    fetched = {source.name: _FETCHED_EXPANSION for source in sources if source.format == "stack-v2-ids"}
    text_bytes = sum(
        shard.num_bytes * _EXPANSION.get(PurePosixPath(shard.path).suffix, 1.0) * fetched.get(shard.source, 1.0)
        for shard in shards
    )
    partitions = recipe.partitions or _divide_up(text_bytes, _PARTITION_TEXT_BYTES)
    if partitions > _MAXIMUM_PARTITIONS:
        raise RecipeError(
            f"{partitions} partitions for {text_bytes / 1e9:,.0f} GB of text; expected at most {_MAXIMUM_PARTITIONS}: "
            "a second exchange round is not in this version",
            hint="split the input into several releases, or set `partitions: 256`",
        )
    slices = min(_divide_up(text_bytes / partitions, recipe.limits.slice_bytes), max(1, _MAXIMUM_SLICES // partitions))
    unit_bytes = recipe.limits.unit_bytes or max(_UNIT_BYTES, partitions * slices * _BLOCK_BYTES)
    return Plan(list(_units(shards, unit_bytes, fetched)), partitions, slices, earlier, opt_outs)


def read_plan(work: Storage) -> Plan:
    """The plan of the last run in this work folder; raises RecipeError where there is none."""
    if not work.exists("plan.json"):
        raise RecipeError(
            f"{work.root}: not a work folder; expected plan.json, found none", hint="`corpusmill run RECIPE` makes one"
        )
    try:
        return msgspec.json.decode(work.read("plan.json"), type=Plan)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(
            f"{work.path('plan.json')}: not a plan; expected what `corpusmill run` writes there",
            hint="run the recipe again: what is done stays done",
        ) from error


def write_plan(work: Storage, plan: Plan) -> None:
    """Put the plan where tasks, `status` and `explain` find it."""
    work.write("plan.json", printable_json(msgspec.json.format(msgspec.json.encode(plan))))


class _Identities:
    """sha256 of input files, remembered by path, size and time of change so that an unchanged file is read once."""

    def __init__(self, work: Storage) -> None:
        self._work = work
        self._known: dict[str, tuple[int, int, str]] = {}
        if work.exists("inputs.json"):
            with suppress(
                msgspec.MsgspecError, UnicodeDecodeError, RecursionError
            ):  # damaged: every file is hashed again
                self._known = msgspec.json.decode(work.read("inputs.json"), type=dict[str, tuple[int, int, str]])
        self._seen: dict[str, tuple[int, int, str]] = {}

    def sha256(self, path: Path) -> tuple[int, str]:
        try:
            status = path.stat()
            key = (status.st_size, status.st_ctime_ns)  # unlike mtime, it cannot be kept when a file is replaced
            known = self._known.get(str(path))
            if known and known[:2] == key:
                digest = known[2]
            else:
                with path.open("rb") as file:
                    digest = file_sha256(file)
        except OSError as error:
            raise SourceError(
                f"{path}: cannot be read: {error.strerror}", hint="check the file and run again"
            ) from error
        self._seen[str(path)] = (*key, digest)
        return status.st_size, digest

    def of_release(self, release: Storage, name: str) -> tuple[int, str]:
        if release.folder is not None:
            return self.sha256(release.folder / name)
        with release.open(name) as file:
            digest = file_sha256(file)
            return file.tell(), digest

    def save(self) -> None:
        if self._seen != self._known:
            encoded = msgspec.json.encode(self._seen, order="deterministic")
            self._work.write("inputs.json", printable_json(encoded))


def _shards(source: Source, identities: _Identities, access: Access) -> Iterable[Shard]:
    found: dict[str, Found] = {}
    for pattern in source.paths:
        matches = find_inputs(pattern, access)
        if not matches:
            raise RecipeError(
                f"sources.{source.name}.paths: {pattern}: expected at least one file, found none",
                hint=_NOTHING_IN_BUCKET if is_remote(pattern) else _NOTHING_HERE,
            )
        found |= {match.path: match for match in matches}
    folder = _common_folder(source, found)
    below = len(folder) + 1 if folder else 0
    for path in sorted(found, key=lambda path: path[below:]):
        _check_name(path)
        name = f"{source.name}/{path[below:]}"
        if is_remote(path):
            yield Shard(name, path, source.name, found[path].num_bytes, "", found[path].etag)
        else:
            num_bytes, digest = identities.sha256(Path(path))
            yield Shard(name, path, source.name, num_bytes, digest)


def _common_folder(source: Source, paths: Iterable[str]) -> str:
    folders = {dirname(path) for path in paths}
    if len({_bucket(folder) for folder in folders}) > 1:
        raise RecipeError(
            f"sources.{source.name}.paths: expected files of one bucket or of this machine, got several",
            hint="make it two sources, one for each place",
        )
    if _bucket(next(iter(folders))):
        # posixpath would make one slash of the two behind the scheme.
        return f"s3:/{commonpath([folder.removeprefix('s3:/') for folder in folders])}"
    common = commonpath(folders)
    return "" if common == "/" else common


def _bucket(folder: str) -> str:
    return folder.split("/")[2] if is_remote(folder) else ""


def _check_name(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise SourceError(f"{path!r}: the name is not UTF-8; expected one that is", hint="rename the shard") from error


def _units(shards: list[Shard], unit_bytes: int, fetched: Mapping[str, float]) -> Iterable[list[Shard]]:
    unit: list[Shard] = []
    for shard in shards:
        full = sum(member.num_bytes * fetched.get(member.source, 1.0) for member in unit) >= unit_bytes
        if unit and (full or unit[0].source != shard.source):
            yield unit
            unit = []
        unit.append(shard)
    if unit:
        yield unit


def _divide_up(amount: float, part: float) -> int:
    return max(1, math.ceil(amount / part))

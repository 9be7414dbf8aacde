"""Earlier releases that a recipe names: what of them a run reads, and their index as the steps for duplicates ask it.

`deduplication.against`: what such a release holds leaves this one. `held_out.releases`: what such a release held out is
held out again, and whatever is a duplicate of it leaves training. Both ask the release's `index/` and `bands/`, and its
`texts/` and `held_out/` for exact similarities.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.buckets import Access
from manifests.errors import IntegrityError, RecipeError
from manifests.release import MANIFEST, Manifest
from manifests.storage import Storage
from pipeline.recipe import Recipe
from stages.candidates import Digests
from stages.parquet_files import ParquetFile
from stages.parquet_headers import MalformedPagesError
from stages.parquet_pages import WatchedParquet
from stages.release_index import BAND_ROWS, rows_at, rows_with_keys
from stages.rewrite_provenance import ORIGINAL
from stages.text_lines import MalformedLinesError, read_lines
from stages.texts import RELEASED_TEXTS

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
# Of the index, what tells an equal document.
_OF_EQUAL = ["key_high", "key_low", "doc_id", "held_out"]
_OF_TEXT = pa.schema([RELEASED_TEXTS.field("doc_id"), RELEASED_TEXTS.field("text")])
_LINES = ".jsonl.zst"
MAXIMUM_ROW_GROUP_BYTES = 1 << 30
"""Of a file of an earlier release, unpacked, whatever that release says."""
# Of `deduplication.near`, what keys and signatures depend on.
_MEASURED_BY = ("ngram_words", "bands", "rows", "seed")


class EarlierShard(msgspec.Struct, frozen=True):
    """A shard of an earlier release.

    Attributes:
        release: its name and version.
        folder: of the release.
        file: name of the shard in each folder of the release but those of texts.
        digest: of the release's manifest.
        against: whether all that it holds leaves this run, not only duplicates of what it held out.
        holds_out: whether what it held out is held out again.
        texts: its files of texts, by folder. Without "texts" only equal documents can be found, but for those it held
            out. "rewrites" has the originals of documents that it had rewritten: its index is about these.
    """

    release: str
    folder: str
    file: str
    digest: str
    against: bool
    holds_out: bool
    texts: dict[str, str]

    @property
    def identity(self) -> list[object]:
        """What outputs depend on."""
        return [self.release, self.file, self.digest, self.against, self.holds_out]


class Matches(NamedTuple):
    """Documents of an earlier release that have the key of one of ours.

    Attributes:
        key: their keys, as two uint64[n].
        name: their ids; 16 bytes each.
        held_out: bool[n], whether they were held out there.
    """

    key: Digests
    name: list[bytes]
    held_out: Bools


def earlier_shards(recipe: Recipe, sha256_of: Callable[[Storage, str], tuple[int, str]]) -> list[EarlierShard]:
    """The shards of every release that the recipe names, in its order.

    Args:
        sha256_of: gives size and sha256 of a file of a release.

    Raises:
        RecipeError: no release there, one without an index, or one whose shingles were cut otherwise.
        IntegrityError: a file that will be asked is not the one that the manifest lists.
    """
    against = recipe.deduplication.against
    holds_out = recipe.held_out.releases if recipe.held_out else []
    shards = []
    for folder in dict.fromkeys([*against, *holds_out]):
        key = "deduplication.against" if folder in against else "held_out.releases"
        release = Storage(folder, recipe.s3.access)
        manifest = _manifest(release, key)
        _check_measures(manifest, recipe, f"{key}: {folder}")
        suffixes = _text_suffixes(manifest)
        names = sorted(file.path.removeprefix("index/") for file in manifest.files if file.path.startswith("index/"))
        if not names:
            raise RecipeError(
                f"{key}: {folder}: expected a release with an index, found none",
                hint="make that release again with this version",
            )
        _check_files(manifest, release, sha256_of)
        shards += [
            EarlierShard(
                release=f"{manifest.name} {manifest.version}",
                folder=folder,
                file=name,
                digest=manifest.digest,
                against=folder in against,
                holds_out=folder in holds_out,
                texts={folder: f"{folder}/{PurePosixPath(name).stem}{suffix}" for folder, suffix in suffixes.items()},
            )
            for name in names
        ]
    return shards


def _text_suffixes(manifest: Manifest) -> dict[str, str]:
    """What the names of a release's files of texts end in, by those of their folders that are there."""
    found = {}
    for file in manifest.files:
        folder, _, name = file.path.partition("/")
        if folder in ("texts", "held_out", "rewrites"):
            found[folder] = _LINES if name.endswith(_LINES) else ".parquet"
    return found if "texts" in found else {folder: found[folder] for folder in found if folder != "rewrites"}


def _manifest(release: Storage, key: str) -> Manifest:
    if not release.exists(MANIFEST):
        raise RecipeError(
            f"{key}: {release.root}: expected the folder of a release, found no {MANIFEST} there",
            hint="give the release's own folder, as in releases/demo-0.1.0",
        )
    return Manifest.read(release)


def _check_measures(manifest: Manifest, recipe: Recipe, where: str) -> None:
    near = recipe.deduplication.near
    ours = near and {name: getattr(near, name) for name in _MEASURED_BY}
    theirs = manifest.recipe.get("deduplication", {}).get("near")
    theirs = theirs and {name: theirs.get(name) for name in _MEASURED_BY}
    forms = recipe.text_forms.model_dump()
    for key, expected, got in (
        ("deduplication.near", ours, theirs),
        ("text_forms", forms, manifest.recipe.get("text_forms")),
    ):
        if expected != got:
            raise RecipeError(
                f"{where}: its documents were measured by other settings; {key}: expected {expected}, got {got}",
                hint=f"give {key} the values of that release",
            )


def _check_files(manifest: Manifest, release: Storage, sha256_of: Callable[[Storage, str], tuple[int, str]]) -> None:
    """Index and bands by their bytes, for each of them decides; texts, which may be large, by their size."""
    folders = ("index", "bands", "texts", "held_out", "rewrites")
    present = {name: size for folder in folders for name, size in release.list(folder).items()}
    for file in manifest.files:
        kind = file.path.partition("/")[0]
        if kind not in folders:
            continue
        if file.path not in present:
            raise _damaged(release.root, file.path, f"expected a file of {file.num_bytes:,} bytes, found none")
        if (size := present[file.path]) != file.num_bytes:
            raise _damaged(release.root, file.path, f"expected {file.num_bytes:,} bytes, found {size:,}")
        if kind in ("index", "bands") and (digest := sha256_of(release, file.path)[1]) != file.sha256:
            raise _damaged(release.root, file.path, f"expected sha256 {file.sha256}, found {digest}")


def _damaged(folder: str, path: str, what: str) -> IntegrityError:
    return IntegrityError(
        f"{folder}/{path}: {what}", hint=f"`corpusmill verify {folder}` says what is wrong with that release"
    )


class EarlierIndex:
    """The index of the earlier releases of a plan.

    Args:
        access: how buckets are reached.
        first_unit: refs of earlier documents are (first_unit + number of the shard) << 32 | row of the index.
    """

    def __init__(self, shards: list[EarlierShard], first_unit: int, access: Access) -> None:
        self._shards = shards
        self._first_unit = first_unit
        self._access = access

    def equal(self, key: Digests) -> Iterator[tuple[EarlierShard, Matches]]:
        """Documents with one of some keys, shard by shard; some whose keys agree in the first half alone, too."""
        high = np.unique(key[0])
        for shard in self._shards:
            with self._opened(shard, f"index/{shard.file}") as index:
                for rows in rows_with_keys(index, high, "key_high", _OF_EQUAL):
                    halves = rows.column("key_high").to_numpy(), rows.column("key_low").to_numpy()
                    names = [bytes.fromhex(name) for name in rows.column("doc_id").to_pylist()]
                    yield shard, Matches(halves, names, rows.column("held_out").to_numpy())

    def sharing(self, keys: U64) -> Iterator[tuple[EarlierShard, U64, U64, Bools]]:
        """Documents with one of some band keys, of shards that have texts: (shard, keys, refs, held out there)."""
        for number, shard in enumerate(self._shards):
            if not shard.texts:
                continue
            with self._opened(shard, f"bands/{shard.file}") as bands:
                found = pa.concat_tables([BAND_ROWS.empty_table(), *rows_with_keys(bands, keys, "key")])
            rows, place = np.unique(found.column("row").to_numpy().astype(np.int64), return_inverse=True)
            with self._opened(shard, f"index/{shard.file}") as index:
                flags = [table.column("held_out").to_numpy() for _, table in rows_at(index, rows, ["held_out"])]
            held_out = np.concatenate([np.empty(0, dtype=np.bool_), *flags])[place]
            wanted = held_out | (shard.against and "texts" in shard.texts)
            refs = np.uint64((self._first_unit + number) << 32) + rows[place].astype(np.uint64)
            yield shard, found.column("key").to_numpy()[wanted], refs[wanted], held_out[wanted]

    def values(self, number: int, rows: I64) -> Iterator[tuple[I64, pa.Array]]:
        """Signature values of some rows of a shard's index, ascending: (rows, values)."""
        shard = self._shards[number]
        with self._opened(shard, f"index/{shard.file}") as index:
            for here, table in rows_at(index, rows, ["values"]):
                yield here, table.column("values").combine_chunks()

    def texts(self, number: int, rows: I64) -> Iterator[tuple[int, bytes, str]]:
        """Texts of some rows of a shard's index: (row, id, text), in no order.

        Raises:
            IntegrityError: a document of the index has no text.
        """
        shard = self._shards[number]
        wanted: dict[str, int] = {}
        with self._opened(shard, f"index/{shard.file}") as index:
            for here, table in rows_at(index, rows, ["doc_id"]):
                wanted.update(zip(table.column("doc_id").to_pylist(), here.tolist(), strict=True))
        left = dict(wanted)
        for folder in sorted(shard.texts, key=lambda name: name != "rewrites"):  # originals before what became of them
            for identifier, text in self._texts(shard, folder, list(left)):
                row = left.pop(identifier, None)
                if row is not None:
                    yield row, bytes.fromhex(identifier), text
        if left:
            what = f"expected the texts of {len(wanted)} documents, found {len(wanted) - len(left)}"
            raise _damaged(shard.folder, f"*/{shard.file}", what)

    def _texts(self, shard: EarlierShard, folder: str, wanted: Sequence[str]) -> Iterator[tuple[str, str]]:
        """(id, text) of the documents of a file that are wanted."""
        path, column = shard.texts[folder], ORIGINAL if folder == "rewrites" else "text"
        names = pa.array(wanted, pa.string())
        with _told(shard, path), Storage(shard.folder, self._access).open(path) as file:
            tables = _from_lines(file, names) if path.endswith(_LINES) else _from_parquet(file, names, column)
            for rows in tables:
                yield from zip(rows.column("doc_id").to_pylist(), rows.column(column).to_pylist(), strict=True)

    @contextmanager
    def _opened(self, shard: EarlierShard, path: str) -> Iterator[ParquetFile]:
        """A Parquet file of a release; whatever cannot be read of it is an IntegrityError."""
        with _told(shard, path), Storage(shard.folder, self._access).open(path) as opened:
            yield WatchedParquet(opened, maximum_bytes=MAXIMUM_ROW_GROUP_BYTES)


def _from_parquet(opened: BinaryIO, names: pa.Array, column: str) -> Iterator[pa.Table]:
    file = WatchedParquet(opened, maximum_bytes=MAXIMUM_ROW_GROUP_BYTES)
    for group in range(file.num_row_groups):
        ids = file.read_row_group(group, columns=["doc_id"]).column("doc_id")
        here = np.flatnonzero(pc.is_in(ids, names).to_numpy())
        if len(here):
            yield file.read_row_group(group, columns=["doc_id", column]).take(pa.array(here))


def _from_lines(file: BinaryIO, names: pa.Array) -> Iterator[pa.Table]:
    for rows in read_lines(file, _OF_TEXT, others=True):
        yield rows.filter(pc.is_in(rows.column("doc_id"), names))


@contextmanager
def _told(shard: EarlierShard, path: str) -> Iterator[None]:
    """Make an IntegrityError of whatever cannot be read of a file of a release."""
    try:
        yield
    except (OSError, pa.ArrowException, UnicodeDecodeError, MalformedLinesError, MalformedPagesError) as error:
        what = str(error).partition("\n")[0]
        raise _damaged(shard.folder, path, f"cannot be read: {what}") from error

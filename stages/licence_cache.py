"""Licence cache: answers of the licence detector, kept across runs, by text.

A folder of immutable Parquet files, each sorted by key; a run adds files and never changes one, so any number of runs
and hosts may share the folder, over a network filesystem too. Cost: 60 bytes an answer; for every reader half a
millisecond a file and a second for a gigabyte, since it takes the digest of every file whole and only then decodes the
row groups in its range of keys.
"""

import errno
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.errors import NoSpaceError, RecipeError
from manifests.storage import Storage
from stages.exchange import table_of
from stages.licence_detection import Detection
from stages.parquet_files import ParquetFile

_SCHEMA = pa.schema(
    [("key", pa.binary()), ("expression", pa.string()), ("granted", pa.string()), ("confidence", pa.float64())]
)
_ROW_GROUP = 20_000
_SUFFIX = ".parquet"


class LicenceCache:
    """The answers of one detector version.

    Args:
        folder: made at the first answer that is written.
        version: of the detector and all that its answers depend on; other versions' answers are not seen.
    """

    def __init__(self, folder: str, version: str) -> None:
        self._storage = Storage(folder)
        self._version = version

    def known(self, keys: Iterable[bytes]) -> dict[bytes, Detection]:
        """The answers that are there for some keys; a damaged file, or one of somebody else's, answers nothing."""
        wanted = set(keys)
        if not wanted:
            return {}
        lowest, highest = min(wanted), max(wanted)
        found: dict[bytes, Detection] = {}
        for name in self._storage.list(self._version):
            for key, expression, granted, confidence in _rows(Path(self._storage.path(name)), lowest, highest):
                if key in wanted:
                    found[key] = Detection(expression, granted, confidence)
        return found

    def add(self, answers: Mapping[bytes, Detection]) -> None:
        """Keep answers for later runs; those that are undecided are not kept, since more time may decide them.

        Nothing is written where nothing is left. Raises RecipeError where the folder cannot be written, NoSpaceError
        where the disk is full.
        """
        rows = [(key, *item[:3]) for key, item in sorted(answers.items()) if item.decided]
        if not rows:
            return
        table = table_of(rows, _SCHEMA)
        try:
            with self._storage.new_file(self._version, _SUFFIX) as file:
                pq.write_table(table, cast("Any", file), row_group_size=_ROW_GROUP)
        except NoSpaceError as error:
            raise self._full(error.message) from error
        except OSError as error:
            raise self._unwritable(error) from error

    def check_writable(self) -> None:
        """Raise as `add` does where no answer could be kept; makes the folder, and disturbs nobody who writes there."""
        try:
            Path(self._storage.root).mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self._storage.root) as file:
                file.write(b"x")
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._full(f"{self._storage.root}: no space left: {error.strerror}") from error
            raise self._unwritable(error) from error

    def _full(self, message: str) -> NoSpaceError:
        hint = "free some space there, or name a folder elsewhere as licences.cache in the recipe, and run again"
        return NoSpaceError(f"{message}; this is the folder of the licence detector's answers", hint=hint)

    def _unwritable(self, error: OSError) -> RecipeError:
        return RecipeError(
            f"{self._storage.root}: cannot be written: {error.strerror}; expected a folder for the answers of the "
            "licence detector",
            hint="name another folder as licences.cache in the recipe, or make this one writable",
        )


def _rows(path: Path, lowest: bytes, highest: bytes) -> Iterator[tuple[bytes, str, str, float]]:
    """The answers of one file within a range of keys, and others near them; whatever is not answered is detected again.

    The digest in its name is compared first: pyarrow has been seen to wait for ever over a damaged file.
    """
    try:
        data = path.read_bytes()
        if path.suffix != _SUFFIX or sha256(data).hexdigest()[:32] != path.stem:
            return
        file = ParquetFile(pa.BufferReader(data))
    except (OSError, pa.ArrowException):
        return
    if not file.schema_arrow.equals(_SCHEMA):
        return
    keys = [file.metadata.row_group(group).column(0).statistics for group in range(file.num_row_groups)]
    groups = [group for group, key in enumerate(keys) if key.min <= highest and key.max >= lowest]
    table = file.read_row_groups(groups)
    yield from zip(*(table.column(name).to_pylist() for name in _SCHEMA.names), strict=True)

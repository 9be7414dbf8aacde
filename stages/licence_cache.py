"""Licence cache: answers of the licence detector, kept across runs, by text.

A folder of immutable Parquet files, each sorted by key; a run adds files and never changes one, so any number of runs
and hosts may share the folder, over a network filesystem too. Cost: 60 bytes an answer; a reader skips the row groups
outside its range of keys.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.errors import RecipeError
from manifests.storage import Storage
from stages.licence_detection import Detection

_SCHEMA = pa.schema(
    [("key", pa.binary()), ("expression", pa.string()), ("granted", pa.string()), ("confidence", pa.float64())]
)
_ROW_GROUP = 20_000


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
        within = [("key", ">=", min(wanted)), ("key", "<=", max(wanted))]
        found: dict[bytes, Detection] = {}
        for name in self._storage.list(self._version):
            for key, expression, granted, confidence in _rows(self._storage.path(name), within):
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
        table = pa.table([pa.array(c, f.type) for c, f in zip(zip(*rows, strict=True), _SCHEMA, strict=True)], _SCHEMA)
        try:
            with self._storage.new_file(self._version, ".parquet") as file:
                pq.write_table(table, cast("Any", file), row_group_size=_ROW_GROUP, write_page_checksum=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def check_writable(self) -> None:
        """Raise RecipeError where no answer could be kept; makes the folder, and disturbs nobody who writes there."""
        try:
            Path(self._storage.root).mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self._storage.root) as file:
                file.write(b"x")
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> RecipeError:
        return RecipeError(
            f"{self._storage.root}: cannot be written: {error.strerror}; expected a folder for the answers of the "
            "licence detector",
            hint="name another folder as licences.cache in the recipe, or make this one writable",
        )


def _rows(path: str, within: list[tuple[str, str, bytes]]) -> list[tuple[bytes, str, str, float]]:
    try:
        table = pq.read_table(Path(path), filters=within, page_checksum_verification=True, partitioning=None)
    except (pa.ArrowException, OSError):
        return []  # whatever is not answered is detected again
    if not table.schema.equals(_SCHEMA) or any(column.null_count for column in table.columns):
        return []
    return list(zip(*(table.column(name).to_pylist() for name in _SCHEMA.names), strict=True))

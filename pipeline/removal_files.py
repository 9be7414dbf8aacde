"""Files of a release as removals read them: each proven to be the one that the manifest lists, and counted.

A bucket's files are read twice, once for their sha256; local ones mostly come from the page cache the second time.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from manifests.errors import IntegrityError
from manifests.release import ReleaseFile
from manifests.storage import Storage, file_sha256
from stages.parquet_files import ParquetFile

_HINT = "restore it from a copy; `corpusmill verify` says what else is damaged"


class ReleaseFiles:
    """The files of a release.

    Args:
        release: its folder.
        files: those that its manifest lists.

    Attributes:
        opened: how many files were opened, by folder; each counts once.
    """

    def __init__(self, release: Storage, files: Iterable[ReleaseFile]) -> None:
        self.storage = release
        self.opened: Counter[str] = Counter()
        self._files = {file.path: file for file in files}
        self._proven: set[str] = set()

    def __getitem__(self, path: str) -> ReleaseFile:
        """What is listed of a file.

        Raises:
            IntegrityError: it is not listed.
        """
        if path not in self._files:
            raise IntegrityError(f"{self.storage.path(path)}: expected a file that the manifest lists", hint=_HINT)
        return self._files[path]

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def __iter__(self) -> Iterator[ReleaseFile]:
        return iter(self._files.values())

    def folder(self, name: str) -> list[str]:
        """The files of a folder, in order."""
        return sorted(path for path in self._files if path.startswith(f"{name}/"))

    def check_sizes(self) -> None:
        """Raise IntegrityError unless every file is there in its size."""
        present = self.storage.list("")
        for path, file in sorted(self._files.items()):
            if present.get(path) != file.num_bytes:
                got = f"{present[path]:,} bytes" if path in present else "none"
                raise IntegrityError(
                    f"{self.storage.path(path)}: expected a file of {file.num_bytes:,} bytes, got {got}", hint=_HINT
                )

    def prove(self, path: str) -> None:
        """Raise IntegrityError unless a file has the bytes that are listed; once for each."""
        if path in self._proven:
            return
        self.opened[path.partition("/")[0]] += 1
        with self.storage.open(path) as file:
            digest = file_sha256(file)
        if digest != self[path].sha256:
            raise IntegrityError(
                f"{self.storage.path(path)}: expected sha256 {self[path].sha256[:12]}, got {digest[:12]}", hint=_HINT
            )
        self._proven.add(path)

    @contextmanager
    def parquet(self, path: str) -> Iterator[ParquetFile]:
        """A Parquet file, proven.

        Raises:
            IntegrityError: it is damaged, or no Parquet file, or what is read of it is not as it should be.
        """
        self.prove(path)
        try:
            with ParquetFile(self.storage.source(path)) as file:
                yield file
        except (pa.ArrowException, KeyError, ValueError) as error:
            raise IntegrityError(
                f"{self.storage.path(path)}: cannot be read as a file of a release: {str(error)[:200]}", hint=_HINT
            ) from error

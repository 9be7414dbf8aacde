"""Files of a release that is made of another one: each appears in its place whole, and is listed as it is placed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, cast

import msgspec

from manifests.release import ReleaseFile
from manifests.storage import Storage


@dataclass(frozen=True, slots=True)
class NewFiles:
    """What was placed.

    Attributes:
        waiting: a folder for what is not whole yet.
        out: the release.
        listed: by path.
    """

    waiting: Storage
    out: Storage
    listed: dict[str, ReleaseFile] = field(default_factory=dict)

    @contextmanager
    def new(self, path: str) -> Iterator[IO[bytes]]:
        """Write a file, which is in place when the block ends well."""
        with self.waiting.new_file("whole", ".part") as file:
            yield cast("IO[bytes]", file)
        self.waiting.copy_to(file.name, self.out, path, digest=file.sha256)
        self.waiting.delete(file.name)
        self.listed[path] = ReleaseFile(path, file.num_bytes, file.sha256)

    def say_rows(self, path: str, rows: int) -> None:
        """Say how many rows a file has that is in place."""
        self.listed[path] = msgspec.structs.replace(self.listed[path], rows=rows)

    def write(self, path: str, data: bytes) -> None:
        """Put a small file in place."""
        self.out.write(path, data)
        self.listed[path] = ReleaseFile.of(path, data)

    def copy(self, listed: ReleaseFile, release: Storage) -> None:
        """Put a file of another release in place, as it is; raises IntegrityError where it is not the one listed."""
        release.copy_to(listed.path, self.out, listed.path, digest=listed.sha256)
        self.listed[listed.path] = listed

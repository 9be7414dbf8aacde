"""A storage that counts what is opened and read through it."""

from collections import Counter
from typing import Any, BinaryIO, cast

from manifests.storage import Storage


class CountingStorage(Storage):
    """A folder as it is.

    Attributes:
        opened: how often each file was opened.
        read_bytes: of each file.
    """

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.opened: Counter[str] = Counter()
        self.read_bytes: Counter[str] = Counter()

    def open(self, name: str) -> BinaryIO:
        """As the storage does."""
        return self._counted(name, super().open(name))

    def open_parts(self, name: str) -> BinaryIO:
        """As the storage does."""
        return self._counted(name, super().open_parts(name))

    def source(self, name: str) -> BinaryIO:
        """An open file, so that nobody reads it behind this one's back."""
        return self.open(name)

    def read(self, name: str) -> bytes:
        """As the storage does."""
        with self.open(name) as file:
            return file.read()

    def read_range(self, name: str, offset: int, length: int) -> bytes:
        """As the storage does."""
        with self.open(name) as file:
            file.seek(offset)
            return file.read(length)

    def _counted(self, name: str, file: BinaryIO) -> BinaryIO:
        self.opened[name] += 1
        return cast("BinaryIO", _Counted(file, name, self.read_bytes))


class _Counted:
    def __init__(self, file: BinaryIO, name: str, counts: Counter[str]) -> None:
        self._file = file
        self._name = name
        self._counts = counts

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._counts[self._name] += len(data)
        return data

    def __enter__(self) -> "_Counted":
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

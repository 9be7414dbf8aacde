"""A file in memory that knows which threads read it."""

import io
import threading


class SeenFile(io.BytesIO):
    """Bytes as an open file.

    Attributes:
        threads: those that have read.
    """

    def __init__(self, data: bytes, threads: set[int] | None = None) -> None:
        super().__init__(data)
        self.threads: set[int] = set() if threads is None else threads

    def read(self, size: int | None = -1, /) -> bytes:
        self.threads.add(threading.get_ident())
        return super().read(size)

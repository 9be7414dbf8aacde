"""Software Heritage contents: the texts of rows that name blobs, fetched by id, many at a time, given in row order.

A content is `<contents>/<blob_id>`, a gzip object. That it is not there, not what its name says, too large or not in
the encoding that the row names is said of that row alone. That it cannot be had now (a network, a server, credentials)
is an error of the storage, which has retried by then, and never a rejection. Bytes are verified wherever they came
from, so neither the place nor the cache can show in a document.

Memory: of each row in the window (twice `concurrency`) its fields and its content, `maximum_bytes` at most, and for
each thread an object of about that size.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from manifests.errors import UnitError
from manifests.storage import Storage
from stages.blob_cache import BlobCache
from stages.blob_rows import BlobRow
from stages.blobs import decoded, is_git_blob, missing, too_large, unpacked
from stages.ordered_work import in_order
from stages.rows import Fault, Row

# What may be said of a blob, apart from what may be said of its row.
BLOB_FAULTS = frozenset({"blob_missing", "blob_corrupt", "blob_too_large", "blob_undecodable", "content_id_mismatch"})


class Part(NamedTuple):
    """A part of a row, on its way to a document."""

    row: int
    part: int
    item: Row | BlobRow | Fault


class Filled(NamedTuple):
    """The same with its text."""

    row: int
    part: int
    item: Row | Fault


class Contents:
    """Where contents are fetched.

    Args:
        storage: holds one object for each blob, named by its id.
        cache: what was fetched; None keeps nothing.
        concurrency: requests at the same time.
        maximum_bytes: of a content; a larger one is a fault.
        beat: called about once a second while texts are waited for.
    """

    def __init__(
        self,
        storage: Storage,
        cache: BlobCache | None = None,
        *,
        concurrency: int,
        maximum_bytes: int,
        beat: Callable[[], object] = lambda: None,
    ) -> None:
        self._storage = storage
        self._cache = cache
        self._concurrency = concurrency
        self._maximum_bytes = maximum_bytes
        # gzip makes what cannot be compressed a little longer; an object beyond that is not even read to its end.
        self._maximum_packed_bytes = maximum_bytes + maximum_bytes // 100 + 4096
        self._beat = beat

    def fill(self, parts: Iterable[Part]) -> Iterator[Filled]:
        """Every part with its text, in order.

        Returns:
            Rows, or Faults: those that came in, `blob_missing`, `blob_corrupt`, `blob_too_large`, `blob_undecodable`,
            or `content_id_mismatch` where the row's two hashes are not of the same bytes.
        """
        return in_order(parts, self._filled, threads=self._concurrency, beat=self._beat)

    def _filled(self, part: Part) -> Filled:
        item = part.item
        return Filled(part.row, part.part, self._row(item) if isinstance(item, BlobRow) else item)

    def _row(self, wanted: BlobRow) -> Row | Fault:
        raw = self.blob(wanted.blob_id)
        if isinstance(raw, Fault):
            return raw
        if wanted.content_id and not is_git_blob(raw, wanted.content_id):
            return Fault("content_id_mismatch", f"blob {wanted.blob_id}: git's id is not the row's content_id")
        text = decoded(raw, wanted.encoding, wanted.blob_id)
        return text if isinstance(text, Fault) else wanted.row._replace(text=text)

    def blob(self, blob_id: str) -> bytes | Fault:
        """The verified bytes of one blob."""
        if self._cache is not None:
            packed = self._cache.read(blob_id, maximum_bytes=self._maximum_packed_bytes + 1)
            if packed is not None and isinstance(raw := self._unpacked(packed, blob_id), bytes):
                return raw
        raw, packed = self._fetched(blob_id)
        if isinstance(raw, Fault) and raw.reason == "blob_corrupt":
            raw, packed = self._fetched(blob_id)  # damage on the way is no reason to lose a file
        if self._cache is not None and isinstance(raw, bytes):
            self._cache.write(blob_id, packed)
        return raw

    def _fetched(self, blob_id: str) -> tuple[bytes | Fault, bytes]:
        packed = self._object(blob_id)
        return (missing(blob_id), b"") if packed is None else (self._unpacked(packed, blob_id), packed)

    def _unpacked(self, packed: bytes, blob_id: str) -> bytes | Fault:
        if len(packed) > self._maximum_packed_bytes:
            return too_large(blob_id, self._maximum_bytes)
        return unpacked(packed, blob_id, maximum_bytes=self._maximum_bytes)

    def _object(self, blob_id: str) -> bytes | None:
        packed = self._storage.read_start(blob_id, self._maximum_packed_bytes + 1)
        folder = self._storage.folder
        if packed is None and folder is not None and not folder.is_dir():
            raise UnitError(
                f"{folder}: expected the folder of contents, found none", hint="mount it again and run again"
            )
        return packed

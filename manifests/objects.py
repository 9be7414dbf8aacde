"""Objects: reading one object of a bucket, whole or by ranges, so that a broken connection costs a range and no more.

Every read after the first asks for the very object that was found (`If-Match`): an object replaced meanwhile is an
error and never a mixture of two.
"""

import io
from typing import Any, NamedTuple

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from manifests.buckets import SCHEME, Access, BrokenOffError, ChangedError, GoneError, client, split, told
from manifests.errors import RetryableError

BLOCK_BYTES = 8 << 20
_BODY_ATTEMPTS = 6
_LONGEST_WAIT_SECONDS = 20


class Found(NamedTuple):
    """An object or a file as a listing gives it; `etag` is empty for a local file."""

    path: str
    num_bytes: int
    etag: str


def find_object(url: str, access: Access) -> Found | None:
    """Size and ETag of an object; None where there is none."""
    bucket, key = split(url)
    try:
        with told(url):
            answer = client(access.of(bucket)).head_object(Bucket=bucket, Key=key)
    except GoneError:
        return None
    return Found(url, int(answer["ContentLength"]), str(answer["ETag"]))


def read_object(url: str, access: Access, *, first: int = 0, length: int | None = None, etag: str = "") -> bytes:
    """Bytes of an object: all, or at most `length` from `first`; none where it is shorter than `first`.

    Args:
        etag: of the object that is meant; empty: of any.

    Raises:
        GoneError: no such object.
        ChangedError: another object is there than the one with this ETag.
        RetryableError: it could not be had in several attempts.
    """
    if length == 0:
        return b""
    bucket, key = split(url)
    asked: dict[str, Any] = {"Bucket": bucket, "Key": key} | ({"IfMatch": etag} if etag else {})
    if first or length is not None:
        asked["Range"] = f"bytes={first}-{'' if length is None else first + length - 1}"

    def read() -> bytes:
        with told(url):
            try:
                body = client(access.of(bucket)).get_object(**asked)["Body"]
            except Exception as error:
                answer = getattr(error, "response", None) or {}  # None, too, where there was no answer
                if answer.get("ResponseMetadata", {}).get("HTTPStatusCode") == 416:
                    return b""  # it ends before that
                raise
        try:
            with told(url):
                return bytes(body.read())
        except RetryableError as error:
            raise BrokenOffError(error.message, hint=error.hint) from error

    attempts = Retrying(
        retry=retry_if_exception_type(BrokenOffError),
        wait=wait_random_exponential(multiplier=0.2, max=_LONGEST_WAIT_SECONDS),
        stop=stop_after_attempt(_BODY_ATTEMPTS),
        reraise=True,
    )
    return attempts(read)


class ObjectReader(io.RawIOBase):
    """An object as a file that can seek; memory is one block. Wrap it in a BufferedReader of `BLOCK_BYTES`."""

    def __init__(self, found: Found, access: Access) -> None:
        super().__init__()
        self._found = found
        self._access = access
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; the next read begins there."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._found.num_bytes}[whence]
        if start + offset < 0:
            raise ValueError(f"{SCHEME}: expected a position from 0, got {start + offset}")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, by one request of a block at most; 0 at the end.

        Raises:
            ChangedError: it ends before the size that was found.
        """
        wanted = min(len(buffer), BLOCK_BYTES, max(0, self._found.num_bytes - self._position))
        if not wanted:
            return 0
        data = read_object(self._found.path, self._access, first=self._position, length=wanted, etag=self._found.etag)
        if not data:  # which would be taken for its end
            raise ChangedError(
                f"{self._found.path}: expected {self._found.num_bytes} bytes, found no more than {self._position}",
                hint="run the same command again: what depends on it is made again",
            )
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def readall(self) -> bytes:
        """All that is left, by requests of a block: what `read` without a number of bytes asks for."""
        parts = []
        while part := self.read(BLOCK_BYTES):
            parts.append(part)
        return b"".join(parts)


def open_object(found: Found, access: Access, *, block_bytes: int = BLOCK_BYTES) -> io.BufferedReader:
    """An object that was found, for reading bytes, at least `block_bytes` at a time."""
    return io.BufferedReader(ObjectReader(found, access), block_bytes)

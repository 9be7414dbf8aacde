"""Bucket files: a prefix of a bucket, in which a file appears whole: by one PUT, or by an upload completed last.

What is written is spooled to a local temporary file first (`TMPDIR`), since its name follows from its content. A killed
writer leaves at most an upload that nobody completes: `unfinished` lists them.
"""

import errno
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from posixpath import dirname
from typing import Any, BinaryIO, cast

from manifests.buckets import SCHEME, Access, ChangedError, GoneError, client, pages, split, told
from manifests.errors import IntegrityError, RetryableError, StorageError
from manifests.local_files import no_space
from manifests.objects import find_object, open_object, read_object
from manifests.spool import Spool

_PART_BYTES = 32 << 20
_PART_THREADS = 4
_COPIED_BYTES = 1 << 30  # of a part that the server copies: no byte of it comes here
_THREADS = 16
_UPDATES = 50
_READ_AHEAD_BYTES = 1 << 16


_PROBE = "tmp/0-0000000000000000"  # a temporary name: what a killed one leaves is nobody else's


class BucketFiles:
    """The objects below a prefix; names are relative to it.

    Args:
        root: `s3://bucket/prefix`.
    """

    def __init__(self, root: str, access: Access) -> None:
        self._bucket, prefix = split(root)
        self.root = f"{SCHEME}{self._bucket}/{prefix}".rstrip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._access = access

    def path(self, name: str) -> str:
        """The full name."""
        return f"{self.root}/{name}"

    @property
    def _client(self) -> Any:
        return client(self._access.of(self._bucket))

    def is_file(self, name: str) -> bool:
        """Whether an object of that name is there."""
        return find_object(self.path(name), self._access) is not None

    def list(self, folder: str) -> dict[str, int]:
        """Every object below a folder with its size, in order of names."""
        below = f"{self._prefix}{folder.strip('/')}/" if folder else self._prefix
        found = {
            item["Key"][len(self._prefix) :]: int(item["Size"])
            for page in pages(self._access.of(self._bucket), "list_objects_v2", Bucket=self._bucket, Prefix=below)
            for item in page.get("Contents", [])
            if not item["Key"].endswith("/")  # what consoles make and call a folder
        }
        return dict(sorted(found.items()))

    def open(self, name: str) -> BinaryIO:
        """Open for reading by ranges; raises FileNotFoundError."""
        found = find_object(self.path(name), self._access)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "no such object", self.path(name))
        return cast("BinaryIO", open_object(found, self._access))

    def open_parts(self, name: str) -> BinaryIO:
        """Open for reading ranges as they are asked for, at least 64 KiB; raises FileNotFoundError."""
        found = find_object(self.path(name), self._access)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "no such object", self.path(name))
        return cast("BinaryIO", open_object(found, self._access, block_bytes=_READ_AHEAD_BYTES))

    def read(self, name: str, first: int = 0, length: int | None = None) -> bytes:
        """Some bytes, fewer at the end; raises FileNotFoundError."""
        return read_object(self.path(name), self._access, first=first, length=length)

    def read_many(self, names: Iterable[str]) -> dict[str, bytes]:
        """Whole objects, several at a time; one that is not there is left out."""

        def read(name: str) -> bytes | None:
            try:
                return self.read(name)
            except FileNotFoundError:
                return None

        chosen = list(names)
        if len(chosen) > _THREADS:  # one request lists 1,000 names, and asking for what is not there takes one for each
            present = {name for folder in {dirname(name) for name in chosen} for name in self.list(folder)}
            chosen = [name for name in chosen if name in present]
        with ThreadPoolExecutor(min(_THREADS, len(chosen) or 1)) as readers:
            found = zip(chosen, readers.map(read, chosen), strict=True)
            return {name: data for name, data in found if data is not None}

    @contextmanager
    def spool(self) -> Iterator[Spool]:
        """A local file that can be published when it is complete.

        Raises:
            NoSpaceError: the disk for temporary files is full.
        """
        try:
            with tempfile.TemporaryFile() as file:
                yield Spool(cast("BinaryIO", file), lambda name: self._publish(cast("BinaryIO", file), name))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise no_space(f"{tempfile.gettempdir()} (temporary files; TMPDIR names another folder)", error) from error

    def _publish(self, file: BinaryIO, name: str) -> None:
        from boto3.s3.transfer import TransferConfig

        num_bytes = file.tell()
        if num_bytes <= _PART_BYTES:
            file.seek(0)
            self.write(name, file.read())
            return
        config = TransferConfig(
            multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, max_concurrency=_PART_THREADS
        )

        file.flush()
        # By its name, though it has none: of a file that is open ten parts would be held in memory at once.
        opened = f"/proc/self/fd/{file.fileno()}"
        with told(self.path(name)):
            self._client.upload_file(opened, self._bucket, self._prefix + name, Config=config)
        found = find_object(self.path(name), self._access)
        if found is None or found.num_bytes != num_bytes:
            got = "none" if found is None else f"{found.num_bytes}"
            raise RetryableError(
                f"{self.path(name)}: expected an object of {num_bytes} bytes after its upload, found {got}",
                hint="run the same command again; if it stays so, the server loses what it confirms",
            )

    def copy_within(self, name: str, other: "BucketFiles") -> bool:
        """Have the server put an object below another prefix or into another bucket of its own, under the same name.

        Returns:
            False where there is no such object, the two are not reached in the same way, or the server does not do it.
        """
        from boto3.s3.transfer import TransferConfig

        if self._access.of(self._bucket) != other._access.of(other._bucket):
            return False
        found = find_object(self.path(name), self._access)
        if found is None:
            return False
        config = TransferConfig(
            multipart_threshold=_COPIED_BYTES, multipart_chunksize=_COPIED_BYTES, max_concurrency=_PART_THREADS
        )
        source = {"Bucket": self._bucket, "Key": self._prefix + name}
        with suppress(StorageError, RetryableError), told(other.path(name)):
            self._client.copy(
                source, other._bucket, other._prefix + name, {"CopySourceIfMatch": found.etag}, Config=config
            )
            made = find_object(other.path(name), other._access)
            return made is not None and made.num_bytes == found.num_bytes
        return False

    def write(self, name: str, data: bytes) -> None:
        """Put a whole object in place."""
        if not isinstance(data, bytes):
            raise TypeError(f"{name}: expected bytes, got {type(data).__name__}")
        with told(self.path(name)):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data)

    def write_new(self, name: str, data: bytes) -> bool:
        """Put an object in place where there is none; whether there was none, even where an answer was lost."""
        if self.is_file(name):  # what some servers would overwrite nevertheless
            return False
        try:
            with told(self.path(name)):
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data, IfNoneMatch="*")
        except ChangedError:
            # The first attempt may have been ours, and its answer lost.
            return self.is_file(name) and self.read(name) == data
        if self.read(name) != data:
            raise IntegrityError(
                f"{self.path(name)}: expected the object that was just written, found another",
                hint="this store does not hold to conditional writes (If-None-Match): use another for the work folder",
            )
        return True

    def update(self, name: str, change: Callable[[bytes], bytes | None]) -> None:
        """Put what `change` makes of an object in its place, on condition that it is still the one that was read.

        Raises:
            IntegrityError: this store does not hold to conditions.
            RetryableError: others replaced it again and again.
        """
        for attempt in range(_UPDATES):
            with suppress(ChangedError, GoneError):  # by somebody else; or by us, and the answer was lost: look again
                found = find_object(self.path(name), self._access)
                before = b"" if found is None else read_object(self.path(name), self._access, etag=found.etag)
                if (after := change(before)) is None:
                    return
                if not attempt:
                    self._check_conditions()
                condition = {"IfNoneMatch": "*"} if found is None else {"IfMatch": found.etag}
                with told(self.path(name)):
                    self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=after, **condition)
                return
        raise RetryableError(
            f"{self.path(name)}: expected to replace it, but others did so first, {_UPDATES} times",
            hint="run the same command again when fewer write there",
        )

    def _check_conditions(self) -> None:
        """Ask for what cannot be: a store that does it would let two writers overwrite each other."""
        try:
            with told(self.path(_PROBE)):
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + _PROBE, Body=b"x", IfMatch='"0"')
        except (ChangedError, GoneError):
            return
        self.delete(_PROBE)
        raise IntegrityError(
            f"{self.root}: expected a write on a condition that does not hold to be refused, but it was done",
            hint="this store does not hold to conditional writes (If-Match): keep the registry elsewhere",
        )

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens where there is none."""
        with told(self.path(name)):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def delete_many(self, names: Iterable[str]) -> None:
        """Remove objects, several at a time."""
        with ThreadPoolExecutor(_THREADS) as threads:
            for _ in threads.map(self.delete, names):  # which raises what one of them raised
                pass

    def check_writable(self) -> None:
        """Raise StorageError or RecipeError where no object can be written here."""
        self.write(_PROBE, b"x")
        self.delete(_PROBE)

    def unfinished(self, ours: re.Pattern[str]) -> dict[str, int]:
        """Uploads that nobody completed: `<name>?<upload>`, with the bytes of their parts; nobody may be writing.

        Args:
            ours: what names of files match; other people's uploads may lie below the same prefix.
        """
        found: dict[str, int] = {}
        access = self._access.of(self._bucket)
        for page in pages(access, "list_multipart_uploads", Bucket=self._bucket, Prefix=self._prefix):
            for upload in page.get("Uploads", []):
                key, number = upload["Key"], upload["UploadId"]
                if not ours.fullmatch(key[len(self._prefix) :]):
                    continue
                parts = pages(access, "list_parts", Bucket=self._bucket, Key=key, UploadId=number)
                num_bytes = sum(int(part["Size"]) for page in parts for part in page.get("Parts", []))
                found[f"{key[len(self._prefix) :]}?{number}"] = num_bytes
        return found

    def clear_unfinished(self, ours: re.Pattern[str]) -> None:
        """Abort uploads that nobody completed."""
        for upload in self.unfinished(ours):
            name, _, number = upload.rpartition("?")
            with told(self.path(name)):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._prefix + name, UploadId=number)

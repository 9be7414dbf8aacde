"""Inputs: files that a recipe names, local or of a bucket: how they are found by pattern, and read as found.

A listing is all that finding costs: a bucket's objects are known by name, size and ETag, and read under that ETag.
"""

import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from fsspec.utils import glob_translate

from manifests.buckets import SCHEME, Access, check_bucket, pages, split
from manifests.objects import Found, find_object, open_object

_WILDCARD = re.compile(r"[*?\[]")


def is_remote(path: str) -> bool:
    """Whether a path names an object of a bucket."""
    return path.startswith(SCHEME)


def find_inputs(pattern: str, access: Access) -> list[Found]:
    """The files that a pattern matches, in no order; `**` is any depth of folders.

    A local file is given with -1 bytes: who reads it will look.

    Raises:
        StorageError: the bucket refuses; RecipeError where there is none.
    """
    if is_remote(pattern):
        return list(_objects(pattern, access))
    # A named file is one that is there, whatever it is called; a FIFO or a folder is none.
    matches = {Path(match) for match in _local(pattern)}
    return [Found(str(match), -1, "") for match in matches if match.is_file()]


def _local(pattern: str) -> Iterator[str]:
    """What a pattern matches. Of links that lead in circles `glob` would try every way round, which takes for ever."""
    if pattern == "**" or pattern.endswith("/**"):
        pattern += "/*"
    place = f"/{pattern}".find("/**/")
    if place < 0:
        yield from glob.glob(pattern)  # noqa: PTH207 - takes whole patterns
        return
    head, rest = pattern[:place], pattern[place + 3 :]
    seen: set[str] = set()
    for start in sorted(glob.glob(head)) if head else [""]:  # noqa: PTH207
        for folder in _folders(start, seen):
            yield from _local(os.path.join(glob.escape(folder), rest))  # noqa: PTH118


def _folders(start: str, seen: set[str]) -> Iterator[str]:
    """A folder and all below it that are not hidden, each once however many links lead there."""
    for folder, below, _ in os.walk(start or ".", followlinks=True):
        place = os.path.realpath(folder)
        below[:] = [] if place in seen else sorted(name for name in below if not name.startswith("."))
        if place not in seen:
            seen.add(place)
            yield folder


def _objects(pattern: str, access: Access) -> Iterator[Found]:
    found = find_object(pattern, access) if split(pattern)[1] else None
    if found:  # a key may hold brackets
        yield found
        return
    bucket, key = split(pattern)
    wildcard = _WILDCARD.search(key)
    if not wildcard:
        check_bucket(bucket, access)
        return
    matches = re.compile(glob_translate(key)).fullmatch
    listing = pages(access.of(bucket), "list_objects_v2", Bucket=bucket, Prefix=key[: wildcard.start()])
    for page in listing:
        for item in page.get("Contents", []):
            if matches(item["Key"]) and not item["Key"].endswith("/"):
                yield Found(f"{SCHEME}{bucket}/{item['Key']}", int(item["Size"]), str(item["ETag"]))


def open_input(found: Found, access: Access) -> BinaryIO:
    """Open a file as it was found, for reading at random.

    Raises:
        OSError: it is not there, or cannot be read; ChangedError, when it is read, where it is another object now.
    """
    if is_remote(found.path):
        return cast("BinaryIO", open_object(found, access))
    return Path(found.path).open("rb")

"""Lookalikes: files full of hashes, ids and packed code have no secrets in them, and hardly one is found.

The files are picked by name and content, not by what is found in them. Addresses are left out: those of authors stand
in such files, too.
"""

import io
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest
import zstandard

from filters.redaction_policy import only
from stages.scanning import find_spans

SHARED = Path(os.environ.get("CORPUSMILL_SHARED", Path(__file__).parents[2] / "../shared"))
POLICY = only(
    "private_key", "secret", "url_password", "assigned_secret", "payment_card", "iban", "phone_number"
)  # fmt: skip
MAXIMUM_PER_FILE = 0.01
MINIMUM_FILES = 15

_LOCK = re.compile(
    r"(?:[-.]lock|lock\.(?:json|ya?ml)|go\.sum|SHA256SUMS|checksums?(?:\.\w+)?|shrinkwrap\.json)\Z", re.IGNORECASE
)
_HASH = re.compile(rb"\b(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\b|\bsha(?:1|256|384|512)-[A-Za-z0-9+/]{27,}")
_UUID = re.compile(rb"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_MINIFIED = re.compile(r"\.min\.(?:js|css)\Z|\bbundle\.js\Z|\.map\Z", re.IGNORECASE)
_VECTORS = re.compile(
    r"(?:test|spec)s?/.*(?:crypt|hash|sha\d|md5|aes|hmac|digest|vector|base64)|test[_-]?vector", re.IGNORECASE
)

# Files that really hold what is found.
TRUE = {
    "/docs/config.rst": "the SECRET_KEY of Flask's manual, six times",
    "/docker/Dockerfile.gpu": "the hash of a password, with its salt",
    "/tests/windows-1255-hebrew/hydepark.hevre.co.il.7957.xml": "phone numbers of articles in a feed",
}


def mean_line_bytes(data: bytes) -> float:
    return len(data) / (data.count(b"\n") + 1)


SORTS: dict[str, Callable[[str, bytes], bool]] = {
    "lock files": lambda path, _: bool(_LOCK.search(path)),
    "hashes": lambda _, data: len(_HASH.findall(data)) >= 5,
    "uuids": lambda _, data: len(_UUID.findall(data)) >= 5,
    "minified": lambda path, data: bool(_MINIFIED.search(path)) or (len(data) > 5_000 and mean_line_bytes(data) > 500),
    "test vectors": lambda path, _: bool(_VECTORS.search(path)),
    "embedded data": lambda _, data: b";base64," in data,
}


@cache
def files() -> list[tuple[str, bytes]]:
    return list(_rows())


def _rows() -> Iterator[tuple[str, bytes]]:
    shards = sorted((SHARED / "data/stack_v2").glob("part-*.jsonl.zst"))
    if not shards:
        pytest.skip(f"shared data absent: {SHARED}")
    for shard in shards:
        with shard.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            for line in io.BufferedReader(stream):
                row = msgspec.json.decode(line)
                yield row["path"], row["content"].encode()


@pytest.mark.real
@pytest.mark.parametrize("sort", SORTS)
def test_hardly_anything_is_found(sort: str) -> None:
    of_sort = [(path, data) for path, data in files() if path not in TRUE and SORTS[sort](path, data)]
    found = [(path, span) for path, data in of_sort for span in find_spans(data, policy=POLICY)]
    print(f"{sort}: {len(found)} findings in {len(of_sort)} files", *found, sep="\n  ")  # noqa: T201 - for who looks
    assert len(of_sort) >= MINIMUM_FILES
    assert len(found) < MAXIMUM_PER_FILE * len(of_sort)

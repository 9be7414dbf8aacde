"""The table of a release's documents: what each is, where it is from and which hashes name it, without its text.

One file for each shard, a row for each document of the shard and each that was held out beside it, sorted by `doc_id`
over the whole file. It is what queries, diffs and removals read.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

RELEASED_DOCUMENTS = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("doc_id", "kind", "source", "subset", "language")),
        *(pa.field(name, pa.string(), nullable=False) for name in ("licence", "repository", "path", "revision", "url")),
        *(pa.field(name, pa.string(), nullable=False) for name in ("swhid", "blob", "sha256", "content_hash")),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("num_bytes", "tokens")),
        pa.field("copies", pa.int32(), nullable=False),
        pa.field("held_out", pa.bool_(), nullable=False),
        pa.field("rewrite", pa.string(), nullable=False),
    ]
)
LOOKUP = pa.schema(
    [pa.field(name, pa.uint64(), nullable=False) for name in ("key_high", "key_low")]
    + [pa.field("shard", pa.uint32(), nullable=False)]
)
"""Which shards hold something: rows sorted, each once. A file holds a range of keys, not the documents of a shard."""
LOOKUP_KINDS = ("id", "blob", "sha256", "content", "repository", "owner", "url")

U64 = npt.NDArray[np.uint64]


def lookup_keys(kind: str, values: Sequence[str]) -> tuple[U64, U64]:
    """The keys of some values: two uint64[n], the halves of xxh3_128(kind NUL value).

    Args:
        kind: one of `LOOKUP_KINDS`.
        values: hashes and ids in lower-case hex; repositories and owners in lower case.
    """
    prefix = kind.encode() + b"\0"
    digests = b"".join(xxhash.xxh3_128_digest(prefix + value.encode("utf-8", "surrogatepass")) for value in values)
    halves = np.frombuffer(digests, dtype=">u8").reshape(-1, 2).astype(np.uint64)
    return halves[:, 0], halves[:, 1]

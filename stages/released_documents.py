"""The table of a release's documents: what each is, where it is from and which hashes name it, without its text.

One file for each shard, a row for each document of the shard and each that was held out beside it, sorted by `doc_id`
over the whole file. It is what queries, diffs and removals read.
"""

from collections.abc import Iterable, Sequence
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from manifests.opt_out_values import owner_key, repository_key, url_key
from stages.exchange import RowStream, lexsorted
from stages.release_index import with_release

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
DOCUMENT_ROWS = 16 * 1024  # of a row group: 2 to 4 MB
LOOKUP_ROWS = 64 * 1024  # 1.1 MB
# Others hardly repeat, so a dictionary would cost time and bytes.
_REPEATED = ("kind", "source", "subset", "language", "licence", "repository", "revision", "copies", "rewrite", "shard")

U64 = npt.NDArray[np.uint64]


def lookup_keys(kind: str, values: Sequence[str]) -> tuple[U64, U64]:
    """The keys of some values: two uint64[n], the halves of xxh3_128(kind NUL value).

    Args:
        kind: one of `LOOKUP_KINDS`.
        values: hashes and ids in lower-case hex; repositories, owners and URLs as `manifests.opt_out_values` has keys
            of them.
    """
    prefix = kind.encode() + b"\0"
    digests = b"".join(xxhash.xxh3_128_digest(prefix + value.encode("utf-8", "surrogatepass")) for value in values)
    halves = np.frombuffer(digests, dtype=">u8").reshape(-1, 2).astype(np.uint64)
    return halves[:, 0], halves[:, 1]


def document_keys(documents: pa.Table, shard: int) -> pa.Table:
    """The rows of `LOOKUP` for some documents of a shard, sorted, each once: whatever names one of them.

    Args:
        documents: rows of `RELEASED_DOCUMENTS`. An empty value names nothing. Repositories, owners and URLs go by the
            keys that requests go by: neither host nor case nor scheme tells them apart.
    """
    repositories = {repository_key(value) for value in _distinct(documents, "repository")}
    named = {
        "id": _distinct(documents, "doc_id"),
        "content": _distinct(documents, "content_hash"),
        **{kind: _distinct(documents, kind) for kind in ("blob", "sha256")},
        "url": sorted({url_key(value) for value in _distinct(documents, "url")}),
        "repository": sorted(repositories - {""}),
        "owner": sorted({owner_key(name) for name in repositories} - {""}),
    }
    halves = list(zip(*(lookup_keys(kind, named[kind]) for kind in LOOKUP_KINDS), strict=True))
    high, low = (np.concatenate(parts) for parts in halves)
    return sorted_keys(pa.table([high, low, np.full(len(high), shard, dtype=np.uint32)], schema=LOOKUP))


def sorted_keys(keys: pa.Table) -> pa.Table:
    """Rows of `LOOKUP`, sorted, each once."""
    columns = [column.to_numpy() for column in keys.columns]
    order = lexsorted(columns)
    columns = [column[order] for column in columns]
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = np.logical_or.reduce([np.diff(column) != 0 for column in columns])
    return pa.table([column[is_new] for column in columns], schema=LOOKUP)


def write_documents(file: IO[bytes], parts: Iterable[pa.Table], release: str) -> int:
    """Write a file of documents; returns its rows. Row groups are ranges of ids.

    Args:
        parts: rows of `RELEASED_DOCUMENTS` in order. How they are cut leaves no trace.
        release: its name and version, as files say it.
    """
    return _write(file, parts, with_release(RELEASED_DOCUMENTS, release), DOCUMENT_ROWS)


def write_lookup(file: IO[bytes], parts: Iterable[pa.Table], release: str) -> int:
    """Write a file of keys; returns its rows. Row groups are ranges of keys. See `write_documents`."""
    return _write(file, parts, with_release(LOOKUP, release), LOOKUP_ROWS)


def _write(file: IO[bytes], parts: Iterable[pa.Table], schema: pa.Schema, size: int) -> int:
    stream = RowStream((part.cast(schema) for part in parts), schema)
    num_rows = 0
    with pq.ParquetWriter(
        file,
        schema,
        use_dictionary=[name for name in _REPEATED if name in schema.names],
        compression="zstd",
        compression_level=3,
        write_page_index=True,
    ) as writer:
        while (group := stream.take(size)).num_rows:
            writer.write_table(group.combine_chunks(), row_group_size=size)
            num_rows += group.num_rows
    return num_rows


def _distinct(documents: pa.Table, column: str) -> list[str]:
    values = documents.column(column).unique().to_pylist()
    return [value for value in values if value]

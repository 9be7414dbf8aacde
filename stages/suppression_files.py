"""Suppression files: what is remembered of removed content so that it cannot walk back in. No text, no path, no id.

A row is the hash of a content and, where the text had shingles, the keys of its bands and 64 values of its signature;
and the ticket, so that a withdrawal lets it in again. Files are named by their sha256 and never change; the registry's
folder is where they lie. They may come from elsewhere, so they are read with bounded memory and checked for their form.

Cost: 0.44 kB and 15 us a row, both to be read and in memory.
"""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.document import ID_BYTES
from manifests.errors import IntegrityError
from manifests.opt_out_registry import SUPPRESSED, SUPPRESSED_NAME
from manifests.storage import Storage
from stages.candidates import Digests
from stages.estimates import SKETCH_VALUES
from stages.exchange import fixed_binary, sortable
from stages.parquet_headers import MalformedPagesError
from stages.parquet_pages import WatchedParquet
from stages.release_index import SKETCH

SUPPRESSIONS = pa.schema(
    [
        pa.field("content_hash", pa.binary(ID_BYTES), nullable=False),
        pa.field("bands", pa.list_(pa.uint64())),
        pa.field("values", SKETCH),
        pa.field("ticket", pa.string(), nullable=False),
    ]
)
MAXIMUM_FILE_BYTES = 1 << 30
_MAXIMUM_ROW_GROUP_BYTES = 1 << 28
_FILE_ROWS = 1_000_000  # 530 MB with 32 bands
_ROW_GROUP_ROWS = 64 * 1024  # 40 MB
_NEAR = b"corpusmill.near"


class NearSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What bands and signature values depend on, as `deduplication.near` of a recipe has it."""

    ngram_words: int
    bands: int
    rows: int
    seed: int


class Suppressed(NamedTuple):
    """The rows of suppression files that count, of one setting.

    Attributes:
        near: the setting; of another, bands and values say nothing. None: the run that wrote them had none.
        content: hashes of the contents, in order, as `stages.exchange.sortable` makes them.
        band_keys: uint64, ascending: every band of every row.
        band_rows: int64, of each band key its row.
        values: uint32[rows, 64]; zeros where a text has none.
        has_values: bool[rows].
        tickets: string[rows]; never to be published.
    """

    near: NearSettings | None
    content: Digests
    band_keys: npt.NDArray[np.uint64]
    band_rows: npt.NDArray[np.int64]
    values: npt.NDArray[np.uint32]
    has_values: npt.NDArray[np.bool_]
    tickets: pa.Array


def write_suppressed(registry: Storage, rows: pa.Table, near: NearSettings | None) -> list[str]:
    """Put suppression files in place, each well within what is read; the same rows and settings give the same files.

    Args:
        registry: the registry's folder.
        rows: the columns of `SUPPRESSIONS`, in any order of rows, repeated ones too; no bands and no values without
            `near`.

    Returns:
        Their names, in order of contents; none for no rows.
    """
    table = _in_order(rows.select(SUPPRESSIONS.names).cast(SUPPRESSIONS))
    size = max(table.nbytes // max(table.num_rows, 1), 1)
    step = max(min(_FILE_ROWS, MAXIMUM_FILE_BYTES // 2 // size), 1)
    return [_write(registry, table.slice(first, step), near) for first in range(0, table.num_rows, step)]


def _write(registry: Storage, table: pa.Table, near: NearSettings | None) -> str:
    metadata = {_NEAR: msgspec.json.encode(near)}
    sink = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(metadata),
        sink,
        row_group_size=_ROW_GROUP_ROWS,
        compression="zstd",
        use_dictionary=["ticket"],
        write_page_checksum=True,
    )
    data = sink.getvalue()
    name = f"{SUPPRESSED}/{sha256(data).hexdigest()}.parquet"
    registry.write(name, data)
    return name


def read_suppressed(registry: Storage, names: Iterable[str], *, withdrawn: Iterable[str] = ()) -> list[Suppressed]:
    """What suppression files hold, without the rows of withdrawn tickets: one `Suppressed` for each setting.

    Args:
        names: such as `State.suppressed`.

    Returns:
        In order of the settings; empty where nothing is suppressed.

    Raises:
        IntegrityError: a file is gone, its bytes are not those that its name says, or it is none of ours.
    """
    gone = pa.array(sorted(withdrawn), pa.string())
    found: dict[NearSettings | None, list[pa.Table]] = {}
    for name in sorted(set(names)):
        near, table = _read(registry, name)
        found.setdefault(near, []).append(table.filter(pc.invert(pc.is_in(table.column("ticket"), gone))))
    order = sorted(found, key=msgspec.json.encode)
    tables = ((near, _in_order(pa.concat_tables(found[near]))) for near in order)
    return [_arrays(near, table) for near, table in tables if table.num_rows]


def num_suppressed(registry: Storage, names: Iterable[str]) -> dict[str, int]:
    """How many contents each ticket suppresses; a withdrawn one, too.

    Raises:
        IntegrityError: as `read_suppressed`.
    """
    counts: dict[str, int] = {}
    for near in read_suppressed(registry, names):
        for item in near.tickets.value_counts().to_pylist():
            counts[item["values"]] = counts.get(item["values"], 0) + item["counts"]
    return counts


def _read(registry: Storage, name: str) -> tuple[NearSettings | None, pa.Table]:
    where = registry.path(name)
    if not SUPPRESSED_NAME.fullmatch(name):
        raise _damaged(where, "expected a suppression file, named by its sha256")
    data = registry.read_start(name, MAXIMUM_FILE_BYTES + 1)
    if data is None:
        raise _damaged(where, "expected a suppression file, found none")
    if len(data) > MAXIMUM_FILE_BYTES:
        raise _damaged(where, f"expected at most {MAXIMUM_FILE_BYTES:,} bytes, found more")
    if sha256(data).hexdigest() not in name:
        raise _damaged(where, f"its bytes are not those that its name says; got sha256 {sha256(data).hexdigest()[:12]}")
    with _told(where), WatchedParquet(io.BytesIO(data), maximum_bytes=_MAXIMUM_ROW_GROUP_BYTES) as file:
        if not file.schema_arrow.equals(SUPPRESSIONS):
            raise _damaged(where, f"expected the columns {', '.join(SUPPRESSIONS.names)}, got others")
        near = msgspec.json.decode((file.schema_arrow.metadata or {}).get(_NEAR, b""), type=NearSettings | None)
        groups = [file.read_row_group(number) for number in range(file.metadata.num_row_groups)]
        table = pa.concat_tables([SUPPRESSIONS.empty_table(), *groups]).replace_schema_metadata(None)
        table.validate(full=True)
        if any(
            column.null_count for column in (table["content_hash"], pc.list_flatten(table["bands"]), table["ticket"])
        ):
            raise _damaged(where, "expected a hash, whole bands and a ticket in each row, found null")
    return near, table


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except (MalformedPagesError, pa.ArrowException, OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _damaged(where, f"expected a suppression file, got: {error}") from error


def _in_order(table: pa.Table) -> pa.Table:
    """By content and ticket, each pair once: of several rows the first with values, if one has them."""
    hashes = sortable(fixed_binary(table.column("content_hash"), ID_BYTES))
    keys = pa.table({"high": hashes[0], "low": hashes[1], "ticket": table.column("ticket")})
    bare = keys.append_column("bare", pc.is_null(table.column("values")))
    order = pc.sort_indices(bare, [(name, "ascending") for name in bare.column_names])
    keys, table = keys.take(order), table.take(order)
    if table.num_rows < 2:
        return table
    differs = [
        pc.not_equal(keys[name][1:].combine_chunks(), keys[name][:-1].combine_chunks()) for name in keys.column_names
    ]
    return table.filter(pa.concat_arrays([pa.array([True]), pc.or_(pc.or_(differs[0], differs[1]), differs[2])]))


def _arrays(near: NearSettings | None, table: pa.Table) -> Suppressed:
    bands = table.column("bands").combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(bands), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    keys = bands.flatten().to_numpy(zero_copy_only=False).astype(np.uint64)
    rows = np.repeat(np.arange(table.num_rows, dtype=np.int64), lengths)
    order = np.argsort(keys, kind="stable")
    values = table.column("values")
    has_values = pc.is_valid(values).to_numpy(zero_copy_only=False)
    filled = pc.fill_null(values, pa.scalar(bytes(4 * SKETCH_VALUES), SKETCH))
    sketches = fixed_binary(filled, 4 * SKETCH_VALUES).view("<u4").reshape(-1, SKETCH_VALUES)
    return Suppressed(
        near=near,
        content=sortable(fixed_binary(table.column("content_hash"), ID_BYTES)),
        band_keys=keys[order],
        band_rows=rows[order],
        values=np.ascontiguousarray(sketches, dtype=np.uint32),
        has_values=np.asarray(has_values, dtype=np.bool_),
        tickets=table.column("ticket").combine_chunks(),
    )


def _damaged(where: str, what: str) -> IntegrityError:
    return IntegrityError(f"{where}: {what}", hint="suppression files never change: restore it from a backup")

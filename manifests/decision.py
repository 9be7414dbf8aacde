"""Decision: one row of the log that `explain`, `show`, diffs and reports read: which document ended where, and why."""

from collections.abc import Sequence

import pyarrow as pa

from manifests.document import ID_BYTES, Rejected

DECISIONS = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES)),
        pa.field("shard", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("part", pa.int64()),
        pa.field("stage", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("bound", pa.float64()),
        pa.field("twin", pa.binary(ID_BYTES)),
        pa.field("similarity", pa.float64()),
        pa.field("detail", pa.string()),
        pa.field("num_bytes", pa.int64()),
    ]
)


def decisions_table(rejected: Sequence[Rejected]) -> pa.Table:
    """Rejections as a table of `DECISIONS`, in the order given; no rows for none. Absent ids and twins are null."""
    columns = {
        "id": [bytes.fromhex(item.id) or None for item in rejected],
        "twin": [bytes.fromhex(item.twin) or None for item in rejected],
    }
    for name in DECISIONS.names:
        if name not in columns:
            columns[name] = [getattr(item, name) for item in rejected]
    return pa.table({name: columns[name] for name in DECISIONS.names}, schema=DECISIONS)


def decisions_of(table: pa.Table) -> list[Rejected]:
    """The inverse of `decisions_table`."""
    rows = []
    for row in table.to_pylist():
        row["id"] = (row["id"] or b"").hex()
        row["twin"] = (row["twin"] or b"").hex()
        rows.append(Rejected(**row))
    return rows

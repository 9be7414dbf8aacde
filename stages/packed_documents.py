"""Packed documents: what is laid out in sequences, one or several source documents rendered into one run of tokens."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from manifests.document import ID_BYTES
from stages.exchange import fixed_binary
from stages.packing import Int64s, UInt64s


@dataclass(frozen=True, slots=True, eq=False)
class PackedDocuments:
    """Packed documents of one kind, in an order of their own; members in that order, too.

    Attributes:
        names: string, what the release calls each of them.
        forms: string, how each was rendered.
        keys: 64 random bits of each.
        lengths: tokens of each.
        copies: int32, which copy of its text each is, from 0.
        member_ids: 16 bytes of each source document that they hold.
        member_lengths: tokens of each; those of a packed document add up to its length.
        member_document: index of the packed document that each is in.
    """

    names: pa.Array
    forms: pa.Array
    keys: UInt64s
    lengths: Int64s
    copies: npt.NDArray[np.int32]
    member_ids: npt.NDArray[np.void]
    member_lengths: Int64s
    member_document: Int64s

    def tokens_by_form(self) -> dict[str, int]:
        """Tokens of those that were rendered in each form."""
        table = pa.table([self.forms, pa.array(self.lengths)], names=["form", "tokens"])
        sums = table.group_by("form").aggregate([("tokens", "sum")])
        return dict(zip(sums.column("form").to_pylist(), sums.column("tokens_sum").to_pylist(), strict=True))

    @classmethod
    def of(cls, table: pa.Table) -> "PackedDocuments":
        """Those of a table with the columns name, form, pack_key, num_tokens, copy and members (id, length)."""
        members = table.column("members").combine_chunks()
        counts = np.diff(members.offsets.to_numpy())
        values = members.flatten()
        return cls(
            names=table.column("name").combine_chunks(),
            forms=table.column("form").combine_chunks(),
            keys=table.column("pack_key").to_numpy(),
            lengths=table.column("num_tokens").to_numpy(),
            copies=table.column("copy").to_numpy(),
            member_ids=fixed_binary(pa.chunked_array([values.field("id")]), ID_BYTES),
            member_lengths=values.field("length").to_numpy().astype(np.int64),
            member_document=np.repeat(np.arange(table.num_rows), counts),
        )


def hex_names(digests: npt.NDArray[np.void]) -> pa.Array:
    """16-byte ids as strings of lower-case hex digits."""
    width = 2 * digests.dtype.itemsize
    joined = np.ascontiguousarray(digests).tobytes().hex().encode()
    offsets = pa.array(np.arange(len(digests) + 1, dtype=np.int64) * width)
    return pa.LargeStringArray.from_buffers(len(digests), offsets.buffers()[1], pa.py_buffer(joined)).cast(pa.string())

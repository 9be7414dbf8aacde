"""Sums over the source documents of a release: by kind, source, subset, language and licence."""

from dataclasses import dataclass, field

import pyarrow as pa

CLASS = ("kind", "source", "subset", "language", "licence")


@dataclass(slots=True)
class DocumentClasses:
    """Documents, bytes and tokens by class."""

    sums: dict[tuple[str, ...], list[int]] = field(default_factory=dict)

    def add(self, documents: pa.Table) -> None:
        """Add documents, with the columns of `CLASS`, num_bytes and tokens."""
        amounts = [([], "count_all"), ("num_bytes", "sum"), ("tokens", "sum")]
        for row in documents.group_by(list(CLASS)).aggregate(amounts).to_pylist():
            amounts_of = [row[name] for name in ("count_all", "num_bytes_sum", "tokens_sum")]
            self._add(tuple(row[name] for name in CLASS), amounts_of)

    def merge(self, other: "DocumentClasses") -> None:
        """Add all that another one has."""
        for names, sums in other.sums.items():
            self._add(names, sums)

    def rows(self) -> list[list[object]]:
        """Class, documents, bytes and tokens, sorted."""
        return [[*names, *sums] for names, sums in sorted(self.sums.items())]

    def _add(self, names: tuple[str, ...], amounts: list[int]) -> None:
        sums = self.sums.setdefault(names, [0, 0, 0])
        for place, amount in enumerate(amounts):
            sums[place] += amount


def member_sums(packed: pa.Table) -> pa.Table:
    """id, tokens and copies of every source document of some packed documents, in no order.

    Args:
        packed: with the column members, of `rendered_documents.PACKED`.
    """
    members = packed.column("members").combine_chunks().flatten()
    table = pa.table([members.field(0), members.field(1)], names=["id", "length"])
    sums = table.group_by("id").aggregate([("length", "sum"), ([], "count_all")])
    return sums.rename_columns(["id", "tokens", "copies"])

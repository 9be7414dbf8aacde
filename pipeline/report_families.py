"""Families of duplicates: documents that went and the one that stayed in their place, counted from clean's decisions.

Memory is that of four million families at most, however many there are: with more duplicates the decisions are read
several times, each time for a part of the families, told apart by their ids.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from manifests.ledger import Ledger
from pipeline.pass_2_groups import EXACT_DUPLICATE, REPOSITORY_COPY, SAME_SHINGLES
from pipeline.pass_2_resolve import DEDUPLICATE, NEAR_DUPLICATE
from pipeline.tables import tables, unit_tables
from pipeline.units import Mill, step_named
from stages.exchange import fixed_binary

REASONS = (EXACT_DUPLICATE, SAME_SHINGLES, REPOSITORY_COPY, NEAR_DUPLICATE)
MOST_AT_ONCE = 4_000_000
_ID = pa.binary(ID_BYTES)


class Keeper(NamedTuple):
    """The document of a family that stayed; `text` is empty where a later pass turned it away, too."""

    place: str
    language: str
    text: str


class Family(NamedTuple):
    """A large family: its members, the one that stayed included, and how many of them went for which reason.

    Attributes:
        similarity: of the member that is least like the one that stayed.
    """

    id: bytes
    members: int
    reasons: dict[str, int]
    similarity: float


@dataclass(slots=True)
class Families:
    """All families: their number by members, and the largest, of equally large ones those of lowest id."""

    sizes: Counter[int] = field(default_factory=Counter)
    largest: list[Family] = field(default_factory=list)


def families(mill: Mill, *, count: int, at_once: int = MOST_AT_ONCE) -> Families:
    """Count every family.

    Args:
        count: how many of the largest are told one by one.
        at_once: duplicates whose families are counted in one reading.
    """
    readings = 1 + _duplicates(mill) // at_once
    found = Families()
    large: list[tuple[int, bytes]] = []
    for reading in range(readings):
        counts = _counts(mill, reading, readings)
        if not counts.num_rows:
            continue
        sizes = counts.column("members").to_numpy() + 1
        for size, number in zip(*np.unique(sizes, return_counts=True), strict=True):
            found.sizes[int(size)] += int(number)
        order = pc.sort_indices(counts, [("members", "descending"), ("id", "ascending")])[:count]
        rows = counts.take(order).to_pylist()
        large = sorted([*large, *((-row["members"] - 1, row["id"]) for row in rows)])[:count]
    found.largest = _told(mill, [(name, -size) for size, name in large])
    return found


def keepers(mill: Mill, ids: Iterable[bytes]) -> dict[bytes, Keeper]:
    """What is known of some documents, by id: where they were read first, and their text as clean left it."""
    wanted = pa.array(sorted(ids), _ID)
    found: dict[bytes, Keeper] = {}
    columns = ("id", "repo", "path", "subset", "language", "shard", "row")
    for unit in range(len(mill.plan.units)):
        here: dict[bytes, Keeper] = {}
        for rows in unit_tables(mill, "ingest", "rows", unit, columns=columns):
            for row in rows.filter(pc.is_in(rows.column("id"), wanted)).to_pylist():
                named = f"{row['repo']}:{row['path']}" if row["repo"] or row["path"] else f"{row['shard']}:{row['row']}"
                here.setdefault(row["id"], Keeper(named, row["language"] or row["subset"], ""))
        for texts in unit_tables(mill, "clean", "texts", unit, columns=("id", "text")) if here else ():
            for row in texts.filter(pc.is_in(texts.column("id"), wanted)).to_pylist():
                found[row["id"]] = here[row["id"]]._replace(text=row["text"])
        for name, keeper in here.items():
            found.setdefault(name, keeper)
    return found


def _duplicates(mill: Mill) -> int:
    records = [record for record in mill.records(step_named("clean")) if record is not None and record.ledger]
    ledger = Ledger.total(Ledger.from_json(record.ledger) for record in records if record.ledger)
    return sum(tally.documents for key, tally in ledger.rejected.items() if key.startswith(f"{DEDUPLICATE}/"))


def _counts(mill: Mill, reading: int, readings: int) -> pa.Table:
    """Families of one reading: their ids, and their members without the one that stayed."""
    sums = pa.table([pa.array([], pa.binary()), pa.array([], pa.int64())], names=["id", "members"])
    parts = [sums]
    for went in _went(mill, ("stage", "reason", "twin")):
        twins = went.column("twin")
        if readings > 1:
            halves = fixed_binary(twins, ID_BYTES).view(np.uint64)
            twins = twins.filter(pa.array(halves[::2] % readings == reading))
        parts.append(pa.table([twins.cast(pa.binary()), np.ones(len(twins), np.int64)], names=["id", "members"]))
        if len(parts) > 64:
            parts = [_summed(parts)]
    return _summed(parts)


def _summed(parts: list[pa.Table]) -> pa.Table:
    sums = pa.concat_tables(parts).group_by("id", use_threads=False).aggregate([("members", "sum")])
    return sums.rename_columns({"members_sum": "members"}).select(["id", "members"])


def _told(mill: Mill, large: list[tuple[bytes, int]]) -> list[Family]:
    reasons: dict[bytes, Counter[str]] = {name: Counter() for name, _ in large}
    lowest = dict.fromkeys(reasons, 1.0)
    wanted = pa.array(list(reasons), _ID)
    for went in _went(mill, ("stage", "reason", "twin", "similarity")) if large else ():
        for row in went.filter(pc.is_in(went.column("twin"), wanted)).to_pylist():
            reasons[row["twin"]][row["reason"]] += 1
            lowest[row["twin"]] = min(lowest[row["twin"]], row["similarity"] or 0.0)
    return [Family(name, members, dict(sorted(reasons[name].items())), lowest[name]) for name, members in large]


def _went(mill: Mill, columns: tuple[str, ...]) -> Iterator[pa.Table]:
    """Decisions about documents that went as duplicates of another one of this run."""
    for table in tables(mill, "clean", "decisions", columns=columns):
        is_one = pc.and_(
            pc.equal(table.column("stage"), DEDUPLICATE), pc.is_in(table.column("reason"), pa.array(REASONS))
        )
        yield table.filter(pc.and_(is_one, pc.is_valid(table.column("twin"))))

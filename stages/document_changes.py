"""Which documents of one release are in another, and as what: both tables of documents held against each other by id.

DuckDB joins them on disk, with a bound on its memory: a release may hold more documents than memory has room for. What
a document is beside its numbers (kind, source, subset, language, licence, ...) becomes one number a document, for few
differ in that. So a document takes some 50 bytes on the disk of the temporary folder.

Cost: 1 s for a million documents of each release.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import duckdb
import pyarrow as pa

from manifests.errors import IntegrityError

CLASS = ("kind", "source", "subset", "language", "licence", "rewrite", "held_out")
AMOUNTS = ("num_bytes", "tokens", "copies")
COLUMNS = ("doc_id", *CLASS, *AMOUNTS)
"""Of `RELEASED_DOCUMENTS`, what is compared."""
MEMORY = "1GB"
MAXIMUM_CLASSES = 1 << 20
_HALF = 16  # hex digits
_OUTER = """
    SELECT a.class, b.class, {same}, count(*), {sums}
    FROM a FULL OUTER JOIN b ON a.high = b.high AND a.low = b.low
    GROUP BY ALL ORDER BY ALL
"""
_REASONS = """
    WITH last AS (
        SELECT high, low, arg_max(stage, place) AS stage, arg_max(reason, place) AS reason
        FROM decided GROUP BY high, low
    )
    SELECT stage, reason, count(*), sum(a.num_bytes)::BIGINT
    FROM last JOIN a USING (high, low) ANTI JOIN b USING (high, low)
    GROUP BY ALL ORDER BY ALL
"""


class Changed(NamedTuple):
    """Documents that came, went, stayed or changed in the same way.

    Attributes:
        old: what they were, by names of CLASS; None for new ones.
        new: what they are; None for those that are gone.
        differs: names of CLASS and AMOUNTS in which they differ; empty for those that stayed, came or went.
        documents: how many.
        old_sums: bytes, tokens and copies that they had together, by names of AMOUNTS.
        new_sums: that they have.
    """

    old: dict[str, str] | None
    new: dict[str, str] | None
    differs: tuple[str, ...]
    documents: int
    old_sums: dict[str, int]
    new_sums: dict[str, int]


@dataclass(slots=True)
class DocumentTables:
    """Two releases' documents, `a` the earlier; a context: when it ends, what lies on disk is gone."""

    _folder: "tempfile.TemporaryDirectory[str]" = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="corpusmill-diff-")
    )
    _database: duckdb.DuckDBPyConnection = field(init=False)
    _classes: dict[tuple[object, ...], int] = field(default_factory=dict)
    _decisions: int = 0

    def __enter__(self) -> Self:
        folder = Path(self._folder.name)
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": str(folder / "spilled"),
            "threads": "2",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        }
        self._database = duckdb.connect(str(folder / "documents.duckdb"), config=settings)
        amounts = ", ".join(f"{name} BIGINT" for name in AMOUNTS)
        for name in "ab":
            self._database.execute(f"CREATE TABLE {name} (high UBIGINT, low UBIGINT, class INTEGER, {amounts})")
        self._database.execute(
            "CREATE TABLE decided (high UBIGINT, low UBIGINT, stage VARCHAR, reason VARCHAR, place BIGINT)"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def add_old(self, documents: Iterable[pa.Table]) -> None:
        """Add documents of the earlier release, with `COLUMNS`."""
        self._add("a", documents)

    def add_new(self, documents: Iterable[pa.Table]) -> None:
        """Add documents of the later release, with `COLUMNS`."""
        self._add("b", documents)

    def changes(self, compared: Iterable[str] = AMOUNTS) -> Iterator[Changed]:
        """All documents of both, those together that changed in the same way; the same order at every call.

        Args:
            compared: names of AMOUNTS that tell whether a document changed, beside all of CLASS.
        """
        names = [name for name in AMOUNTS if name in set(compared)]
        same = ", ".join(f"coalesce(a.{name} = b.{name}, true)" for name in names) or "true"
        sums = ", ".join(f"coalesce(sum({side}.{name}), 0)::BIGINT" for side in "ab" for name in AMOUNTS)
        classes = [dict(zip(CLASS, map(str, values), strict=True)) for values in self._classes]
        rows = self._execute(_OUTER.format(same=same, sums=sums)).fetchall()
        flags = max(1, len(names))
        for old, new, *rest in rows:
            equal, (documents, *amounts) = rest[:flags], rest[flags:]
            was, now = (None if place is None else classes[place] for place in (old, new))
            differs: list[str] = []
            if was is not None and now is not None:
                differs = [name for name in CLASS if was[name] != now[name]]
                is_moved = "held_out" in differs  # held-out documents have no tokens and no copies
                differs += [
                    name
                    for name, same_there in zip(names, equal, strict=False)
                    if not same_there and not (is_moved and name in ("tokens", "copies"))
                ]
            old_sums, new_sums = (dict(zip(AMOUNTS, half, strict=True)) for half in (amounts[:3], amounts[3:]))
            yield Changed(was, now, tuple(differs), documents, old_sums, new_sums)

    def reasons(self, decisions: Iterable[pa.Table]) -> Iterator[tuple[str, str, int, int]]:
        """(stage, reason, documents, bytes) of documents that are in the earlier release alone, by the last decision.

        Args:
            decisions: rows of `manifests.decision.DECISIONS`, in the order in which they were taken. Documents that
                none of them is about are not among the results.
        """
        for table in decisions:
            known = table.filter(table.column("id").is_valid())
            if known.num_rows:
                self._insert_decisions(known)
        yield from self._execute(_REASONS).fetchall()

    def _insert_decisions(self, decisions: pa.Table) -> None:
        ids = pa.array([item.hex() for item in decisions.column("id").to_pylist()], pa.string())
        named = pa.table({"doc_id": ids, "stage": decisions.column("stage"), "reason": decisions.column("reason")})
        self._decisions += 1
        self._insert("decided", named, f"stage, reason, {self._decisions}")

    def _add(self, name: str, documents: Iterable[pa.Table]) -> None:
        for table in documents:
            if not table.num_rows:
                continue
            of_class = table.group_by(list(CLASS), use_threads=False).aggregate([])
            numbers = [self._number(tuple(row[column] for column in CLASS)) for row in of_class.to_pylist()]
            of_class = of_class.append_column("class", pa.array(numbers, pa.int32()))
            self._insert(name, table.join(of_class, list(CLASS), use_threads=False), ", ".join(("class", *AMOUNTS)))

    def _number(self, values: tuple[object, ...]) -> int:
        number = self._classes.setdefault(values, len(self._classes))
        if number >= MAXIMUM_CLASSES:
            raise IntegrityError(f"documents: expected at most {MAXIMUM_CLASSES} classes of documents, got more")
        return number

    def _insert(self, name: str, rows: pa.Table, columns: str) -> None:
        halves = f"('0x' || doc_id[:{_HALF}])::UBIGINT, ('0x' || doc_id[{_HALF + 1}:])::UBIGINT"
        self._database.register("incoming", rows)
        self._execute(f"INSERT INTO {name} SELECT {halves}, {columns} FROM incoming")  # noqa: S608 - our own names
        self._database.unregister("incoming")

    def _execute(self, query: str) -> duckdb.DuckDBPyConnection:
        """Run a query; raises IntegrityError where what stands in the tables is not to be understood."""
        try:
            return self._database.execute(query)
        except duckdb.Error as error:
            what = str(error).partition("\n")[0]
            raise IntegrityError(
                f"documents: cannot be compared: {what}", hint="`corpusmill verify` says what is wrong with a release"
            ) from error

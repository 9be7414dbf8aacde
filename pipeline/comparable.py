"""What of judged documents goes on to the steps for duplicates: survivors, and those that taint their copies."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from filters.licence_policy import NO_LICENCE, LicenceDecision
from filters.licence_words import licence_words
from manifests.document import ID_BYTES
from pipeline.pass_2_groups import CONTENTS
from pipeline.repository_files import hash_of_repository
from pipeline.steps import UnitContext
from stages.exchange import fixed_binary, sortable
from stages.ranks import ranks
from stages.taint import HEADER, LIES_IN, OPTED_OUT

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_TAINTS = {"": 0, "lies_in": LIES_IN, "header": HEADER}
_PERMISSIVE, _ALLOWED, _UNLICENSED = 0, 1, 2


class Judged(NamedTuple):
    """What was decided of some documents.

    Attributes:
        decided: of their licences.
        keep: bool[rows], who survived.
        opted_out: bool[rows], whom a request names with all copies.
    """

    decided: list[LicenceDecision]
    keep: Bools
    opted_out: Bools


class Comparable:
    """Rows of `CONTENTS` of a unit's judged documents."""

    def __init__(self, context: UnitContext) -> None:
        self._unit = context.unit
        self._recipe = context.recipe
        self._copy_of: dict[tuple[str, str], int] = {}
        for table in context.segments("forks"):
            for repo, revision, of in zip(
                *(table.column(name).to_pylist() for name in table.column_names), strict=True
            ):
                name = (repo, revision)
                self._copy_of[name] = min(of, self._copy_of.get(name, of))
        self._classes: dict[str, int] = {}

    def table(self, rows: pa.Table, sketches: pa.Table, judged: Judged, *, first: int) -> pa.Table:
        """Survivors and tainting documents of some rows.

        One that opted out taints for its licence, too. Where that says more, as near copies of opted-out documents
        stay, it leaves a second row.

        Args:
            rows: of `measuring.ROWS`.
            sketches: the rows of `SKETCHES` beside them.
            first: ordinal of the first row.
        """
        decided = judged.decided
        taint = np.fromiter(
            (_TAINTS[decision.taints] if decision.rejected else 0 for decision in decided), np.uint8, count=len(decided)
        )
        repository, copy_of = self._repositories(rows)
        high = sortable(fixed_binary(sketches.column("content_hash"), ID_BYTES))[0]
        refs = np.uint64(self._unit << 32) + np.arange(first, first + rows.num_rows, dtype=np.uint64)
        columns = {
            "key": sketches.column("key"),
            "id": rows.column("id"),
            "content": high,
            "ref": refs,
            "rank": self._ranks(rows, sketches, decided, copy_of > 0),
            "tie": _ties(rows, decided),
            "repository": repository,
            "copy_of": copy_of,
            "taint": taint,
            "bands": sketches.column("bands"),
        }
        table = pa.table(columns, schema=CONTENTS)
        goes_on = judged.keep | (taint > 0)
        if not judged.opted_out.any():
            return table.filter(pa.array(goes_on))
        opt_out = self._recipe.opt_out
        if opt_out is None or opt_out.near_copies == "remove":
            goes_on &= ~judged.opted_out
        opted_out = table.filter(pa.array(judged.opted_out))
        marks = pa.array(np.full(opted_out.num_rows, OPTED_OUT, dtype=np.uint8))
        opted_out = opted_out.set_column(CONTENTS.get_field_index("taint"), CONTENTS.field("taint"), marks)
        return pa.concat_tables([table.filter(pa.array(goes_on)), opted_out])

    def _repositories(self, rows: pa.Table) -> tuple[U64, U64]:
        """uint64[rows] each: hash of the document's repository, and of the one that it is a copy of; 0 for none."""
        names = list(zip(*(rows.column(name).to_pylist() for name in ("repo", "revision")), strict=True))
        hashes = {name: (hash_of_repository(*name), self._copy_of.get(name, 0)) for name in set(names)}
        both = np.array([hashes[name] for name in names], dtype=np.uint64).reshape(-1, 2)
        return both[:, 0].copy(), both[:, 1].copy()

    def _ranks(self, rows: pa.Table, sketches: pa.Table, decided: list[LicenceDecision], is_copy: Bools) -> U64:
        return ranks(
            {
                "stars": rows.column("stars").to_numpy(),
                "recency": rows.column("recency").to_numpy(),
                "length": rows.column("num_bytes").to_numpy(),
            },
            self._recipe.deduplication.keep,
            licence_class=np.fromiter((self._class(d.licence) for d in decided), np.int64, count=len(decided)),
            is_copy=is_copy,
            held_out=self._held_out(rows, sketches),
        )

    def _class(self, licence: str) -> int:
        """How good a licence is: permissive, otherwise allowed, none."""
        if licence not in self._classes:
            is_permissive = licence_words(licence) == "permissive"
            unlicensed = licence in ("", NO_LICENCE)
            self._classes[licence] = _UNLICENSED if unlicensed else _PERMISSIVE if is_permissive else _ALLOWED
        return self._classes[licence]

    def _held_out(self, rows: pa.Table, sketches: pa.Table) -> Bools:
        """bool[rows]: all of some sources, else by a hash of the key, so that equal documents go together."""
        choice = self._recipe.held_out
        if choice is None:
            return np.zeros(rows.num_rows, dtype=np.bool_)
        names = [rows.column(name).to_pylist() for name in ("subset", "language")]
        fraction = np.array([choice.fraction_of(*name) for name in zip(*names, strict=True)], dtype=np.float64)
        seed = xxhash.xxh3_64_intdigest(f"held out {choice.seed}".encode())
        drawn = [xxhash.xxh3_64_intdigest(key, seed) / 2**64 for key in sketches.column("key").to_pylist()]
        whole: Any = pc.is_in(rows.column("source"), pa.array(choice.sources, pa.string()))
        chosen: Bools = (np.array(drawn, dtype=np.float64) < fraction) | whole.to_numpy()
        return chosen


def _ties(rows: pa.Table, decided: list[LicenceDecision]) -> U64:
    """uint64[rows], a hash of kind, subset, language and licence.

    It tells rows apart that differ in one of them alone: shard order does not choose.
    """
    licences = [decision.licence for decision in decided]
    classes = zip(*(rows.column(name).to_pylist() for name in ("kind", "subset", "language")), licences, strict=True)
    hashes = (xxhash.xxh3_64_intdigest("\0".join(names).encode()) for names in classes)
    return np.fromiter(hashes, dtype=np.uint64, count=len(licences))

"""Duplicates and copies, step by step on real shards, against plain Python.

What judge would leave behind is written by hand, so that each document has the taint that a test gives it. All stand in
one bucket and meet each other, so nothing hangs on the luck of signatures.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from manifests.document import Document
from manifests.record import Record, write_record
from manifests.storage import Storage
from pipeline.pass_1_ingest import PLACES
from pipeline.pass_2_copies import COPY_SIMILARITY
from pipeline.pass_2_duplicates import BANDS, CONTENTS
from pipeline.plan import Plan, Shard
from pipeline.recipe import Deduplication, Licences, NearDuplicates, Recipe, Source
from pipeline.shards import shard_rows
from pipeline.steps import UnitContext
from pipeline.units import Mill, run_unit, step_named
from stages.exchange import block_of_hash, hash_of_ids
from stages.shingles import content_hash
from stages.taint import HEADER, LIES_IN

NUM_UNITS = 2
KEYS = (3, 4)  # two buckets, in two slices: both hold every document
WORDS = [f"word{number}" for number in range(20)]
NEAR = NearDuplicates(ngram_words=1, candidates_per_bucket=100)


@dataclass(frozen=True)
class Given:
    """A document: the words it lacks of `WORDS`, and what judge said of it."""

    lacks: frozenset[int] = frozenset()
    taint: int = 0
    rank: int = 0
    path: int = 0
    shouts: bool = False  # another content, the same words

    @property
    def text(self) -> str:
        words = " ".join(word for number, word in enumerate(WORDS) if number not in self.lacks)
        return words.upper() if self.shouts else words

    def similarity(self, other: "Given") -> float:
        mine, theirs = set(self.text.lower().split()), set(other.text.lower().split())
        return len(mine & theirs) / len(mine | theirs)


Fate = tuple[str, str, str, float]  # stage, reason, id of the twin, similarity
Counted = tuple[str, str, float]  # id, id of the twin, similarity
Fates = tuple[dict[int, Fate], dict[int, Counted]]  # rejected, counted; by ref
Row = tuple[int, str, int, Given]  # rank, id, ref

GIVEN = st.lists(
    st.builds(
        Given,
        lacks=st.frozensets(st.integers(0, 3), max_size=4),
        taint=st.sampled_from([0, 0, LIES_IN, HEADER]),
        rank=st.integers(0, 2),
        path=st.integers(0, 3),
        shouts=st.booleans(),
    ),
    max_size=14,
)


class Copies:
    """The steps of pass 2 after judge, run over some documents."""

    def __init__(self, folder: Path, given: Sequence[Given], recipe: Recipe, *, num_slices: int = 2) -> None:
        units = [given[unit::NUM_UNITS] for unit in range(NUM_UNITS)]
        shards = [[_shard(folder, number, rows)] for number, rows in enumerate(units)]
        self.documents = [list(zip(_read(recipe, s), r, strict=True)) for [s], r in zip(shards, units, strict=True)]
        self._mill = Mill(recipe, Plan(shards, 1, num_slices), Storage(str(folder / "work")))

    def fates(self) -> Fates:
        for unit, documents in enumerate(self.documents):
            self._ingested(unit, [document for document, _ in documents])
            self._judged(unit, documents)
        for name in ("pair", "shingle", "verify", "resolve"):
            step = step_named(name)
            self.records = [
                run_unit(self._mill, step, unit, lambda _bytes: None) for unit in range(step.num_units(self._mill.plan))
            ]
            assert [record.failure for record in self.records if record.failure] == []
            self._mill.records(step, fresh=True)
        rejected = {
            unit << 32 | row["ordinal"]: (row["stage"], row["reason"], row["twin"].hex(), row["similarity"])
            for unit in range(NUM_UNITS)
            for row in self._left("duplicates", unit)
        }
        counted = {
            unit << 32 | row["ordinal"]: (row["id"].hex(), row["twin"].hex(), row["similarity"])
            for unit in range(NUM_UNITS)
            for row in self._left("copies", unit)
        }
        return rejected, counted

    def counts(self) -> object:
        [record] = self.records
        return record.counts["copies"]

    def _left(self, table: str, unit: int) -> list[dict[str, Any]]:
        [record] = self.records
        output = record.outputs[table]
        data = [self._mill.work.read_range(output.file, s.offset, s.length) for s in output.blocks[unit]]
        return [row for part in data for row in pa.ipc.open_stream(part).read_all().to_pylist()]

    def _ingested(self, unit: int, documents: list[Document]) -> None:
        context = self._context("ingest", unit)
        with context.blocks("places", PLACES) as places:
            rows = [
                {
                    "id": bytes.fromhex(document.id),
                    "shard": document.shard,
                    "row": document.row,
                    "part": document.part,
                    "kind": document.kind,
                    "language": document.language,
                    "num_bytes": len(document.text),
                }
                for document in documents
            ]
            places.write(pa.Table.from_pylist(rows, schema=PLACES))
        self._written(context)

    def _judged(self, unit: int, documents: list[tuple[Document, Given]]) -> None:
        context = self._context("judge", unit)
        slices = self._mill.plan.num_slices
        hashes = np.array([content_hash(document.text) for document, _ in documents], dtype="V16")
        contents = [
            {
                "content_hash": content_hash(document.text),
                "id": bytes.fromhex(document.id),
                "ref": unit << 32 | ordinal,
                "rank": row.rank,
                "taint": row.taint,
            }
            for ordinal, (document, row) in enumerate(documents)
        ]
        halves = hash_of_ids(hashes)
        with context.blocks("contents", CONTENTS, num_blocks=slices) as out:
            out.write(pa.Table.from_pylist(contents, schema=CONTENTS), block_of_hash(halves, slices))
        with context.blocks("bands", BANDS, num_blocks=slices) as out:
            for key in KEYS:
                bands = [
                    {
                        "key": key,
                        "content": half,
                        "document": int(document.id[:16], 16),
                        "ref": unit << 32 | ordinal,
                        "rank": row.rank,
                        "taint": row.taint,
                    }
                    for ordinal, ((document, row), half) in enumerate(zip(documents, halves.tolist(), strict=True))
                ]
                out.write(pa.Table.from_pylist(bands, schema=BANDS), np.full(len(bands), key % slices))
        self._written(context)

    def _context(self, step: str, unit: int) -> UnitContext:
        mill = self._mill
        return UnitContext(mill.recipe, mill.plan, unit, mill.work, step, {}, {}, {}, {}, lambda _bytes: None)

    def _written(self, context: UnitContext) -> None:
        record = Record(
            step=context.step,
            unit=context.unit,
            fingerprint="",
            outputs=context.outputs,
            ledger=None,
            counts={},
            failure=None,
            measured={},
        )
        write_record(self._mill.work, record)


def _shard(folder: Path, number: int, rows: Sequence[Given]) -> Shard:
    lines = [json.dumps({"repo_name": "a/b", "path": str(row.path), "content": row.text}) for row in rows]
    data = "".join(f"{line}\n" for line in lines).encode()
    path = folder / f"{number}.jsonl"
    path.write_bytes(data)
    return Shard(f"code/{number}", str(path), "code", len(data), sha256(data).hexdigest())


def _read(recipe: Recipe, shard: Shard) -> list[Document]:
    rows = list(shard_rows(recipe, shard))
    assert all(isinstance(row, Document) for row in rows)
    return [row for row in rows if isinstance(row, Document)]


def _recipe(near: NearDuplicates | None, copies: Literal["count", "strict"]) -> Recipe:
    return Recipe(
        name="copies",
        version="0.1.0",
        sources=[Source(name="code", format="stack-v2", paths=["*"], kind="code")],
        deduplication=Deduplication(near=near),
        licences=Licences(copies=copies),
    )


class Expected:
    """What should come out; `minimum` None is without near duplicates."""

    def __init__(
        self, units: list[list[tuple[Document, Given]]], minimum: float | None, copies: Literal["count", "strict"]
    ) -> None:
        self._minimum = minimum
        rows = [
            (row.rank, document.id, unit << 32 | ordinal, row)
            for unit, documents in enumerate(units)
            for ordinal, (document, row) in enumerate(documents)
        ]
        rows.sort(key=lambda item: item[:3])
        self._survivors = [item for item in rows if not item[3].taint]
        alive = {item[1] for item in self._survivors}
        self._winners = _first_of_contents(self._survivors)
        self._tainters = _first_of_contents(
            [item for taint in (HEADER, LIES_IN) for item in rows if item[3].taint == taint and item[1] not in alive]
        )
        self.rejected: dict[int, Fate] = {}
        self.counted: dict[int, Counted] = {}
        for winner in self._winners.values():
            self._copy(winner, strict=copies == "strict")
        self._near()
        self._exact()
        self.counted = {ref: copy for ref, copy in self.counted.items() if ref not in self.rejected}

    def _copy(self, winner: Row, *, strict: bool) -> None:
        _, identifier, ref, row = winner
        found = []
        for _, twin, _, tainter in self._tainters.values():
            near = 0.0 if self._minimum is None else row.similarity(tainter)
            similarity = 1.0 if tainter.text == row.text else near
            if similarity >= COPY_SIMILARITY:
                found.append((-tainter.taint, -similarity, twin))
        if not found:
            return
        taint, distance, twin = min(found)
        if taint == -HEADER:
            self.rejected[ref] = ("licence", "tainted_by_copy", twin, -distance)
        elif strict:
            self.rejected[ref] = ("licence", "copy_lies_under_other_licence", twin, -distance)
        else:
            self.counted[ref] = (identifier, twin, -distance)

    def _near(self) -> None:
        kept: list[Row] = []
        for winner in self._winners.values():
            if winner[2] in self.rejected:
                continue
            likeness = [(winner[3].similarity(other[3]), -place) for place, other in enumerate(kept)]
            similarity, place = max(likeness, default=(0.0, 0))
            if self._minimum is not None and similarity >= self._minimum:
                self.rejected[winner[2]] = ("deduplicate", "near_duplicate", kept[-place][1], similarity)
            else:
                kept.append(winner)

    def _exact(self) -> None:
        seen: set[tuple[str, str]] = set()
        for _, identifier, ref, row in self._survivors:
            _, twin, winner, _ = self._winners[row.text]
            repeated = (row.text, identifier) in seen
            seen.add((row.text, identifier))
            if ref != winner:
                fate = self.rejected.get(winner, ("deduplicate", "exact_duplicate", twin, 1.0))
                again = ("deduplicate", "repeated_row", *fate[2:])
                self.rejected[ref] = again if repeated and fate[0] == "deduplicate" else fate


def _first_of_contents(rows: list[Row]) -> dict[str, Row]:
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row[3].text, row)
    return first


def fates(given: Sequence[Given], recipe: Recipe, *, num_slices: int = 2) -> tuple[Fates, Copies]:
    with TemporaryDirectory() as folder:
        copies = Copies(Path(folder), given, recipe, num_slices=num_slices)
        return copies.fates(), copies


@settings(max_examples=60)
@given(
    GIVEN,
    st.sampled_from([None, 0.7, 0.9, 0.95]),
    st.sampled_from(["count", "strict"]),
    st.sampled_from([1, 3]),
)
@example([Given(taint=LIES_IN, path=1), Given(lacks=frozenset({0}))], 0.95, "count", 1)
@example([Given(taint=HEADER, path=1), Given(), Given(path=2), Given(lacks=frozenset({0, 1, 2}))], 0.7, "count", 3)
def test_duplicates_and_copies_are_those_of_plain_python(
    given: list[Given], minimum: float | None, copies: Literal["count", "strict"], num_slices: int
) -> None:
    near = None if minimum is None else NEAR.model_copy(update={"minimum_similarity": minimum})
    found, made = fates(given, _recipe(near, copies), num_slices=num_slices)
    expected = Expected(made.documents, minimum, copies)
    assert found == (expected.rejected, expected.counted)


def test_a_copy_of_a_header_goes_and_stands_as_nobodys_twin() -> None:
    """The second is 0.95 like the header, the third 0.85: it outlives the second, of which it is a near duplicate."""
    lacking = frozenset({0, 1, 2})
    given = [Given(taint=HEADER), Given(lacks=frozenset({0})), Given(lacks=lacking, rank=1), Given(lacks=lacking)]
    (rejected, counted), made = fates(given, _recipe(NEAR, "count"))
    header = made.documents[0][0][0].id
    assert rejected.pop(1 << 32) == ("licence", "tainted_by_copy", header, 0.95)
    assert [reason for _, reason, *_ in rejected.values()] == ["repeated_row"]
    assert counted == {}


def test_a_copy_is_nine_tenths_like_a_header() -> None:
    """18 of 20 words are enough, 16 of 18 are not."""
    given = [Given(lacks=frozenset({0, 1}), taint=HEADER), Given(), Given(lacks=frozenset({0, 1, 2, 3}))]
    (rejected, _), _ = fates(given, _recipe(NEAR.model_copy(update={"minimum_similarity": 1.0}), "count"))
    assert {ref: similarity for ref, (*_, similarity) in rejected.items()} == {1 << 32: 0.9}


def test_every_row_of_a_tainted_content_goes_with_the_same_twin() -> None:
    given = [Given(taint=HEADER), Given(path=1), Given(path=2), Given(path=1)]
    (rejected, _), made = fates(given, _recipe(NEAR, "count"))
    header = made.documents[0][0][0].id
    assert made.counts() == {"counted": 0, "tainted_by_copy": 3, "copy_lies_under_other_licence": 0}
    assert set(rejected) == {1, 1 << 32, 1 << 32 | 1}
    assert set(rejected.values()) == {("licence", "tainted_by_copy", header, 1.0)}


def test_a_copy_of_what_merely_lies_there_is_counted_and_rejected_when_strict() -> None:
    given = [Given(taint=LIES_IN), Given(lacks=frozenset({0}), path=1)]
    (rejected, counted), made = fates(given, _recipe(NEAR, "count"))
    [(lies_there, _)], [(copy, _)] = made.documents
    assert (rejected, counted) == ({}, {1 << 32: (copy.id, lies_there.id, 0.95)})
    assert made.counts() == {"counted": 1, "tainted_by_copy": 0, "copy_lies_under_other_licence": 0}
    (rejected, counted), made = fates(given, _recipe(NEAR, "strict"))
    assert (rejected, counted) == ({1 << 32: ("licence", "copy_lies_under_other_licence", lies_there.id, 0.95)}, {})
    assert made.counts() == {"counted": 0, "tainted_by_copy": 0, "copy_lies_under_other_licence": 1}


def test_a_header_is_found_where_a_neighbour_is_more_like_it() -> None:
    given = [Given(taint=LIES_IN), Given(path=1), Given(lacks=frozenset({0}), taint=HEADER)]
    (rejected, counted), made = fates(given, _recipe(NEAR, "count"))
    assert rejected == {1 << 32: ("licence", "tainted_by_copy", made.documents[0][1][0].id, 0.95)}
    assert counted == {}


def test_counted_copies_that_are_duplicates_are_not_counted() -> None:
    given = [Given(taint=LIES_IN), Given(path=1), Given(lacks=frozenset({0}), rank=1), Given(path=2, rank=1)]
    (rejected, counted), _ = fates(given, _recipe(NEAR, "count"))
    assert set(rejected) == {1, 1 << 32 | 1}
    assert set(counted) == {1 << 32}


@pytest.mark.parametrize("taint", [LIES_IN, HEADER])
def test_a_document_that_survives_by_another_row_taints_nobody(taint: int) -> None:
    given = [Given(taint=taint), Given(rank=1), Given(path=1), Given(lacks=frozenset({0}), path=2)]
    (rejected, counted), _ = fates(given, _recipe(None, "strict"))
    assert {reason for _, reason, *_ in rejected.values()} == {"exact_duplicate"}
    assert counted == {}


@pytest.mark.parametrize("taint", [LIES_IN, HEADER])
def test_without_near_duplicates_only_the_same_content_is_a_copy(taint: int) -> None:
    given = [Given(taint=taint), Given(path=1), Given(path=1, shouts=True), Given(lacks=frozenset({0}))]
    (rejected, _), _ = fates(given, _recipe(None, "strict"))
    assert set(rejected) == {1 << 32}


def test_no_documents_have_no_fates() -> None:
    assert fates([], _recipe(NEAR, "strict"))[0] == ({}, {})

"""Duplicates, copies and held-out documents, step by step on real shards, against plain Python.

What judge would leave behind is written by hand, so that each document has the taint that a test gives it. All stand in
one bucket and meet each other, so nothing hangs on the luck of band keys.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from manifests.document import Document
from manifests.record import Record, write_record
from manifests.storage import Storage
from pipeline.pass_1_ingest import PLACES
from pipeline.pass_2_copies import COPY_SIMILARITY
from pipeline.pass_2_groups import CONTENTS
from pipeline.plan import Plan, Shard
from pipeline.recipe import Licences, Recipe, Source
from pipeline.recipe_duplicates import Deduplication, NearDuplicates
from pipeline.recipe_opt_out import OptOut
from pipeline.shards import shard_rows
from pipeline.sketches import sketching
from pipeline.steps import UnitContext
from pipeline.units import Mill, run_unit, step_named
from stages.exchange import block_of_hash
from stages.release_index import SKETCHES
from stages.taint import HEADER, LIES_IN, OPTED_OUT

NUM_UNITS = 2
KEYS = (3, 1 << 63)  # two buckets, in two slices: both hold every document
WORDS = [f"word{number}" for number in range(20)]
NEAR = NearDuplicates(ngram_words=1, candidates_per_bucket=100)
STEPS = ("group", "pair", "sign", "sift", "shingle", "verify", "second_round", "third_round", "last_rounds", "resolve")


@dataclass(frozen=True)
class Given:
    """A document: the words it lacks of `WORDS`, and what judge said of it."""

    lacks: frozenset[int] = frozenset()
    taint: int = 0
    rank: int = 0
    path: int = 0
    shouts: bool = False  # another content, the same words
    held_out: bool = False

    @property
    def text(self) -> str:
        words = " ".join(word for number, word in enumerate(WORDS) if number not in self.lacks)
        return words.upper() if self.shouts else words

    @property
    def full_rank(self) -> int:
        return self.rank | (not self.held_out) << 63

    def similarity(self, other: "Given") -> float:
        mine, theirs = set(self.text.lower().split()), set(other.text.lower().split())
        return len(mine & theirs) / len(mine | theirs)


Fate = tuple[str, str, str, float | None]  # stage, reason, id of the twin, similarity
Counted = tuple[str, str, float]  # id, id of the twin, similarity
Fates = tuple[dict[int, Fate], dict[int, Counted]]  # rejected, counted; by ref
Row = tuple[int, str, int, Given]  # rank, id, ref

GIVEN = st.lists(
    st.builds(
        Given,
        lacks=st.frozensets(st.integers(0, 4), max_size=5),
        taint=st.sampled_from([0, 0, 0, 0, LIES_IN, HEADER, OPTED_OUT]),
        rank=st.integers(0, 2),
        path=st.integers(0, 3),
        shouts=st.booleans(),
        held_out=st.sampled_from([False, False, True]),
    ),
    max_size=14,
)


class Copies:
    """The steps of pass 2 after judge, run over some documents."""

    def __init__(self, folder: Path, given: Sequence[Given], recipe: Recipe, *, num_slices: int = 2) -> None:
        units = [given[unit::NUM_UNITS] for unit in range(NUM_UNITS)]
        shards = [[_shard(folder, number, rows)] for number, rows in enumerate(units)]
        self.documents = [list(zip(_read(recipe, s), r, strict=True)) for [s], r in zip(shards, units, strict=True)]
        self._sketch = sketching(recipe.deduplication.near)
        self._mill = Mill(recipe, Plan(shards, 1, num_slices), Storage(str(folder / "work")))

    def fates(self) -> Fates:
        self.unresolved = 0
        for unit, documents in enumerate(self.documents):
            self._ingested(unit, [document for document, _ in documents])
            self._judged(unit, documents)
        for name in STEPS:
            step = step_named(name)
            self.records = [
                run_unit(self._mill, step, unit, lambda _bytes: None) for unit in range(step.num_units(self._mill.plan))
            ]
            assert [record.failure for record in self.records if record.failure] == []
            self.unresolved += sum(int(record.counts.get("unresolved", 0)) for record in self.records)  # type: ignore[call-overload]
            self._mill.records(step, fresh=True)
        rejected = {
            unit << 32 | row["ordinal"]: (row["stage"], row["reason"], (row["twin"] or b"").hex(), row["similarity"])
            for unit in range(NUM_UNITS)
            for row in self._left("duplicates", unit)
        }
        counted = {
            unit << 32 | row["ordinal"]: (row["id"].hex(), row["twin"].hex(), row["similarity"])
            for unit in range(NUM_UNITS)
            for row in self._left("copies", unit)
        }
        return rejected, counted

    def counts(self) -> dict[str, int]:
        copies = [record.counts["copies"] for record in self.records]
        assert all(isinstance(count, dict) for count in copies)
        return {name: sum(count[name] for count in copies) for name in copies[0]}  # type: ignore[index, misc]

    def _left(self, table: str, unit: int) -> list[dict[str, Any]]:
        outputs = [record.outputs[table] for record in self.records]
        data = [self._mill.work.read_range(o.file, s.offset, s.length) for o in outputs for s in o.blocks[unit]]
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
        with context.blocks("sketches", SKETCHES) as sketches:
            rows = [self._sketch(document.text.encode())._asdict() for document in documents]
            sketches.write(pa.Table.from_pylist(rows, schema=SKETCHES))
        self._written(context)

    def _judged(self, unit: int, documents: list[tuple[Document, Given]]) -> None:
        context = self._context("judge", unit)
        contents = []
        for ordinal, (document, row) in enumerate(documents):
            sketch = self._sketch(document.text.encode())
            item = {
                "key": sketch.key,
                "id": bytes.fromhex(document.id),
                "content": int.from_bytes(sketch.content_hash[:8], "big"),
                "ref": unit << 32 | ordinal,
                "rank": row.full_rank,
                "taint": row.taint,
                "bands": None if sketch.bands is None else KEYS,
            }
            contents.append(dict.fromkeys(CONTENTS.names, 0) | item)
        slices = self._mill.plan.num_slices
        with context.blocks("contents", CONTENTS, num_blocks=slices) as out:
            highs = np.array([int.from_bytes(item["key"][:8], "big") for item in contents], dtype=np.uint64)  # type: ignore[index]
            out.write(pa.Table.from_pylist(contents, schema=CONTENTS), block_of_hash(highs, slices))
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


def _recipe(
    near: NearDuplicates | None, copies: Literal["count", "strict"], near_copies: Literal["remove", "keep"] = "remove"
) -> Recipe:
    return Recipe(
        name="copies",
        version="0.1.0",
        sources=[Source(name="code", format="stack-v2", paths=["*"], kind="code")],
        deduplication=Deduplication(near=near),
        licences=Licences(copies=copies),
        opt_out=OptOut(registry="opt-outs", near_copies=near_copies if near else "keep"),
    )


class Expected:
    """What should come out; `minimum` None is without near duplicates."""

    def __init__(self, units: list[list[tuple[Document, Given]]], minimum: float | None, recipe: Recipe) -> None:
        self._minimum = minimum
        assert recipe.opt_out is not None
        self._all_near = recipe.opt_out.near_copies == "remove"
        self.rejected: dict[int, Fate] = {}
        self._about: dict[int, tuple[Given, bool]] = {}  # by ref: the row, and whether its document came before
        rows = [
            (row.full_rank, document.id, unit << 32 | ordinal, row)
            for unit, documents in enumerate(units)
            for ordinal, (document, row) in enumerate(documents)
        ]
        rows.sort(key=lambda item: item[:3])
        self._survivors = list(self._without_opted_out(rows))
        alive = {item[1] for item in self._survivors}
        self._winners = self._first_of_groups(self._survivors)
        taints = (OPTED_OUT, HEADER, LIES_IN) if self._all_near else (HEADER, LIES_IN)
        self._tainters = self._first_of_groups(
            [item for taint in taints for item in rows if item[3].taint == taint and item[1] not in alive]
        )
        self.counted: dict[int, Counted] = {}
        self.twins: dict[int, dict[str, float]] = {}  # by ref of a near duplicate, those that it may name
        for winner in self._winners.values():
            self._copy(winner, strict=recipe.licences.copies == "strict")
        self._near()
        self._losers()
        self._held_names = {row[1] for row in self._winners.values() if row[3].held_out}
        self.counted = {ref: copy for ref, copy in self.counted.items() if ref not in self.rejected}

    def _without_opted_out(self, rows: list[Row]) -> Iterator[Row]:
        """Survivors but those that equal a document which opted out; these go with the best-ranked such one."""
        same = self._group if self._all_near else lambda row: row.text
        named: dict[str, str] = {}
        for _, identifier, _, row in rows:
            if row.taint == OPTED_OUT:
                named.setdefault(same(row), identifier)
        for item in rows:
            twin = named.get(same(item[3]))
            if twin is not None and not item[3].taint:
                self.rejected[item[2]] = ("opt_out", "copy_of_opted_out", twin, 1.0)
            elif not item[3].taint:
                yield item

    def _group(self, row: Given) -> str:
        return row.text if self._minimum is None else row.text.lower()

    def _first_of_groups(self, rows: list[Row]) -> dict[str, Row]:
        first: dict[str, Row] = {}
        for row in rows:
            first.setdefault(self._group(row[3]), row)
        return first

    def _copy(self, winner: Row, *, strict: bool) -> None:
        _, identifier, ref, row = winner
        found = []
        for group, (_, twin, _, tainter) in self._tainters.items():
            near = 0.0 if self._minimum is None else row.similarity(tainter)
            similarity = 1.0 if group == self._group(row) else near
            if similarity >= COPY_SIMILARITY:
                found.append((-tainter.taint, -similarity, twin))
        if not found:
            return
        same = self._tainters.get(self._group(row))
        if same is not None and (
            strict or same[3].taint == HEADER
        ):  # a document that goes for its own words is compared with no others
            found = [(-same[3].taint, -1.0, same[1])]
        taint, distance, twin = min(found)
        if taint == -OPTED_OUT:
            self.rejected[ref] = ("opt_out", "copy_of_opted_out", twin, -distance)
        elif taint == -HEADER:
            self.rejected[ref] = ("licence", "tainted_by_copy", twin, -distance)
        elif strict:
            self.rejected[ref] = ("licence", "copy_lies_under_other_licence", twin, -distance)
        else:
            self.counted[ref] = (identifier, twin, -distance)

    def _near(self) -> None:
        kept: list[Row] = []
        for winner in self._winners.values():
            _, _, ref, row = winner
            if ref in self.rejected:
                continue
            likeness = {other[1]: row.similarity(other[3]) for other in kept}
            twins = {name: one for name, one in likeness.items() if self._minimum and one >= self._minimum}
            if twins:
                self.twins[ref] = twins
                self.rejected[ref] = ("", "near", "", None)
            else:
                kept.append(winner)
                if row.held_out:
                    self.rejected[ref] = ("held_out", "held_out", "", None)

    def _losers(self) -> None:
        seen: set[tuple[str, str]] = set()
        for _, identifier, ref, row in self._survivors:
            _, twin, winner, best = self._winners[self._group(row)]
            repeated = (self._group(row), identifier) in seen
            self._about[ref] = (row, repeated)
            seen.add((self._group(row), identifier))
            if ref == winner:
                continue
            fate = self.rejected.get(winner)
            own = "repeated_row" if repeated else "exact_duplicate" if row.text == best.text else "same_shingles"
            if fate is not None and fate[1] == "held_out" and not row.held_out and not repeated:
                self.rejected[ref] = ("held_out", "near_held_out", twin, 1.0)
            elif fate is None or fate[1] == "held_out":
                self.rejected[ref] = ("deduplicate", own, twin, 1.0)
            else:
                self.rejected[ref] = fate
                if fate[1] == "near":
                    self.twins[ref] = self.twins[winner]

    def hold(self, rejected: dict[int, Fate]) -> None:
        """Assert that fates are those expected; which of several twins a near duplicate names is left open."""
        assert rejected.keys() == self.rejected.keys()
        for ref, fate in rejected.items():
            if self.rejected[ref][1] == "near":
                assert fate[3] == self.twins[ref][fate[2]]
                own, repeated = self._about[ref]
                leaks = fate[2] in self._held_names and not own.held_out
                assert fate[1] == ("repeated_row" if repeated else "near_held_out" if leaks else "near_duplicate")
            else:
                assert fate == self.rejected[ref]


def fates(given: Sequence[Given], recipe: Recipe, *, num_slices: int = 2) -> tuple[Fates, Copies]:
    with TemporaryDirectory() as folder:
        copies = Copies(Path(folder), given, recipe, num_slices=num_slices)
        return copies.fates(), copies


@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    GIVEN,
    st.sampled_from([None, 0.7, 0.9, 0.95]),
    st.sampled_from(["count", "strict"]),
    st.sampled_from(["remove", "keep"]),
    st.sampled_from([1, 3]),
)
@example([Given(taint=LIES_IN, path=1), Given(lacks=frozenset({0}))], 0.95, "count", "keep", 1)
@example(
    [Given(taint=HEADER, path=1), Given(), Given(path=2), Given(lacks=frozenset({0, 1, 2}))], 0.7, "count", "keep", 3
)
@example(
    [Given(taint=OPTED_OUT), Given(rank=1), Given(shouts=True), Given(lacks=frozenset({0}))], 0.7, "count", "keep", 3
)
def test_duplicates_and_copies_are_those_of_plain_python(
    given: list[Given],
    minimum: float | None,
    copies: Literal["count", "strict"],
    near_copies: Literal["remove", "keep"],
    num_slices: int,
) -> None:
    near = None if minimum is None else NEAR.model_copy(update={"minimum_similarity": minimum})
    recipe = _recipe(near, copies, near_copies)
    (rejected, counted), made = fates(given, recipe, num_slices=num_slices)
    expected = Expected(made.documents, minimum, recipe)
    expected.hold(rejected)
    assert counted == expected.counted


@settings(max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(GIVEN, st.sampled_from([0.7, 0.9]))
def test_slices_make_no_difference(given: list[Given], minimum: float) -> None:
    recipe = _recipe(NEAR.model_copy(update={"minimum_similarity": minimum}), "count")
    assert fates(given, recipe, num_slices=1)[0] == fates(given, recipe, num_slices=3)[0]


def test_what_is_like_a_held_out_document_leaves_training() -> None:
    """The held-out one has the worst rank of all, and still stays; its twin among held-out ones is a mere duplicate."""
    given = [
        Given(lacks=frozenset({0}), held_out=True, rank=2),
        Given(),
        Given(lacks=frozenset({0, 1}), held_out=True, path=3, rank=3),
        Given(lacks=frozenset({0}), shouts=True),
    ]
    (rejected, _), made = fates(given, _recipe(NEAR, "count"))
    held = made.documents[0][0][0].id
    assert rejected == {
        0: ("held_out", "held_out", "", None),
        1 << 32: ("held_out", "near_held_out", held, 0.95),
        1: ("deduplicate", "near_duplicate", held, 18 / 19),
        1 << 32 | 1: ("held_out", "near_held_out", held, 1.0),
    }


def test_a_copy_of_a_header_goes_and_stands_as_nobodys_twin() -> None:
    """The second is 0.95 like the header, the third 0.85: it outlives the second, of which it is a near duplicate."""
    lacking = frozenset({0, 1, 2})
    given = [Given(taint=HEADER), Given(lacks=frozenset({0})), Given(lacks=lacking, rank=1), Given(lacks=lacking)]
    (rejected, counted), made = fates(given, _recipe(NEAR, "count"))
    header = made.documents[0][0][0].id
    assert rejected.pop(1 << 32) == ("licence", "tainted_by_copy", header, 0.95)
    assert [reason for _, reason, *_ in rejected.values()] == ["repeated_row"]
    assert counted == {}


def test_copies_of_what_opted_out_go_held_out_or_not_and_remove_nothing() -> None:
    """Equal and nine tenths like it; what is less like it outlives both, though they would have ranked before it."""
    lacking = frozenset({0, 1, 2})
    given = [
        Given(taint=OPTED_OUT, rank=2),
        Given(shouts=True),
        Given(lacks=frozenset({0}), held_out=True),
        Given(lacks=lacking, rank=1, path=1),
        Given(path=2, held_out=True),
    ]
    (rejected, _), made = fates(given, _recipe(NEAR, "count"))
    named = made.documents[0][0][0].id
    assert rejected == {
        1 << 32: ("opt_out", "copy_of_opted_out", named, 1.0),
        1: ("opt_out", "copy_of_opted_out", named, 0.95),
        2: ("opt_out", "copy_of_opted_out", named, 1.0),
    }


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


def test_equals_of_a_held_out_document_that_is_a_duplicate_leave_as_copies_of_what_is_held_out() -> None:
    given = [
        Given(lacks=frozenset({0}), held_out=True),
        Given(lacks=frozenset({0, 1}), held_out=True, path=1, rank=1),
        Given(lacks=frozenset({0, 1}), shouts=True),
    ]
    (rejected, _), made = fates(given, _recipe(NEAR, "count"))
    held = made.documents[0][0][0].id
    assert rejected[1 << 32] == ("deduplicate", "near_duplicate", held, 18 / 19)
    assert rejected[1] == ("held_out", "near_held_out", held, 18 / 19)


def test_beyond_so_many_open_edges_what_is_open_stays_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five documents, each like the next alone: rounds decide four of them."""
    chain = [Given(lacks=frozenset({n, n + 1, n + 2}), rank=n) for n in range(0, 17, 1)]
    recipe = _recipe(NEAR.model_copy(update={"minimum_similarity": 0.85}), "count")
    (decided, _), _ = fates(chain, recipe)
    monkeypatch.setattr("pipeline.pass_2_rounds._MOST_EDGES", 0)
    (left, _), made = fates(chain, recipe)
    assert made.unresolved > 0
    assert len(left) < len(decided)
    assert left.items() <= decided.items()


def test_no_documents_have_no_fates() -> None:
    assert fates([], _recipe(NEAR, "strict"))[0] == ({}, {})

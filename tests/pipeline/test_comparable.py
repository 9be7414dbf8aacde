"""What goes on to the steps for duplicates, and at which rank."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from filters.licence_policy import NO_LICENCE, LicenceDecision
from manifests.storage import Storage
from pipeline.comparable import Comparable, Judged
from pipeline.measuring import ROWS
from pipeline.pass_2_groups import CONTENTS
from pipeline.pass_2_repositories import FORKS
from pipeline.plan import Plan
from pipeline.recipe import Recipe, Source
from pipeline.recipe_duplicates import Deduplication, HeldOut, NearDuplicates
from pipeline.recipe_opt_out import OptOut
from pipeline.repository_files import hash_of_repository
from pipeline.sketches import sketching
from pipeline.steps import UnitContext
from stages.exchange import Block, table_of
from stages.ranks import is_held_out
from stages.release_index import SKETCHES
from stages.taint import HEADER, LIES_IN, OPTED_OUT

Row = dict[str, Any]
Compared = Callable[..., list[Row]]
SOURCES = ("stack", "pile")
ROW = {
    "id": bytes(16),
    "num_bytes": 10,
    "kind": "code",
    "source": "stack",
    "subset": "",
    "language": "Python",
    "repo": "",
    "revision": "",
    "stars": 0,
    "recency": 0,
}
UNIT = 3


def recipe_of(**sections: Any) -> Recipe:
    sources = [Source(name=name, format="stack-v2", paths=["*"], kind="code") for name in SOURCES]
    return Recipe(name="compared", version="0.1.0", sources=sources, **sections)


def decision(licence: str = "MIT", *, rejected: str | None = None, taints: Any = "") -> LicenceDecision:
    return LicenceDecision(licence, licence, rejected, "", taints)


@pytest.fixture
def compared(tmp_path: Path) -> Compared:
    """Rows of `CONTENTS` of some documents: (facts, text, decision, whether it survives)."""

    def run(
        *documents: tuple[Row, str, LicenceDecision, bool],
        forks: tuple[tuple[str, str, int], ...] = (),
        first: int = 0,
        opted_out: Sequence[int] = (),
        **sections: Any,
    ) -> list[Row]:
        recipe = recipe_of(**sections)
        context = UnitContext(
            recipe, Plan([], 1, 1), UNIT, Storage(str(tmp_path)), "judge", {}, {}, {}, {}, lambda _bytes: None
        )
        with context.blocks("forks", FORKS) as out:
            out.write(table_of(forks, FORKS))
        written = context.outputs["forks"]
        context.inputs = {"forks": [Block(0, written.file, tuple(written.blocks[0]))]}
        sketch = sketching(recipe.deduplication.near)
        table = Comparable(context).table(
            pa.Table.from_pylist([ROW | facts for facts, *_ in documents], schema=ROWS),
            pa.Table.from_pylist([sketch(text.encode())._asdict() for _, text, *_ in documents], schema=SKETCHES),
            Judged(
                [decided for _, _, decided, _ in documents],
                np.array([survives for *_, survives in documents], dtype=np.bool_),
                np.isin(np.arange(len(documents)), opted_out),
            ),
            first=first,
        )
        assert table.schema == CONTENTS
        rows: list[Row] = table.to_pylist()
        return rows

    return run


def kept(text: str = "a", licence: str = "MIT", **facts: Any) -> tuple[Row, str, LicenceDecision, bool]:
    return facts, text, decision(licence), True


def ranked(rows: list[Row]) -> list[str]:
    """Names of the kinds of documents, best rank first; equal ranks stand in one name."""
    names: dict[int, list[str]] = {}
    for row in rows:
        names.setdefault(row["rank"], []).append(row["id"].rstrip(b"\0").decode())
    return [" ".join(sorted(names[rank])) for rank in sorted(names)]


def named(name: str) -> bytes:
    return name.encode().ljust(16, b"\0")


def held_out(rows: list[Row]) -> list[bool]:
    found: list[bool] = is_held_out(np.array([row["rank"] for row in rows], dtype=np.uint64)).tolist()
    return found


def test_a_better_licence_beats_stars_and_none_is_worst(compared: Compared) -> None:
    rows = compared(
        kept(licence="MIT", id=named("mit")),
        kept(licence="MIT OR GPL-3.0-only", id=named("choice"), stars=5),
        kept(licence="CC-BY-SA-4.0", id=named("share-alike"), stars=5),
        kept(licence="LicenseRef-own", id=named("own"), stars=5),
        kept(licence=NO_LICENCE, id=named("no-licence"), stars=9),
        kept(licence="", id=named("nothing"), stars=9),
    )
    assert ranked(rows) == ["mit", "choice own share-alike", "no-licence nothing"]


def test_a_copy_of_a_repository_ranks_behind_all_of_its_licence(compared: Compared) -> None:
    of = hash_of_repository("a/x", "r1")
    rows = compared(
        kept(id=named("original"), repo="a/x", revision="r1"),
        kept(id=named("copy"), repo="b/x", revision="r1", stars=9),
        kept(id=named("other-revision"), repo="b/x", revision="r2"),
        kept(id=named("none"), licence=""),
        forks=(("b/x", "r1", of), ("b/x", "r1", of + 1)),
    )
    assert ranked(rows) == ["original other-revision", "copy", "none"]
    assert [row["copy_of"] for row in rows] == [0, of, 0, 0]  # of two, the smaller hash
    expected = [hash_of_repository("a/x", "r1"), hash_of_repository("b/x", "r1"), hash_of_repository("b/x", "r2"), 0]
    assert [row["repository"] for row in rows] == expected


@pytest.mark.parametrize(
    ("keep", "order"),
    [
        (["stars", "recency", "length"], ["starred", "recent", "long", "plain"]),
        (["length", "stars"], ["long", "starred", "plain recent"]),
        ([], ["long plain recent starred"]),
    ],
)
def test_the_recipe_orders_what_else_is_equal(keep: list[Any], order: list[str], compared: Compared) -> None:
    documents = [
        kept(id=named("starred"), stars=1),
        kept(id=named("recent"), recency=9),
        kept(id=named("long"), num_bytes=99),
        kept(id=named("plain")),
    ]
    assert ranked(compared(*documents, deduplication=Deduplication(keep=keep))) == order


def test_survivors_and_tainting_documents_go_on_at_their_places(compared: Compared) -> None:
    documents = [
        kept(),
        ({}, "b", decision(rejected="licence_not_allowed", taints="lies_in"), False),
        ({}, "c", decision(rejected="licence_not_allowed"), False),
        ({}, "d", decision(taints="header"), False),  # rejected for something else
        ({}, "e", decision(rejected="licence_not_allowed", taints="header"), False),
        ({}, "f", decision(taints="header"), True),
    ]
    rows = compared(*documents, first=100)
    assert [(row["ref"], row["taint"]) for row in rows] == [
        (UNIT << 32 | 100, 0),
        (UNIT << 32 | 101, LIES_IN),
        (UNIT << 32 | 104, HEADER),
        (UNIT << 32 | 105, 0),
    ]


@pytest.mark.parametrize(("near_copies", "more"), [("remove", []), ("keep", [(1, LIES_IN)])])
def test_who_opted_out_with_all_copies_goes_on_as_that(
    near_copies: Any, more: list[tuple[int, int]], compared: Compared
) -> None:
    """Where near copies stay they may still go for the licence; who asked for a place alone leaves no mark."""
    documents = [
        ({}, "a", decision(), False),
        ({}, "b", decision(rejected="licence_not_allowed", taints="lies_in"), False),
        ({}, "c", decision(), False),
        kept("d"),
    ]
    rows = compared(*documents, opted_out=[0, 1], opt_out=OptOut(registry="x", near_copies=near_copies))
    expected = [(0, OPTED_OUT), (1, OPTED_OUT), (3, 0), *more]
    assert sorted((row["ref"] & 0xFF, row["taint"]) for row in rows) == sorted(expected)


TEXTS = [f"one two three four five {number}" for number in range(2_000)]


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 1.0])
def test_a_fraction_is_held_out(fraction: float, compared: Compared) -> None:
    found = held_out(compared(*map(kept, TEXTS), held_out=HeldOut(fraction=fraction)))
    assert np.mean(found) == pytest.approx(fraction, abs=0.03 if 0 < fraction < 1 else 0)


def test_more_is_held_out_of_a_larger_fraction_and_others_by_another_seed(compared: Compared) -> None:
    choices = HeldOut(fraction=0.1), HeldOut(fraction=0.3), HeldOut(fraction=0.1, seed=1)
    few, many, others = (np.array(held_out(compared(*map(kept, TEXTS), held_out=choice))) for choice in choices)
    assert not (few & ~many).any()
    assert few.sum() > 100 > 3 * (few & others).sum()


def test_subsets_have_fractions_of_their_own_and_languages_where_there_is_none(compared: Compared) -> None:
    documents = [
        kept("a", subset="Github"),
        kept("b", subset="Github", language="C"),
        kept("c", language="C"),
        kept("d", subset="Books", language="C"),
        kept("e"),
    ]
    choice = HeldOut(fraction=0.0, subsets={"Github": 1.0, "C": 1.0})
    assert held_out(compared(*documents, held_out=choice)) == [True, True, True, False, False]
    spared = HeldOut(fraction=1.0, subsets={"Github": 0.0})
    assert held_out(compared(*documents, held_out=spared)) == [False, False, True, True, True]


def test_a_whole_source_is_held_out(compared: Compared) -> None:
    documents = [kept("a", source="pile"), kept("b"), kept("b", source="pile")]
    assert held_out(compared(*documents, held_out=HeldOut(sources=["pile"]))) == [True, False, True]
    assert held_out(compared(*documents)) == [False, False, False]


@pytest.mark.parametrize("near", [None, NearDuplicates()])
def test_equal_documents_are_held_out_together(near: NearDuplicates | None, compared: Compared) -> None:
    """Of the same words or, without near duplicates, of the same content."""
    documents = [
        kept(text, subset=subset, stars=stars) for text in TEXTS[:200] for subset, stars in (("a", 0), ("b", 9))
    ]
    documents += [kept(text if near is None else text.upper()) for text in TEXTS[:200]]
    deduplication = Deduplication(near=near)
    found = held_out(compared(*documents, held_out=HeldOut(fraction=0.5), deduplication=deduplication))
    assert found[:400:2] == found[1:400:2] == found[400:]
    assert 50 < sum(found[400:]) < 150


@pytest.mark.parametrize("change", [{"kind": "text"}, {"subset": "a"}, {"language": "C"}])
def test_rows_of_one_document_that_differ_have_ties_of_their_own(change: Row, compared: Compared) -> None:
    one, again, other, licence = compared(kept(), kept(), kept(**change), kept(licence="ISC"))
    assert one["tie"] == again["tie"]
    assert len({one["tie"], other["tie"], licence["tie"]}) == 3


def test_no_documents_make_an_empty_table(compared: Compared) -> None:
    assert compared() == []

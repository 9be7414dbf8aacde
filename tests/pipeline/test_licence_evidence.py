"""The pieces of evidence of one row, put together from what others found."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from filters.licence_evidence import Evidence
from filters.licence_expressions import MAXIMUM_EXPRESSION_CHARACTERS
from filters.notices import MAXIMUM_NOTICES, text_key
from pipeline.licence_evidence import COLUMNS, Said, Witnesses, evidence_rows
from pipeline.measuring import ROWS
from pipeline.pass_2_licences import UNDECIDED
from pipeline.recipe import Recipe, Source
from stages.attribution import EVIDENCE
from stages.licence_detection import Detection

SCHEMA = pa.schema([ROWS.field(name) for name in COLUMNS])
ROW: dict[str, Any] = {
    "kind": "code",
    "source": "stack",
    "subset": "",
    "repo": "a/b",
    "revision": "r1",
    "path": "src/x.py",
    "licence_metadata": "",
    "licence_metadata_where": "",
    "licence_tags": "",
    "licence_tags_where": "",
    "notices": [],
    "notice_lines": [],
    "notices_at_end": [],
    "notices_complete": True,
}
GRANT = Detection("MIT", "MIT", 0.9)
MENTION = Detection("GPL-2.0-only", "", 0.8)
BOTH = Detection("ISC AND Zlib", "Zlib", 0.7)
NOTHING = Detection()
UNKNOWN = Detection(decided=False)
ANSWERS = {"grant": GRANT, "mention": MENTION, "both": BOTH, "nothing": NOTHING, "unknown": UNKNOWN}
ANSWERS |= {f"half {number}": Detection(f"LicenseRef-{number}{'x' * 900}") for number in range(9)}
GOVERNED = {
    "repo": "a/b",
    "revision": "r1",
    "directory": "src",
    "kind": "licence_file",
    "expression": "Apache-2.0",
    "where": "LICENSE",
    "confidence": 0.95,
}
SOURCES = [
    Source(name="stack", format="stack-v2", paths=["*"], kind="code"),
    Source(name="own", format="stack-v2", paths=["*"], kind="code", declared_licence="BSD-3-Clause"),
    Source(
        name="pile",
        format="pile",
        paths=["*"],
        kind="text",
        declared_licence="MIT",
        subset_licences={"PubMed Central": "CC-BY-4.0"},
    ),
]


def said(governed: Sequence[Mapping[str, Any]] = (), **changed: Any) -> Said:
    [found] = all_said([changed], governed)
    return found


def all_said(rows: Sequence[dict[str, Any]], governed: Sequence[Mapping[str, Any]] = ()) -> list[Said]:
    recipe = Recipe(name="small", version="0.1.0", sources=SOURCES)
    answers = {text_key(name): answer for name, answer in (ANSWERS | {"long": Detection(LONG, LONG)}).items()}
    table = pa.Table.from_pylist([ROW | row for row in rows], schema=SCHEMA)
    return list(Witnesses(recipe, answers, map(dict, governed)).of(table))


def noticed(*names: str, at_end: bool = True, **changed: Any) -> dict[str, Any]:
    return {
        "notices": [text_key(name) for name in names],
        "notice_lines": [10 * (place + 1) for place in range(len(names))],
        "notices_at_end": [at_end] * len(names),
    } | changed


def test_a_row_of_which_nobody_speaks_has_no_evidence() -> None:
    assert said() == Said((), "")


def test_kinds_come_from_the_strongest_to_the_weakest() -> None:
    manifest = GOVERNED | {"kind": "manifest", "expression": "MIT", "where": "package.json", "confidence": 1.0}
    row = noticed("grant", licence_metadata="ISC", licence_metadata_where="gha_license_id", source="own")
    found = said([GOVERNED, manifest], **row)
    assert found.evidence == (
        Evidence("header", "MIT", "line 10", 0.9),
        Evidence("licence_file", "Apache-2.0", "LICENSE", 0.95),
        Evidence("manifest", "MIT", "package.json", 1.0),
        Evidence("metadata", "ISC", "gha_license_id"),
        Evidence("source", "BSD-3-Clause", "recipe"),
    )


@pytest.mark.parametrize(
    ("names", "at_end", "expression", "where", "confidence"),
    [
        (["grant"], True, "MIT", "line 10", 0.9),
        (["grant"], False, "MIT", "line 10", 0.9),
        (["mention"], True, "GPL-2.0-only", "line 10", 0.8),
        (["both"], True, "ISC AND Zlib", "line 10", 0.7),
        (["both"], False, "Zlib", "line 10", 0.7),
        (["nothing", "grant", "mention"], True, "MIT AND GPL-2.0-only", "lines 20, 30", 0.8),
        (["mention", "grant"], False, "MIT", "line 20", 0.9),
        (["grant", "nothing", "grant"], True, "MIT", "lines 10, 30", 0.9),
        (["unknown"], True, UNDECIDED, "line 10", 1.0),
        (["unknown"], False, UNDECIDED, "line 10", 1.0),
        (["grant", "unknown"], False, f"MIT AND {UNDECIDED}", "lines 10, 20", 0.9),
    ],
)
def test_notices_of_a_row_are_one_piece(
    names: list[str], at_end: bool, expression: str, where: str, confidence: float
) -> None:
    assert said(**noticed(*names, at_end=at_end)).evidence == (Evidence("header", expression, where, confidence),)


@pytest.mark.parametrize(("names", "at_end"), [(["mention"], False), (["nothing"], True), (["nothing"], False)])
def test_a_mention_in_the_middle_and_an_empty_answer_are_no_header(names: list[str], at_end: bool) -> None:
    assert said(**noticed(*names, at_end=at_end)).evidence == ()


def test_tags_and_notices_hold_together() -> None:
    found = said(**noticed("grant", licence_tags="ISC", licence_tags_where="lines 3, 10"))
    [piece] = found.evidence
    assert piece == Evidence("header", "ISC AND MIT", "lines 3, 10", 0.9)
    [piece] = said(licence_tags="MIT", licence_tags_where="line 3").evidence
    assert piece == Evidence("header", "MIT", "line 3", 1.0)


def test_what_is_said_twice_counts_once() -> None:
    [piece] = said(**noticed("grant", licence_tags="mit", licence_tags_where="line 1")).evidence
    assert piece.expression == "mit"


def test_more_notices_than_were_looked_at_leave_it_undecided() -> None:
    [piece] = said(**noticed("grant", notices_complete=False)).evidence
    assert piece.expression == f"MIT AND {UNDECIDED}"
    [piece] = said(notices_complete=False).evidence
    assert (piece.expression, piece.where) == (UNDECIDED, f"more than {MAXIMUM_NOTICES} notices")


def test_of_many_places_the_first_eight_are_named() -> None:
    [piece] = said(**noticed(*["grant"] * 20)).evidence
    assert piece.where == "lines 10, 20, 30, 40, 50, 60, 70, 80"


@pytest.mark.parametrize(
    "changed", [{"repo": "a/c"}, {"revision": "r2"}, {"path": "x.py"}, {"path": "src/deep/x.py"}, {"repo": ""}]
)
def test_what_governs_another_place_does_not_speak(changed: dict[str, str]) -> None:
    assert said([GOVERNED], **changed).evidence == ()
    assert len(said([GOVERNED]).evidence) == len(said([GOVERNED], path="/src//./y.py").evidence) == 1


@pytest.mark.parametrize("metadata", ["", "NOASSERTION", "none"])
def test_metadata_may_say_nothing(metadata: str) -> None:
    assert said(licence_metadata=metadata).evidence == ()


def test_the_recipe_speaks_for_a_source_and_for_its_subsets() -> None:
    named = said(source="pile", kind="text", subset="PubMed Central", repo="", path="")
    assert [(piece.kind, piece.expression) for piece in named.evidence] == [("source", "CC-BY-4.0")]
    assert named.rejected == ""


def test_a_subset_that_is_off_is_rejected_whatever_is_said() -> None:
    off = said(
        source="pile", kind="text", subset="Books3", repo="", path="", licence_tags="MIT", licence_tags_where="line 1"
    )
    assert off.rejected
    assert [piece.kind for piece in off.evidence][:1] == ["header"]


def test_rows_keep_their_order() -> None:
    rows = [noticed("grant"), {}, noticed("mention"), {"licence_metadata": "ISC"}]
    found = [[piece.expression for piece in item.evidence] for item in all_said(rows)]
    assert found == [["MIT"], [], ["GPL-2.0-only"], ["ISC"]]


def test_pieces_are_written_with_their_ids() -> None:
    pieces = said([GOVERNED], **noticed("grant")).evidence
    table = pa.array([evidence_rows(pieces), evidence_rows(())], pa.list_(EVIDENCE))
    assert [row["id"] for row in table[0].as_py()] == [piece.id for piece in pieces]
    assert table[0].as_py()[1] == {
        "id": pieces[1].id,
        "kind": "licence_file",
        "expression": "Apache-2.0",
        "where": "LICENSE",
        "confidence": 0.95,
    }
    assert table[1].as_py() == []


LONG = " OR ".join(f"LicenseRef-{number}" for number in range(MAXIMUM_EXPRESSION_CHARACTERS // 10))


@pytest.mark.parametrize(
    ("row", "expression"),
    [
        ({"licence_tags": LONG, "licence_tags_where": "line 1"}, UNDECIDED),
        (noticed("long"), UNDECIDED),
        (noticed("long", at_end=False), UNDECIDED),
        (noticed("mention", "long"), f"GPL-2.0-only AND {UNDECIDED}"),
        (noticed(*(f"half {number}" for number in range(9))), UNDECIDED),
    ],
)
def test_a_header_that_says_more_than_can_be_read_is_undecided(row: dict[str, Any], expression: str) -> None:
    [piece] = said(**row).evidence
    assert (piece.kind, piece.expression) == ("header", expression)
